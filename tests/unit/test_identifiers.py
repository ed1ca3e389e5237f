"""Spellings, check digits and pseudonyms, worked by hand or against published examples."""

import hmac
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.identifiers import Pseudonyms, failed_checks, normalise
from features.intake import conclude, declare
from features.keys import PseudonymKey
from features.ledger.events import decode_payload, encode_payload
from features.records import Movement, Namespace, read_movement, read_outcome

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
KEY = PseudonymKey(bytes(range(32)))
NAMESPACES: tuple[Namespace, ...] = ("organisation", "vehicle", "trailer", "container", "vessel")


def movement(kind: str, **fields: Any) -> Movement:
    return read_movement(kind, {"movement_ref": "M-1", "declared_at": AT, **fields})


@pytest.mark.parametrize(
    ("namespace", "text", "plain"),
    [
        ("vehicle", "ab12 cde", "AB12CDE"),
        ("vehicle", "B-XY 123", "BXY123"),
        ("vehicle", "ＡＢ１２ＣＤＥ", "AB12CDE"),  # full width, as some keyboards send it
        ("trailer", " c.123.45 ", "C12345"),
        ("container", "csqu 305438/3", "CSQU3054383"),
        ("vessel", "IMO 9319466", "9319466"),
        ("vessel", "imo9319466", "9319466"),
        ("organisation", "gb 123456789-000", "GB123456789000"),
        ("organisation", "A/S 12", "A/S12"),
        ("vessel", "0000000", ""),
        ("organisation", " - ", ""),
    ],
)
def test_one_spelling(namespace: Namespace, text: str, plain: str) -> None:
    assert normalise(namespace, text) == plain


@given(st.sampled_from(NAMESPACES), st.text(max_size=30))
def test_a_spelling_is_its_own_spelling(namespace: Namespace, text: str) -> None:
    once = normalise(namespace, text)
    assert normalise(namespace, once) == once


@pytest.mark.parametrize(
    ("kind", "fields", "flags"),
    [
        # 9*7 + 3*6 + 1*5 + 9*4 + 4*3 + 6*2 = 146, so the seventh digit is 6.
        ("vessel", {"imo": "9319466"}, ()),
        ("vessel", {"imo": "IMO 9319466"}, ()),
        ("vessel", {"imo": "9319467"}, ("check_digit:imo",)),
        ("vessel", {"imo": "0000000"}, ("placeholder:imo",)),
        ("vessel", {"mmsi": "232003239"}, ()),
        ("vehicle", {"container_no": "CSQU3054383"}, ()),
        ("vehicle", {"container_no": "CSQU3054384"}, ("check_digit:container_no",)),
        ("shipment", {"container_no": "PALLET 7"}, ("format:container_no",)),
        ("shipment", {"declarant_eori": "GB980780684000"}, ()),
        ("shipment", {"declarant_eori": "GB980780685000"}, ("check_digit:declarant_eori",)),
        ("shipment", {"declarant_eori": "GB980780685001"}, ()),  # a branch, not from VAT
        ("shipment", {"declarant_eori": "DE1234567"}, ()),
        (
            "vehicle",
            {"haulier_eori": "GB980780685000", "container_no": "X"},
            ("check_digit:haulier_eori", "format:container_no"),
        ),
    ],
)
def test_a_failed_check_is_a_flag(
    kind: str, fields: dict[str, str], flags: tuple[str, ...]
) -> None:
    assert failed_checks(movement(kind, **fields)) == flags


@given(st.integers(0, 999_999), st.integers(1, 9))
def test_every_wrong_digit_of_an_imo_number_is_seen(six: int, off: int) -> None:
    digits = [int(d) for d in f"{six:06d}"]
    check = sum(d * weight for d, weight in zip(digits, range(7, 1, -1), strict=True)) % 10
    right, wrong = f"{six:06d}{check}", f"{six:06d}{(check + off) % 10}"
    assert "check_digit:imo" not in failed_checks(movement("vessel", imo=right))
    assert failed_checks(movement("vessel", imo=wrong)) == ("check_digit:imo",)


