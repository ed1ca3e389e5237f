"""Gathers what ledger and audit log say about the service as a whole, once for all sections."""

from collections import Counter
from contextlib import closing
from typing import NamedTuple

import pandas as pd

from features.clock import Micros, from_micros
from features.ledger import (
    ApprovalGiven,
    ChallengerNamed,
    DecisionTaken,
    Ledger,
    ModelPromoted,
    ModelRolledBack,
    MovementDeclared,
    MovementReassessed,
    OutcomeRecorded,
    Recorded,
    ServiceResumed,
    ServiceSuspended,
    Tables,
    open_tables,
)
from features.settings import Settings
from features.timeline import Timeline
from monitoring.alerts.log import read_alerts
from monitoring.findings import OfTheService, Verification
from monitoring.periods import Period
from monitoring.reviews import reviews
from monitoring.statistics import incidents, use
from monitoring.statistics.incidents import Word
from monitoring.statistics.serving_changes import changes
from serving.audit import AssessmentRead, AuditVerified, MovementScoresListed, ProofRead
from serving.audit.period import answers_between, not_scored_between, notes_between, records_of
from serving.auth.access import NEEDED
from serving.auth.key_store import open_keys
from serving.recording import agency_of
from serving.selection import decode_selected
from serving.suspension import kinds_meant

Called = Counter[tuple[str, str, str]]
"""Agency, client and operation to how often."""
UNTOLD = "(not kept)"
"""The client of an outcome or a decision: the ledger keeps its agency alone."""
_LOOKS = {"stored_score": "stored_score", "page": "score_page"}


class EventsOfTheService:
    """Hears every event of the ledger once, and keeps the few that are about the service."""

    def __init__(self) -> None:
        self.about_models: list[Recorded] = []
        self.words: list[Word] = []
        self.decided: dict[str, DecisionTaken] = {}
        """Score id to the last decision about it."""
        self._told: list[tuple[Micros, str, str]] = []

    def hear(self, event: Recorded) -> None:
        """Events come by ``(available_at, position)``."""
        said = event.payload
        match said:
            case MovementDeclared() | MovementReassessed():  # most of them
                return
            case OutcomeRecorded() | DecisionTaken():
                self._hear_report(event, said)
            case ServiceSuspended() | ServiceResumed():
                suspends = isinstance(said, ServiceSuspended)
                kinds = kinds_meant(said.kind)
                self.words.append(Word(event.available_at, kinds, suspends, said.by, said.reason))
            case ApprovalGiven() | ModelPromoted() | ModelRolledBack() | ChallengerNamed():
                self.about_models.append(event)
            case _:  # a million selectors, say
                return

    def reports(self, period: Period) -> Called:
        """Outcomes and decisions that clients sent in the period."""
        return Counter(
            (agency, UNTOLD, operation)
            for at, agency, operation in self._told
            if period.start <= at < period.end
        )

    def _hear_report(self, event: Recorded, said: OutcomeRecorded | DecisionTaken) -> None:
        operation = "outcomes"
        if isinstance(said, DecisionTaken):
            operation = "decisions"
            last = self.decided.get(said.score_id)
            if last is None or said.decided_at >= last.decided_at:
                self.decided[said.score_id] = said
        agency = agency_of(event.source)
        if agency is not None:
            self._told.append((event.available_at, agency, operation))


def of_the_service(
    settings: Settings,
    ledger: Ledger,
    heard: EventsOfTheService,
    timeline: Timeline,
    period: Period,
) -> OfTheService:
    """All about the service in one period; streams the audit log, and holds counts of it.

    Args:
        heard: has heard every event that is in ``timeline``.
    """
    with closing(open_tables(ledger.url)) as tables:
        answers, called = _answers(tables, heard, period)
        called += _looks(tables, period) + heard.reports(period)
        not_whole = _not_whole(tables, period)
        verified = _last_verification(tables)
        alerts = tuple(read_alerts(tables).values())
    calls = use.calls(called)
    per_day = {str(day): int(its["answers"].sum()) for day, its in answers.groupby("day")}
    verdicts = timeline.verdicts
    return OfTheService(
        changes=changes(heard.about_models, settings.approver_keys),
        calls=calls,
        scopes=use.unused(_granted(ledger), _used(calls)),
        actions=use.actions(answers),
        stops=incidents.stops(heard.words),
        days=incidents.by_day(per_day, not_whole),
        reasons=incidents.by_reason(int(answers["answers"].sum()), not_whole),
        corrections=incidents.corrections(
            verdicts.payloads, verdicts.available_at.tolist(), period.start, period.end
        ),
        finds_reported=_finds_reported(timeline, period),
        verified=verified,
        reviews=reviews(settings.reviews, from_micros(period.end).date()),
        alerts=alerts,
    )


