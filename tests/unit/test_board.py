"""The board page on made-up findings: what it says, what it keeps back, and its structure."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pandas as pd
import pytest

from models.pins import Pin
from monitoring.annex_jobs import AnnexResult
from monitoring.board import render_page, report_of, write_index, write_period
from monitoring.findings import Approval, KindFindings, Served
from monitoring.page import Part, Report
from monitoring.periods import parse_period
from monitoring.publishing import Issue
from tests.scored_frames import findings, of_the_service, scored_frame

MARCH = parse_period("2026-03")
EMPTY = scored_frame([])
PAGES = ("index.html", "vehicle.html", "vessel.html", "shipment.html")
ISSUE = Issue(period="2026-03", number=1, issued_at=MARCH.end, as_of=MARCH.end, ledger_position=77)
ROWS = [("high", 0.9, "positive")] * 30 + [("high", 0.8, "negative")] * 20
ROWS += [("low", 0.1, "negative")] * 100 + [("low", 0.1, "positive")] * 3
DRIFT = pd.DataFrame(
    {
        "name": ["score", "route.find_rate"],
        "what": ["score", "route: find rate"],
        "source": ["score", "history"],
        "psi": [0.02, 0.31],
        "by_chance": [0.01, 0.01],
        "change": ["little", "large"],
        "movements": [153, 153],
        "reference": [1_000, 1_000],
    }
)


def served(approvers: tuple[str, ...] = ("Ann", "Ben"), *, simulated: bool = False) -> Any:
    pin = Pin(
        kind="vehicle",
        version=1,
        bundle_sha256="ab" * 32,
        signed_by="cd" * 8,
        bundle="vehicle-1",
        approvers=approvers,
        promoted_at=MARCH.start,
    )
    manifest = SimpleNamespace(simulated=simulated, trained_until=MARCH.start)
    bundle: Any = SimpleNamespace(manifest=manifest)
    return Served(pin, bundle, (Approval(approvers[0], MARCH.start),))


def vehicles(frame: pd.DataFrame | None = None, **replaced: Any) -> KindFindings:
    frame = scored_frame(ROWS) if frame is None else frame
    return findings("vehicle", frame, MARCH, served=served(), **replaced)


def report_about(found: KindFindings) -> Report:
    others = (findings("vessel", EMPTY, MARCH), findings("shipment", EMPTY, MARCH))
    return report_of((found, *others), MARCH, ISSUE, of_the_service(), Part(None))


@cache
def usual_report() -> Report:
    """Every section filled for vehicles, drawn once."""
    return report_about(vehicles(drift=DRIFT))


def html_of(report: Report, file: str = "vehicle.html") -> str:
    (page,) = (page for page in report.pages if page.file == file)
    return render_page(report, page)


def usual_html(file: str = "vehicle.html") -> str:
    return html_of(usual_report(), file)


class Structure(HTMLParser):
    """What a reader's software sees: identifiers, headings, tables, drawings, addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.levels: list[int] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"] or "")
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("file", PAGES)
def test_each_page_is_sound_for_software_that_reads_it_aloud(file: str) -> None:
    seen = Structure(usual_html(file))
    assert seen.all("html") == [{"lang": "en-GB"}]
    assert seen.levels[0] == 1
    assert seen.levels.count(1) == 1
    assert all(
        after - before <= 1 for before, after in zip(seen.levels, seen.levels[1:], strict=False)
    )
    assert len(seen.ids) == len(set(seen.ids))
    assert len(seen.all("caption")) == len(seen.all("table"))
    assert all(cell.get("scope") in {"row", "col"} for cell in seen.all("th"))
    drawings = seen.all("svg")
    assert len(drawings) >= {"index.html": 1, "vehicle.html": 2}.get(file, 0)
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in drawings)
    anchors = {a["href"][1:] for a in seen.all("a") if (a["href"] or "").startswith("#")}  # type: ignore[index]
    assert anchors <= set(seen.ids)


def test_the_page_needs_nothing_from_a_network_and_runs_no_script() -> None:
    html = usual_html()
    seen = Structure(html)
    assert "http" not in html.replace("http-equiv", "")
    assert not seen.all("script") + seen.all("link") + seen.all("img") + seen.all("iframe")
    assert "default-src 'none'" in html


