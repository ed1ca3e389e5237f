"""Features of the movement itself, worked by hand."""

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from features.clock import to_micros
from features.declared import DeclaredReader
from features.ledger.events import MovementDeclared
from features.records import declared_fields

NOON = to_micros(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))  # a Monday
HOUR = 3_600_000_000


def derived(name: str, movement: MovementDeclared) -> float:
    reader = DeclaredReader(movement.kind, {0: name})
    rows = np.full((1, 1), np.nan)
    reader.fill([movement], rows)
    return float(rows[0, 0])


def vehicle(**fields: bool | float | str) -> MovementDeclared:
    return MovementDeclared(kind="vehicle", movement="m", declared_at=NOON, fields=fields)


def shipment(**fields: bool | float | str) -> MovementDeclared:
    return MovementDeclared(kind="shipment", movement="m", declared_at=NOON, fields=fields)


def vessel(**fields: bool | float | str) -> MovementDeclared:
    return MovementDeclared(kind="vessel", movement="m", declared_at=NOON, fields=fields)


@pytest.mark.parametrize(
    ("name", "movement", "expected"),
    [
        ("booking_lead_hours", vehicle(booked_at=NOON - HOUR, departs_at=NOON + 2 * HOUR), 3.0),
        ("booking_lead_hours", vehicle(booked_at=NOON, departs_at=NOON - HOUR), -1.0),
        ("notice_hours", vehicle(arrives_at=NOON + 6 * HOUR), 6.0),
        ("journey_hours", vessel(departs_at=NOON, arrives_at=NOON + 90 * HOUR), 90.0),
        ("departure_hour", vehicle(departs_at=NOON + HOUR // 2), 12.5),
        ("departure_weekday", vehicle(departs_at=NOON), 0.0),
        ("arrival_weekday", vessel(arrives_at=NOON + 6 * 24 * HOUR), 6.0),
        ("departs_at_night", vehicle(departs_at=NOON), 0.0),
        ("departs_at_night", vehicle(departs_at=NOON + 10 * HOUR), 1.0),  # 22:00
        ("departs_at_night", vehicle(departs_at=NOON + 18 * HOUR), 0.0),  # 06:00
        ("value_per_kg", vehicle(value_gbp=500.0, gross_mass_kg=200.0), 2.5),
        ("invoice_per_kg", shipment(invoice_amount=90.0, gross_mass_kg=10.0), 9.0),
        (
            "invoice_per_kg",
            shipment(invoice_amount=90.0, gross_mass_kg=10.0, net_mass_kg=9.0),
            10.0,
        ),
        ("net_to_gross", shipment(net_mass_kg=9.0, gross_mass_kg=10.0), 0.9),
        ("mass_per_package", shipment(package_count=4, gross_mass_kg=10.0), 2.5),
        ("mass_roundness", vehicle(gross_mass_kg=12_000.0), 3.0),
        ("mass_roundness", vehicle(gross_mass_kg=120.0), 1.0),
        ("mass_roundness", vehicle(gross_mass_kg=121.5), 0.0),
        ("vessel_age_years", vessel(year_built=1998), 28.0),
        ("is_empty", vehicle(is_empty=True), 1.0),
        ("is_empty", vehicle(is_empty=False), 0.0),
        ("booking_amendments", vehicle(booking_amendments=0), 0.0),
    ],
)
def test_values(name: str, movement: MovementDeclared, expected: float) -> None:
    assert derived(name, movement) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "movement"),
    [
        ("booking_lead_hours", vehicle(booked_at=NOON)),
        ("departs_at_night", vehicle()),
        ("departure_weekday", vehicle()),
        ("mass_roundness", vehicle()),
        ("value_per_kg", vehicle(value_gbp=1.0)),
        ("mass_per_package", shipment(package_count=0, gross_mass_kg=10.0)),
        ("invoice_per_kg", shipment(invoice_amount=1e15, net_mass_kg=1e-300)),  # not infinity
        ("is_empty", vehicle()),
    ],
)
def test_what_is_not_declared_is_nan(name: str, movement: MovementDeclared) -> None:
    assert math.isnan(derived(name, movement))


def test_checks_and_blanks_are_counted() -> None:
    movement = MovementDeclared(
        kind="vehicle",
        movement="m",
        declared_at=NOON,
        entities={"haulier_eori": "organisation:a"},
        fields={"is_empty": False},
        attributes={"extra": 1.0},
        flags=("check_digit:container_no", "check_digit:haulier_eori"),
    )
    assert derived("failed_checks", movement) == 2.0
    assert derived("blank_fields", movement) == len(declared_fields("vehicle")) - 2


PARTIES = {f"{party}_eori": "organisation:a" for party in ("haulier", "consignor", "consignee")}


