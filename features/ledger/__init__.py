"""The append-only log of what was declared, examined, approved and promoted."""

from features.ledger.events import (
    ApprovalGiven,
    Event,
    ModelPromoted,
    MovementDeclared,
    OutcomeRecorded,
    Payload,
    Recorded,
)
from features.ledger.opening import open_ledger
from features.ledger.protocol import (
    Appended,
    BackfillReport,
    EventConflict,
    Ledger,
    LedgerBusy,
    LedgerError,
    Transaction,
)

__all__ = [
    "Appended",
    "ApprovalGiven",
    "BackfillReport",
    "Event",
    "EventConflict",
    "Ledger",
    "LedgerBusy",
    "LedgerError",
    "ModelPromoted",
    "MovementDeclared",
    "OutcomeRecorded",
    "Payload",
    "Recorded",
    "Transaction",
    "open_ledger",
]