def test_the_same_findings_give_the_same_bytes() -> None:
    assert html_of(report_about(vehicles(drift=DRIFT))) == usual_html()


def test_what_people_typed_is_never_markup() -> None:
    found = vehicles()._replace(served=served(("<script>alert(1)</script>", "B & Co")))
    html = html_of(report_about(found))
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; and B &amp; Co" in html


def test_find_rate_stands_beside_examination_rate_with_its_interval() -> None:
    report = report_about(vehicles())
    table = next(f.table for f in report.figures if f.table.name == "vehicle-find-rates")
    # 30 of 50: Wilson 46.2% to 72.4%; 33 of 153 over all
    assert table.rows[0] == [
        "high",
        "50",
        "50",
        "100.0% (92.9% to 100.0%)",
        "30",
        "60.0% (46.2% to 72.4%)",
    ]
    says = next(f.says for f in report.figures if f.table.name == "vehicle-find-rates")
    assert "60.0% (interval 46.2% to 72.4%)" in says
    assert "more than examinations do on average" in says


def test_fewer_than_ten_examinations_are_kept_back_on_the_page_and_in_the_csv(
    tmp_path: Path,
) -> None:
    frame = scored_frame([("high", 0.9, "positive")] * 7 + [("low", 0.1, None)] * 60)
    found = vehicles(frame)
    report = report_about(found)
    write_period(report, (found,), MARCH, tmp_path)
    html = (tmp_path / "vehicle.html").read_text()
    assert "Too few vehicles were examined" in html
    table = next(f.table for f in report.figures if f.table.name == "vehicle-find-rates")
    assert table.rows[0][-2:] == ["too few", "too few"]
    for name in ("vehicle-find-rates", "vehicle-top", "vehicle-outcomes"):
        csv = pd.read_csv(tmp_path / "downloads" / f"{name}.csv")
        assert 7 not in csv.drop(columns=["examined", "movements"], errors="ignore").to_numpy()
    outcomes = pd.read_csv(tmp_path / "downloads" / "vehicle-outcomes.csv").set_index("outcome")
    assert outcomes["movements"].isna()["positive"]
    assert outcomes.at["none known", "movements"] == 60


def test_every_table_can_be_downloaded(tmp_path: Path) -> None:
    found = vehicles(drift=DRIFT)
    report = report_about(found)
    write_period(report, (found,), MARCH, tmp_path)
    pages = [Structure((tmp_path / page.file).read_text()) for page in report.pages]
    linked = {a["href"] for seen in pages for a in seen.all("a") if "download" in a}
    names = [figure.name for figure in report.figures]
    assert linked == {f"downloads/{name}.csv" for name in (*names, "rules")}
    assert all((tmp_path / str(address)).stat().st_size for address in linked)


def test_a_spreadsheet_runs_nothing_that_people_typed(tmp_path: Path) -> None:
    found = vehicles()._replace(served=served(("=HYPERLINK(1)", "Ben")))
    write_period(report_about(found), (found,), MARCH, tmp_path)
    text = (tmp_path / "downloads" / "vehicle-served.csv").read_text()
    assert '"\'=HYPERLINK(1), 2026-03-01 00:00 (attributed)"' in text


@pytest.mark.parametrize(("data", "model"), [(True, False), (False, True), (True, True)])
def test_simulated_is_said_on_the_page_and_on_the_index(
    data: bool, model: bool, tmp_path: Path
) -> None:
    found = vehicles(scored_frame(ROWS, simulated=data))._replace(served=served(simulated=model))
    report = report_about(found)
    folder = tmp_path / MARCH.name
    folder.mkdir()
    write_period(report, (found,), MARCH, folder)
    for page in report.pages:
        assert '<div class="simulated"' in (folder / page.file).read_text()
    assert ("153 of the 153 movements" in (report.simulated or "")) == data
    assert ("the model for vehicles" in (report.simulated or "")) == model
    assert '<div class="simulated"' in write_index(tmp_path).read_text()


def test_recorded_data_is_not_called_simulated() -> None:
    assert '<div class="simulated"' not in usual_html()


