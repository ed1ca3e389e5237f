"""What the board is told about the service, from a real ledger and a real audit log."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest

from features.clock import now_micros
from features.ledger import (
    DecisionTaken,
    Event,
    Ledger,
    MovementDeclared,
    MovementReassessed,
    open_ledger,
)
from features.settings import Settings
from monitoring.findings import OfTheService
from monitoring.gathering import read_ledger
from monitoring.periods import month_of, parse_period
from monitoring.service import EventsOfTheService, of_the_service
from serving.audit import (
    AssessmentRead,
    AuditRecord,
    AuditStream,
    AuditVerified,
    prepare,
    record_note,
)
from serving.auth import key_store
from serving.auth.access import Client
from serving.auth.api_keys import new_key
from serving.recording import REASSESSMENT
from serving.selection import Selected, encode_selected
from serving.suspension import resume, suspend
from tests.small_border import event, home_with_model

PORT = Client("port", "north", frozenset({"score.write", "audit.read", "outcome.write"}))
BODY = b'{"degraded_reasons":["history_stale: no outcome for 40 days","clock_jumped: by an hour"]}'


@pytest.fixture
def settings() -> Iterator[Settings]:
    with home_with_model() as made:
        yield made


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with closing(open_ledger(settings.ledger)) as opened:
        yield opened


def answered(
    ledger: Ledger, number: int, *, status: str = "scored", band: str = "low", assessment: int = 1
) -> str:
    now, score_id = now_micros(), f"score-{number}"
    if assessment > 1:
        score_id += f"-{assessment}"
    declared = MovementDeclared(kind="vehicle", movement=f"live-{number}", declared_at=now)
    selected = Selected(
        referred=band == "high",
        reason="risk" if band == "high" else "none",
        policy="at-bands",
        propensity="1.0",
        exploration="0.0",
        draw_day="2026-01-01",
    )
    record = AuditRecord(
        score_id=score_id,
        kind="vehicle",
        movement=declared.movement,
        movement_version=1,
        as_of=now,
        ledger_position=1,
        status=status,
        probability=0.5,
        band=band,
        model_version=1,
        bundle_sha256="0" * 64,
        catalogue_sha256=None,
        selection=encode_selected(selected).decode(),
        challenger=None,
        row=None,
        body=b"{}" if status == "scored" else BODY,
        assessment=assessment,
        because=None if assessment == 1 else "outcome",
    )
    happened = event("api:north", declared)
    if assessment > 1:
        happened = again(record)
    with ledger.transaction() as transaction:
        prepare(transaction)
        (appended,) = transaction.append([happened])
        stream = AuditStream(f"worker-{score_id}")
        stream.assessments(transaction, [(record, appended, PORT)])
    return score_id


def again(record: AuditRecord) -> Event:
    payload = MovementReassessed(
        kind=record.kind,
        movement=record.movement,
        version=1,
        agency=PORT.agency,
        assessment=record.assessment,
        score_id=record.score_id,
        because="outcome",
        trigger=1,
    )
    return Event(
        source=REASSESSMENT, event_id=record.score_id, occurred_at=record.as_of, payload=payload
    )


def decided(ledger: Ledger, score_id: str) -> None:
    payload = DecisionTaken(
        kind="vehicle", movement="live-1", score_id=score_id, decision="referred",
        decided_at=now_micros(),
    )  # fmt: skip
    ledger.append([Event(source="api:north", event_id="d", occurred_at=0, payload=payload)])


def gathered(settings: Settings, ledger: Ledger) -> OfTheService:
    heard = EventsOfTheService()
    timeline = read_ledger(ledger, now_micros() + 1, {}, heard.hear).timeline
    return of_the_service(settings, ledger, heard, timeline, month_of(now_micros()))


def test_use_is_counted_by_client_and_every_reason_of_a_degraded_answer_is_kept(
    settings: Settings, ledger: Ledger
) -> None:
    _, stored = new_key(PORT, created_at=0)
    key_store.open_keys(ledger).close()
    key_store.add(ledger, stored)
    decided(ledger, answered(ledger, 1, band="high"))
    answered(ledger, 2)
    answered(ledger, 3, status="degraded")
    look = AssessmentRead(score_id="score-1", client="port", agency="north", how="page")
    record_note(ledger, "worker", look)
    found = gathered(settings, ledger)
    assert found.calls.to_numpy().tolist() == [
        ["north", "(not kept)", "decisions", 1],
        ["north", "port", "score", 3],
        ["north", "port", "score_page", 1],
    ]
    assert found.scopes.iloc[0].tolist() == [
        "port",
        "audit.read, outcome.write, score.write",
        "score.write",
        "audit.read, outcome.write",
    ]
    actions = found.actions.set_index("band")
    assert actions["for_risk"].to_dict() == {"high": 1, "low": 0}
    assert found.days[["answers", "degraded", "unassessed"]].to_numpy().tolist() == [[3, 1, 0]]
    assert found.reasons["reason"].tolist() == ["clock_jumped", "history_stale"]


def test_what_was_assessed_again_is_nobodys_call_and_counts_where_it_was_decided_on(
    settings: Settings, ledger: Ledger
) -> None:
    answered(ledger, 1)
    answered(ledger, 1, status="degraded", band="medium", assessment=2)
    decided(ledger, answered(ledger, 1, band="high", assessment=3))
    found = gathered(settings, ledger)
    calls = found.calls.set_index("operation")["times"].to_dict()
    assert calls == {"decisions": 1, "score": 1}
    assert found.actions.set_index("band")["answers"].to_dict() == {"high": 1, "low": 1}
    assert found.reasons.empty


def test_stops_verification_and_reviews_are_read(settings: Settings, ledger: Ledger) -> None:
    suspend(ledger, "vessel", "Ann", "drift")
    resume(ledger, None, "Ben", "checked")
    note = AuditVerified(account="ops", records=7, streams=2, heads=1, pending=3, findings=0)
    record_note(ledger, "verify", note)
    due = settings.model_copy(update={"reviews": {"DPIA": date(2020, 1, 1)}})
    found = gathered(due, ledger)
    (stop,) = found.stops
    assert (stop.kind, stop.by, stop.reason, stop.ended_by) == ("vessel", "Ann", "drift", "Ben")
    assert found.verified is not None
    assert (found.verified.records, found.verified.pending) == (7, 3)
    assert found.reviews[0].days_left is not None
    assert found.reviews[0].days_left < 0
    assert found.changes[0].what == "approved"
    assert found.changes[0].by == ("A. <b>Ahmed</b>",)


def test_a_ledger_that_never_served_has_nothing_to_tell(settings: Settings, ledger: Ledger) -> None:
    heard = EventsOfTheService()
    timeline = read_ledger(ledger, now_micros(), {}, heard.hear).timeline
    found = of_the_service(settings, ledger, heard, timeline, parse_period("2026-03"))
    assert found.calls.empty
    assert found.days.empty
    assert found.verified is None
    assert found.finds_reported > 10
