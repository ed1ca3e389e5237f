"""From a whole record to what the ledger keeps: references, details, parties, and no identifier."""

from collections.abc import Iterator
from typing import Any

import pytest

from features.derivations import NOTES
from features.intake import conclude, declare
from features.keys import Keyring, PartnershipKey, PseudonymKey
from features.ledger.events import MovementDeclared, decode_payload, encode_payload
from features.pseudonyms import Pseudonyms
from features.records import KINDS, RecordRejected, read_movement, read_outcome
from features.records.roles import fields_of
from features.records.shipment import Shipment
from tests.full_records import ELSEWHERE, FULL, MRN

BASE = {"movement_ref": "M-1", "declared_at": "2026-03-01T08:30:00Z"}
PSEUDONYMS = Pseudonyms(Keyring([PseudonymKey(bytes(range(32)))]))


def declared(kind: str, **fields: Any) -> MovementDeclared:
    return declare(read_movement(kind, {**BASE, **fields}), PSEUDONYMS)


def test_a_shipment_and_what_carries_it_refer_to_each_other() -> None:
    shipment = declared("shipment", carried_by={"kind": "vessel", "movement_ref": "CALL-1"})
    vessel = declared("vessel", movement_ref="CALL-1", consignments=["M-1", "M-2"], flag="GB")
    assert shipment.references["carried_by"] == (vessel.movement,)
    assert vessel.references["consignments"][0] == shipment.movement
    lorry = declared("vehicle", movement_ref="CALL-1", consignments=["M-1"])
    assert lorry.references["consignments"] == (shipment.movement,)
    assert lorry.movement != vessel.movement, "references of two kinds are apart"


def test_a_document_has_one_pseudonym_wherever_it_is_named() -> None:
    lorry = declared("vehicle", customs=[{"mrn": MRN}, {"mrn": MRN, "s_and_s_mrn": MRN}])
    shipment = declared("shipment", mrn=MRN)
    (mrn,) = shipment.references["mrn"]
    assert mrn == PSEUDONYMS.reference("mrn", MRN)
    assert lorry.references["customs.mrn"] == (mrn, mrn)
    assert lorry.details["customs"] == [{"mrn": mrn}, {"mrn": mrn, "s_and_s_mrn": mrn}]
    assert declared("shipment", lrn=MRN).references["lrn"] != (mrn,), "another kind of number"


def test_further_containers_and_trailers_have_the_pseudonyms_of_entities() -> None:
    first = declared("vehicle", container_no="CSQU3054383", trailer_reg="TR 123")
    second = declared(
        "vehicle", further_containers=["CSQU 305438 3", "000"], further_trailers=["tr-123"]
    )
    assert second.references["further_containers"] == (first.entities["container_no"],)
    assert second.references["further_trailers"] == (first.entities["trailer_reg"],)
    assert second.entities == {}, "a list is no key of history"
    item = declared("shipment", items=[{"containers": ["CSQU3054383"], "consignor_eori": "FR 1"}])
    assert item.references["items.containers"] == (first.entities["container_no"],)
    assert item.details["items"][0]["consignor_eori"] == PSEUDONYMS.entity("organisation", "FR1")


@pytest.mark.parametrize(
    ("mode", "text", "pseudonym"),
    [
        ("1", "IMO 9319466", PSEUDONYMS.entity("vessel", "9319466")),
        ("11", "9319466", PSEUDONYMS.entity("vessel", "9319466")),
        ("10", "ab12 cde", PSEUDONYMS.entity("vehicle", "AB12CDE")),
        ("2", "WAGON 1", PSEUDONYMS.reference("transport", "WAGON 1")),
        (None, "WAGON 1", PSEUDONYMS.reference("transport", "WAGON 1")),
    ],
)
def test_the_means_of_transport_is_what_the_mode_says(
    mode: str | None, text: str, pseudonym: str
) -> None:
    shipment = declared("shipment", mode_at_border=mode, means_of_transport_id=text)
    assert shipment.references["means_of_transport_id"] == (pseudonym,)


