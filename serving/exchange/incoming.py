"""What partners send: believed by its signature, kept once, and never more than intelligence.

An event becomes one event of our ledger, under the source ``partner:NAME``, with provenance and
handling. Nothing that reads labels, features or histories reads that source.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from features.clock import Micros, from_micros
from features.ledger import Event, PartnerEventReceived, Transaction
from features.records import Problem
from features.signing import SignatureWrong
from serving.auth.access import LOCAL_AGENCY, Client
from serving.exchange import store
from serving.exchange.envelope import MOST_EVENT_BYTES, Envelope
from serving.exchange.messages import TYPES, message_of
from serving.exchange.outgoing import FROM_PARTNERS
from serving.exchange.partners import Partner, Partners
from serving.exchange.signatures import NoSignature, canonical, taken_apart, verify
from serving.problems import record_errors
from serving.wire.exchange import EventReceipt

CLOCK_TOLERANCE_MICROS = 5 * 60 * 1_000_000
"""How far another agency's clock may differ from ours before it is said."""
NOT_VOUCHED_FOR = frozenset(
    {
        "unknown_partner",
        "wrong_agency",
        "wrong_partnership",
        "bad_signature",
        "unknown_key",
        "key_not_valid",
    }
)
"""Refusals that are recorded in the audit log: somebody may be trying."""


class Sent(NamedTuple):
    """One event as it came: parsed, and its bytes."""

    row: Any
    raw: bytes


class Believed(NamedTuple):
    """An event that its partner vouches for, ready to be kept."""

    partner: str
    envelope: Envelope
    content_sha256: str
    signed_by: str


class Refused(NamedTuple):
    event_id: str | None
    problem: Problem


Judged = Believed | Refused


class _Fault(Exception):
    def __init__(self, code: str, pointer: str, message: str) -> None:
        self.problem = Problem(code, pointer, message)
        super().__init__(message)


def judge(sent: Sequence[Sent], partners: Partners, client: Client, now: Micros) -> list[Judged]:
    """Whether each event may be kept, in any thread: some 0.2 ms for each.

    Args:
        client: who sent them; ``LOCAL`` for a file, which vouches for nothing itself.
    """
    return [_judged(one, partners, client, now) for one in sent]


def keep(
    judged: Sequence[Judged], received_at: Micros, transaction: Transaction
) -> list[EventReceipt]:
    """Receipts in the order given; what is accepted is in the ledger once this is committed."""
    before: dict[tuple[str, str], str] = {}
    for partner in {one.partner for one in judged if isinstance(one, Believed)}:
        ids = [o.envelope.id for o in judged if isinstance(o, Believed) and o.partner == partner]
        found = store.arrived_before(transaction, partner, ids)
        before |= {(partner, event_id): digest for event_id, (digest, _) in found.items()}
    receipts: list[EventReceipt] = []
    new: list[Believed] = []
    for at, one in enumerate(judged):
        if isinstance(one, Refused):
            receipts.append(_rejected(one.event_id, one.problem, at))
            continue
        name = (one.partner, one.envelope.id)
        if name not in before:
            before[name] = one.content_sha256
            new.append(one)
            receipts.append(EventReceipt(id=one.envelope.id, status="accepted"))
        elif before[name] == one.content_sha256:
            receipts.append(EventReceipt(id=one.envelope.id, status="duplicate"))
        else:
            receipts.append(_rejected(one.envelope.id, _CONFLICT, at))
    _add(new, received_at, transaction)
    return receipts


def clock_ahead_seconds(
    judged: Sequence[Judged], sent_at: Micros | None, now: Micros
) -> float | None:
    """How far the sender's clock is ahead of ours, when that is worth saying."""
    times = [one.envelope.told_at for one in judged if isinstance(one, Believed)]
    ahead = [time - now for time in times if time > now]
    difference = max(ahead, default=0)
    if sent_at is not None and abs(sent_at - now) > difference:
        difference = sent_at - now
    return difference / 1e6 if abs(difference) > CLOCK_TOLERANCE_MICROS else None


_CONFLICT = Problem(
    "event_conflict",
    "/id",
    "this id came before with another content; what came first is kept. If your ledger was "
    "restored from a copy, say so by telephone",
)


def _judged(sent: Sent, partners: Partners, client: Client, now: Micros) -> Judged:
    event_id = sent.row.get("id") if isinstance(sent.row, dict) else None
    try:
        return _believed(sent, partners, client, now)
    except _Fault as exc:
        return Refused(event_id if isinstance(event_id, str) else None, exc.problem)


