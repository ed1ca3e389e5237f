"""What the commit of answers does, in the writer's thread: events, keys, a look, audit records."""

from collections.abc import Sequence
from typing import NamedTuple

from features.intake import movement_event_id
from features.ledger import Appended, Event, EventConflict, Transaction
from serving import idempotency
from serving.assessing import Asked, Assessor, Question
from serving.audit import AuditRecord, AuditStream
from serving.recording import source_of
from serving.suspension import SuspensionCheck

Fate = Appended | EventConflict


class Computed(NamedTuple):
    """An answer that was computed and is not given yet."""

    asked: Asked
    record: AuditRecord


class AnswerCommit:
    """Belongs to the writer's thread."""

    def __init__(
        self, stream: AuditStream, suspension: SuspensionCheck, assessor: Assessor
    ) -> None:
        self._stream = stream
        self._suspension = suspension
        self._assessor = assessor

    def slice(
        self, computed: Sequence[Computed], transaction: Transaction
    ) -> list[tuple[AuditRecord, Fate]]:
        """The answers that are recorded if their movements are new, and what became of those.

        An answer that no model may give any more is replaced by one without a model.
        """
        fates = _appended([one.asked.question for one in computed], transaction)
        records = [
            self.allowed(one, transaction) if is_new(fate) else one.record
            for one, fate in zip(computed, fates, strict=True)
        ]
        self._stream.assessments(
            transaction,
            [
                (record, fate, one.asked.question.client)
                for one, record, fate in zip(computed, records, fates, strict=True)
                if isinstance(fate, Appended) and not fate.duplicate
            ],
        )
        return list(zip(records, fates, strict=True))

    def allowed(self, computed: Computed, transaction: Transaction) -> AuditRecord:
        """What was computed, or an answer without a model that may speak no more."""
        record = computed.record
        suspended = self._suspension.problem_since(transaction, record.ledger_position, record.kind)
        if suspended is not None and record.status != "unassessed":
            return self._assessor.withheld(computed.asked, suspended)
        return record


def is_new(fate: Fate) -> bool:
    """Whether the movement was recorded by this commit, and not before."""
    return isinstance(fate, Appended) and not fate.duplicate


def _appended(questions: Sequence[Question], transaction: Transaction) -> list[Fate]:
    """All that came without a key in one go; the others one by one, each with its key."""
    fates: dict[int, Fate] = {}
    plain = [at for at, one in enumerate(questions) if one.key is None]
    try:
        if plain:
            appended = transaction.append([_event_of(questions[at]) for at in plain])
            fates |= zip(plain, appended, strict=True)
    except EventConflict:
        pass  # none of them is in then, so each has to be tried alone
    for at, question in enumerate(questions):
        if at not in fates:
            fates[at] = _appended_alone(question, transaction)
    return [fates[at] for at in range(len(questions))]


def _appended_alone(question: Question, transaction: Transaction) -> Fate:
    event = _event_of(question)
    try:
        if question.key is not None:
            return idempotency.append_once(transaction, question.key, event)
        (appended,) = transaction.append([event])
    except EventConflict as exc:
        return exc.with_traceback(None)  # it is kept, and its frames would be
    return appended


def _event_of(question: Question) -> Event:
    """What the ledger is told of a movement that an agency has scored."""
    declared = question.declared
    return Event(
        source=source_of(question.client.agency),
        event_id=movement_event_id(declared),
        occurred_at=declared.declared_at,
        payload=declared,
    )
