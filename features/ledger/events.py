"""What the ledger holds: payloads without a plain identifier, in an envelope with two clocks."""

from typing import Any

import msgspec

from features.clock import Micros
from features.ledger.intelligence_events import (
    RuleApproved,
    RuleProposed,
    RuleRetired,
    SelectorApproved,
    SelectorProposed,
    SelectorWithdrawn,
)

LAST_VERSION = 1_000_000
"""No version of a movement is higher."""


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
    references: dict[str, tuple[str, ...]] = {}
    """Field name to pseudonyms that join records (documents, consignments, further containers):
    neither features nor keys of history by themselves. Through ``consignments`` and ``carried_by``
    a carrier knows the history of the organisations on board (``features.history.aboard``)."""
    details: dict[str, Any] = {}
    """What is kept for rules, links and reports and is neither a feature nor a key, as JSON."""
    tags: dict[str, dict[str, str]] = {}
    """Partnership to field to the tag under that partnership's key; never used inside."""


class MovementCancelled(msgspec.Struct, frozen=True, kw_only=True, tag="cancellation"):
    """A movement will not take place: its versions up to this one count no more."""

    kind: str
    movement: str
    cancelled_at: Micros
    up_to_version: int = LAST_VERSION
    reason: str | None = None


class OutcomeRecorded(msgspec.Struct, frozen=True, kw_only=True, tag="outcome"):
    """What one examination of a movement ended in."""

    kind: str
    movement: str
    examined_at: Micros
    outcome: str
    thoroughness: str = "unknown"
    selection_reason: str = "unknown"
    threat: str | None = None
    concealment: str | msgspec.UnsetType = msgspec.UNSET
    """How a find was concealed. Unset, and not written, where that is not said: so outcomes from
    before there was such a field keep their bytes, and what was derived from those."""
    message: str = ""
    """Pseudonym of the sender's message id."""
    corrects: str | None = None
    """The ``message`` that this one replaces; ``withdrawn`` in its place takes it back."""


class DecisionTaken(msgspec.Struct, frozen=True, kw_only=True, tag="decision", omit_defaults=True):
    """What an officer did with an assessment; not an examination and not an outcome."""

    kind: str
    movement: str
    score_id: str
    decision: str
    decided_at: Micros
    reason_code: str | None = None
    matches: tuple[str, ...] = ()
    """Ids of the selectors and rules that it dismisses as false matches."""


class HoldPlaced(msgspec.Struct, frozen=True, kw_only=True, tag="hold"):
    """A legal hold: retention leaves this movement alone until the hold is lifted."""

    kind: str
    movement: str
    reason: str


class HoldLifted(msgspec.Struct, frozen=True, kw_only=True, tag="hold_lifted"):
    """The legal hold on this movement has ended."""

    kind: str
    movement: str
    reason: str


class ErasedCount(msgspec.Struct, frozen=True, kw_only=True):
    """How much one rule of retention erased."""

    rule: str
    kind: str
    movements: int
    events: int


class RecordsErased(msgspec.Struct, frozen=True, kw_only=True, tag="erasure"):
    """A retention run: which rules erased how much; what it was is gone."""

    rules_sha256: str
    erased: tuple[ErasedCount, ...]


class GateResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one gate of a promotion said when somebody approved."""

    name: str
    result: str
    """``passed``, ``failed`` or ``not assessable``."""
    sentence: str
    acknowledged: str | None = None
    """The approver's reason why it need not block."""


class ApprovalGiven(msgspec.Struct, frozen=True, kw_only=True, tag="approval", omit_defaults=True):
    """One person's word for one model version: attributed, or authenticated by a signature."""

    kind: str
    version: int
    approver: str
    bundle_sha256: str
    gates: tuple[GateResult, ...] = ()
    """As they stood at this approval; empty in ledgers from before there were gates."""
    public_key: str | None = None
    """The approver's, in hexadecimal; None for an approver who is only attributed."""
    signature: str | None = None
    """Ed25519 in hexadecimal, of ``features.approvers.statement``."""


class ModelPromoted(msgspec.Struct, frozen=True, kw_only=True, tag="promotion", omit_defaults=True):
    """From here on the kind is served by this version."""

    kind: str
    version: int
    approvers: tuple[str, ...]
    bundle_sha256: str
    authenticated: bool = False
    """Every one of the approvers signed with a key of their own."""
    gates: tuple[GateResult, ...] = ()
    """As they stood at the last approval."""


