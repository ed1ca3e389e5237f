"""The folder of reports: one writer, nothing half done, and nothing published that changes."""

from pathlib import Path

import msgspec
import pytest

from features.errors import InputError
from monitoring.publishing import Issue, Plan, Site, SiteError, plan, read_issue, writing_to

MARCH = "2026-03"


def issue(number: int = 1, reason: str | None = None) -> Issue:
    return Issue(
        period=MARCH, number=number, issued_at=0, as_of=0, ledger_position=7, reason=reason
    )


def publish(out: Path, text: str, number: int = 1, reason: str | None = None) -> None:
    with writing_to(out) as site, site.fresh(MARCH) as fresh:
        (fresh / "index.html").write_text(text)
        (fresh / "summary.json").write_text("{}")
        site.seal(fresh, issue(number, reason))
        site.put_in_place(fresh, MARCH)


def test_what_is_published_is_found_again_with_its_files(tmp_path: Path) -> None:
    publish(tmp_path, "first")
    standing = Site(tmp_path).standing(MARCH)
    assert standing is not None
    assert (standing.number, sorted(standing.files)) == (1, ["index.html", "summary.json"])
    assert [path.name for path in tmp_path.iterdir()] == [MARCH]


@pytest.mark.parametrize("how", ["altered", "removed"])
def test_a_file_that_changed_since_is_named(how: str, tmp_path: Path) -> None:
    publish(tmp_path, "first")
    page = tmp_path / MARCH / "index.html"
    if how == "altered":
        page.write_text("First")
    else:
        page.unlink()
    with pytest.raises(SiteError, match=r"index\.html is not what was published .*restore"):
        Site(tmp_path).standing(MARCH)


def test_an_issue_that_is_damaged_is_named(tmp_path: Path) -> None:
    publish(tmp_path, "first")
    (tmp_path / MARCH / "issue.json").write_text("{")
    with pytest.raises(SiteError, match=r"issue\.json is damaged"):
        Site(tmp_path).standing(MARCH)


def test_every_issue_before_is_kept_and_listed(tmp_path: Path) -> None:
    publish(tmp_path, "first")
    publish(tmp_path, "second", 2, "one")
    publish(tmp_path, "third", 3, "two")
    folder = tmp_path / MARCH
    assert (folder / "index.html").read_text() == "third"
    assert (folder / "issue-1" / "index.html").read_text() == "first"
    assert (folder / "issue-2" / "index.html").read_text() == "second"
    assert not (folder / "issue-2" / "issue-1").exists()
    files = read_issue(folder).files
    assert {"issue-1/issue.json", "issue-2/index.html"} <= files.keys()


def test_two_runs_do_not_write_at_the_same_time(tmp_path: Path) -> None:
    with (
        writing_to(tmp_path),
        pytest.raises(SiteError, match="another report is being written"),
        writing_to(tmp_path),
    ):
        pass
    with writing_to(tmp_path):
        pass


def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), writing_to(tmp_path / "out") as site, site.fresh(MARCH):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_put_right(tmp_path: Path) -> None:
    """Killed while it wrote; between its two renames; and before the old one was removed."""
    publish(tmp_path, "first")
    (tmp_path / ".2026-03.abc").mkdir()
    (tmp_path / MARCH).rename(tmp_path / ".2026-03.old")
    publish_nothing(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MARCH]
    assert (tmp_path / MARCH / "index.html").read_text() == "first"
    (tmp_path / ".2026-03.old").mkdir()
    publish_nothing(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MARCH]


def publish_nothing(out: Path) -> None:
    with writing_to(out):
        pass


@pytest.mark.parametrize(
    ("standing", "over", "reason", "expected"),
    [
        (None, True, None, Plan(1, None)),
        (None, False, None, Plan(0, None)),
        (issue(0), False, None, Plan(0, None)),
        (issue(0), True, None, Plan(1, None)),
        (issue(1), True, None, None),
        (issue(1), True, " an  appeal ", Plan(2, "an appeal")),
        (issue(4), True, "again", Plan(5, "again")),
    ],
)
def test_what_is_written_next(
    standing: Issue | None, over: bool, reason: str | None, expected: Plan | None
) -> None:
    assert plan(standing, over=over, reason=reason) == expected


@pytest.mark.parametrize(
    ("standing", "reason", "said"),
    [
        (None, "why", "is for a period that is published"),
        (issue(0), "why", "is for a period that is published"),
        (issue(1), "  ", "1 to 200 characters, not 0"),
        (issue(1), "x" * 201, "not 201"),
    ],
)
def test_a_reason_that_is_none_is_refused(standing: Issue | None, reason: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        plan(standing, over=True, reason=reason)


def test_an_issue_says_what_it_is() -> None:
    assert issue(0).in_words == "Provisional, made on 1970-01-01: the period was not over."
    assert issue(1).in_words == "Issue 1, published on 1970-01-01."
    assert issue(2, "an appeal").in_words.endswith("It replaces issue 1: an appeal")
    assert msgspec.json.decode(msgspec.json.encode(issue(2, "x")), type=Issue) == issue(2, "x")
