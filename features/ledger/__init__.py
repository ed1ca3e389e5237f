"""The append-only log of what was declared, examined, approved and promoted."""

from features.ledger.events import (
    ApprovalGiven,
    DecisionTaken,
    Erased,
    Event,
    HoldLifted,
    HoldPlaced,
    ModelPromoted,
    MovementCancelled,
    MovementDeclared,
    OutcomeRecorded,
    Payload,
    Recorded,
    RecordsErased,
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
    "DecisionTaken",
    "Erased",
    "Event",
    "EventConflict",
    "HoldLifted",
    "HoldPlaced",
    "Ledger",
    "LedgerBusy",
    "LedgerError",
    "ModelPromoted",
    "MovementCancelled",
    "MovementDeclared",
    "OutcomeRecorded",
    "Payload",
    "Recorded",
    "RecordsErased",
    "Transaction",
    "open_ledger",
]
