"""The report from a real ledger, a real bundle and the audit log; Evidently once, for March."""

from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from features.clock import iso, now_micros
from features.errors import ForelandError, InputError
from features.ledger import MovementDeclared, open_ledger, open_tables
from features.rows import feature_rows
from features.settings import Settings, read_settings
from features.timeline import load_timeline
from foreland import app
from models.pins import load_pinned
from models.trust import trusted_keys
from monitoring import annex, gathering
from monitoring.periods import parse_period
from monitoring.publishing import SiteError
from monitoring.report import ReportResult, write_report
from monitoring.scored import score_period
from serving.audit import AuditRecord, AuditStream, ReportIssued, prepare, read_assessments
from serving.audit.entries import decode_record
from serving.auth.access import LOCAL
from tests.small_border import (
    TRAINED_UNTIL,
    VESSELS,
    event,
    fill_ledger,
    home_with_model,
    settings_at,
    site_of_march,
)

MARCH = parse_period("2026-03")


@pytest.fixture
def settings() -> Iterator[Settings]:
    with home_with_model() as made:
        yield made


@pytest.fixture
def no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    """The annex's process ends at once, as when Evidently cannot be imported."""
    monkeypatch.setattr(annex, "COMMAND", ("false",))


def downloads(page: Path) -> dict[str, pd.DataFrame]:
    return {file.stem: pd.read_csv(file) for file in (page.parent / "downloads").glob("*.csv")}


def of_vehicles(result: ReportResult) -> str:
    return result.page.with_name("vehicle.html").read_text()


def test_the_site_has_page_annex_downloads_and_list_of_periods() -> None:
    result = site_of_march()
    site = result.page.parent.parent
    assert result.page == site / "2026-03" / "index.html"
    assert [str(path.relative_to(site)) for path in result.annexes] == [
        "2026-03/annex/vehicle-classification.html",
        "2026-03/annex/vehicle.html",
    ]
    assert all(path.stat().st_size for path in result.paths)
    assert 'href="2026-03/index.html"' in result.list_of_periods.read_text()
    assert sorted(path.name for path in site.iterdir()) == ["2026-03", "index.html"]
    assert '<a href="annex/vehicle.html">' in of_vehicles(result)
    assert len(of_vehicles(result)) < 500_000
    vehicle, vessel, shipment = result.kinds
    assert vehicle.movements > 400
    assert vehicle.high > 10
    assert vehicle.find_rate_high > 0.2  # risky hauliers are found half of the time
    assert vessel.movements == VESSELS
    assert vessel.in_words == f"{VESSELS} movements, 0 high (find rate too few examined)"
    assert shipment.in_words == "no movements"
    assert result.simulated


def test_the_annex_says_that_it_is_simulated_and_leads_back() -> None:
    titles = ("Classification of vehicle movements of 2026-03", "Drift and summary of vehicle")
    for page, title in zip(site_of_march().annexes, titles, strict=True):
        html = page.read_text()
        assert "Simulated: vehicles of a border that does not exist." in html
        assert 'href="../index.html"' in html
        assert f"<title>{title}" in html


def test_approvals_and_their_times_come_from_pin_and_ledger() -> None:
    page = of_vehicles(site_of_march())
    assert "A. &lt;b&gt;Ahmed&lt;/b&gt;, 2026-03-02 00:00 (attributed)" in page
    assert "B. Brown &amp; Co, 2026-03-02 00:00" in page


def test_figures_add_up_to_the_ledger(settings: Settings) -> None:
    tables = downloads(site_of_march().page)
    with closing(open_ledger(settings.ledger)) as ledger:
        timeline = load_timeline(ledger, available_before=2**62)
    vehicles = timeline.of_kind("vehicle")
    march = vehicles[MARCH.covers(vehicles["available_at"].to_numpy())]
    outcomes = timeline.outcomes[timeline.outcomes["movement"].isin(march["movement"])]
    rates = tables["vehicle-find-rates"].set_index("band")
    assert rates["movements"]["all"] == len(march)
    assert rates["examined"]["all"] == len(outcomes)
    assert rates["finds"]["all"] == (outcomes["outcome"] == "positive").sum()
    how = tables["scored-how"].set_index("kind")
    assert how["back_scored"].to_dict() == {"Vehicles": len(march), "Vessels": 0}
    assert how["not_scored"].to_dict() == {"Vehicles": 0, "Vessels": VESSELS}


