"""From ledger and audit log to the site: gathers, computes, writes aside, then renames."""

import difflib
import tempfile
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY, now_micros
from features.errors import InputError
from features.ledger import Ledger, open_ledger
from features.records import KINDS
from features.settings import Settings
from models.trust import trusted_keys
from monitoring import board
from monitoring.annex import AnnexWriter
from monitoring.findings import REFERENCE_DAYS, KindFindings
from monitoring.gathering import Gathering, LedgerRead, read_ledger
from monitoring.leagues import league_of
from monitoring.page import KIND_WORDS, Figure, Report
from monitoring.periods import Period, choose_period, month_of, named, refuse_the_future
from monitoring.publishing import SUMMARY, Issue, Site, plan, site_errors_in_words, writing_to
from monitoring.records.atrs import ByPeople, read_by_people
from monitoring.records.writing import records_of, records_part, write_records
from monitoring.rejected import rejected_rows
from monitoring.restating import restated_in
from monitoring.service import EventsOfTheService, of_the_service
from monitoring.tables import percent
from serving.audit import AssessmentsListed, ReportIssued, account, read_assessments, record_note
from serving.choices import read_logged_choices

Progress = Callable[[str], None]
FULL_ENOUGH = 7 * MICROS_PER_DAY
"""Of a month: before it, there is too little to be alarmed by."""


class KindHeadline(NamedTuple):
    kind: str
    movements: int
    high: int
    find_rate_high: float
    """Finds among examined movements rated high; NaN when too few."""
    score_psi: float
    """NaN without a model or movements."""

    @property
    def in_words(self) -> str:
        if not self.movements:
            return "no movements"
        found = (
            "too few examined" if np.isnan(self.find_rate_high) else percent(self.find_rate_high)
        )
        moved = "" if np.isnan(self.score_psi) else f", score PSI {self.score_psi:.3f}"
        return f"{self.movements:,} movements, {self.high:,} high (find rate {found}){moved}"