def _believed(sent: Sent, partners: Partners, client: Client, now: Micros) -> Believed:
    if len(sent.raw) > MOST_EVENT_BYTES:
        raise _Fault("event_too_large", "", f"an event has at most {MOST_EVENT_BYTES} bytes")
    try:
        envelope = msgspec.convert(sent.row, Envelope)
    except msgspec.ValidationError as exc:
        raise _shape(exc, "") from exc
    partner = _partner_of(envelope, partners, client)
    content, signed_by = _vouched(envelope, sent.row, partner, now)
    _check_message(envelope)
    if envelope.originagency == partners.agency:
        raise _Fault(
            "own_event", "/originagency", "we said this ourselves; it is not to be sent back to us"
        )
    return Believed(partner.name, envelope, sha256(content).hexdigest(), signed_by)


def _partner_of(envelope: Envelope, partners: Partners, client: Client) -> Partner:
    partner = partners.by_source(envelope.source)
    if partner is None:
        raise _Fault(
            "unknown_partner", "/source", "no partner of ours is known by this source; ask us"
        )
    if client.agency not in (partner.agency, LOCAL_AGENCY):
        raise _Fault(
            "wrong_agency",
            "/source",
            f"the credential is one of {client.agency}, whose events have another source",
        )
    if envelope.partnership != partner.partnership:
        raise _Fault(
            "wrong_partnership",
            "/partnership",
            f"what you send us is tagged with the key of {partner.partnership}",
        )
    return partner


def _vouched(
    envelope: Envelope, row: Mapping[str, Any], partner: Partner, now: Micros
) -> tuple[bytes, str]:
    """The content that the partner signed, and the id of the key."""
    try:
        signed = taken_apart(envelope.signature)
        content = canonical(row)
    except NoSignature as exc:
        raise _Fault("bad_signature", "/signature", str(exc)) from exc
    except ValueError as exc:
        raise _Fault("bad_event", "", f"it has no canonical form: {exc}") from exc
    key = partner.key_of(signed.key_id)
    if key is None:
        raise _Fault(
            "unknown_key",
            "/signature",
            f"we know no key {signed.key_id} of yours; tell us its public half by a safe way",
        )
    if not key.is_good(now):
        raise _Fault(
            "key_not_valid",
            "/signature",
            f"by our clock key {signed.key_id} is not valid at {from_micros(now).isoformat()}",
        )
    try:
        verify(signed, content, key.verifying)
    except SignatureWrong as exc:
        raise _Fault(
            "bad_signature", "/signature", "the event is not what was signed; send it again"
        ) from exc
    return content, signed.key_id


def _check_message(envelope: Envelope) -> None:
    try:
        message_of(envelope.type, envelope.data)
    except KeyError as exc:
        known = ", ".join(sorted(TYPES))
        raise _Fault("unknown_event_type", "/type", f"not one of {known}") from exc
    except msgspec.ValidationError as exc:
        raise _shape(exc, "/data") from exc


def _shape(exc: msgspec.ValidationError, prefix: str) -> _Fault:
    """Where it is wrong, and never the value."""
    _, _, place = str(exc).partition(" - at `$")
    pointer = place.rstrip("`").replace("[...]", "").replace(".", "/")
    what = "a required field is missing" if "missing required" in str(exc) else "not as it is to be"
    return _Fault("bad_event", prefix + pointer, f"{what}; /openapi.json says what an event is")


def _add(new: Sequence[Believed], received_at: Micros, transaction: Transaction) -> None:
    """One event of the ledger for each, and beside it who signed what."""
    if not new:
        return
    appended = transaction.append([_event(one) for one in new])
    store.note_arrivals(
        transaction,
        [
            store.Arrived(
                one.partner,
                one.envelope.id,
                one.content_sha256,
                there.position,
                received_at,
                one.envelope.signature,
                one.signed_by,
                max(one.envelope.told_at - received_at, 0),
            )
            for one, there in zip(new, appended, strict=True)
        ],
    )


def _event(one: Believed) -> Event:
    envelope = one.envelope
    return Event(
        source=f"{FROM_PARTNERS}{one.partner}",
        event_id=envelope.id,
        occurred_at=envelope.told_at,
        payload=PartnerEventReceived(
            partner=one.partner,
            event_type=envelope.type,
            told_at=envelope.told_at,
            subject=envelope.subject,
            origin_agency=envelope.originagency,
            handling=envelope.handling,
            contact=envelope.contact,
            sequence=envelope.sequence,
            simulated=envelope.simulated,
            data=envelope.data,
        ),
    )


def _rejected(event_id: str | None, problem: Problem, at: int) -> EventReceipt:
    return EventReceipt(id=event_id, status="rejected", errors=record_errors((problem,), f"/{at}"))