def test_back_scoring_sees_only_what_was_known_when_the_movement_was(settings: Settings) -> None:
    bundle = load_pinned(settings.pins, "vehicle", trusted_keys(settings))
    assert bundle is not None
    none = read_assessments(settings.ledger)
    with closing(open_ledger(settings.ledger)) as ledger:
        everything = load_timeline(ledger, available_before=2**62)
        scored = score_period(everything, none, bundle, "vehicle", MARCH)
        for place in (0, 250, len(scored.frame) - 1):
            moment = int(scored.movements["available_at"][place])
            then = load_timeline(ledger, available_before=moment)
            payloads = [scored.movements["payload"][place]]
            row = feature_rows(then, payloads, np.array([moment]), bundle.catalogue)
            assert scored.frame["probability"][place] == bundle.probabilities(row)[0]
    assert (scored.frame["as_of"] == scored.movements["available_at"]).all()


@pytest.mark.usefixtures("no_evidently")
def test_a_live_score_keeps_the_answer_that_was_given(settings: Settings) -> None:
    now = now_micros()
    declared = MovementDeclared(
        kind="vehicle", movement="live", declared_at=now, fields={"route_id": "R1"}
    )
    record = AuditRecord(
        score_id="s1",
        kind="vehicle",
        movement="live",
        movement_version=1,
        as_of=now,
        ledger_position=1,
        status="scored",
        probability=0.123,
        band="medium",
        model_version=7,
        bundle_sha256="0" * 64,
        catalogue_sha256=None,
        selection=None,
        challenger=None,
        row=None,
        body=b"{}",
    )
    with (
        closing(open_ledger(settings.ledger)) as ledger,
        ledger.transaction() as transaction,
    ):
        prepare(transaction)
        (appended,) = transaction.append([event("api", declared)])
        AuditStream("test").assessments(transaction, [(record, appended, LOCAL)])
    month = iso(appended.available_at)[:7]
    result = write_report(settings, month)
    tables = downloads(result.page)
    bands = tables["volumes"].set_index("band")["movements"].to_dict()
    assert bands == {"high": 0, "medium": 1, "low": 0, "unassessed": 0}
    assert tables["scored-how"]["live"].tolist() == [1]
    assert "version 7 answered some of this period" in of_vehicles(result)
    assert result.simulated  # the movement is recorded, but what the model learned from is not


@pytest.mark.usefixtures("no_evidently")
def test_months_the_model_learned_from_are_left_out_and_the_annex_may_fail(
    settings: Settings, tmp_path: Path
) -> None:
    result = write_report(settings, "2026-02", tmp_path)
    tables = downloads(result.page)
    assert (tables["scored-how"]["may_have_seen"] == result.kinds[0].movements).all()
    assert "vehicle-find-rates" not in tables
    page = of_vehicles(result)
    assert "The model may have learned from all" in page
    assert "no interactive annex this time: Evidently&#39;s process ended with status 1" in page
    assert result.annexes == ()


