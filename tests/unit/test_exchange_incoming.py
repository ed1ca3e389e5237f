"""What a partner sends: who is believed, what is kept, and that it is kept once."""

import base64
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from features.clock import from_micros
from features.ledger import Ledger, PartnerEventReceived, open_ledger
from features.signing import SigningKey
from serving.auth.access import LOCAL, Client
from serving.exchange import store
from serving.exchange.bodies import Sent
from serving.exchange.envelope import MOST_EVENT_BYTES
from serving.exchange.incoming import Refused, clock_ahead_seconds, judge, keep
from serving.exchange.partners import PartnerKey, Partners
from serving.exchange.signatures import canonical
from serving.wire.exchange import EventReceipt
from tests.exchanges import (
    KEY,
    NOW,
    OTHER_KEY,
    altered,
    as_sent,
    find,
    partner_with,
    partners_with,
    told,
)

MINUTE = 60_000_000
NCA = Client("nca-exchange", "nca-uk", frozenset({"exchange.write"}))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as opened:
        with opened.transaction() as transaction:
            store.prepare(transaction)
        yield opened


def refusal(sent: Sent, partners: Partners | None = None, client: Client = NCA) -> str:
    (judged,) = judge([sent], partners or partners_with(), client, NOW)
    assert isinstance(judged, Refused), judged
    return judged.problem.code


def kept(ledger: Ledger, *sent: Sent, now: int = NOW) -> list[EventReceipt]:
    judged = judge(sent, partners_with(), NCA, now)
    with ledger.transaction() as transaction:
        return keep(judged, now, transaction)


def statuses(receipts: list[EventReceipt]) -> list[str]:
    return [one.errors[0].code if one.errors else one.status for one in receipts]


def test_what_a_partner_signed_is_kept_with_its_provenance(ledger: Ledger) -> None:
    assert statuses(kept(ledger, as_sent(find()))) == ["accepted"]
    (event,) = ledger.read_source("partner:nca")
    assert (event.event_id, event.occurred_at) == ("1.outcome.recorded", NOW)
    payload = event.payload
    assert isinstance(payload, PartnerEventReceived)
    assert (payload.partner, payload.origin_agency, payload.handling, payload.contact) == (
        "nca",
        "nca-uk",
        "open",
        "NCA duty desk",
    )
    assert payload.data["threat"] == "class_a_drugs"


def test_how_a_find_was_concealed_is_kept_and_an_unknown_way_refused(ledger: Ledger) -> None:
    assert statuses(kept(ledger, as_sent(find(concealment="tank")))) == ["accepted"]
    (event,) = ledger.read_source("partner:nca")
    assert isinstance(event.payload, PartnerEventReceived)
    assert event.payload.data["concealment"] == "tank"
    odd = as_sent(find(2, concealment="magic"))
    assert statuses(kept(ledger, odd)) == ["bad_event"]


def test_the_same_event_is_kept_once_and_another_content_is_a_conflict(ledger: Ledger) -> None:
    first, changed = as_sent(find()), as_sent(find(threat="cash"))
    assert statuses(kept(ledger, first)) == ["accepted"]
    assert statuses(kept(ledger, first, first, changed, as_sent(find(2)))) == [
        "duplicate",
        "duplicate",
        "event_conflict",
        "accepted",
    ]
    assert ledger.last_position() == 2


def test_an_event_signed_anew_after_a_rotation_is_the_same_event(ledger: Ledger) -> None:
    both = partner_with(
        key=tuple(PartnerKey(public=one.verifying.public.hex()) for one in (KEY, OTHER_KEY))
    )
    for key in (KEY, OTHER_KEY):
        judged = judge([as_sent(find(), key=key)], partners_with(both), NCA, NOW)
        with ledger.transaction() as transaction:
            receipts = keep(judged, NOW, transaction)
    assert statuses(receipts) == ["duplicate"]


def test_within_one_body_too(ledger: Ledger) -> None:
    same, changed = as_sent(find()), as_sent(find(threat="cash"))
    receipts = kept(ledger, same, same, changed)
    assert statuses(receipts) == ["accepted", "duplicate", "event_conflict"]


def test_joserfc_verifies_what_we_sign() -> None:
    """An independent reader of RFC 7515, given the payload that was left out."""
    sent = as_sent(find())
    public = OKPKey.import_key(
        {"kty": "OKP", "crv": "Ed25519", "x": _base64url(KEY.verifying.public)}
    )
    header, _, signature = sent.row["signature"].split(".")
    whole = f"{header}.{_base64url(canonical(sent.row))}.{signature}"
    assert jws.deserialize_compact(whole, public, algorithms=["Ed25519"]).payload == canonical(
        sent.row
    )


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {**as_sent(find()).row["data"], "threat": "cash"}},
        {"handling": "contact"},
        {"originagency": "met-police"},
        {"time": "2026-01-01T00:00:00Z"},
        {"simulated": True},
        {"subject": "ee" * 16},
        {"contact": "somebody else"},
        {"sequence": "9" * 16},
    ],
)
def test_whatever_is_changed_on_the_way_is_found(changes: dict[str, Any]) -> None:
    assert refusal(altered(as_sent(find()), **changes)) == "bad_signature"


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "a.b.c",
        "x" * 301,
        as_sent(find()).row["signature"] + "=",
        "eyJhbGciOiJub25lIn0..",
        as_sent(find()).row["signature"].replace("..", ".e30."),
    ],
)
def test_a_signature_made_otherwise_is_none(signature: str) -> None:
    assert refusal(altered(as_sent(find()), signature=signature)) in {
        "bad_signature",
        "bad_event",
    }


