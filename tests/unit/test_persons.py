"""A natural person's data is refused by name, however it is spelled and wherever it lies."""

import json
from typing import Any

import pytest

from features.records import KINDS, RecordRejected, read_movement
from features.records.persons import PERSON_FIELDS, is_person_data
from serving.problems import RequestRefused
from serving.wire import read_score_request

BASE: dict[str, Any] = {
    "movement_ref": "M-1",
    "declared_at": "2026-03-01T08:30:00Z",
    "attributes": {"x": 1.0},
}


@pytest.mark.parametrize(
    "name",
    [
        *sorted(PERSON_FIELDS),
        "driverName",
        "DRIVER NAME",
        "driver-name",
        "drivername",
        "Name of driver",
        "nameOfTheDriver",
        "nationalityOfDriver",
        "driver_nationality",
        "DriverDOB",
        "driverdob",
        "driver_id",
        "DriverLicenceNo",
        "driving_license",
        "masterName",
        "master_address",
        "MASTERNAME",
        "captain.name",
        "skipper_email",
        "skipperPhone",
        "passengerList",
        "passenger_names",
        "leadPassengerName",
        "lead_passenger_dob",
        "crewList",
        "crew_nationalities",
        "crewMemberNames",
        "passportNumber",
        "passport_no",
        "passport-issuing-country",
        "visaNumber",
        "driver_visa",
        "nationalInsuranceNumber",
        "national_insurance",
        "NINO",
        "dateOfBirth",
        "placeOfBirth",
        "contactEmail",
        "contactPersonName",
        "email_of_driver",
        "telephone_no",
        "MobilePhone",
        "Driver’s name",
        "ｄｒｉｖｅｒ＿ｎａｍｅ",
        "drïver_nàme",
        "personGender",
    ],
)
def test_names_of_a_persons_data(name: str) -> None:
    assert is_person_data(name)


@pytest.mark.parametrize(
    "name",
    [
        "consignor_name",
        "haulier_address",
        "agent_name",
        "operator_name",
        "name",
        "vessel_name",
        "crew_count",
        "passenger_count",
        "children_count",
        "guest_count",
        "crew_baggage",
        "master_bill_of_lading",
        "movement_ref",
        "country",
        "vehicle_age",
        "package_count",
        "tonnage",
        "usual_moorings",
        "visit_reason",
        "persons_on_board",
        "berth",
        "image_count",
        "essex_port",
        "document_code",
        "number_of_passengers",
        "manifest_total",
        "",
        "x" * 5000,
    ],
)
def test_names_of_what_is_no_persons_data(name: str) -> None:
    assert not is_person_data(name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"driverName": "Doe"}, "/driverName"),
        ({"attributes": {"driver_name": "Doe"}}, "/attributes/driver_name"),
        ({"consignor": {"contactEmail": "Doe"}}, "/consignor/contactEmail"),
        ({"items": [{}, {"dob": "Doe"}]}, "/items/1/dob"),
        ({"items": [[{"seller": {"passport": "Doe"}}]]}, "/items/0/0/seller/passport"),
        ({"a/b": {"driver~name": "Doe"}}, "/a~1b/driver~0name"),
        ({"driverName": None}, "/driverName"),
        ({"crew_list": ["Doe"]}, "/crew_list"),
    ],
)
def test_it_is_refused_at_any_depth_and_never_shown(
    kind: str, change: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(RecordRejected) as caught:
        read_movement(kind, {**BASE, **change})
    (problem,) = caught.value.problems
    assert (problem.code, problem.pointer) == ("person_data_refused", pointer)
    assert "Doe" not in str(caught.value)
    with pytest.raises(RequestRefused) as refused:
        read_score_request(json.dumps({"kind": kind, **BASE, **change}).encode())
    assert refused.value.errors == (problem,)
    assert b"Doe" not in refused.value.document()


def test_a_persons_data_is_refused_before_the_kind_is_known() -> None:
    for kind in ({}, {"kind": "lorry"}, {"kind": 5}):
        with pytest.raises(RequestRefused) as refused:
            read_score_request(json.dumps({**BASE, **kind, "driver_name": "Doe"}).encode())
        assert refused.value.errors[0].code == "person_data_refused"


def test_every_field_that_is_a_persons_is_told() -> None:
    row = {**BASE, "driver_name": "a", "items": [{"dob": "b"}], "attributes": {"email": "c"}}
    with pytest.raises(RecordRejected) as caught:
        read_movement("shipment", row)
    pointers = [problem.pointer for problem in caught.value.problems]
    assert pointers == ["/driver_name", "/attributes/email", "/items/0/dob"]
