"""A goods movement record, an entry summary and a pleasure craft report map in without loss.

The documents are written in their own systems' words. A small dictionary beside each says where
every value goes; a value that is in the document and not in the record afterwards is a failure.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from features.intake import declare
from features.keys import Keyring, PseudonymKey
from features.ledger.events import encode_payload
from features.pseudonyms import Pseudonyms
from features.records import Movement, read_movement
from serving.wire import read_score_request

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
Names = Mapping[str, Any]
"""Source name to ours; to names within an object; or to None for what is written elsewhere."""

PARTY: Names = {
    "name": "name",
    "streetAndNumber": "street",
    "postalCode": "postcode",
    "city": "city",
    "countryCode": "country",
    "tin": "eori",
}
GOODS_MOVEMENT: Names = {
    "gmrId": "gmr_id",
    "direction": "direction",
    "state": "state",
    "haulierType": "haulier_type",
    "haulierEORI": "haulier_eori",
    "isUnaccompanied": "is_unaccompanied",
    "vehicleRegNum": "vehicle_reg",
    "updatedDateTime": "updated_at",
    "sAndSMasterRefNum": "s_and_s_mrn",
    "plannedCrossing": {"routeId": "route_id", "localDateTimeOfDeparture": "departs_at"},
    "checkedInCrossing": {"routeId": "checked_in_route_id", "localDateTimeOfArrival": "arrives_at"},
    "actualCrossing": {
        "routeId": "actual_route_id",
        "localDateTimeOfArrival": "actual_arrives_at",
    },
    "customsDeclarations": (
        "customs",
        {
            "customsDeclarationId": lambda text: "mrn" if len(text) == 18 else "ducr",
            "customsDeclarationPartId": "part_id",
            "sAndSMasterRefNum": "s_and_s_mrn",
        },
    ),
    "transitDeclarations": ("transit", {"transitDeclarationId": "mrn", "isTSAD": "is_tsad"}),
    "tirDeclarations": ("tir", {"tirCarnetId": "carnet_id"}),
    "ataDeclarations": ("ata", {"ataCarnetId": "carnet_id"}),
    "eidrDeclarations": ("eidr", {"traderEORI": "trader_eori"}),
}
ENTRY_SUMMARY: Names = {
    "localReferenceNumber": "lrn",
    "preparedAt": "declared_at",
    "totalNumberOfItems": "item_count",
    "totalNumberOfPackages": "package_count",
    "totalGrossMass": "gross_mass_kg",
    "specificCircumstanceIndicator": "specific_circumstance",
    "transportChargesMethodOfPayment": "transport_charge_payment",
    "commercialReferenceNumber": "ucr",
    "conveyanceReferenceNumber": "conveyance_ref",
    "loadingPlace": "place_of_loading",
    "unloadingPlace": "place_of_unloading",
    "transportModeAtBorder": "mode_at_border",
    "identityOfMeansOfTransport": "means_of_transport_id",
    "nationalityOfMeansOfTransport": "transport_country",
    "itinerary": "itinerary",
    "seals": "seals",
    "customsOfficeOfFirstEntry": "office_of_first_entry",
    "expectedDateAndTimeOfArrival": "arrives_at",
    "traderConsignor": ("consignor", PARTY),
    "traderConsignee": ("consignee", PARTY),
    "notifyParty": ("notify_party", PARTY),
    "personLodgingTheSummaryDeclaration": ("lodger", PARTY),
    "traderRepresentative": ("representative", PARTY),
    "entryCarrier": ("carrier", PARTY),
    "goodsItems": (
        "items",
        {
            "itemNumber": "item_no",
            "goodsDescription": "description",
            "commodityCode": "commodity_code",
            "grossMass": "gross_kg",
            "containers": "containers",
            "producedDocuments": ("documents", {"type": "code", "reference": "number"}),
            "packages": (
                "packages",
                {
                    "kindOfPackages": "kind",
                    "numberOfPackages": "count",
                    "numberOfPieces": "pieces",
                    "marks": "marks",
                },
            ),
        },
    ),
}
PLEASURE_CRAFT: Names = {
    "submittedAt": "declared_at",
    "vessel": {
        "vesselName": "name",
        "vesselType": "ship_type",
        "usualMoorings": "usual_moorings",
        "registrationNumber": "registration_no",
        "hullIdentificationNumber": "hull_id",
        "callSign": "call_sign",
        "mmsi": "mmsi",
        "vesselNationality": "flag",
        "portOfRegistry": "port_of_registry",
    },
    "voyage": {
        "departurePort": "last_port",
        "departureDateTime": "departs_at",
        "arrivalPort": "port",
        "arrivalDateTime": "arrives_at",
    },
    "people": {"skippers": "skipper_count", "crew": "crew_count", "guests": "guest_count"},
    "declarations": {
        "goodsToDeclare": "goods_to_declare",
        "prohibitedGoods": "prohibited_goods",
        "cashOverThreshold": "cash_gbp",
        "personalEffectsOnly": "effects_only",
        "freeCirculation": "free_circulation",
        "continentalShelf": "from_continental_shelf",
        "reasonForVisit": "visit_reason",
    },
}


def mapped(source: Mapping[str, Any], names: Names) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in source.items():
        to = names.get(key)
        if to is None or value is None:
            continue
        if callable(to):
            row[to(value)] = value
        elif isinstance(to, str):
            row[to] = value
        elif isinstance(to, tuple):
            field, within = to
            many = isinstance(value, list)
            row[field] = [mapped(v, within) for v in value] if many else mapped(value, within)
        else:
            row |= mapped(value, to)
    return row


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / name).read_text())
    return found


def goods_movement() -> dict[str, Any]:
    source = document("goods-movement-record.json")
    row = mapped(source, GOODS_MOVEMENT)
    row["trailer_reg"], *row["further_trailers"] = source["trailerRegistrationNums"]
    row["container_no"] = source["containerReferenceNums"][0]
    return row | {"movement_ref": source["gmrId"], "declared_at": source["updatedDateTime"]}


def entry_summary() -> dict[str, Any]:
    source = document("entry-summary-declaration.json")
    row = mapped(source, ENTRY_SUMMARY)
    arrival = datetime.strptime(source["expectedDateAndTimeOfArrival"], "%Y%m%d%H%M")
    row["arrives_at"] = arrival.replace(tzinfo=UTC).isoformat()  # GMT by the message's definition
    for item, original in zip(row["items"], source["goodsItems"], strict=True):
        item["additional_information"] = [{"code": c} for c in original["specialMentions"]]
        if original["unDangerousGoodsCode"]:
            item["dangerous_goods"] = [{"un_number": original["unDangerousGoodsCode"]}]
    for number in (row, *row["items"]):
        for name in ("gross_mass_kg", "gross_kg"):
            if name in number:
                number[name] = float(number[name])
    return row | {"movement_ref": source["localReferenceNumber"]}


def pleasure_craft() -> dict[str, Any]:
    source = document("pleasure-craft-report.json")
    row = mapped(source, PLEASURE_CRAFT)
    voyage = source["voyage"]
    row["departure_position"] = {"lat": voyage["departureLat"], "lon": voyage["departureLong"]}
    row["arrival_position"] = {"lat": voyage["arrivalLat"], "lon": voyage["arrivalLong"]}
    fixed = {"craft": "pleasure", "is_reported": True}
    return row | fixed | {"movement_ref": source["reportReference"]}


DOCUMENTS = {
    "goods-movement-record.json": ("vehicle", goods_movement),
    "entry-summary-declaration.json": ("shipment", entry_summary),
    "pleasure-craft-report.json": ("vessel", pleasure_craft),
}
WRITTEN_OTHERWISE = {
    "CC315A",  # the kind of message
    "202603050415",
    "2026-03-29T00:10:22.123Z",
    "2026-03-29T04:15",
    "2026-03-29T04:50",
    "2026-03-29T05:05",
    "2026-07-01T06:00",
    "2026-07-01T16:00",
    "2026-06-30T15:00:00Z",
    "2026-03-01T08:30:00Z",
}
"""Times, which the next test compares as instants."""


def values(of: Any) -> Iterator[str]:
    """Every value at any depth, numbers in one spelling."""
    if isinstance(of, Mapping):
        for value in of.values():
            yield from values(value)
    elif isinstance(of, list | tuple):
        for value in of:
            yield from values(value)
    elif of is not None and of is not False:
        text = str(of)
        number = text.replace(".", "", 1).lstrip("-").isdigit()
        yield f"{Decimal(text).normalize():f}" if number else text


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_value_of_the_document_is_in_the_record(name: str) -> None:
    kind, made = DOCUMENTS[name]
    movement = read_movement(kind, made())
    assert movement == read_score_request(json.dumps({"kind": kind, **made()}).encode())
    held = set(values(msgspec.to_builtins(movement)))
    lost = set(values(document(name))) - held - WRITTEN_OTHERWISE
    assert lost == set()


def instants(movement: Movement, *names: str) -> list[str]:
    return [getattr(movement, name).isoformat() for name in names]


def test_times_of_the_documents_are_the_instants_they_mean() -> None:
    gmr = read_movement("vehicle", goods_movement())
    # The clocks of France and Britain went forward at 01:00 UTC of that day.
    assert instants(gmr, "departs_at", "arrives_at", "actual_arrives_at") == [
        "2026-03-29T02:15:00+00:00",
        "2026-03-29T03:50:00+00:00",
        "2026-03-29T04:05:00+00:00",
    ]
    summary = read_movement("shipment", entry_summary())
    assert instants(summary, "arrives_at") == ["2026-03-05T04:15:00+00:00"]
    craft = read_movement("vessel", pleasure_craft())
    assert instants(craft, "departs_at", "arrives_at") == [
        "2026-07-01T04:00:00+00:00",
        "2026-07-01T15:00:00+00:00",
    ]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_identifier_of_the_document_is_in_the_ledger(name: str) -> None:
    kind, made = DOCUMENTS[name]
    declared = declare(read_movement(kind, made()), Pseudonyms(Keyring([PseudonymKey(bytes(32))])))
    stored = encode_payload(declared).decode()
    for plain in PLAIN[name]:
        assert plain not in stored, plain


PLAIN = {
    "goods-movement-record.json": [
        "GMRA12345678", "GB980780684000", "B-XY", "HH-AB", "CSQU", "26GB", "26DE", "REF1",
        "XF12345678", "GB/1234/26", "GB123456789000",
    ],
    "entry-summary-declaration.json": [
        "LRN2026", "UCR-2026", "AB12CDE", "TR001", "TR002", "Örnek", "Liman", "33000", "Mersin A",
        "TR1234567890", "GB980780684000", "GB123456789000", "AWB-1", "CIM-1", "CSQU", "MSKU",
        "OT 1-100",
    ],
    "pleasure-craft-report.json": [
        "SPCR", "Windflower", "SSR 123456", "GBABC12345D606", "MABC7", "232003239",
    ],
}  # fmt: skip