@pytest.mark.usefixtures("no_evidently")
def test_a_published_month_stays_as_it_is_until_it_is_issued_again_for_a_reason(
    settings: Settings, tmp_path: Path
) -> None:
    first = write_report(settings, None, tmp_path)
    assert first.period.name == "2026-03"  # the latest month that is over and has movements
    before = first.page.read_bytes()
    for period in (None, "2026-03"):
        again = write_report(settings, period, tmp_path)
        assert not again.new
        assert again.issue.number == 1
    assert first.page.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-03", "index.html"]
    second = write_report(settings, "2026-03", tmp_path, reissue="an appeal was upheld")
    said = second.page.read_text()
    assert "It replaces issue 1: an appeal was upheld" in said
    assert "No figure differs from issue 1, which this one replaces: an appeal was upheld" in said
    third = write_report(settings, "2026-03", tmp_path, reissue="and another")
    assert (third.issue.number, third.page) == (3, first.page)
    kept = tmp_path / "2026-03"
    assert (kept / "issue-1" / "index.html").read_bytes() == before
    assert "an appeal was upheld" in (kept / "issue-2" / "index.html").read_text()
    assert sorted(path.name for path in kept.glob("issue-*")) == ["issue-1", "issue-2"]
    assert ">issue 3<" in third.list_of_periods.read_text()
    issued = {
        sha256((kept / folder / "issue.json").read_bytes()).hexdigest(): (number, reason)
        for folder, number, reason in (
            ("issue-1", 1, None),
            ("issue-2", 2, "an appeal was upheld"),
            (".", 3, "and another"),
        )
    }
    assert issued.items() <= issues_on_record(settings).items()  # others issue months here too


def issues_on_record(settings: Settings) -> dict[str, tuple[int, str | None]]:
    """In the audit log: the digest of an issue's list of files to its number and reason."""
    with closing(open_tables(settings.ledger)) as tables:
        rows = tables.fetch("SELECT content FROM audit_records")
    entries = [decode_record(content).entry for (content,) in rows]
    return {
        one.issue_sha256: (one.issue, one.reason)
        for one in entries
        if isinstance(one, ReportIssued)
    }


@pytest.mark.usefixtures("no_evidently")
def test_a_month_that_is_not_over_is_provisional(settings: Settings, tmp_path: Path) -> None:
    this_month = iso(now_micros())[:7]
    for _ in range(2):
        result = write_report(settings, this_month, tmp_path)
        assert result.new
        assert result.issue.number == 0
    assert "Provisional, made on" in result.page.read_text()
    assert ">provisional<" in result.list_of_periods.read_text()
    with pytest.raises(InputError, match="--reissue is for a period that is published"):
        write_report(settings, this_month, tmp_path, reissue="why not")