@pytest.mark.parametrize(
    ("kind", "fields", "flags"),
    [
        ("vehicle", {"further_containers": ["CSQU3054383"]}, ()),
        (
            "vehicle",
            {"further_containers": ["CSQU3054384", "CSQU3054385", "PALLET 7"]},
            ("check_digit:further_containers", "format:further_containers"),
        ),
        ("vehicle", {"customs": [{"mrn": MRN[:-1] + "7"}]}, ("check_digit:customs.mrn",)),
        ("vehicle", {"departure_port": "AAAAA"}, ("unknown:departure_port",)),
        ("vehicle", {"further_trailers": ["---"]}, ("placeholder:further_trailers",)),
        ("vehicle", {"eidr": [{"trader_eori": "GB1"}]}, ("format:eidr.trader_eori",)),
        ("shipment", {"seller": {"eori": "GB1"}}, ("format:seller_eori",)),
        ("shipment", {"consignee": {"eori": "GB1"}}, ("format:consignee.eori",)),
        ("shipment", {"items": [{"commodity_code": "7701"}]}, ("unknown:items.commodity_code",)),
        ("vessel", {"previous_ports": [{"port": "AAAAA"}]}, ("unknown:previous_ports.port",)),
    ],
)
def test_a_failed_check_is_a_flag_at_any_depth(
    kind: str, fields: dict[str, Any], flags: tuple[str, ...]
) -> None:
    assert declared(kind, **fields).flags == flags


def test_no_seal_is_no_seal() -> None:
    assert declared("vehicle", seals=["No Seal"]).references["seals"] == ()
    assert declared("vehicle", seals=["A1"]).references["seals"] == (
        PSEUDONYMS.reference("seal", "A1"),
    )
    assert "seals" not in declared("vehicle", is_empty=True).references


NAMED = {"name": "A", "street": "B", "city": "C", "postcode": "D", "country": "FR"}


@pytest.mark.parametrize(
    ("fields", "flags", "entities"),
    [
        ({"consignor_eori": "FR1"}, (), {"consignor_eori"}),
        ({"consignor": {"eori": "FR1"}}, (), {"consignor_eori"}),
        ({"consignor": {"eori": "FR1", **NAMED}}, ("named:consignor",), {"consignor_eori"}),
        (
            {"consignor_name": "A", "consignor_eori": "FR1"},
            ("named:consignor",),
            {"consignor_eori"},
        ),
        ({"consignor": NAMED}, ("named:consignor", "unregistered:consignor"), set()),
        ({"consignor_address": "A"}, ("named:consignor", "unregistered:consignor"), set()),
        (
            {"consignor_name": "A", "consignor_eori": "000"},
            ("placeholder:consignor_eori", "named:consignor", "unregistered:consignor"),
            set(),
        ),
        (
            {"consignor_name": "A", "consignor": {"eori": "FR1"}, "seller_name": "B"},
            ("named:consignor", "named:seller", "unregistered:seller"),
            {"consignor_eori"},
        ),
    ],
)
def test_a_party_leaves_its_number_and_a_flag(
    fields: dict[str, Any], flags: tuple[str, ...], entities: set[str]
) -> None:
    shipment = declared("shipment", **fields)
    assert shipment.flags == flags
    assert set(shipment.entities) == entities
    if entities:
        assert shipment.entities["consignor_eori"] == PSEUDONYMS.entity("organisation", "FR1")
    assert shipment.details == {}


def test_a_british_number_in_a_flat_column_with_a_name_is_flagged() -> None:
    number = "GB980780684000"
    shipment = declared("shipment", consignor_eori=number, consignor_address="A")
    assert shipment.flags == ("named:consignor", "gb_party_named:consignor")
    lodged = declared("shipment", lodger_eori=number.lower(), lodger_name="A")
    assert lodged.flags == ("named:lodger", "gb_party_named:lodger")
    assert declared("shipment", consignor_eori=number).flags == ()


def test_a_british_party_is_told_one_thing_at_a_time() -> None:
    row = {"eori": "GB980780684000", "name": "A"}
    with pytest.raises(RecordRejected) as caught:
        declared("shipment", consignor=row)
    assert [problem.code for problem in caught.value.problems] == ["gb_party_named"]


def test_a_party_that_is_no_key_is_a_reference() -> None:
    shipment = declared("shipment", seller={"eori": "FR1", **NAMED})
    assert shipment.references["seller_eori"] == (PSEUDONYMS.entity("organisation", "FR1"),)
    assert shipment.flags == ("named:seller",)


def texts(of: Any) -> Iterator[str]:
    if isinstance(of, dict):
        for value in of.values():
            yield from texts(value)
    elif isinstance(of, list):
        for value in of:
            yield from texts(value)
    elif isinstance(of, str):
        yield of


