"""A report's pages as HTML, and the small site around them: plain files that need no network."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pandas as pd

from features.clock import iso
from models.pages import templates
from monitoring.alerts.standing import signals_of, write_signals
from monitoring.findings import KindFindings, OfTheService
from monitoring.overview import areas, asking, decisions_sought, rules_table, signals_shown
from monitoring.page import KIND_WORDS, WORRIES, Page, Part, Report, kind_heading
from monitoring.periods import Period
from monitoring.publishing import ISSUE, SUMMARY, Issue, SiteError, read_issue
from monitoring.restating import Restated
from monitoring.sections import (
    decisions,
    drift,
    exploration,
    find_rate,
    groups,
    incidents,
    league,
    performance,
    quality,
    served,
    trends,
    volume,
)
from monitoring.sections import restated as restated_section
from monitoring.statistics.corrections import changed_figures
from monitoring.tables import write_csv

SIMULATED_INDEX = "Some of these reports hold simulated data; each of them says so."


class Summary(msgspec.Struct, frozen=True):
    """What the list of periods says about one; kept beside its page as ``summary.json``."""

    period: str
    title: str
    movements: dict[str, int]
    """Kind to number of movements."""
    simulated: bool


def report_of(
    findings: Sequence[KindFindings],
    period: Period,
    issue: Issue,
    service: OfTheService,
    records: Part,
    refused: pd.DataFrame | None = None,
    restated: Restated | None = None,
) -> Report:
    """What is said of one period, one entry of ``findings`` per kind, in the order to show them.

    Args:
        records: where the cards, datasheets and registers are.
        refused: rows that ingest refused, as ``monitoring.rejected`` counts them.
        restated: what became of earlier reports.
    """
    sections = (
        served.section(findings, service, period, records),
        volume.section(findings, period),
        find_rate.section(findings, period),
        performance.section(findings, period),
        drift.section(findings, period),
        quality.section(findings, period, refused),
        decisions.section(findings, period),
        groups.section(findings, period),
        exploration.section(findings, period),
        trends.section(findings, period),
        *([] if service.league is None else [league.section(service.league, period)]),
        incidents.section(service, period),
        *([] if restated is None else [restated_section.section(restated)]),
    )
    return Report(
        title=f"Report to the board, {period.title}",
        lead=(
            "What the scoring of vehicles, vessels and shipments did, and how far that can "
            "be relied on. Each figure starts with one sentence that says what it shows."
        ),
        sections=sections,
        simulated=simulated_in_words(findings),
        command=f"foreland report {period.options}",
        provenance=(
            f"{issue.in_words} Made from ledger and audit log up to position "
            f"{issue.ledger_position}. The period runs from {iso(period.start)[:10]} 00:00 UTC "
            f"up to, and without, {iso(period.end)[:10]} 00:00 UTC."
        ),
    )


_OF_AN_ISSUE = ("rules", "changed-since-issue")
"""Downloads that follow from the others, or are about one issue alone."""


def with_changes(report: Report, earlier: Path, issue: Issue) -> Report:
    """The report of an issue that replaces another, with what differs from it.

    Args:
        earlier: folder of the issue that stands.
    """
    files = (earlier / "downloads").glob("*.csv")
    published = {file.stem: pd.read_csv(file) for file in files if file.stem not in _OF_AN_ISSUE}
    tables = {figure.table.name: figure.table.frame for figure in report.figures}
    part = restated_section.changes(changed_figures(published, tables), issue)
    sections = tuple(
        section._replace(parts=(part, *section.parts)) if section.slug == "restated" else section
        for section in report.sections
    )
    return report._replace(sections=sections)


def simulated_in_words(findings: Sequence[KindFindings]) -> str | None:
    """What is simulated on the page; None when nothing is."""
    movements = sum(int(f.scored.frame["simulated"].sum()) for f in findings)
    models = [
        KIND_WORDS[f.kind] for f in findings if f.served and f.served.bundle.manifest.simulated
    ]
    if not movements and not models:
        return None
    total = sum(f.movements for f in findings)
    said = [f"{movements:,} of the {total:,} movements of this period"] if movements else []
    if models:
        model = "model" if len(models) == 1 else "models"
        said.append(f"the data that the {model} for {_listed(models)} learned from")
    subject = " and ".join(said)
    return (
        f"{subject[0].upper()}{subject[1:]} come from a simulated border; no figure here describes "
        "a real one."
    )


def write_period(
    report: Report, findings: Sequence[KindFindings], period: Period, folder: Path
) -> Summary:
    """Write pages, downloads and summary into ``folder``, which exists; returns the summary."""
    for page in report.pages:
        (folder / page.file).write_text(render_page(report, page), encoding="utf-8")
    downloads = folder / "downloads"
    downloads.mkdir()
    for figure in report.figures:
        write_csv(figure.table, downloads)
    write_csv(rules_table(signals_shown(report)), downloads)
    write_signals(signals_of(report, period.name), folder)
    summary = Summary(
        period=period.name,
        title=period.title,
        movements={f.kind: f.movements for f in findings},
        simulated=report.simulated is not None,
    )
    (folder / SUMMARY).write_bytes(msgspec.json.encode(summary, order="sorted"))
    return summary


def render_page(report: Report, page: Page) -> str:
    """
    Args:
        page: one of ``report.pages``.
    """
    said = {"report": report, "page": page, "worries": WORRIES, "simulated": report.simulated}
    if page.file != report.pages[0].file:
        return templates("monitoring").get_template("board.html").render(said)
    shown = signals_shown(report)
    return (
        templates("monitoring")
        .get_template("overview.html")
        .render(
            said,
            decisions=decisions_sought(shown),
            areas=areas(shown, asking(report)),
            rules=rules_table(shown),
        )
    )


def write_index(out: Path) -> Path:
    """Write ``out/index.html``, the list of the periods under ``out``, newest first."""
    files = sorted(out.glob(f"[0-9][0-9][0-9][0-9]-[0-9][0-9]*/{SUMMARY}"), reverse=True)
    summaries = [read_summary(file) for file in files]
    kinds = {kind: kind_heading(kind) for kind in KIND_WORDS}
    entries = [
        {
            "period": summary.period,
            "title": summary.title,
            "movements": {
                heading: f"{summary.movements.get(kind, 0):,}" for kind, heading in kinds.items()
            },
            "data": "holds simulated data" if summary.simulated else "recorded",
            "issue": _issue_in_words(file.parent),
        }
        for summary, file in zip(summaries, files, strict=True)
    ]
    simulated = SIMULATED_INDEX if any(s.simulated for s in summaries) else None
    html = (
        templates("monitoring")
        .get_template("index.html")
        .render(entries=entries, kinds=list(kinds.values()), simulated=simulated)
    )
    index = out / "index.html"
    fresh = out / ".index.html.new"
    fresh.write_text(html, encoding="utf-8")
    fresh.replace(index)
    return index


def _issue_in_words(folder: Path) -> str:
    """Which issue of the period stands; of a report from before there were issues, nothing."""
    if not (folder / ISSUE).is_file():
        return "not published"
    issue = read_issue(folder)
    return f"issue {issue.number}" if issue.number else "provisional"


def read_summary(file: Path) -> Summary:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Summary)
    except msgspec.MsgspecError as exc:
        raise SiteError(f"{file} is damaged ({exc}); remove its folder, report again") from exc


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
