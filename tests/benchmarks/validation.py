"""How many records a second one core validates: text as from a CSV file, then whole messages."""

import time
from typing import Any

from features.records import KINDS, read_movement
from tests.full_records import FULL

_COMMON = {"movement_ref": "M-1", "declared_at": "2026-03-01T09:30:00+00:00", "version": "1"}

TYPICAL: dict[str, dict[str, Any]] = {
    "vehicle": {
        **_COMMON,
        "direction": "UK_INBOUND",
        "traffic_mode": "freight_accompanied",
        "route_id": "FRCQF-GBDVR",
        "operator": "FERRY-A",
        "vehicle_country": "PL",
        "charge_payment": "A",
        "commodity_code": "0803",
        "haulier_eori": "PL1234567890",
        "consignor_eori": "ES12345678",
        "consignee_eori": "GB980780684000",
        "vehicle_reg": "AB12 CDE",
        "trailer_reg": "C123456",
        "container_no": "CSQU3054383",
        "booked_at": "2026-02-27T09:30:00+00:00",
        "departs_at": "2026-03-01T14:00:00+00:00",
        "arrives_at": "2026-03-01T15:30:00+00:00",
        "gross_mass_kg": "18000.5",
        "value_gbp": "23000",
        "booking_amendments": "1",
        "passenger_count": "0",
        "is_unaccompanied": "false",
        "is_empty": "false",
    },
    "vessel": {
        **_COMMON,
        "craft": "commercial",
        "ship_type": "70",
        "flag": "LR",
        "port": "GBFXT",
        "last_port": "NLRTM",
        "next_port": "BEANR",
        "purpose": "CARGO",
        "imo": "9319466",
        "mmsi": "636003239",
        "operator_eori": "PL1234567890",
        "agent_eori": "GB980780684000",
        "departs_at": "2026-03-01T14:00:00+00:00",
        "arrives_at": "2026-03-02T02:00:00+00:00",
        "gross_tonnage": "12000",
        "length_m": "140.5",
        "year_built": "1998",
        "crew_count": "18",
        "passenger_count": "0",
        "ais_gap_hours": "1.5",
        "loitering_hours": "0",
        "encounters": "0",
        "flag_changes_24m": "0",
        "dangerous_goods": "false",
    },
    "shipment": {
        **_COMMON,
        "commodity_code": "080390",
        "origin_country": "EC",
        "dispatch_country": "NL",
        "mode_at_border": "1",
        "office": "GBFXT",
        "procedure_code": "4000",
        "package_kind": "CT",
        "currency": "USD",
        "declarant_eori": "GB980780684000",
        "consignor_eori": "EC12345678",
        "consignee_eori": "GB980780684000",
        "carrier_eori": "NL123456789",
        "container_no": "CSQU3054383",
        "arrives_at": "2026-03-14T06:00:00+00:00",
        "gross_mass_kg": "21000",
        "net_mass_kg": "19500.5",
        "package_count": "1080",
        "invoice_amount": "21000",
        "duty_rate_percent": "16",
    },
}
"""Rows with every column that the simulated border writes, all of them text."""


def validation_rates(n: int, rows: dict[str, dict[str, Any]] | None = None) -> dict[str, float]:
    """Records a second by kind, in seconds of one core; the best of three runs of ``n`` records."""
    rows = TYPICAL if rows is None else rows
    return {kind: max(_rate(kind, rows[kind], n) for _ in range(3)) for kind in KINDS}


def whole_message_rates(n: int) -> dict[str, float]:
    """The same for records in which every field is given, nested lists included."""
    return validation_rates(n, FULL)


def _rate(kind: str, row: dict[str, Any], n: int) -> float:
    started = time.process_time()
    for _ in range(n):
        read_movement(kind, row)
    return n / (time.process_time() - started)