@pytest.mark.usefixtures("no_evidently")
def test_a_report_that_is_interrupted_leaves_the_old_page_alone(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "2026-03"
    old.mkdir()
    (old / "index.html").write_text("the old page")
    (old / "summary.json").touch()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gathering.Gathering, "compute", stop)
    with pytest.raises(KeyboardInterrupt):
        write_report(settings, "2026-03", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["2026-03"]
    assert (old / "index.html").read_text() == "the old page"


def test_without_a_model_the_page_says_so_and_recorded_data_is_not_called_simulated(
    tmp_path: Path,
) -> None:
    settings = settings_at(tmp_path / "home")
    fill_ledger(settings, source="file")
    result = write_report(settings, "2026-03")
    page = of_vehicles(result)
    assert result.page.is_relative_to(settings.reports)
    assert "No model for vehicles is promoted" in page
    assert "No vehicle of this period has a score" in page
    assert not result.simulated
    assert "Simulated." not in page
    assert result.kinds[0].high == 0


def test_each_mistake_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    nowhere, empty = settings_at(tmp_path / "nowhere"), settings_at(tmp_path / "empty")
    open_ledger(empty.ledger).close()
    (tmp_path / "file").touch()
    filled = settings_at(tmp_path / "filled")
    fill_ledger(filled)
    mistakes: list[tuple[Settings, str | None, Path | None, str]] = [
        (nowhere, None, None, "foreland ingest"),
        (empty, None, None, "foreland ingest"),
        (empty, "2026-3", None, "such as 2026-03"),
        (filled, "2026-03", tmp_path / "file", "--out"),
    ]
    for settings, period, out, next_step in mistakes:
        with pytest.raises(ForelandError) as refused:
            write_report(settings, period, out)
        assert next_step in str(refused.value)
        assert "\n" not in str(refused.value)
    assert isinstance(refused.value, SiteError)
    assert not (tmp_path / "nowhere").exists()
    assert not empty.reports.exists()


def test_what_no_report_wrote_is_left_alone(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "home")
    fill_ledger(settings)
    for stranger in ("2026-03/letter.txt", "index.html"):
        out = tmp_path / stranger.replace("/", "-")
        file = out / stranger
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
        with pytest.raises(SiteError, match="was not written by a report"):
            write_report(settings, "2026-03", out)
        assert [path for path in out.rglob("*") if path.is_file()] == [file]
        assert file.read_text() == "mine"


def test_a_damaged_summary_is_named(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "home")
    fill_ledger(settings)
    damaged = tmp_path / "out" / "2025-12" / "summary.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    with pytest.raises(SiteError, match=r"2025-12/summary\.json is damaged"):
        write_report(settings, "2025-01", tmp_path / "out")


def test_a_month_without_movements_is_reported_in_words(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "home")
    fill_ledger(settings)
    page = of_vehicles(write_report(settings, "2025-01", tmp_path / "out"))
    assert "No vehicles became known in January 2025." in page
    assert "<svg" not in page


@pytest.mark.usefixtures("no_evidently")
def test_the_command_says_where_the_page_is(settings: Settings, home: Path, tmp_path: Path) -> None:
    settings.home.rename(home)
    out = tmp_path / "out"
    answer = CliRunner().invoke(app, ["report", "--period", "2026-03", "--out", str(out)])
    assert answer.exit_code == 0, answer.output
    assert f"simulated page: {out / '2026-03' / 'index.html'}" in answer.stdout
    assert "shipment: no movements" in answer.stdout
    summary = msgspec.json.decode((out / "2026-03" / "summary.json").read_bytes())
    assert summary["simulated"] is True
    assert MARCH.start == TRAINED_UNTIL


def test_a_figure_is_printed_again_and_an_unknown_one_names_its_neighbours(
    settings: Settings, home: Path
) -> None:
    settings.home.rename(home)
    published = site_of_march().page.parent / "downloads" / "vehicle-find-rates.csv"
    ask = ["report", "--period", "2026-03", "--figure"]
    answer = CliRunner().invoke(app, [*ask, "vehicle-find-rates"])
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == published.read_text()
    assert "Of vehicles rated high" in answer.stderr
    refused = CliRunner().invoke(app, [*ask, "vehicle-find-rate"])
    assert "the nearest are vehicle-find-rates" in str(refused.exception)
    assert not (home / "reports").exists()


@pytest.mark.usefixtures("no_evidently")
def test_a_figure_without_a_period_is_that_of_the_report_without_one(
    settings: Settings, home: Path, tmp_path: Path
) -> None:
    settings.home.rename(home)
    unasked = CliRunner().invoke(app, ["report", "--figure", "vehicle-find-rates"])
    assert unasked.exit_code == 0, unasked.output
    page = write_report(read_settings(), None, tmp_path / "out").page
    assert unasked.stdout == (page.parent / "downloads" / "vehicle-find-rates.csv").read_text()


@pytest.mark.usefixtures("no_evidently")
def test_other_days_than_a_month_have_a_report_of_their_own(
    settings: Settings, home: Path, tmp_path: Path
) -> None:
    settings.home.rename(home)
    out = tmp_path / "out"
    days = ["--since", "2026-03-09", "--until", "2026-03-23"]
    answer = CliRunner().invoke(app, ["report", *days, "--out", str(out)])
    assert answer.exit_code == 0, answer.output
    page = (out / "2026-03-09--2026-03-23" / "index.html").read_text()
    assert "Report to the board, 9 March 2026 to 22 March 2026" in page
    assert "foreland report --since 2026-03-09 --until 2026-03-23 --figure volumes" in page
    assert 'href="2026-03-09--2026-03-23/index.html"' in (out / "index.html").read_text()
    both = CliRunner().invoke(app, ["report", "--period", "2026-03", *days])
    assert "and not both" in str(both.exception)
