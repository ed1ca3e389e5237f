"""Writing to the audit log: each process that does has a stream of its own."""

import getpass
import os
from collections.abc import Sequence

from features.clock import Micros, from_micros, now_micros
from features.ledger import Appended, Ledger, Transaction
from features.ledger.sealing import Purpose, seal_each
from serving.audit.assessments import INSERT, AuditRecord, RecordedAssessment, entry_of
from serving.audit.chain import FIRST_END, INSERT_RECORD, End, LinkedRecord, link_record
from serving.audit.entries import Entry, Note
from serving.audit.schema import prepare
from serving.auth.access import Client

Answered = tuple[AuditRecord, Appended, Client]
"""An answer, the event of its movement, and to whom it is given."""

_END = "SELECT number, link FROM audit_records WHERE stream = ? ORDER BY number DESC LIMIT 1"


def new_stream_name(role: str) -> str:
    """Never used before: streams of one role come in the order in which they began.

    Args:
        role: what writes, such as ``worker``, or the name of a command.
    """
    began = from_micros(now_micros())
    return f"{role}-{began:%Y%m%dT%H%M%S.%f}-{os.urandom(4).hex()}"


class AuditStream:
    """One chain of records; used by one thread at a time, within a transaction of the ledger.

    A stream has one writer. Where it ends is read once a transaction and not kept beyond it: what
    a transaction wrote that was taken back is not linked to.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._within: Transaction | None = None
        self._end: End = FIRST_END

    def assessments(self, transaction: Transaction, answers: Sequence[Answered]) -> None:
        """Add answers in the transaction that appended their movements.

        Once a movement is erased, so are the feature row and the answer.
        """
        sealed = [_sealed(transaction, *answered) for answered in answers]
        records = [self._linked(transaction, one.available_at, entry_of(one)) for one in sealed]
        transaction.execute_many(INSERT_RECORD, records)
        transaction.execute_many(
            INSERT,
            [(*one, self.name, record.number) for one, record in zip(sealed, records, strict=True)],
        )

    def note(self, transaction: Transaction, note: Note) -> None:
        """Add what is not an answer: who read the log, what was done to the service."""
        transaction.execute(INSERT_RECORD, self._linked(transaction, now_micros(), note))

    def _linked(self, transaction: Transaction, recorded_at: Micros, entry: Entry) -> LinkedRecord:
        """The next record of the stream, which has to be inserted."""
        if transaction is not self._within:
            found = transaction.fetch(_END, [self.name])
            self._end = (found[0][0], bytes(found[0][1])) if found else FIRST_END
            self._within = transaction
        record = link_record(self.name, self._end, recorded_at, entry)
        self._end = (record.number, record.link)
        return record


def _sealed(
    transaction: Transaction, record: AuditRecord, event: Appended, client: Client
) -> RecordedAssessment:
    plain: dict[Purpose, bytes] = {"assessment.body": record.body}
    if record.row is not None:
        plain["assessment.row"] = record.row
    body, *row = seal_each(transaction.record_key(event.position), plain)
    said = record._asdict()
    said["body"], said["row"] = body, row[0] if row else None
    return RecordedAssessment(
        **said,
        position=event.position,
        available_at=event.available_at,
        client=client.name,
        agency=client.agency,
    )


def record_note(ledger: Ledger, command: str, note: Note) -> None:
    """A stream of one record, for a command that reads the log or changes the service."""
    stream = AuditStream(new_stream_name(command))
    with ledger.transaction() as transaction:
        prepare(transaction)
        stream.note(transaction, note)


def account() -> str:
    """Of this machine, under which a command runs."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for it
        return f"uid {os.getuid()}"