class ReportResult(NamedTuple):
    period: Period
    issue: Issue
    new: bool
    """False when it was published before: then nothing was written."""
    page: Path
    """The overview, which leads to the pages of the kinds."""
    list_of_periods: Path
    annexes: tuple[Path, ...]
    kinds: tuple[KindHeadline, ...]
    simulated: bool
    report: Report | None = None
    """What was written; None when nothing was."""

    @property
    def pages_of_kinds(self) -> tuple[Path, ...]:
        return tuple(self.page.with_name(f"{kind}.html") for kind in KINDS)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Everything a reader can open."""
        return (self.list_of_periods, self.page, *self.pages_of_kinds, *self.annexes)


def write_report(
    settings: Settings,
    period: str | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    *,
    reissue: str | None = None,
    for_alerts: bool = False,
    aside: bool = False,
) -> ReportResult:
    """Write ``out/<period>/`` (page, annex, downloads) and ``out/index.html``.

    A period that is published stays as it is, unless ``reissue`` says why it is issued again; one
    that is not over is replaced each time. Without ``period``: the latest month that is over and
    has movements, or else the latest with any.

    Args:
        for_alerts: ``aside``, and by default about the month so far from its second week on: what
            asks for attention should not wait for the month to end.
        aside: for whoever asked alone: without the annex, never published.

    Raises:
        InputError: ``period`` is not a month, or has not begun; ``reissue`` for what is not
            published.
        LedgerError: no ledger.
        NothingToReport: a ledger without a movement.
        SiteError: ``out`` cannot be written, is being written, or was changed.
    """
    say, aside = progress or _silent, aside or for_alerts
    asked_for = None if period is None else named(period)
    out = out or settings.reports
    by_people = read_by_people(settings.home)
    with closing(open_ledger(settings.ledger, create=False)) as ledger, writing_to(out) as site:
        as_of = now_micros()
        if asked_for is not None:  # what is published is known without reading the ledger
            refuse_the_future(asked_for, as_of)
            published = site.standing(asked_for.name)
            if published is not None and plan(published, over=True, reason=reissue) is None:
                return _as_published(site, asked_for, published)
        say("reading the ledger")
        position = ledger.last_position()
        heard = EventsOfTheService()
        read = read_ledger(ledger, as_of, settings.approver_keys, heard.hear)
        known_at = read.timeline.movements["available_at"].to_numpy(np.int64)
        latest = choose_period(known_at, as_of)  # refuses an empty ledger
        if for_alerts:
            latest = month_of(int(known_at.max()) - FULL_ENOUGH)
        month = asked_for or latest
        standing = site.standing(month.name)
        planned = plan(standing, over=month.end <= as_of and not aside, reason=reissue)
        if planned is None:
            assert standing is not None
            return _as_published(site, month, standing)
        issue = Issue(
            period=month.name,
            number=planned.number,
            issued_at=as_of,
            as_of=as_of,
            ledger_position=position,
            reason=planned.reason,
        )
        known = _known(read, heard, ledger, settings, month, by_people)
        return _issued(known, settings, ledger, site, month, issue, say, aside=aside)


def figure_again(
    settings: Settings, period: str | None, name: str, progress: Progress | None = None
) -> Figure:
    """One figure, worked out anew from ledger and audit log; what is published is not touched.

    Raises:
        InputError: the report has no figure of that name.
        Others: as :func:`write_report`.
    """
    with tempfile.TemporaryDirectory(prefix="foreland-figure-") as scratch:
        result = write_report(settings, period, Path(scratch) / "site", progress, aside=True)
    assert result.report is not None  # nothing is published in a folder that is new
    figures = {figure.name: figure for figure in result.report.figures}
    if name in figures:
        return figures[name]
    near = difflib.get_close_matches(name, figures, n=3, cutoff=0.3) or sorted(figures)[:3]
    raise InputError(
        f"the report of {result.period.title} has no figure {name!r}; the nearest are "
        f"{', '.join(near)}"
    )


class Known(NamedTuple):
    """What the ledger and the audit log say."""

    ledger: LedgerRead
    heard: EventsOfTheService
    assessments: pd.DataFrame
    choices: pd.DataFrame
    by_people: ByPeople


def _issued(
    known: Known,
    settings: Settings,
    ledger: Ledger,
    site: Site,
    month: Period,
    issue: Issue,
    say: Progress,
    *,
    aside: bool,
) -> ReportResult:
    """The issue, written aside and then put in place."""
    with site.fresh(month.name) as fresh:
        findings = _findings(known, settings, month, fresh, say, annex=not aside)
        say("reading the audit log")
        service = of_the_service(settings, ledger, known.heard, known.ledger.timeline, month)
        service = service._replace(
            league=league_of(
                settings.ledger,
                ledger,
                known.ledger.timeline,
                known.ledger.decisions,
                month,
                settings.approver_keys,
            )
        )
        say("writing the page")
        refused = rejected_rows(settings.home / "rejects", month.start, month.end)
        restated = restated_in(site.out, known.ledger.timeline, known.assessments, month)
        records = records_of(findings, service, month, known.by_people)
        of_records = records_part(records, findings)
        report = board.report_of(findings, month, issue, service, of_records, refused, restated)
        if issue.number > 1:
            report = board.with_changes(report, site.out / month.name, issue)
        with site_errors_in_words(site.out):
            board.write_period(report, findings, month, fresh)
            write_records(records, fresh)
            sealed = site.seal(fresh, issue)
            if not aside:
                _note_issue(ledger, issue, sealed)
            site.put_in_place(fresh, month.name)
            index = board.write_index(site.out)
    return ReportResult(
        period=month,
        issue=issue,
        new=True,
        page=site.out / month.name / "index.html",
        list_of_periods=index,
        annexes=_annexes(site.out / month.name),
        kinds=tuple(_headline(found) for found in findings),
        simulated=report.simulated is not None,
        report=report,
    )


def _known(
    read: LedgerRead,
    heard: EventsOfTheService,
    ledger: Ledger,
    settings: Settings,
    month: Period,
    by_people: ByPeople,
) -> Known:
    """With what was answered before the month ended; that it is read is recorded."""
    assessments = read_assessments(settings.ledger, until=month.end)
    since = month.start - REFERENCE_DAYS * MICROS_PER_DAY
    choices = read_logged_choices(settings.ledger, since, month.end)
    if len(assessments):
        listed = AssessmentsListed(
            command="report", account=account(), rows=len(assessments), until=month.end
        )
        record_note(ledger, "report", listed)
    return Known(read, heard, assessments, choices, by_people)


def _findings(
    known: Known, settings: Settings, month: Period, fresh: Path, say: Progress, *, annex: bool
) -> tuple[KindFindings, ...]:
    """Computes kind by kind while the annex's process writes its pages into ``fresh``."""
    (fresh / "annex").mkdir()
    with (
        tempfile.TemporaryDirectory(prefix="foreland-annex-") as scratch,
        AnnexWriter(Path(scratch)) if annex else nullcontext() as writer,
    ):
        gathering = Gathering(
            ledger=known.ledger,
            assessments=known.assessments,
            choices=known.choices,
            pins=settings.pins,
            trusted=trusted_keys(settings),
            period=month,
            annex=writer,
            annex_folder=fresh / "annex",
            workspace=settings.home / "evidently",
        )
        for kind in KINDS:
            say(f"scoring {KIND_WORDS[kind]} of {month.title}")
            gathering.compute(kind)
        say("waiting for the interactive annex")
        return gathering.findings()


def _note_issue(ledger: Ledger, issue: Issue, issue_sha256: str) -> None:
    """Before it is put in place: no page that is read is without a record."""
    note = ReportIssued(
        account=account(),
        period=issue.period,
        issue=issue.number,
        reason=issue.reason,
        issue_sha256=issue_sha256,
    )
    record_note(ledger, "report", note)


def _as_published(site: Site, period: Period, issue: Issue) -> ReportResult:
    folder = site.out / period.name
    return ReportResult(
        period=period,
        issue=issue,
        new=False,
        page=folder / "index.html",
        list_of_periods=site.out / "index.html",
        annexes=_annexes(folder),
        kinds=(),
        simulated=board.read_summary(folder / SUMMARY).simulated,
    )


def _annexes(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted((folder / "annex").glob("*.html")))


def _headline(found: KindFindings) -> KindHeadline:
    high = found.rates[found.rates["band"] == "high"]
    return KindHeadline(
        kind=found.kind,
        movements=found.movements,
        high=found.in_band("high"),
        find_rate_high=float(high["find_rate"].iloc[0]),
        score_psi=np.nan if found.drift is None else float(found.drift["psi"].iloc[0]),
    )


def _silent(_: str) -> None:
    """No progress shown."""
