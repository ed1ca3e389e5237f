"""From ledger and audit log to the site: gathers, computes, writes aside, then renames."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np

from features.clock import MICROS_PER_DAY, now_micros
from features.ledger import open_ledger
from features.records import KINDS
from features.settings import Settings
from models.trust import trusted_keys
from monitoring import board
from monitoring.annex import AnnexWriter
from monitoring.findings import KindFindings
from monitoring.gathering import Gathering, read_ledger
from monitoring.page import KIND_WORDS
from monitoring.periods import Period, choose_period, month_of, parse_period
from monitoring.records.atrs import read_by_people
from monitoring.records.writing import records_of, records_part, write_records
from monitoring.service import EventsOfTheService, of_the_service
from monitoring.tables import percent
from serving.audit import AssessmentsListed, account, read_assessments, record_note

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
    page: Path
    list_of_periods: Path
    annexes: tuple[Path, ...]
    kinds: tuple[KindHeadline, ...]
    simulated: bool

    @property
    def paths(self) -> tuple[Path, ...]:
        """Everything a reader can open."""
        return (self.list_of_periods, self.page, *self.annexes)


def write_report(
    settings: Settings,
    period: str | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    *,
    for_alerts: bool = False,
) -> ReportResult:
    """Write ``out/<period>/`` (page, annex, downloads) and ``out/index.html``.

    Writing the same period again replaces it. Without ``period``: the latest month that is over
    and has movements, or else the latest with any.

    Args:
        for_alerts: without the annex, and by default about the month so far from its second week
            on: what asks for attention should not wait for the month to end.

    Raises:
        InputError: ``period`` is not a month.
        LedgerError: no ledger.
        NothingToReport: a ledger without a movement.
        SiteError: ``out`` cannot be written.
    """
    say = progress or _silent
    asked_for = None if period is None else parse_period(period)
    out = out or settings.reports
    by_people = read_by_people(settings.home)
    with (
        closing(open_ledger(settings.ledger, create=False)) as ledger,
        tempfile.TemporaryDirectory(prefix="foreland-annex-") as scratch,
        nullcontext() if for_alerts else AnnexWriter(Path(scratch)) as annex,
    ):
        say("reading the ledger")
        position = ledger.last_position()
        as_of = now_micros()
        heard = EventsOfTheService()
        timeline, approvals = read_ledger(ledger, as_of, settings.approver_keys, heard.hear)
        known_at = timeline.movements["available_at"].to_numpy(np.int64)
        latest = choose_period(known_at, as_of)  # refuses an empty ledger
        if for_alerts:
            latest = month_of(int(known_at.max()) - FULL_ENOUGH)
        month = asked_for or latest
        assessments = read_assessments(settings.ledger, until=month.end)
        if len(assessments):  # reading the audit log is itself recorded there
            listed = AssessmentsListed(
                command="report", account=account(), rows=len(assessments), until=month.end
            )
            record_note(ledger, "report", listed)
        with _fresh_folder(out, month) as fresh:
            gathering = Gathering(
                timeline=timeline,
                assessments=assessments,
                approvals=approvals,
                pins=settings.pins,
                trusted=trusted_keys(settings),
                period=month,
                annex=annex,
                annex_folder=fresh / "annex",
            )
            for kind in KINDS:
                say(f"scoring {KIND_WORDS[kind]} of {month.title}")
                gathering.compute(kind)
            say("waiting for the interactive annex")
            findings = gathering.findings()
            say("reading the audit log")
            service = of_the_service(settings, ledger, heard, timeline, month)
            say("writing the page")
            records = records_of(findings, service, month, by_people)
            of_records = records_part(records, findings)
            page = board.page_of(findings, month, position, service, of_records)
            with board.site_errors_in_words(out):
                board.write_period(page, findings, month, fresh)
                write_records(records, fresh)
                board.put_in_place(fresh, out / month.name)
                index = board.write_index(out)
    final = out / month.name
    return ReportResult(
        period=month,
        page=final / "index.html",
        list_of_periods=index,
        annexes=tuple(sorted((final / "annex").glob("*.html"))),
        kinds=tuple(_headline(found) for found in findings),
        simulated=page.simulated is not None,
    )


def _headline(found: KindFindings) -> KindHeadline:
    high = found.rates[found.rates["band"] == "high"]
    return KindHeadline(
        kind=found.kind,
        movements=found.movements,
        high=found.in_band("high"),
        find_rate_high=float(high["find_rate"].iloc[0]),
        score_psi=np.nan if found.drift is None else float(found.drift["psi"].iloc[0]),
    )


@contextmanager
def _fresh_folder(out: Path, period: Period) -> Iterator[Path]:
    """A hidden sibling of the final folder, removed again when the report does not come about."""
    with board.site_errors_in_words(out):
        out.mkdir(parents=True, exist_ok=True)
        board.refuse_strangers(out, period)
        fresh = Path(tempfile.mkdtemp(prefix=f".{period.name}.", dir=out))
        fresh.chmod(0o755)  # mkdtemp makes it private; a web server may have to read it
        (fresh / "annex").mkdir()
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _silent(_: str) -> None:
    """No progress shown."""
