"""What the ledger holds: payloads without a plain identifier, in an envelope with two clocks."""

import msgspec

from features.clock import Micros


class MovementDeclared(msgspec.Struct, frozen=True, kw_only=True, tag="movement"):
    """One version of one movement, as declared, identifiers already replaced by pseudonyms."""

    kind: str
    movement: str
    """Pseudonym of the movement's reference, the same for all its versions."""
    version: int = 1
    declared_at: Micros
    entities: dict[str, str] = {}
    """Field name to ``namespace:pseudonym``; only fields that were given."""
    fields: dict[str, bool | int | float | str] = {}
    """Categories, measures, switches, and moments as microseconds; only fields that were given."""
    attributes: dict[str, float | str] = {}
    flags: tuple[str, ...] = ()
    """Checks that failed without refusing the record, such as ``check_digit:imo``."""


class OutcomeRecorded(msgspec.Struct, frozen=True, kw_only=True, tag="outcome"):
    """What one examination of a movement ended in."""

    kind: str
    movement: str
    examined_at: Micros
    outcome: str
    thoroughness: str = "unknown"
    selection_reason: str = "unknown"
    threat: str | None = None


class ApprovalGiven(msgspec.Struct, frozen=True, kw_only=True, tag="approval"):
    """One person's word for one model version; attributed, not authenticated."""

    kind: str
    version: int
    approver: str
    bundle_sha256: str


class ModelPromoted(msgspec.Struct, frozen=True, kw_only=True, tag="promotion"):
    """From here on the kind is served by this version."""

    kind: str
    version: int
    approvers: tuple[str, ...]
    bundle_sha256: str


Payload = MovementDeclared | OutcomeRecorded | ApprovalGiven | ModelPromoted


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way into the ledger."""

    source: str
    """Who sent it: ``api``, ``file``, or ``simulation`` for what no border ever saw."""
    event_id: str
    """Unique for its source: the same event sent twice is recorded once."""
    occurred_at: Micros
    """When it happened."""
    payload: Payload
    available_at: Micros | None = None
    """When this system could first know it: None for live events, which the ledger stamps itself;
    required in a backfill."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the ledger keeps it."""

    position: int
    """Monotone, from 1; live events have rising ``available_at`` too, backfilled ones need not."""
    source: str
    event_id: str
    occurred_at: Micros
    available_at: Micros
    backfill: bool
    payload: Payload


encode_payload = msgspec.json.Encoder(order="sorted").encode
decode_payload = msgspec.json.Decoder(Payload).decode