class ModelRolledBack(
    msgspec.Struct, frozen=True, kw_only=True, tag="rollback", omit_defaults=True
):
    """From here on an earlier promoted version serves the kind again, by one person's word."""

    kind: str
    version: int
    """That serves from here on."""
    from_version: int
    """That served until here."""
    bundle_sha256: str
    approver: str
    reason: str
    public_key: str | None = None
    signature: str | None = None


class ChallengerNamed(
    msgspec.Struct, frozen=True, kw_only=True, tag="challenger", omit_defaults=True
):
    """From here on this version may be scored in the shadow of the champion; never shown."""

    kind: str
    version: int | None
    """None: no version is any more."""
    bundle_sha256: str
    """Empty without a version."""
    approver: str
    public_key: str | None = None
    signature: str | None = None


class Erased(msgspec.Struct, frozen=True, kw_only=True, tag="erased"):
    """Stands where a body was whose key retention has destroyed. Never written."""


class ServiceSuspended(
    msgspec.Struct, frozen=True, kw_only=True, tag="suspension", omit_defaults=True
):
    """From here on no model speaks: every answer is unassessed until the service is resumed."""

    kind: str | None = None
    """None: every kind."""
    by: str
    """Who says so; attributed, not authenticated."""
    reason: str
    """Given to clients with every answer."""


class ServiceResumed(
    msgspec.Struct, frozen=True, kw_only=True, tag="resumption", omit_defaults=True
):
    """From here on models speak again."""

    kind: str | None = None
    """None: every kind."""
    by: str
    reason: str


class MovementReassessed(
    msgspec.Struct, frozen=True, kw_only=True, tag="reassessment", omit_defaults=True
):
    """The same version of a movement was assessed again, because something else became known.

    It is not history: what was declared and what was found stay as they are.
    """

    kind: str
    movement: str
    version: int
    agency: str = "local"
    """For which it was assessed before, and is again."""
    assessment: int
    """Of this version for this agency: 2 when it was assessed again for the first time."""
    score_id: str
    because: str
    """What became known: ``consignment``, ``outcome``, ``selector`` or ``rule``."""
    trigger: int
    """Position of the event that made it known."""
    changed: tuple[str, ...] = ()
    """What differs from the assessment before: ``band``, ``probability``, ``selection``,
    ``matches``, ``consignments``."""


class PartnerEventReceived(
    msgspec.Struct, frozen=True, kw_only=True, tag="partner_event", omit_defaults=True
):
    """What a partner agency told us, as it was signed: intelligence beside the score, and never a
    label, a feature or a history of our own. Identifiers are tags of the partnership."""

    partner: str
    """Our name for who sent it."""
    event_type: str
    """CloudEvents type, such as ``uk.gov.foreland.outcome.recorded.v1``."""
    told_at: Micros
    """The partner's ``time``: its claim, by its clock."""
    subject: str
    """Tag of the partner's movement or alert; the same for all that is said about it."""
    origin_agency: str
    """Whose knowledge it is, as the partner says."""
    handling: str
    """``open``, ``contact`` or ``hidden``: who of our clients may see a match with it."""
    contact: str | None = None
    """The desk to ask."""
    sequence: str
    simulated: bool = False
    data: dict[str, Any]


Payload = (
    MovementDeclared
    | MovementCancelled
    | OutcomeRecorded
    | DecisionTaken
    | ApprovalGiven
    | ModelPromoted
    | ModelRolledBack
    | ChallengerNamed
    | HoldPlaced
    | HoldLifted
    | RecordsErased
    | ServiceSuspended
    | ServiceResumed
    | RuleProposed
    | RuleApproved
    | RuleRetired
    | MovementReassessed
    | PartnerEventReceived
    | SelectorProposed
    | SelectorApproved
    | SelectorWithdrawn
)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way into the ledger."""

    source: str
    """Who sent it: ``api`` (with ``:AGENCY`` unless it is the local one), ``file``, or
    ``simulation`` for what no border ever saw."""
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
    payload: Payload | Erased


encode_payload = msgspec.json.Encoder(order="sorted").encode
decode_payload = msgspec.json.Decoder(Payload).decode