class _Counted(NamedTuple):
    kind: str
    band: str
    selected: str
    decided: str
    day: str


def _answers(
    tables: Tables, heard: EventsOfTheService, period: Period
) -> tuple[pd.DataFrame, Called]:
    """Counts of the answers of the period by what became of them, and by who got them.

    What was assessed again is an answer to nobody's call, and counts where it was decided on.
    """
    counts: Counter[_Counted] = Counter()
    called: Called = Counter()
    for answer in answers_between(tables, period.start, period.end):
        selected = "not recorded"
        if answer.selection is not None:
            selected = decode_selected(answer.selection.encode()).reason
        decision = heard.decided.get(answer.score_id)
        if answer.assessment > 1 and decision is None:
            continue
        decided = "none" if decision is None else decision.decision
        day = _day(answer.available_at)
        counts[_Counted(answer.kind, answer.band, selected, decided, day)] += 1
        if answer.assessment == 1:
            called[answer.agency, answer.client or UNTOLD, "score"] += 1
    rows = [(*key, count) for key, count in sorted(counts.items())]
    return pd.DataFrame(rows, columns=[*_Counted._fields, "answers"]), called


def _looks(tables: Tables, period: Period) -> Called:
    """Who was shown recorded assessments through the API."""
    called: Called = Counter()
    for record in notes_between(tables, period.start, period.end):
        match record.entry:
            case AssessmentRead(how=("stored_score" | "page") as how, agency=agency, client=client):
                called[agency, client, _LOOKS[how]] += 1
            case ProofRead(agency=agency, client=client):
                called[agency, client, "proof"] += 1
            case MovementScoresListed(agency=agency, client=client):
                called[agency, client, "scores_of_movement"] += 1
            case _:
                pass
    return called


def _not_whole(tables: Tables, period: Period) -> pd.DataFrame:
    """Columns ``day``, ``status``, ``reason``, ``answers``, ``first``: an answer with several
    reasons is in a row for each, and ``first`` counts it once."""
    counts: Counter[tuple[str, str, str]] = Counter()
    first: Counter[tuple[str, str, str]] = Counter()
    for found in not_scored_between(tables, period.start, period.end):
        reasons = found.codes or ("no reason kept",)
        keys = [(_day(found.available_at), found.status, reason) for reason in reasons]
        counts.update(dict.fromkeys(keys, 1))
        first[keys[0]] += 1
    rows = [(*key, count, first[key]) for key, count in sorted(counts.items())]
    frame = pd.DataFrame(rows, columns=["day", "status", "reason", "answers", "first"])
    return frame.astype({"answers": "int64", "first": "int64"})


def _last_verification(tables: Tables) -> Verification | None:
    found = None
    for record in records_of(tables, "verify"):
        if isinstance(record.entry, AuditVerified):
            said = record.entry
            found = Verification(record.recorded_at, said.records, said.pending, said.findings)
    return found


def _granted(ledger: Ledger) -> dict[str, list[str]]:
    """Scopes of each client whose key was not revoked; tokens bring scopes of their own."""
    with closing(open_keys(ledger)) as keys:
        stored = [key for key in keys.read_all() if key.revoked_at is None]
    granted: dict[str, set[str]] = {}
    for key in stored:
        granted.setdefault(key.client, set()).update(key.scopes)
    return {client: sorted(scopes) for client, scopes in granted.items()}


def _used(calls: pd.DataFrame) -> dict[str, list[str]]:
    """Client to the scopes that its calls ask for, the first of those that would each do."""
    named = calls[calls["client"] != UNTOLD]
    return {
        str(client): sorted({NEEDED[operation][0] for operation in its["operation"]})
        for client, its in named.groupby("client")
    }


def _finds_reported(timeline: Timeline, period: Period) -> int:
    known = period.covers(timeline.verdicts.available_at)
    outcomes = [timeline.verdicts.payloads[at].outcome for at in known.nonzero()[0].tolist()]
    return outcomes.count("positive")


def _day(instant: Micros) -> str:
    return from_micros(instant).date().isoformat()
