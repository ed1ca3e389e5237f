"""What the commit of an answer does, in the writer's thread: event, audit record, key, one look."""

from typing import NamedTuple

from features.intake import movement_event_id
from features.ledger import Appended, Event, MovementDeclared, Transaction
from serving import idempotency
from serving.assessing import Asked, Assessor
from serving.audit import AuditRecord, AuditStream
from serving.auth.access import Client
from serving.idempotency import IdempotencyKey
from serving.recording import source_of
from serving.suspension import SuspensionCheck


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

    def one(
        self,
        computed: Computed,
        client: Client,
        key: IdempotencyKey | None,
        transaction: Transaction,
    ) -> tuple[AuditRecord, Appended]:
        """The answer that is recorded, if the movement is new.

        Raises:
            EventConflict: this version of the movement came before with another content.
        """
        event = event_of(computed.asked.declared, client.agency)
        if key is None:
            (appended,) = transaction.append([event])
        else:
            appended = idempotency.append_once(transaction, key, event)
        return self.keep(computed, appended, client, transaction), appended

    def keep(
        self, computed: Computed, appended: Appended, client: Client, transaction: Transaction
    ) -> AuditRecord:
        """Add the answer of an event that was appended: the computed one, or one without a model
        when none may speak any more."""
        record = computed.record
        if appended.duplicate:
            return record
        suspended = self._suspension.problem_since(transaction, record.ledger_position, record.kind)
        if suspended is not None and record.status != "unassessed":
            record = self._assessor.withheld(computed.asked, suspended)
        self._stream.assessment(transaction, record, appended, client)
        return record


def event_of(declared: MovementDeclared, agency: str) -> Event:
    """What the ledger is told of a movement that the agency has scored."""
    return Event(
        source=source_of(agency),
        event_id=movement_event_id(declared),
        occurred_at=declared.declared_at,
        payload=declared,
    )
