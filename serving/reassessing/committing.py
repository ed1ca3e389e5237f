"""The commit of re-assessments, in the writer's thread: a look, an event and a record each."""

from collections.abc import Sequence
from typing import NamedTuple

from features.clock import now_micros
from features.ledger import Event, EventConflict, MovementReassessed, Transaction
from serving.audit import AuditRecord, AuditStream
from serving.audit.stream import Answered
from serving.committing import AnswerCommit, Computed
from serving.reassessing.triggers import Trigger
from serving.recording import REASSESSMENT

_LAST = (
    "SELECT movement_version, assessment FROM assessments WHERE agency = ? AND movement = ?"
    " ORDER BY movement_version DESC, assessment DESC LIMIT 1"
)


class Again(NamedTuple):
    """A re-assessment that was computed and is worth recording."""

    computed: Computed
    trigger: Trigger
    changed: tuple[str, ...]


class ReassessmentCommit:
    """Belongs to the writer's thread."""

    def __init__(self, stream: AuditStream, answers: AnswerCommit) -> None:
        self._stream = stream
        self._answers = answers

    def slice(self, again: Sequence[Again], transaction: Transaction) -> list[AuditRecord | None]:
        """What was recorded of each; None for one that somebody else was first with, or whose
        movement has another version since."""
        recorded: list[AuditRecord | None] = []
        answered: list[Answered] = []
        for one in again:
            found = self._appended(one, transaction)
            recorded.append(None if found is None else found[0])
            answered += [] if found is None else [found]
        self._stream.assessments(transaction, answered)
        return recorded

    def _appended(self, again: Again, transaction: Transaction) -> Answered | None:
        record, question = again.computed.record, again.computed.asked.question
        last = transaction.fetch(_LAST, (question.client.agency, record.movement))
        if last != [(record.movement_version, record.assessment - 1)]:
            return None
        record = self._answers.allowed(again.computed, transaction)
        try:
            (appended,) = transaction.append([_event_of(again, record)])
        except EventConflict:
            return None
        return record, appended, question.client


def event_id(record: AuditRecord, agency: str, trigger: int) -> str:
    """So that one event calls for one assessment of a version, whoever makes it and however often
    it is tried."""
    return f"{record.movement}:{record.movement_version}:{agency}:{trigger}"


def _event_of(again: Again, record: AuditRecord) -> Event:
    agency = again.computed.asked.question.client.agency
    return Event(
        source=REASSESSMENT,
        event_id=event_id(record, agency, again.trigger.position),
        occurred_at=now_micros(),
        payload=MovementReassessed(
            kind=record.kind,
            movement=record.movement,
            version=record.movement_version,
            agency=agency,
            assessment=record.assessment,
            score_id=record.score_id,
            because=again.trigger.because,
            trigger=again.trigger.position,
            changed=again.changed,
        ),
    )
