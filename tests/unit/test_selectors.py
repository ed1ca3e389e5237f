"""Selectors: what may be one, who may approve it, and when it stands, to the microsecond."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from features.clock import iso, now_micros
from features.errors import InputError
from features.intake import declare
from features.ledger import (
    Ledger,
    Recorded,
    SelectorApproved,
    SelectorProposed,
    SelectorWithdrawn,
    open_ledger,
)
from features.pseudonyms import Pseudonyms, load_pseudonyms
from features.records import read_movement
from serving.matching import SOURCE, Sighting
from serving.openapi import MOVEMENT_EXAMPLES
from serving.selectors import (
    SelectorMatcher,
    SelectorRefused,
    approve,
    draft,
    propose,
    withdraw,
)
from serving.selectors.criteria import keys_of
from serving.selectors.standing import standing
from tests.memory_ledger import recorded

NOW = 1_790_000_000_000_000
EXPIRES = "2026-12-31"
ROW: dict[str, Any] = {
    "agency": "police",
    "criteria": ["vehicle: ab-12 cde"],
    "reason": "seen with a watched haulier on 2026-03-01",
    "handling": "contact",
    "contact": "Targeting desk",
    "expires": EXPIRES,
}


@pytest.fixture
def pseudonyms(tmp_path: Path) -> Pseudonyms:
    return load_pseudonyms(tmp_path / "keys")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as opened:
        yield opened


def drafted(pseudonyms: Pseudonyms, **changes: Any) -> SelectorProposed:
    return draft({**ROW, **changes}, pseudonyms, by="Ada Lovelace", now=NOW)


def test_what_is_written_becomes_an_event_without_an_identifier(pseudonyms: Pseudonyms) -> None:
    said = drafted(
        pseudonyms,
        criteria=["trailer: C 1", "vehicle: ab-12 cde"],
        kinds=["vehicle"],
        threat="cash",
    )
    assert said.criteria == (
        pseudonyms.entity("trailer", "C1"),
        pseudonyms.entity("vehicle", "AB12CDE"),
    )
    assert (said.kinds, said.threat, said.action, said.marking) == (
        ("vehicle",), "cash", "refer", "OFFICIAL",
    )  # fmt: skip
    assert (said.starts, said.creator) == (NOW, "Ada Lovelace")
    assert iso(said.expires) == "2026-12-31T00:00:00Z"
    assert len(said.selector) == 20
    other = draft({**ROW, "criteria": ["vehicle: AB12CDE"]}, pseudonyms, by="Ben", now=NOW)
    assert other.selector == drafted(pseudonyms).selector, "it is the same entry, spelled otherwise"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"expires": None}, "expires is missing"),
        ({"expires": "2027-12-31"}, "more than 366 days after it starts"),
        ({"expires": "2026-01-01"}, "not later than starts"),
        ({"starts": "2025-12-30", "expires": "2026-01-01"}, "which has passed"),
        ({"expires": "2026-12-31T10:00:00"}, "a time with an offset"),
        ({"criteria": []}, "1 to 4 conditions"),
        ({"criteria": ["vehicle: AB12CDE"] * 5}, "1 to 4 conditions"),
        ({"criteria": ["ship: 9319466"]}, "'ship' is no namespace"),
        ({"criteria": ["port_of_vice = GBDVR"]}, "is no declared field"),
        ({"criteria": ["origin_country = Ecuador"]}, "origin_country is never 'Ecuador'"),
        ({"criteria": ["origin_country = E*"]}, "origin_country is never 'E*'"),
        ({"criteria": ["commodity_code = 8*"]}, "two to ten digits and *"),
        ({"criteria": ["is_empty = true"]}, "is_empty is never 'true'"),
        ({"criteria": ["gross_mass_kg = 7"]}, "is no declared field"),
        ({"criteria": ["vehicle: UNKNOWN"]}, "is a placeholder"),
        ({"criteria": ["driver_name = J. Doe"]}, "driver_name is a natural person's data"),
        ({"criteria": ["AB12 CDE"]}, "neither a colon nor an equals sign"),
        ({"criteria": ["craft = commercial", "office = GB1"]}, "no kind of movement has all"),
        ({"kinds": ["vessel"], "criteria": ["origin_country = EC"]}, "vessel cannot have these"),
        ({"passport_no": "1"}, "passport_no is a natural person's data"),
        ({"colour": "red"}, "'colour' is no field of a selector"),
        ({"reason": "call +44 20 7946 0000"}, "may identify somebody"),
        ({"reason": ""}, "reason is 1 to 200 characters"),
        ({"contact": "John Smith"}, "contact names no desk"),
        ({"contact": "Mr Smith, targeting desk"}, "contact names no desk"),
        ({"handling": "secret"}, "handling is 'secret'; use one of open, contact, hidden"),
        ({"handling": ""}, "handling is missing"),
        ({"marking": "TOP SECRET"}, "use one of OFFICIAL, OFFICIAL-SENSITIVE"),
        ({"action": "arrest"}, "use one of refer, inform"),
        ({"threat": "bananas"}, "threat is 'bananas'"),
        ({"agency": "no such agency"}, "agency is made of letters"),
    ],
)
def test_what_breaks_a_rule_is_refused_in_one_line(
    pseudonyms: Pseudonyms, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(SelectorRefused) as refused:
        drafted(pseudonyms, **changes)
    assert says in str(refused.value)
    for secret in ("AB12", "Smith", "Doe", "7946"):
        assert secret not in str(refused.value)


def sighting(pseudonyms: Pseudonyms, kind: str, as_of: int, **changes: Any) -> Sighting:
    row = {**MOVEMENT_EXAMPLES[kind], **changes}
    movement = read_movement(row.pop("kind"), row)

    def no_row(_: object) -> Any:
        raise AssertionError("selectors need no features")

    return Sighting(declare(movement, pseudonyms), as_of, no_row)


def heard(*payloads: Any, at: int = NOW) -> SelectorMatcher:
    matcher = SelectorMatcher()
    for position, payload in enumerate(payloads, 1):
        matcher.hear(recorded(position, payload, at, source=SOURCE))
    return matcher


def test_it_stands_from_start_to_expiry_and_after_its_approval(pseudonyms: Pseudonyms) -> None:
    starts, expires = NOW + 100, NOW + 200
    said = drafted(pseudonyms, starts="2026-10-01", expires="2026-10-02")
    said = replace(said, starts=starts, expires=expires)
    approved = SelectorApproved(selector=said.selector, approver="B")

    def found(matcher: SelectorMatcher, as_of: int) -> int:
        return len(list(matcher.matches(sighting(pseudonyms, "vehicle", as_of))))

    live = heard(said, approved)
    at = [starts - 1, starts, expires - 1, expires, expires + 1]
    assert [found(live, one) for one in at] == [0, 1, 1, 0, 0]
    late = heard(said, approved, at=starts + 10)  # approved after its start
    assert [found(late, starts + one) for one in (9, 10, 11)] == [0, 0, 1]
    assert found(heard(said), starts) == 0, "not approved"
    assert found(heard(approved), starts) == 0, "nothing is approved"
    live.hear(
        Recorded(
            position=9,
            source="intelligence",
            event_id="w",
            occurred_at=0,
            available_at=starts + 50,
            backfill=False,
            payload=SelectorWithdrawn(selector=said.selector, by="A", reason="scrapped"),
        )
    )
    assert [found(live, starts + one) for one in (49, 50, 51)] == [1, 1, 0]


def test_identifiers_prefixes_and_combinations(pseudonyms: Pseudonyms) -> None:
    fruit = drafted(
        pseudonyms, criteria=["commodity_code = 0803*", "origin_country = EC"], kinds=["shipment"]
    )
    pair = drafted(pseudonyms, criteria=["vehicle: AB12CDE", "trailer: C1"])
    matcher = heard(
        fruit,
        SelectorApproved(selector=fruit.selector, approver="B"),
        pair,
        SelectorApproved(selector=pair.selector, approver="B"),
        at=NOW,
    )

    def ids(kind: str, **changes: Any) -> list[str]:
        seen = sighting(pseudonyms, kind, NOW + 1, **changes)
        return [match.id for match in matcher.matches(seen)]

    assert ids("shipment") == [fruit.selector]
    assert ids("shipment", origin_country="CO") == []
    assert ids("shipment", commodity_code="080410") == []
    item = {"commodity_code": "080390"}
    assert ids("shipment", commodity_code="080410", items=[item]) == [fruit.selector]
    assert ids("vehicle") == []
    assert ids("vehicle", trailer_reg="c-1") == [pair.selector]
    assert ids("vehicle", trailer_reg="C2") == []


def test_further_containers_are_seen_too(pseudonyms: Pseudonyms) -> None:
    said = drafted(pseudonyms, criteria=["container: CSQU3054383"])
    matcher = heard(said, SelectorApproved(selector=said.selector, approver="B"))
    seen = sighting(
        pseudonyms,
        "shipment",
        NOW + 1,
        container_no="MSKU1234565",
        further_containers=["CSQU3054383"],
    )
    assert [match.id for match in matcher.matches(seen)] == [said.selector]


def test_a_person_does_not_approve_what_the_same_person_proposed(
    ledger: Ledger, pseudonyms: Pseudonyms
) -> None:
    said = draft(
        {**ROW, "expires": "2099-01-01", "starts": "2098-06-01"},
        pseudonyms,
        by="Ada  Lovelace",
        now=NOW,
    )
    propose(ledger, [said], said.creator)
    with pytest.raises(InputError, match="was proposed before, by Ada Lovelace"):
        propose(ledger, [said], said.creator)
    with pytest.raises(InputError, match="who cannot approve it"):
        approve(ledger, [said.selector], "ada lovelace ")
    with pytest.raises(InputError, match="00 is no selector"):
        approve(ledger, [said.selector, "0" * 20], "Ben")
    assert [one.state for one in standing(ledger, now_micros() + 1)] == ["proposed"]
    approve(ledger, [said.selector], "Ben")
    with pytest.raises(InputError, match="is approved already"):
        approve(ledger, [said.selector], "Cyd")
    (one,) = standing(ledger, now_micros() + 1)
    assert one.approval is not None
    assert (one.state, one.approval.said.approver) == ("approved", "Ben")
    assert standing(ledger, first_known(ledger)) == []
    withdraw(ledger, [said.selector], "Ben", "a mistake")
    with pytest.raises(InputError, match="is withdrawn already"):
        withdraw(ledger, [said.selector], "Ben", "a mistake")
    with pytest.raises(InputError, match="is withdrawn; propose it anew"):
        approve(ledger, [said.selector], "Ben")
    assert [one.state for one in standing(ledger, now_micros() + 1)] == ["withdrawn"]


def first_known(ledger: Ledger) -> int:
    """The instant at which the first event was known: it is not visible then."""
    return next(ledger.tail(0)).available_at


def test_one_that_has_expired_is_not_approved(ledger: Ledger, pseudonyms: Pseudonyms) -> None:
    said = drafted(pseudonyms, starts="2025-12-01", expires="2026-11-01")
    propose(ledger, [said], said.creator)
    with pytest.raises(InputError, match="expired at 2026-11-01T00:00:00Z; propose it anew"):
        approve(ledger, [said.selector], "Ben")


def test_keys_are_all_that_can_be_asked_for(pseudonyms: Pseudonyms) -> None:
    seen = sighting(pseudonyms, "vehicle", NOW, is_empty=True, commodity_code="2402")
    keys = keys_of(seen.declared)
    wanted = {
        pseudonyms.entity("vehicle", "AB12CDE"),
        "route_id=DUN-DVR",
        "is_empty=yes",
        "commodity_code=2402",
        "commodity_code=2402*",
        "commodity_code=24*",
    }
    assert wanted <= keys
    assert not any(key.startswith("gross_mass_kg") for key in keys)
