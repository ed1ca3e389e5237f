"""A natural person's data is refused by name, however it is spelled and wherever it lies."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from features.records import KINDS, RecordRejected, read_movement
from features.records.persons import PERSON_FIELDS, is_person_attribute, is_person_data
from serving.problems import RequestRefused
from serving.wire import read_score_request

FIELDS_AND_OBJECTS = (
    (Path(__file__).resolve().parents[2] / "docs" / "records.md")
    .read_text()
    .partition("## Fields of a vehicle")[2]
    .partition("## Codes of every kind")[0]
)
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
        "driver",
        "Drivers",
        "DRIVER_1",
        "co-driver",
        "codriver",
        "second_driver",
        "relief driver",
        "truck_driver",
        "master",
        "skipper",
        "Skippers",
        "captain",
        "ship_captain",
        "vesselMaster",
        "person",
        "contact",
        "trader_contact",
        "emergencyContact",
        "contact_no",
        "contact_details",
        "applicant",
        "applicant_name",
        "applicantname",
        "owner",
        "registered_owner",
        "owner_name",
        "ownername",
        "owner_address",
        "owner_licence",
        "holder",
        "holder_name",
        "licence_holder",
        "licenceholder",
        "cardHolder",
        "card_holder_id",
        "tel",
        "TEL_NO",
        "telno",
        "mobile",
        "mobile_no",
        "trader_phone",
        "haulier_phone_2",
        "traderphone",
        "consignee_email",
        "agent_e_mail",
        "licence_no",
        "license number",
        "driving_licence",
        "driving_licence_no",
        "dln",
        "driver_dln",
        "id_card_no",
        "idCardNo",
        "nationality_code",
        "nationality2",
        "nationalityCode",
        "master_nationality_of_vessel",
        "birth_year",
        "birthyear",
        "year_of_birth",
        "birth_town",
        "yob",
        "dob_1",
        "lead_pax",
        "leadpax",
        "pax",
        "pax_name",
        "PAX NAMES",
        "paxnames",
        "passenger1",
        "passenger_2",
        "Passengers",
        "lead_passenger",
        "crew",
        "crew_1",
        "crew_master",
        "crew_id",
        "crew_phone",
        "fahrer",
        "Fahrer 1",
        "fahrername",
        "fahrer_name",
        "geburtsdatum",
        "Geburtsort",
        "prenom",
        "Prénom",
        "prenom_conducteur",
        "nom",
        "nom_du_conducteur",
        "ssn",
        "driver_ssn",
        "iban",
        "owner_iban",
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
        "driver_count",
        "skipper_count",
        "total_pax",
        "pax_count",
        "number_of_drivers",
        "max_persons",
        "has_driver",
        "is_driver_changed",
        "value_per_passenger",
        "fal5_crew_count",
        "type_of_person",
        "has_stowaways",
        "owner_eori",
        "contact_count",
        "applicant_eori",
        "consignee_eori",
        "name",
        "vehicle_country",
        "vessel_nationality",
        "carrier_nationality",
        "vesselNationality",
        "nationality_of_means_of_transport",
        "transport_country",
        "identityOfMeansOfTransport",
        "booking_country",
        "operator_licence_no",
        "export_licence",
        "hotel",
        "telex_release",
        "automobile",
        "mobile_crane_count",
        "smartphones",
        "semiconductor",
        "masterpiece",
        "nomenclature",
        "year_built",
        "Declarant ID",
        "Seller ID",
        "personLodgingTheSummaryDeclaration",
        "",
        "x" * 5000,
    ],
)
def test_names_of_what_is_no_persons_data(name: str) -> None:
    assert not is_person_data(name)


@pytest.mark.parametrize(
    "name",
    [
        *("name", "Name", "names", "address", "ADDRESS_1", "street", "postcode", "nif", "title"),
        *("haulier_name", "consignorAddress", "trader name", "driver_name", "yob", "skipper"),
    ],
)
def test_an_attribute_holds_no_name_at_all(name: str) -> None:
    assert is_person_attribute(name)


@pytest.mark.parametrize(
    "name",
    [
        *("axles", "lane", "class", "holds", "process_type", "import_use", "product_name"),
        *("vessel_name", "crew_count", "address_count", "origin_indicator", "trader_age_days"),
    ],
)
def test_an_attribute_holds_anything_else(name: str) -> None:
    assert not is_person_attribute(name)


def test_no_field_of_any_record_or_object_within_it_is_a_persons() -> None:
    names = set(re.findall(r"`(\w+)`", FIELDS_AND_OBJECTS))
    assert {"net_kg", "type_of_person", "nav_status"} < names
    assert not {name for name in names if is_person_data(name)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"driverName": "Doe"}, "/driverName"),
        ({"attributes": {"driver_name": "Doe"}}, "/attributes/driver_name"),
        ({"consignor": {"contactEmail": "Doe"}}, "/consignor/contactEmail"),
        ({"items": [{}, {"dob": "Doe"}]}, "/items/1/dob"),
        ({"items": [[{"seller": {"passport": "Doe"}}]]}, "/items/0/0/seller/passport"),
        ({"a_b": {"driver~name": "Doe"}}, "/a_b/driver~0name"),
        ({"attributes": {"name": "Doe"}}, "/attributes/name"),
        ({"attributes": {"skipper": "Doe"}}, "/attributes/skipper"),
        ({"stores": [{"yob": "Doe"}]}, "/stores/0/yob"),
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


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"Doe": {"dob": "1"}}, ""),
        ({"items": [{"Jane Doe": {"passport": "1"}}]}, "/items/0"),
        ({"Driver Doe passport": "1"}, ""),
        ({"attributes": {"passport_of_doe_born_1970_in_exampletown_on_the_sea": "1"}}, None),
        ({"attributes": {"driver_Doe_name": "1"}}, "/attributes"),
    ],
)
def test_a_key_that_may_name_somebody_is_never_shown(
    change: dict[str, Any], pointer: str | None
) -> None:
    with pytest.raises(RecordRejected) as caught:
        read_movement("vehicle", {**BASE, **change})
    (problem,) = caught.value.problems
    assert problem.code == "person_data_refused"
    assert problem.pointer == ("/attributes" if pointer is None else pointer)
    assert "doe" not in str(caught.value).lower()


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