@pytest.mark.parametrize(
    ("name", "kind", "given", "expected"),
    [
        ("route_changed", "vehicle", {"fields": {"route_id": "19"}}, None),
        ("route_changed", "vehicle", {"details": {"actual_route_id": "20"}}, None),
        (
            "route_changed",
            "vehicle",
            {"fields": {"route_id": "19"}, "details": {"checked_in_route_id": "19"}},
            0.0,
        ),
        (
            "route_changed",
            "vehicle",
            {
                "fields": {"route_id": "19"},
                "details": {"checked_in_route_id": "19", "actual_route_id": "20"},
            },
            1.0,
        ),
        ("seal_missing", "vehicle", {}, None),
        ("seal_missing", "vehicle", {"references": {"seals": ()}}, 1.0),
        ("seal_missing", "shipment", {"references": {"seals": ("a",)}}, 0.0),
        ("vague_description", "shipment", {}, None),
        ("vague_description", "shipment", {"details": {"items": [{}]}}, None),
        ("vague_description", "shipment", {"details": {"goods_description": "FAK"}}, 1.0),
        ("vague_description", "vehicle", {"details": {"goods_description": "bananas"}}, 0.0),
        (
            "vague_description",
            "shipment",
            {"details": {"items": [{"description": "bananas"}, {"description": "General goods"}]}},
            1.0,
        ),
        (
            "unregistered_parties",
            "vehicle",
            {"entities": PARTIES, "flags": ("named:haulier",)},
            0.0,
        ),
        ("unregistered_parties", "vehicle", {"entities": {"haulier_eori": "organisation:a"}}, 2.0),
        (
            "unregistered_parties",
            "vehicle",
            {"entities": {}, "flags": ("unregistered:haulier", "named:haulier")},
            3.0,
        ),
        (
            "unregistered_parties",
            "vehicle",
            {"entities": PARTIES, "flags": ("unregistered:payer", "named:payer")},
            1.0,
        ),
        ("failed_checks", "vehicle", {"flags": ("homoglyph:haulier_eori", "format:x")}, 2.0),
        ("failed_checks", "vehicle", {"flags": ("homoglyph:x", "check_digit:x")}, 1.0),
        ("failed_checks", "vehicle", {"flags": ("placeholder:haulier_eori",)}, 0.0),
        ("is_tourist", "vehicle", {"fields": {"traffic_mode": "tourist"}}, 1.0),
        ("is_tourist", "vehicle", {"fields": {"traffic_mode": "freight_accompanied"}}, 0.0),
        ("is_tourist", "vehicle", {}, None),
        ("is_commercial", "vessel", {"fields": {"craft": "fishing"}}, 0.0),
        ("is_commercial", "vessel", {}, None),
        ("is_pleasure_craft", "vessel", {"fields": {"craft": "pleasure"}}, 1.0),
        ("failed_checks", "shipment", {"flags": ("named:seller", "unregistered:seller")}, 0.0),
        ("failed_checks", "vehicle", {"flags": ("over_44_t:gross_mass_kg", "format:x")}, 1.0),
        (
            "origin_differs",
            "shipment",
            {"fields": {"origin_country": "EC", "dispatch_country": "NL"}},
            1.0,
        ),
        (
            "origin_differs",
            "shipment",
            {"fields": {"origin_country": "EC", "dispatch_country": "EC"}},
            0.0,
        ),
        ("origin_differs", "shipment", {"fields": {"origin_country": "EC"}}, None),
        (
            "implied_speed_knots",
            "vessel",
            {
                "fields": {"departs_at": NOON, "arrives_at": NOON + 5 * HOUR},
                "details": {"distance_nm": 60.0},
            },
            12.0,
        ),
        ("implied_speed_knots", "vessel", {"details": {"distance_nm": 60.0}}, None),
        ("departure_notice_hours", "vessel", {"fields": {"departs_at": NOON + 3 * HOUR}}, 3.0),
        (
            "mmsi_of_another_flag",
            "vessel",
            {"entities": {"mmsi": "vessel:a"}, "fields": {"flag": "GB"}},
            0.0,
        ),
        (
            "mmsi_of_another_flag",
            "vessel",
            {
                "entities": {"mmsi": "vessel:a"},
                "fields": {"flag": "GB"},
                "flags": ("flag_disagrees:mmsi",),
            },
            1.0,
        ),
        ("mmsi_of_another_flag", "vessel", {"entities": {"mmsi": "vessel:a"}}, None),
        (
            "ais_destination_differs",
            "vessel",
            {"fields": {"port": "GBFXT"}, "details": {"ais_destination": "NLRTM>GB FXT"}},
            0.0,
        ),
        (
            "ais_destination_differs",
            "vessel",
            {"fields": {"port": "GBFXT"}, "details": {"ais_destination": "BEANR"}},
            1.0,
        ),
        (
            "ais_destination_differs",
            "vessel",
            {"fields": {"port": "GBFXT"}, "details": {"ais_destination": "FOR ORDERS"}},
            None,
        ),
    ],
)
def test_what_disagrees_or_is_left_unsaid(
    name: str, kind: str, given: dict[str, Any], expected: float | None
) -> None:
    found = derived(name, MovementDeclared(kind=kind, movement="m", declared_at=NOON, **given))
    assert math.isnan(found) if expected is None else found == expected


def test_attributes_are_numbers_or_nan() -> None:
    movement = MovementDeclared(
        kind="shipment", movement="m", declared_at=NOON, attributes={"rate": 8.0, "type": "A"}
    )
    assert derived("attribute.rate", movement) == 8.0
    assert math.isnan(derived("attribute.type", movement))
    assert math.isnan(derived("attribute.other", movement))
