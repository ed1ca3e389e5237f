"""Bodies as a client would send them."""

from typing import Any

MOVEMENT_EXAMPLES: dict[str, dict[str, Any]] = {
    "vehicle": {
        "kind": "vehicle",
        "movement_ref": "GMRA00000001",
        "declared_at": "2026-03-01T09:30:00Z",
        "route_id": "DUN-DVR",
        "haulier_eori": "XX12345678",
        "vehicle_reg": "AB12 CDE",
        "departs_at": "2026-03-01T14:00:00Z",
        "arrives_at": "2026-03-01T15:30:00Z",
        "gross_mass_kg": 18000,
    },
    "vessel": {
        "kind": "vessel",
        "movement_ref": "CALL-2026-0001",
        "declared_at": "2026-03-01T09:30:00Z",
        "craft": "commercial",
        "imo": "9074729",
        "flag": "PA",
        "last_port": "NLRTM",
        "port": "GBFXT",
        "crew_count": 21,
    },
    "shipment": {
        "kind": "shipment",
        "movement_ref": "26GB0000000000001",
        "declared_at": "2026-03-01T09:30:00Z",
        "commodity_code": "080390",
        "origin_country": "EC",
        "consignee_eori": "XX98765432",
        "gross_mass_kg": 21000,
        "net_mass_kg": 19500,
    },
}
OUTCOME_EXAMPLE: dict[str, Any] = {
    "kind": "vehicle",
    "event_id": "EXAM-2026-0001",
    "movement_ref": "GMRA00000001",
    "outcome": "positive",
    "examined_at": "2026-03-01T17:05:00Z",
    "thoroughness": "full",
    "selection_reason": "risk",
    "threat": "tobacco_alcohol",
    "concealment": "cover_load",
}
DECISION_EXAMPLE: dict[str, Any] = {
    "event_id": "DECISION-2026-0001",
    "score_id": "0199a3c2-7c1e-7b52-9d0e-4f6f1f0b8a11",
    "decision": "overridden",
    "decided_at": "2026-03-01T16:20:00Z",
    "reason_code": "local_knowledge",
}
