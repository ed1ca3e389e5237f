"""Events of a made-up partner, and the settings of who hears them."""

from typing import Any

import msgspec

from features.catalogue import Catalogue
from features.clock import from_micros
from features.rows import Floats
from features.signing import SigningKey
from serving.exchange.envelope import Exchanged, signed
from serving.exchange.incoming import Sent
from serving.exchange.messages import PREFIX, OutcomeTold
from serving.exchange.partners import URN, Partner, PartnerKey, Partners
from serving.exchange.signatures import ATTRIBUTE, sign

KEY, OTHER_KEY = SigningKey(b"p" * 32), SigningKey(b"q" * 32)
NOW = 1_795_000_000_000_000
HAULIER = "ab" * 16


def partner_with(**changes: Any) -> Partner:
    key = PartnerKey(public=KEY.verifying.public.hex())
    given = {"name": "nca", "agency": "nca-uk", "partnership": "north-sea", "key": (key,)}
    return Partner(**{**given, **changes})


def partners_with(*partners: Partner) -> Partners:
    return Partners("border-force", partners or (partner_with(),), ())


def find(
    number: int = 1, *, told_at: int = NOW, entities: dict[str, str] | None = None, **changes: Any
) -> Exchanged:
    """A find of drugs on a haulier's lorry, as the partner's ledger holds it at ``number``."""
    message = {
        "kind": "vehicle",
        "message": f"{number:032x}",
        "examined_at": from_micros(told_at - 1_000_000),
        "outcome": "positive",
        "thoroughness": "full",
        "threat": "class_a_drugs",
        "entities": {"haulier_eori": HAULIER} if entities is None else entities,
        **changes,
    }
    return told(number, "outcome.recorded", OutcomeTold(**message), told_at=told_at)


def told(number: int, what: str, message: Any, *, told_at: int = NOW, **changes: Any) -> Exchanged:
    made = Exchanged(
        event_id=f"{number}.{what}",
        event_type=f"{PREFIX}{what}.v1",
        told_at=told_at,
        subject="cd" * 16,
        sequence=f"{number:016d}",
        origin_agency="nca-uk",
        handling="open",
        contact="NCA duty desk",
        simulated=False,
        message=message,
    )
    return made._replace(**changes)


def as_sent(
    event: Exchanged, *, key: SigningKey = KEY, agency: str = "nca-uk", **changes: Any
) -> Sent:
    """As it arrives; ``changes`` are of the envelope and signed with the rest."""
    body = signed(event, URN + agency, "north-sea", key)
    if changes:
        row = {**msgspec.json.decode(body), **changes}
        body = msgspec.json.encode({**row, ATTRIBUTE: sign(row, key)})
    return Sent(msgspec.json.decode(body), body)


def no_row(_: Catalogue) -> Floats:
    """Of a sighting: what partners say needs no features."""
    raise AssertionError


def altered(sent: Sent, **changes: Any) -> Sent:
    """Changed after it was signed."""
    row = {**sent.row, **changes}
    return Sent(row, msgspec.json.encode(row))