def test_a_pseudonym_is_a_keyed_hash_of_domain_and_spelling() -> None:
    tag = hmac.new(bytes(range(32)), b"foreland 1 entity vehicle\0AB12CDE", "sha256").hexdigest()
    assert Pseudonyms(KEY).entity("vehicle", "ab12 cde") == f"vehicle:{tag[:32]}"


def test_pseudonyms_are_apart_by_namespace_kind_and_key() -> None:
    pseudonyms, other = Pseudonyms(KEY), Pseudonyms(PseudonymKey(bytes(32)))
    tags = [pseudonyms.entity(namespace, "X1").partition(":")[2] for namespace in NAMESPACES]
    tags += [pseudonyms.movement(kind, "X1") for kind in ("vehicle", "vessel", "shipment")]
    tags += [pseudonyms.event("X1"), other.event("X1"), other.movement("vehicle", "X1")]
    assert len(set(tags)) == len(tags)
    assert all(len(tag) == 32 for tag in tags)


def test_spellings_of_one_entity_share_a_pseudonym_and_references_keep_their_case() -> None:
    pseudonyms = Pseudonyms(KEY)
    spellings = {
        pseudonyms.entity("vehicle", text) for text in ("AB12CDE", "ab12 cde", "AB-12-CDE")
    }
    assert len(spellings) == 1
    assert pseudonyms.movement("vehicle", " a ") == pseudonyms.movement("vehicle", "a")
    assert pseudonyms.movement("vehicle", "a") != pseudonyms.movement("vehicle", "A")


@given(st.lists(st.text(min_size=1, max_size=20), min_size=2, max_size=8, unique=True))
def test_different_references_have_different_pseudonyms(references: list[str]) -> None:
    pseudonyms = Pseudonyms(KEY)
    tags = sorted(pseudonyms.movement("vehicle", r) for r in {r.strip() for r in references})
    assert all(a != b for a, b in pairwise(tags))


def test_declaring_keeps_what_was_given_and_no_identifier() -> None:
    declared = declare(
        movement(
            "vehicle",
            version=2,
            haulier_eori="GB980780685000",
            vehicle_reg="AB12 CDE",
            trailer_reg="---",
            route_id="DOVER-CALAIS",
            gross_mass_kg=12_500.0,
            passenger_count=0,
            is_empty=False,
            departs_at=AT,
            attributes={"seal": "A", "axles": 3.0},
        ),
        Pseudonyms(KEY),
    )
    assert set(declared.entities) == {"haulier_eori", "vehicle_reg"}, "a placeholder is nobody"
    assert declared.entities["vehicle_reg"] == Pseudonyms(KEY).entity("vehicle", "AB12CDE")
    micros = 1_772_353_800_000_000  # date -u -d '2026-03-01T08:30Z' +%s
    assert declared.fields == {
        "route_id": "DOVER-CALAIS",
        "gross_mass_kg": 12_500.0,
        "passenger_count": 0,
        "is_empty": False,
        "departs_at": micros,
    }
    assert (declared.version, declared.declared_at) == (2, micros)
    assert declared.attributes == {"seal": "A", "axles": 3.0}
    assert declared.flags == ("check_digit:haulier_eori", "placeholder:trailer_reg")
    stored = encode_payload(declared)
    assert decode_payload(stored) == declared
    for plain in (b"GB98", b"AB12", b"M-1"):
        assert plain not in stored


def test_an_outcome_meets_its_movement_under_the_same_pseudonym() -> None:
    outcome = read_outcome(
        {
            "event_id": "E1",
            "movement_ref": "M-1",
            "outcome": "positive",
            "examined_at": AT,
            "threat": "cash",
            "thoroughness": "full",
            "selection_reason": "random",
        }
    )
    recorded = conclude(outcome, "vehicle", Pseudonyms(KEY))
    assert (
        recorded.movement == declare(movement("vehicle", is_empty=True), Pseudonyms(KEY)).movement
    )
    assert (recorded.outcome, recorded.threat) == ("positive", "cash")
    assert (recorded.thoroughness, recorded.selection_reason) == ("full", "random")
    assert recorded.examined_at == 1_772_353_800_000_000