def test_kinds_without_movements_are_said_in_words_and_not_drawn() -> None:
    assert "No vessels became known in March 2026." in usual_html("vessel.html")
    assert "No model for shipments is promoted" in usual_html("shipment.html")
    assert "vessel-find-rates" not in usual_html("vessel.html")


def test_movements_the_model_may_have_seen_count_in_no_figure_of_performance() -> None:
    seen = scored_frame(ROWS, may_have_seen=True)
    report = report_about(vehicles(seen))
    names = [figure.table.name for figure in report.figures]
    assert "vehicle-find-rates" not in names
    assert "vehicle-top" not in names
    how = next(figure for figure in report.figures if figure.table.name == "scored-how")
    assert how.worry == "look"
    assert "may have learned from 153 of those" in how.says


def test_a_band_that_finds_less_than_the_average_is_pointed_out_in_brief() -> None:
    upside_down = [("high", 0.9, "negative")] * 60 + [("low", 0.1, "positive")] * 60
    report = report_about(vehicles(scored_frame(upside_down)))
    figure = next(f for f in report.figures if f.table.name == "vehicle-find-rates")
    assert figure.worry == "look"
    assert "less than examinations do on average" in figure.says
    vehicle = report.pages[1]
    assert figure.name in [listed.name for listed in vehicle.to_look_into]
    assert figure.says in render_page(report, vehicle).split("What served")[1]


@pytest.mark.parametrize(
    ("approvers", "worry"), [(("Ann", "Ben"), "calm"), (("Ann",), "look"), (("Ann", "Ann"), "look")]
)
def test_two_different_people_must_have_approved(approvers: tuple[str, ...], worry: str) -> None:
    report = report_about(vehicles()._replace(served=served(approvers)))
    assert report.pages[1].figures[0].worry == worry


def test_drift_says_how_much_and_where_the_annex_is() -> None:
    annex = AnnexResult(compared=21, drifted=("route.find_rate",), left_out=("is_empty",))
    html = html_of(report_about(vehicles(drift=DRIFT, annex=annex)))
    assert "have hardly changed (PSI 0.020); 1 of the 1 features checked changed" in html
    assert 'href="annex/vehicle.html"' in html
    assert "finds 1 of 21 columns drifted" in html
    assert "Left out because they hold no value: is_empty." in html


@pytest.mark.parametrize(
    ("score", "feature", "source", "worry"),
    [
        ("little", "little", "declared", "calm"),
        ("little", "some", "declared", "calm"),
        ("little", "large", "declared", "look"),
        ("little", "large", "history", "unknown"),
        ("some", "little", "history", "look"),
        ("large", "large", "history", "look"),
    ],
)
def test_when_drift_is_to_be_looked_at(score: str, feature: str, source: str, worry: str) -> None:
    drift = DRIFT.assign(change=[score, feature], source=["score", source])
    report = report_about(vehicles(drift=drift))
    figure = next(f for f in report.figures if f.table.name == "vehicle-drift")
    assert figure.worry == worry


def test_an_annex_that_failed_is_said_and_not_linked() -> None:
    html = html_of(report_about(vehicles(drift=DRIFT, annex=AnnexResult(problem="it <broke>"))))
    assert "There is no interactive annex this time: it &lt;broke&gt;." in html
    assert 'href="annex/' not in html


def test_the_command_that_reproduces_the_figures_is_on_the_page() -> None:
    html = usual_html()
    assert "foreland report --period 2026-03" in html
    assert "position 77" in html


def test_index_lists_periods_newest_first(tmp_path: Path) -> None:
    for name in ("2026-01", "2026-03", "2026-02"):
        folder = tmp_path / name
        folder.mkdir()
        found = (vehicles(),)
        write_period(report_about(vehicles()), found, parse_period(name), folder)
    listed = re.findall(r'href="(\d{4}-\d{2})/index.html"', write_index(tmp_path).read_text())
    assert listed == ["2026-03", "2026-02", "2026-01"]
    summary = msgspec.json.decode((tmp_path / "2026-01" / "summary.json").read_bytes())
    assert summary["movements"] == {"vehicle": 153}
