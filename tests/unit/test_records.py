"""Every rule of the records, with something it accepts and something it refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.errors import InputError
from features.records import (
    KINDS,
    NOT_LABELS,
    Problem,
    RecordRejected,
    check_kind,
    declared_fields,
    read_movement,
    read_outcome,
)

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
BASE: dict[str, Any] = {"movement_ref": "M-1", "declared_at": AT}


def refused(kind: str, row: dict[str, Any]) -> tuple[Problem, ...]:
    with pytest.raises(RecordRejected) as caught:
        read_movement(kind, row)
    return caught.value.problems


@pytest.mark.parametrize("kind", KINDS)
def test_reference_time_and_one_thing_to_go_by_are_enough(kind: str) -> None:
    movement = read_movement(kind, {**BASE, "attributes": {"x": 1.0}})
    assert (movement.movement_ref, movement.version) == ("M-1", 1)
    assert [p.code for p in refused(kind, BASE)] == ["nothing_declared"]
    for name in BASE:
        left = {key: value for key, value in BASE.items() if key != name}
        (problem,) = refused(kind, {**left, "attributes": {"x": 1.0}})
        assert problem.code == "missing_field"
        assert name in problem.message


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_role_a_label_and_identifiers_a_namespace(kind: str) -> None:
    fields = declared_fields(kind)
    assert len({field.name for field in fields}) == len(fields) >= 15
    assert all(field.label for field in fields)
    assert all((field.namespace is not None) == (field.role == "identifier") for field in fields)
    assert all((field.unit is not None) == (field.role == "measure") for field in fields)


def test_text_from_a_file_becomes_numbers_times_and_switches() -> None:
    row = {
        "movement_ref": "M-1",
        "declared_at": "2026-03-01T08:30:00Z",
        "gross_mass_kg": "12500.5",
        "booking_amendments": "2",
        "is_empty": "true",
        "version": "3",
    }
    movement = read_movement("vehicle", row)
    assert (movement.declared_at, movement.version) == (AT, 3)
    found = [getattr(movement, n) for n in ("gross_mass_kg", "booking_amendments", "is_empty")]
    assert found == [12_500.5, 2, True]


ACCEPTED_AND_REFUSED = [
    ("shipment", "commodity_code", "010129", "0101.29"),
    ("shipment", "commodity_code", "0101", "010"),
    ("shipment", "currency", "KRW", "krw"),
    ("shipment", "currency", "KRW", "KRW\n"),
    ("shipment", "origin_country", "GB", "GBR"),
    ("shipment", "net_mass_kg", 0.1, 0.0),
    ("shipment", "net_mass_kg", "5", "nan"),
    ("shipment", "invoice_amount", 0.0, -1.0),
    ("shipment", "invoice_amount", 1.0, float("nan")),
    ("shipment", "invoice_amount", 1.0, float("inf")),
    ("shipment", "package_count", 0, -1),
    ("shipment", "package_count", "7", "7.5"),
    ("shipment", "duty_rate_percent", 12.5, -0.1),
    ("shipment", "mode_at_border", "4", ""),
    ("shipment", "office", "GB000060", "\t"),
    ("shipment", "consignee_eori", "DE1234567", " "),
    ("shipment", "consignee_eori", "DE1234567", "X" * 41),
    ("vehicle", "direction", "UK_INBOUND", "INBOUND"),
    ("vehicle", "traffic_mode", "tourist", "car"),
    ("vehicle", "charge_payment", "A", "E"),
    ("vehicle", "vehicle_reg", "AB12 CDE", ""),
    ("vehicle", "passenger_count", 0, 2_000_000),
    ("vehicle", "departs_at", "2026-03-01T10:00:00+01:00", "2026-03-01T10:00:00"),
    ("vehicle", "booked_at", "2026-03-01T10:00:00Z", "20260301"),
    ("vehicle", "booked_at", "2026-03-01T10:00:00Z", 20_260_301),
    ("vehicle", "route_id", "DOVER-CALAIS", "<script>"),
    ("vessel", "imo", "IMO 9319466", "931946"),
    ("vessel", "mmsi", "232003239", "23200323A"),
    ("vessel", "craft", "pleasure", "submarine"),
    ("vessel", "year_built", 1998, 1066),
    ("vessel", "gross_tonnage", 400.0, 0.0),
    ("vessel", "ais_gap_hours", 0.0, -1.0),
]


@pytest.mark.parametrize(("kind", "field", "good", "bad"), ACCEPTED_AND_REFUSED)
def test_a_field_takes_this_and_refuses_that(kind: str, field: str, good: Any, bad: Any) -> None:
    assert getattr(read_movement(kind, {**BASE, field: good}), field) is not None
    (problem,) = refused(kind, {**BASE, field: bad})
    assert (problem.code, problem.pointer) == ("bad_value", f"/{field}")


@pytest.mark.parametrize(
    "reference", ["", " ", "x" * 71, "x ", "\n", None, 7], ids=["empty", "blank", *"abcde"]
)
def test_references_that_are_none(reference: Any) -> None:
    (problem,) = refused("vehicle", {**BASE, "movement_ref": reference, "is_empty": True})
    assert problem.pointer == "/movement_ref"


RULES = [
    ("shipment", {"net_mass_kg": 5.0}, {"gross_mass_kg": 5.0}, {"gross_mass_kg": 4.9}),
    ("vehicle", {"departs_at": AT}, {"arrives_at": AT}, {"arrives_at": AT - timedelta(seconds=1)}),
    ("vehicle", {"is_unaccompanied": True}, {"trailer_reg": "T1"}, {"vehicle_reg": "V1"}),
    ("vehicle", {"is_unaccompanied": True}, {"container_no": "C1"}, {}),
    ("vehicle", {"is_empty": True}, {"value_gbp": 0.0}, {"value_gbp": 1.0}),
    ("vessel", {"departs_at": AT}, {"arrives_at": AT + timedelta(hours=1)}, {"arrives_at": AT}),
    ("vessel", {"flag": "GB"}, {"crew_count": 1}, {"crew_count": 0}),
]
CODES = [
    "net_above_gross",
    "arrival_before_departure",
    "unaccompanied_without_trailer",
    "unaccompanied_without_trailer",
    "empty_with_goods",
    "arrival_before_departure",
    "no_crew",
]


@pytest.mark.parametrize(
    ("kind", "common", "kept", "broken", "code"),
    [(*rule, code) for rule, code in zip(RULES, CODES, strict=True)],
)
def test_a_rule_between_fields_is_kept_or_broken(
    kind: str, common: dict[str, Any], kept: dict[str, Any], broken: dict[str, Any], code: str
) -> None:
    read_movement(kind, {**BASE, **common, **kept})
    (problem,) = refused(kind, {**BASE, **common, **broken})
    assert problem.code == code


def test_all_broken_rules_are_told_at_once() -> None:
    row = {**BASE, "is_unaccompanied": True, "is_empty": True, "value_gbp": 9.0}
    assert len(refused("vehicle", row)) == 2


def test_unknown_fields_are_refused() -> None:
    (problem,) = refused("vehicle", {**BASE, "is_empty": True, "hauler": "x"})
    assert problem.code == "unknown_field"
    assert "hauler" in problem.message


@pytest.mark.parametrize("name", ["driver_name", "passport_number", "email"])
def test_a_persons_data_is_refused_by_name(name: str) -> None:
    (problem,) = refused("vehicle", {**BASE, "is_empty": True, name: "Doe"})
    assert (problem.code, problem.pointer) == ("person_data_refused", f"/{name}")
    assert "Doe" not in problem.message
    with pytest.raises(RecordRejected, match="person_data_refused"):
        read_outcome({"event_id": "1", name: "Doe"})


@pytest.mark.parametrize("name", ["driver_name", "driverName", "DRIVER NAME"])
def test_a_persons_data_does_not_slip_in_as_an_attribute(name: str) -> None:
    (problem,) = refused("vehicle", {**BASE, "attributes": {name: "Doe"}})
    assert problem.code == "person_data_refused"


@pytest.mark.parametrize(
    "attributes",
    [{"x": float("nan")}, {"x": float("inf")}, {"x": ""}, {"x": " "}, {"a b": 1.0}, {"": 1.0}],
)
def test_attributes_that_are_none(attributes: dict[str, Any]) -> None:
    (problem,) = refused("vehicle", {**BASE, "attributes": attributes})
    assert (problem.code, problem.pointer) == ("bad_value", "/attributes")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("second_reg", "vehicle_reg"),
        ("NumberPlate", "vehicle_reg"),
        ("vrm2", "vehicle_reg"),
        ("registration_no", "vehicle_reg"),
        ("chassis_vin", "vehicle_reg"),
        ("trailers", "trailer_reg"),
        ("containerNumber", "container_no"),
        ("forwarder_eori", "haulier_eori"),
        ("IMO", "carrying_vessel"),
        ("gmr", "gmr_id"),
        ("export_mrn", "s_and_s_mrn"),
    ],
)
def test_an_identifier_does_not_come_in_as_an_attribute(name: str, field: str) -> None:
    (problem,) = refused("vehicle", {**BASE, "attributes": {name: "Canary"}})
    assert (problem.code, problem.pointer) == ("identifier_as_attribute", "/attributes")
    assert problem.message.endswith(f"; send it as {field}")
    assert "Canary" not in problem.message
    (problem,) = refused("vehicle", {**BASE, "attributes": {"mmsi": "232003239"}})
    assert problem.message.endswith("; leave it out")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trailer_type", "reefer"),
        ("registration_country", "PL"),
        ("container_count", 3.0),
        ("trailer_length_m", 13.6),
        ("region", "north"),
        ("template", "A"),
        ("process_type", "B"),
    ],
)
def test_what_is_no_identifier_stays_an_attribute(name: str, value: object) -> None:
    assert read_movement("vehicle", {**BASE, "attributes": {name: value}}).attributes


OUTCOME: dict[str, Any] = {
    "event_id": "E1",
    "movement_ref": "M-1",
    "outcome": "negative",
    "examined_at": AT,
}


def test_an_outcome_and_its_rules() -> None:
    assert read_outcome(OUTCOME).known_at is None
    assert read_outcome({**OUTCOME, "known_at": AT}).known_at == AT
    assert read_outcome({**OUTCOME, "outcome": "positive", "threat": "cash"}).threat == "cash"
    found = read_outcome({**OUTCOME, "outcome": "positive", "concealment": "cover_load"})
    assert (found.threat, found.concealment) == (None, "cover_load")
    assert all(read_outcome({**OUTCOME, "outcome": name}).outcome == name for name in NOT_LABELS)


def test_a_concealment_without_a_find_is_refused_with_rule_value_and_next_step() -> None:
    row = {**OUTCOME, "outcome": "no_show", "concealment": "tank"}
    with pytest.raises(RecordRejected) as caught:
        read_outcome(row)
    (problem,) = caught.value.problems
    assert (problem.code, problem.pointer) == ("concealment_without_find", "/concealment")
    assert problem.message == (
        "concealment tank needs outcome positive, not no_show; leave it out, or correct the outcome"
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"threat": "cash"}, "threat_without_find"),
        ({"concealment": "tank"}, "concealment_without_find"),
        ({"outcome": "positive", "concealment": "on_person"}, "bad_value"),
        ({"corrects": "E1"}, "corrects_itself"),
        ({"known_at": AT - timedelta(seconds=1)}, "known_before_examined"),
        ({"outcome": "clean"}, "bad_value"),
        ({"outcome": 0}, "bad_value"),
        ({"thoroughness": "deep"}, "bad_value"),
        ({"selection_reason": ""}, "bad_value"),
        ({"examined_at": "yesterday"}, "bad_value"),
        ({"event_id": ""}, "bad_value"),
        ({"officer": "x"}, "unknown_field"),
    ],
)
def test_an_outcome_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(RecordRejected) as caught:
        read_outcome({**OUTCOME, **change})
    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_kind_that_is_none() -> None:
    assert check_kind("vessel") == "vessel"
    with pytest.raises(InputError, match="one of vehicle, vessel, shipment, not 'lorry'"):
        check_kind("lorry")
