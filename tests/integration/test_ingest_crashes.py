"""An ingest that is killed, or runs out of disk, at any point: the same command finishes it."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from features.files.mapping import read_mapping
from features.ingest import ingest
from features.keys import Keyring, PseudonymKey
from features.ledger import LedgerError, Recorded, open_ledger
from features.pseudonyms import Pseudonyms
from tests.ingest_children import Children

ARGUMENTS = ("ingest", "--kind", "vehicle", "--movements", "m.csv", "--outcomes", "o.csv")
WHOLE = (*ARGUMENTS, "--rejects", "whole.csv")


class Held(NamedTuple):
    """What a finished ingest leaves."""

    events: list[Recorded]
    lists: dict[str, str]


def _name(path: Path) -> str:
    """Without the hash of the directory that a list's name ends in."""
    return path.name if path.name.startswith("whole") else path.name.rpartition("-")[0]


class Border:
    """Two files with bad rows, duplicates and contradictions, and the child processes."""

    def __init__(self, directory: Path, children: Children) -> None:
        self.directory, self.home, self.children = directory, directory / "home", children

    def events(self) -> list[Recorded]:
        if not (self.home / "ledger.db").exists():
            return []
        with closing(open_ledger(f"sqlite:///{self.home / 'ledger.db'}")) as ledger:
            return list(ledger.tail(0))

    def held(self) -> Held:
        lists = [*(self.home / "rejects").glob("*.csv"), *self.directory.glob("whole*.csv")]
        return Held(self.events(), {_name(path): path.read_text() for path in sorted(lists)})

    def clear(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        for path in self.directory.glob("whole*"):
            path.unlink()


@pytest.fixture
def border(tmp_path: Path) -> Iterator[Border]:
    rows = [f"M{n},2026-03-01T08:{n % 60:02}:00Z,AB{n},{n + 1}\n" for n in range(900)]
    rows[7] = "M7,never,AB7,1\n"
    rows[450] = rows[3]  # a duplicate
    rows[333] = rows[5].replace("AB5", "XX5")  # contradicts row 6
    rows[777] = rows[555].replace("AB555", "XX5")
    (tmp_path / "m.csv").write_text(
        "movement_ref,declared_at,vehicle_reg,gross_mass_kg\n" + "".join(rows)
    )
    found = [f"E{n},M{n},negative,2026-03-01T{n % 24:02}:00:00Z\n" for n in range(300)]
    found[20] = "E20,M20,no_show,soon\n"
    found[150] = found[2].replace("negative", "missed")
    (tmp_path / "o.csv").write_text("event_id,movement_ref,outcome,examined_at\n" + "".join(found))
    with Children(tmp_path, tmp_path / "home") as children:
        yield Border(tmp_path, children)


def points(last: int, count: int) -> list[int]:
    """``count`` numbers from 1 to ``last``, evenly."""
    return sorted({1 + round(step * (last - 1) / (count - 1)) for step in range(count)})


def sweep(border: Border, count: int) -> int:
    """Kill at ``count`` points of each sort, run again, and compare; how many kills hit."""
    whole = border.children.run(*WHOLE)
    assert whole.status == 0, whole.error
    expected = border.held()
    assert len(expected.events) > 1_000
    assert set(expected.lists) == {
        "m-vehicle-movements",
        "o-vehicle-outcomes",
        "whole.csv",
        "whole-outcomes.csv",
    }
    assert expected.lists["m-vehicle-movements"].count("event_conflict") == 2
    where = [{"calls": n} for n in points(whole.calls, count)]
    where += [{"touches": n} for n in points(whole.touches, count)]
    where += [{"wal": 4_000 * n, "counted": 0} for n in range(count // 3)]
    where += [{"seconds": 0.006 * n, "counted": 0} for n in range(count // 3)]  # type: ignore[dict-item]
    killed = 0
    for place in where:
        border.clear()
        killed += border.children.run(*WHOLE, **place).killed
        events = border.events()
        assert events == expected.events[: len(events)], f"no prefix after a kill at {place}"
        again = border.children.run(*WHOLE, counted=0)
        assert again.status == 0, (place, again.error)
        assert border.held() == expected, place
        left = {path.name for path in (border.home / "rejects").glob("*.partial")}
        assert not left, place
    again = border.children.run(*WHOLE, counted=0)
    assert "ledger: 0 events added" in again.out
    assert border.held() == expected
    return killed


def test_killed_at_any_point_the_same_command_finishes_it(border: Border) -> None:
    assert sweep(border, 10) >= 20


@pytest.mark.slow
def test_killed_at_hundreds_of_points_the_same_command_finishes_it(border: Border) -> None:
    assert sweep(border, 160) >= 320


def test_killed_again_and_again_it_comes_to_its_end(border: Border) -> None:
    whole = border.children.run(*WHOLE)
    expected = border.held()
    border.clear()
    kills = 0
    while border.children.run(*WHOLE, calls=whole.calls // 3 + 40_000 * kills).killed:
        kills += 1
    assert kills >= 3
    assert border.held() == expected


def test_a_conflict_that_was_found_and_not_noted_is_found_again(border: Border) -> None:
    assert border.children.run(*WHOLE).status == 0
    expected = border.held()
    border.clear()
    assert border.children.run(*WHOLE, before_remembering=1).killed
    assert 300 < len(border.events()) < 1_000
    assert border.children.run(*WHOLE).status == 0
    assert border.held() == expected


def test_it_goes_on_from_the_mark_and_says_so(border: Border) -> None:
    whole = border.children.run(*ARGUMENTS)
    border.clear()
    assert border.children.run(*ARGUMENTS, touches=whole.touches * 3 // 4).killed
    before = len(border.events())
    assert 0 < before < 1_190
    done = border.children.run(*ARGUMENTS)
    assert "an earlier run had brought in " in done.out
    assert done.calls < whole.calls, "the rows before the mark were not converted again"
    added = len(border.events()) - before
    assert f"ledger: {added:,} events added, " in done.out


def test_a_file_size_limit_is_one_line_and_the_same_command_finishes_it(border: Border) -> None:
    assert border.children.run(*ARGUMENTS).status == 0
    expected = border.held()
    for largest in (40_000, 150_000, 400_000):
        border.clear()
        full = border.children.run(*ARGUMENTS, largest=largest)
        assert (full.killed, full.status, full.error.count("\n")) == (False, 2, 1)
        assert "look for a full disk" in full.error
        events = border.events()
        assert events == expected.events[: len(events)]
        assert border.children.run(*ARGUMENTS).status == 0
        assert border.held() == expected


def test_a_list_of_rejects_that_does_not_fit_leaves_nothing_behind(border: Border) -> None:
    rows = "".join(f"M{n},never,AB{n},1\n" for n in range(1_500))
    header = "movement_ref,declared_at,vehicle_reg,gross_mass_kg\n"
    good = "M,2026-03-01T08:00:00Z,AB,1\n"
    (border.directory / "m.csv").write_text(header + good + rows)
    full = border.children.run(*ARGUMENTS, largest=60_000)
    assert (full.status, full.error.count("\n")) == (2, 1)
    assert "free space" in full.error
    assert border.events() == []
    assert list((border.home / "rejects").iterdir()) == []
    assert border.children.run(*ARGUMENTS).status == 0
    assert border.held().lists["m-vehicle-movements"].count("\n") == 1_501


def test_a_full_disk_keeps_what_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.ingest.loading.ROWS_PER_COMMIT", 200)
    monkeypatch.setattr("features.files.tabular.BATCH", 100)
    rows = (f"M{n},2026-03-01T08:30:00Z,AB{n}\n" for n in range(2_000))
    (tmp_path / "m.csv").write_text("movement_ref,declared_at,vehicle_reg\n" + "".join(rows))
    pseudonyms = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
    plain = read_mapping(None, "vehicle")
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as ledger:
        connection: sqlite3.Connection = ledger._writer  # type: ignore[attr-defined]
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 120}")
        with pytest.raises(LedgerError, match="is full; free some space"):
            ingest(ledger, "vehicle", tmp_path / "m.csv", None, plain, pseudonyms)
        kept = ledger.last_position()
        assert 0 < kept < 2_000
        assert kept % 200 == 0, "whole chunks only"
        connection.execute("PRAGMA max_page_count = 1000000")
        report = ingest(ledger, "vehicle", tmp_path / "m.csv", None, plain, pseudonyms)
        assert report.appended == 2_000 - kept
        assert report.duplicates == kept
        assert report.resumed_after == kept - 200, "the last chunk's conflicts were not yet known"
        assert [event.position for event in ledger.tail(0)] == list(range(1, 2_001))