def secrets_of(record: Any, row: dict[str, Any]) -> Iterator[str]:
    """Every text of a row that must not be stored: identifiers, references, names, positions."""
    for field in fields_of(record):
        value = row.get(field.name)
        if field.role in {"identifier", "reference", "party", "name", "track"}:
            yield from texts(value)
        elif isinstance(value, list):
            yield from (
                text
                for item in value
                if isinstance(item, dict)
                for key in ("mrn", "ducr", "part_id", "carnet_id", "trader_eori", "marks", "number")
                for text in texts(item.get(key))
            )
    yield row["movement_ref"]


def test_an_outcome_from_before_there_was_concealment_is_the_same_bytes() -> None:
    old = (
        b'{"corrects":null,"examined_at":1,"kind":"vehicle","message":"ff","movement":"ee",'
        b'"outcome":"positive","selection_reason":"unknown","thoroughness":"full",'
        b'"threat":"cash","type":"outcome"}'
    )
    assert encode_payload(decode_payload(old)) == old
    row = {
        "event_id": "E",
        "movement_ref": "M",
        "examined_at": "2026-03-01T08:30:00Z",
        "outcome": "positive",
    }
    silent, told = (
        conclude(read_outcome({**row, **more}), "vehicle", PSEUDONYMS)
        for more in ({"threat": "cash"}, {"threat": "cash", "concealment": "tank"})
    )
    assert b"concealment" not in encode_payload(silent)
    assert b'"concealment":"tank"' in encode_payload(told)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_record_is_stored_without_an_identifier(kind: str) -> None:
    movement = read_movement(kind, FULL[kind])
    payload = declare(movement, PSEUDONYMS)
    assert all(flag.startswith(NOTES) for flag in payload.flags), "no check fails in it"
    stored = encode_payload(payload)
    assert decode_payload(stored) == payload
    harmless = {"2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z", "2026-03-01T12:20:00Z"}
    harmless |= {"legal", "GB", "FR", "Calais", "vessel"}  # also codes, dates, places of their own
    for text in set(secrets_of(type(movement), FULL[kind])) - harmless:
        assert f'"{text}"'.encode() not in stored, text


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_record_is_kept_somewhere(kind: str) -> None:
    row = {**FULL[kind]} if not ELSEWHERE[kind] else {**BASE, **ELSEWHERE[kind]}
    for whole in (FULL[kind], row):
        payload = declare(read_movement(kind, whole), PSEUDONYMS)
        kept = {*payload.entities, *payload.fields, *payload.references, *payload.details}
        flagged = {flag.partition(":")[2] for flag in payload.flags}
        for field in fields_of(type(read_movement(kind, whole))):
            if field.name in whole:
                assert field.name in kept or field.party in flagged, field.name


def test_every_party_of_a_shipment_has_the_field_of_its_number_before_it() -> None:
    names = [field.name for field in fields_of(Shipment)]
    parties = [field.name for field in fields_of(Shipment) if field.role == "party"]
    assert len(parties) == 9
    assert all(names.index(f"{party}_eori") < names.index(party) for party in parties)


def test_tags_of_a_partnership_are_kept_beside_the_pseudonyms() -> None:
    class Tagging(Pseudonyms):
        def tags(self, namespace: Any, text: str) -> dict[str, str]:
            return {"north": f"{namespace}-{len(text)}"}

    movement = read_movement("vehicle", {**BASE, "haulier_eori": "FR1", "vehicle_reg": "AB12"})
    keyring, partnerships = Keyring([PseudonymKey(bytes(32))]), {"north": PartnershipKey(bytes(32))}
    payload = declare(movement, Tagging(keyring, partnerships=partnerships))
    assert payload.tags == {"north": {"haulier_eori": "organisation-3", "vehicle_reg": "vehicle-4"}}
    assert declared("vehicle", haulier_eori="FR1").tags == {}


def test_details_are_json_of_dates_and_instants_too() -> None:
    vessel = declared(
        "vessel",
        notified_at="2026-03-01T09:30:00+01:00",
        previous_ports=[{"port": "NLRTM", "arrived_on": "2026-02-27"}],
    )
    assert vessel.details == {
        "notified_at": "2026-03-01T08:30:00Z",
        "previous_ports": [{"port": "NLRTM", "arrived_on": "2026-02-27"}],
    }