def test_only_its_partners_keys_vouch_for_an_event() -> None:
    assert refusal(as_sent(find(), key=OTHER_KEY)) == "unknown_key"
    assert refusal(as_sent(find(), agency="nobody")) == "unknown_partner"
    other = partner_with(
        name="met", agency="met", key=(PartnerKey(public=OTHER_KEY.verifying.public.hex()),)
    )
    both = partners_with(partner_with(), other)
    # The key of one partner under the name of the other.
    assert refusal(as_sent(find(), key=OTHER_KEY), both) == "unknown_key"
    assert refusal(as_sent(find(), key=OTHER_KEY, agency="met"), both) == "wrong_agency"
    judged = judge([as_sent(find(), key=OTHER_KEY, agency="met")], both, LOCAL, NOW)
    assert not isinstance(judged[0], Refused)


def test_a_key_is_good_from_its_first_instant_to_just_before_its_last() -> None:
    def key_valid(valid_from: int, valid_until: int) -> Partners:
        key = PartnerKey(
            public=KEY.verifying.public.hex(),
            valid_from=from_micros(valid_from),
            valid_until=from_micros(valid_until),
        )
        return partners_with(partner_with(key=(key,)))

    sent = as_sent(find())
    assert not isinstance(judge([sent], key_valid(NOW, NOW + 1), NCA, NOW)[0], Refused)
    assert refusal(sent, key_valid(NOW + 1, NOW + 2)) == "key_not_valid"
    assert refusal(sent, key_valid(NOW - 2, NOW)) == "key_not_valid"


def test_each_rule_has_its_code() -> None:
    event = find()
    assert refusal(as_sent(event, partnership="channel")) == "wrong_partnership"
    assert refusal(as_sent(event, type="uk.gov.foreland.outcome.recorded.v2")) == (
        "unknown_event_type"
    )
    assert refusal(as_sent(told(1, "outcome.recorded", {"kind": "vehicle"}))) == "bad_event"
    assert refusal(as_sent(find(entities={"haulier_eori": "GB123456789000"}))) == "bad_event"
    assert refusal(as_sent(find(outcome="maybe"))) == "bad_event"
    assert refusal(as_sent(event, originagency="border-force")) == "own_event"
    assert refusal(as_sent(event, specversion="0.3")) == "bad_event"
    assert refusal(as_sent(event, extra="field")) == "bad_event"
    too_exact = {**as_sent(event).row["data"], "mass": 2**60}  # a double cannot hold all of them
    assert refusal(altered(as_sent(event), data=too_exact)) == "bad_event"
    assert refusal(Sent(["no object"], b"[]")) == "bad_event"
    too_large = as_sent(event)._replace(raw=b" " * (MOST_EVENT_BYTES + 1))
    assert refusal(too_large) == "event_too_large"


def test_a_clock_that_is_a_day_ahead_is_said_and_moves_nothing(ledger: Ledger) -> None:
    tomorrow = NOW + 24 * 60 * MINUTE
    receipts = kept(ledger, as_sent(find(told_at=tomorrow)))
    assert statuses(receipts) == ["accepted"]
    (event,) = ledger.read_source("partner:nca")
    assert event.occurred_at == tomorrow, "the partner's claim is kept"
    now = datetime.now(UTC)
    assert abs(from_micros(event.available_at) - now) < timedelta(minutes=1), "ours decides"


def test_clocks_are_compared_by_the_time_of_sending_or_else_by_the_latest_event() -> None:
    def ahead(told_at: int, sent_at: int | None) -> float | None:
        judged = judge([as_sent(find(told_at=told_at))], partners_with(), NCA, NOW)
        return clock_ahead_seconds(judged, sent_at, NOW)

    day = 24 * 60 * MINUTE
    assert ahead(NOW, NOW) is None
    assert ahead(NOW - 30 * day, NOW) is None, "an old event that comes late is not a slow clock"
    assert ahead(NOW, NOW - day) == -86_400.0
    assert ahead(NOW + day, NOW + day) == 86_400.0
    assert ahead(NOW + day, None) == 86_400.0
    assert ahead(NOW + 5 * MINUTE, NOW + 5 * MINUTE) is None
    assert ahead(NOW + 5 * MINUTE + 1, None) == pytest.approx(300.000001)


def test_signing_is_the_same_each_time() -> None:
    key = SigningKey(b"r" * 32)
    assert as_sent(find(), key=key) == as_sent(find(), key=key)
