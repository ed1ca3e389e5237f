"""For every rule of every kind a record that keeps it and one that breaks it, as JSON values."""

from typing import Any, NamedTuple

from tests.full_records import MRN, PARTY

GMR: dict[str, Any] = {"gmr_id": "GMRA00000001", "direction": "UK_INBOUND"}
WHOLE: dict[str, Any] = {**GMR, "is_unaccompanied": False, "vehicle_reg": "AB12 CDE"}


class Example(NamedTuple):
    kind: str
    code: str
    pointer: str
    """Where the broken one is broken."""
    kept: dict[str, Any]
    broken: dict[str, Any]


Case = tuple[str, str, dict[str, Any], dict[str, Any]]
"""Code, pointer, kept, broken."""


def _point(lat: float, lon: float = 0.0) -> dict[str, float]:
    return {"lat": lat, "lon": lon}


def _at(hour: int, **fields: Any) -> dict[str, Any]:
    return {"at": f"2026-03-01T{hour:02}:00:00Z", **fields}


VOYAGE: dict[str, Any] = {
    "departs_at": "2026-03-01T10:00:00Z",
    "arrives_at": "2026-03-01T11:00:00Z",
}
NAMED: dict[str, Any] = {
    key: PARTY[key] for key in ("name", "street", "city", "postcode", "country")
}

_VEHICLE: list[Case] = [
    ("nothing_declared", "", {"is_empty": False}, {"port_time_zone": "Europe/London"}),
    (
        "identifier_as_attribute",
        "/attributes",
        {"attributes": {"trailer_type": "reefer"}},
        {"attributes": {"axles": 5.0, "second_trailer": "TR 124"}},
    ),
    (
        "arrival_before_departure",
        "/arrives_at",
        {"departs_at": "2026-03-01T14:00:00Z", "arrives_at": "2026-03-01T14:00:00Z"},
        {"departs_at": "2026-03-01T14:00:00Z", "arrives_at": "2026-03-01T13:59:59Z"},
    ),
    (
        "actual_arrival_before_departure",
        "/actual_arrives_at",
        {
            "actual_departs_at": "2026-03-01T14:00:00Z",
            "actual_arrives_at": "2026-03-01T15:00:00Z",
        },
        {
            "actual_departs_at": "2026-03-01T14:00:00Z",
            "actual_arrives_at": "2026-03-01T13:00:00Z",
        },
    ),
    (
        "too_far_from_declaration",
        "/departs_at",
        {"departs_at": "2027-03-01T08:30:00Z"},
        {"departs_at": "2027-03-01T08:30:01Z"},
    ),
    (
        "too_far_from_declaration",
        "/checked_in_at",
        {"checked_in_at": "2025-03-01T08:30:00Z"},
        {"checked_in_at": "2025-03-01T08:29:59Z"},
    ),
    (
        "too_far_from_declaration",
        "/actual_arrives_at",
        {"actual_arrives_at": "2027-03-01T08:30:00Z"},
        {"actual_arrives_at": "2062-03-01T08:30:00Z"},
    ),
    (
        "updated_after_declared",
        "/updated_at",
        {"updated_at": "2026-03-01T08:35:00Z"},
        {"updated_at": "2026-03-01T08:35:01Z"},
    ),
    (
        "unaccompanied_without_trailer",
        "/is_unaccompanied",
        {"is_unaccompanied": True, "further_containers": ["CSQU3054383"]},
        {"is_unaccompanied": True, "vehicle_reg": "AB12 CDE"},
    ),
    (
        "gmr_incomplete",
        "/is_unaccompanied",
        {**WHOLE, "is_empty": True},
        {**GMR, "is_empty": True},
    ),
    (
        "gmr_incomplete",
        "/direction",
        {**WHOLE, "state": "NOT_FINALISABLE"},
        {**WHOLE, "is_empty": True, "direction": None},
    ),
    (
        "accompanied_without_vehicle",
        "/vehicle_reg",
        {**WHOLE, "is_empty": True},
        {**WHOLE, "is_empty": True, "vehicle_reg": None},
    ),
    ("gmr_without_declaration", "", {**WHOLE, "transit": [{"mrn": MRN}]}, WHOLE),
    (
        "empty_with_goods",
        "/is_empty",
        {"is_empty": True, "value_gbp": 0.0, "gross_mass_kg": 16000.0},
        {"is_empty": True, "value_gbp": 1.0},
    ),
    (
        "empty_with_goods",
        "/empty_vehicle",
        {"empty_vehicle": {}},
        {"empty_vehicle": {}, "goods_mass_kg": 5.0},
    ),
    (
        "empty_disagrees",
        "/is_empty",
        {"empty_vehicle": {}, "is_empty": True},
        {"empty_vehicle": {}, "is_empty": False},
    ),
    (
        "mode_disagrees",
        "/mode_at_border",
        {"mode_at_border": "11", "is_unaccompanied": True, "trailer_reg": "T1"},
        {"mode_at_border": "10", "is_unaccompanied": True, "trailer_reg": "T1"},
    ),
    (
        "traffic_mode_disagrees",
        "/traffic_mode",
        {"traffic_mode": "tourist", "is_unaccompanied": False},
        {"traffic_mode": "freight_unaccompanied", "is_unaccompanied": False},
    ),
    (
        "mass_too_precise",
        "/gross_mass_kg",
        {"gross_mass_kg": 12.345},
        {"gross_mass_kg": 12.3456},
    ),
    (
        "net_above_gross",
        "/net_mass_kg",
        {"net_mass_kg": 5.0, "goods_mass_kg": 5.0, "gross_mass_kg": 9.0},
        {"net_mass_kg": 6.0, "goods_mass_kg": 5.0, "gross_mass_kg": 9.0},
    ),
    (
        "goods_above_gross",
        "/goods_mass_kg",
        {"goods_mass_kg": 5.0, "gross_mass_kg": 5.0},
        {"goods_mass_kg": 5.1, "gross_mass_kg": 5.0},
    ),
    ("seals_and_no_seal", "/seals/1", {"seals": ["No Seal"]}, {"seals": ["A1", "No Seal"]}),
    (
        "itinerary_disagrees",
        "/itinerary/0",
        {"itinerary": ["ES", "FR", "GB"], "departure_country": "ES"},
        {"itinerary": ["FR", "GB"], "departure_country": "ES"},
    ),
    (
        "itinerary_disagrees",
        "/itinerary/1",
        {"itinerary": ["FR", "GB"], "destination_country": "GB"},
        {"itinerary": ["FR", "GB"], "destination_country": "IE"},
    ),
    (
        "party_disagrees",
        "/haulier/eori",
        {"haulier_eori": "FR1", "haulier": {"eori": "FR1"}},
        {"haulier_eori": "FR1", "haulier": {"eori": "FR2"}},
    ),
    (
        "person_data_refused",
        "/consignor/type_of_person",
        {"consignor": {"eori": "FR1", "type_of_person": "association"}},
        {"consignor": {"eori": "FR1", "type_of_person": "natural"}},
    ),
    (
        "gb_party_named",
        "/consignee/eori",
        {"consignee": {"eori": "GB980780684000"}},
        {"consignee": {"eori": "GB980780684000", **NAMED}},
    ),
    (
        "party_incomplete",
        "/consignee/city",
        {"consignee": {"eori": "FR1", **NAMED}},
        {"consignee": {"eori": "FR1", **NAMED, "city": None, "postcode": None}},
    ),
    ("party_empty", "/consignee", {"consignee": NAMED}, {"consignee": {}}),
    (
        "declaration_without_reference",
        "/customs/1/mrn",
        {"customs": [{"mrn": MRN}, {"ducr": "6GB123456789000-1"}]},
        {"customs": [{"mrn": MRN}, {"s_and_s_mrn": MRN}]},
    ),
    (
        "unknown_country",
        "/vehicle_country",
        {"vehicle_country": "XK"},
        {"vehicle_country": "AA"},
    ),
    (
        "unknown_country",
        "/itinerary/1",
        {"itinerary": ["FR", "QQ"]},
        {"itinerary": ["FR", "UK"]},
    ),
    (
        "time_skipped",
        "/arrives_at",
        {"arrival_port": "GBDVR", "arrives_at": "2026-03-29T00:59"},
        {"arrival_port": "GBDVR", "arrives_at": "2026-03-29T01:30"},
    ),
    (
        "person_data_refused",
        "/driverName",
        {"haulier_name": "Exemple SARL"},
        {"is_empty": True, "driverName": "Doe"},
    ),
    ("unknown_field", "", {"is_empty": True}, {"is_empty": True, "hauler": "x"}),
    ("missing_field", "/eidr/0", {"eidr": [{"trader_eori": "GB1"}]}, {"eidr": [{}]}),
    (
        "gb_party_named",
        "/haulier/eori",
        {"haulier_eori": "GB980780684000", "haulier_name": "Exemple SARL"},
        {"haulier": {"eori": "GB980780684000", "name": "Exemple SARL"}},
    ),
    (
        "bad_value",
        "/further_trailers",
        {"trailer_reg": "TR 1", "further_trailers": ["TR 2"]},
        {"trailer_reg": "TR 1", "further_trailers": ["TR 2", "TR 3"]},
    ),
    (
        "bad_value",
        "/customs/0/ducr",
        {"customs": [{"ducr": "6GB123456789000-1"}]},
        {"customs": [{"ducr": "INVOICE 1"}]},
    ),
    ("bad_value", "/gmr_id", {**WHOLE, "is_empty": True}, {"gmr_id": "GMRA1"}),
]

_VESSEL: list[Case] = [
    ("nothing_declared", "", {"cash_gbp": 0.0}, {}),
    (
        "identifier_as_attribute",
        "/attributes",
        {"attributes": {"hull_material": "steel"}},
        {"attributes": {"axles": 5.0, "imoNo": "9319466"}},
    ),
    (
        "arrival_before_departure",
        "/arrives_at",
        VOYAGE,
        {**VOYAGE, "departs_at": "2026-03-01T11:00:00Z"},
    ),
    ("no_crew", "/crew_count", {"crew_count": 1}, {"crew_count": 0}),
    (
        "no_skipper",
        "/skipper_count",
        {"craft": "pleasure", "skipper_count": 1},
        {"craft": "pleasure", "skipper_count": 0},
    ),
    (
        "persons_disagree",
        "/persons_on_board",
        {"persons_on_board": 20, "crew_count": 18, "passenger_count": 2},
        {"persons_on_board": 19, "crew_count": 18, "passenger_count": 2},
    ),
    (
        "fal5_disagrees",
        "/fal5_crew_count",
        {"fal5_crew_count": 18, "crew_count": 18},
        {"fal5_crew_count": 17, "crew_count": 18},
    ),
    (
        "fal6_disagrees",
        "/fal6_passenger_count",
        {"fal6_passenger_count": 0, "passenger_count": 0},
        {"fal6_passenger_count": 1, "passenger_count": 0},
    ),
    (
        "dangerous_goods_disagree",
        "/dangerous_goods",
        {"dangerous_goods": True, "dangerous_goods_list": [{"un_number": "1203"}]},
        {"dangerous_goods": False, "dangerous_goods_list": [{"un_number": "1203"}]},
    ),
    (
        "net_tonnage_above_gross",
        "/net_tonnage",
        {"net_tonnage": 500.0, "gross_tonnage": 500.0},
        {"net_tonnage": 501.0, "gross_tonnage": 500.0},
    ),
    ("built_in_the_future", "/year_built", {"year_built": 2027}, {"year_built": 2028}),
    ("bad_value", "/year_built", {"year_built": 1850}, {"year_built": 1849}),
    ("impossible_dimensions", "/length_m", {"length_m": 1022.0}, {"length_m": 1023.0}),
    ("impossible_dimensions", "/beam_m", {"beam_m": 126.0}, {"beam_m": 126.5}),
    (
        "last_port_disagrees",
        "/previous_ports/0/port",
        {"last_port": "NLRTM", "previous_ports": [{"port": "NLRTM"}, {"port": "BEANR"}]},
        {"last_port": "NLRTM", "previous_ports": [{"port": "BEANR"}, {"port": "NLRTM"}]},
    ),
    (
        "ports_out_of_order",
        "/previous_ports/1/departed_on",
        {
            "previous_ports": [
                {"port": "NLRTM", "arrived_on": "2026-02-20"},
                {"port": "BEANR", "departed_on": "2026-02-20"},
            ]
        },
        {
            "previous_ports": [
                {"port": "NLRTM", "arrived_on": "2026-02-20"},
                {"port": "BEANR", "departed_on": "2026-02-21"},
            ]
        },
    ),
    (
        "departed_before_arrived",
        "/previous_ports/0/departed_on",
        {
            "previous_ports": [
                {"port": "NLRTM", "arrived_on": "2026-02-20", "departed_on": "2026-02-20"}
            ]
        },
        {
            "previous_ports": [
                {"port": "NLRTM", "arrived_on": "2026-02-20", "departed_on": "2026-02-19"}
            ]
        },
    ),
    (
        "impossible_speed",
        "/arrives_at",
        # One degree of latitude is 60.04 nautical miles: two thirds of it in an hour is 40.03.
        {**VOYAGE, "departure_position": _point(50.0), "arrival_position": _point(50.66)},
        {**VOYAGE, "departure_position": _point(50.0), "arrival_position": _point(50.67)},
    ),
    (
        "too_many_decimals",
        "/departure_position/lat",
        {"departure_position": _point(50.123456)},
        {"departure_position": _point(50.1234567)},
    ),
    (
        "positions_out_of_order",
        "/positions/1/at",
        {"positions": [_at(10), _at(10)]},
        {"positions": [_at(10), _at(9)]},
    ),
    (
        "impossible_position",
        "/positions/1/lat",
        {"positions": [_at(10, lat=90.0, lon=0.0), _at(11, lat=91.0, lon=181.0)]},
        {"positions": [_at(10, lat=90.0, lon=0.0), _at(11, lat=90.5, lon=0.0)]},
    ),
    (
        "impossible_position",
        "/positions/1/cog_deg",
        {"positions": [_at(10, cog_deg=359.9), _at(11, cog_deg=360.0)]},
        {"positions": [_at(10, cog_deg=359.9), _at(11, cog_deg=359.95)]},
    ),
    (
        "summary_disagrees",
        "/ais_gap_hours",
        {"positions": [_at(10), _at(14)], "ais_gap_hours": 4.0},
        {"positions": [_at(10), _at(14)], "ais_gap_hours": 3.0},
    ),
    (
        "summary_disagrees",
        "/encounters",
        {"meetings": [{**_at(10), "hours": 2.5, "distance_m": 500.0}], "encounters": 1},
        {"meetings": [{**_at(10), "hours": 2.0, "distance_m": 500.0}], "encounters": 1},
    ),
    (
        "party_disagrees",
        "/agent/eori",
        {"agent_eori": "FR1", "agent": NAMED},
        {"agent_eori": "FR1", "agent": {"eori": "FR2"}},
    ),
    (
        "person_data_refused",
        "/agent/type_of_person",
        {"agent": {"eori": "FR1", "type_of_person": "legal"}},
        {"agent": {"eori": "FR1", "type_of_person": "natural"}},
    ),
    (
        "gb_party_named",
        "/operator/eori",
        {"operator": {"eori": "GB980780684000"}},
        {"operator": {"eori": "gb980780684000", **NAMED}},
    ),
    (
        "party_incomplete",
        "/operator/postcode",
        {"operator": NAMED},
        {"operator": {**NAMED, "postcode": None}},
    ),
    ("party_empty", "/operator", {"operator": {"eori": "FR1"}}, {"operator": {}}),
    ("unknown_country", "/flag", {"flag": "PA"}, {"flag": "EU"}),
    (
        "unknown_country",
        "/positions/0/flag",
        {"positions": [_at(10, flag="PA")]},
        {"positions": [_at(10, flag="AA")]},
    ),
    (
        "time_skipped",
        "/departs_at",
        {"last_port": "FRCQF", "departs_at": "2026-03-29T01:59"},
        {"last_port": "FRCQF", "departs_at": "2026-03-29T02:00"},
    ),
    ("unknown_field", "/previous_ports/0", {"flag": "GB"}, {"previous_ports": [{"name": "x"}]}),
    (
        "missing_field",
        "/positions/0",
        {"positions": [_at(10)]},
        {"positions": [{"lat": 50.0}]},
    ),
    ("bad_value", "/security_level", {"security_level": 3}, {"security_level": 4}),
]

BULK: dict[str, Any] = {"kind": "VL"}
_SHIPMENT: list[Case] = [
    ("nothing_declared", "", {"lrn": "1"}, {}),
    (
        "identifier_as_attribute",
        "/attributes",
        {"attributes": {"container_count": 2.0}},
        {"attributes": {"axles": 5.0, "broker_eori": "GB980780684000"}},
    ),
    (
        "net_above_gross",
        "/net_mass_kg",
        {"net_mass_kg": 5.0, "gross_mass_kg": 5.0},
        {"net_mass_kg": 5.0, "gross_mass_kg": 4.9},
    ),
    (
        "net_above_gross",
        "/items/1/net_kg",
        {"items": [{}, {"net_kg": 5.0, "gross_kg": 5.0}]},
        {"items": [{}, {"net_kg": 5.1, "gross_kg": 5.0}]},
    ),
    ("mass_too_precise", "/net_mass_kg", {"net_mass_kg": 0.001}, {"net_mass_kg": 0.0015}),
    (
        "mass_too_precise",
        "/items/0/gross_kg",
        {"items": [{"gross_kg": 1.125}]},
        {"items": [{"gross_kg": 1.1255}]},
    ),
    ("unknown_mode", "/mode_at_border", {"mode_at_border": "1"}, {"mode_at_border": "01"}),
    ("unknown_mode", "/mode_at_border", {"mode_at_border": "5"}, {"mode_at_border": "6"}),
    ("unknown_mode", "/mode_at_border", {"mode_at_border": "road"}, {"mode_at_border": "12"}),
    ("bad_procedure", "/procedure_code", {"procedure_code": "4071"}, {"procedure_code": "40"}),
    (
        "bad_procedure",
        "/items/0/procedure_code",
        {"items": [{"procedure_code": "4071"}]},
        {"items": [{"procedure_code": "40 71"}]},
    ),
    ("bad_value", "/package_kind", {"package_kind": "4G"}, {"package_kind": "CARTON"}),
    ("item_count_disagrees", "/item_count", {"items": []}, {"items": [], "item_count": 1}),
    (
        "lodger_not_gb",
        "/lodger/eori",
        {"lodger": {"eori": "GB980780684000"}},
        {"lodger": NAMED},
    ),
    (
        "lodger_not_gb",
        "/lodger_eori",
        {"lodger_eori": "GB980780684000", "lodger_name": "Exemple SARL"},
        {"lodger_name": "Exemple SARL"},
    ),
    (
        "transport_by_air",
        "/means_of_transport_id",
        {"mode_at_border": "2", "means_of_transport_id": "31 80 2740 123-4"},
        {"mode_at_border": "4", "means_of_transport_id": "G-ABCD"},
    ),
    (
        "transport_not_a_ship",
        "/means_of_transport_id",
        {"mode_at_border": "11", "means_of_transport_id": "9319466"},
        {"mode_at_border": "11", "means_of_transport_id": "AB12 CDE"},
    ),
    (
        "conveyance_not_a_flight",
        "/conveyance_ref",
        {"mode_at_border": "4", "conveyance_ref": "BAW0123A"},
        {"mode_at_border": "4", "conveyance_ref": "BA123"},
    ),
    (
        "conveyance_not_a_crossing",
        "/conveyance_ref",
        {"mode_at_border": "1", "conveyance_ref": "XFERAB12CDE"},
        {"mode_at_border": "1", "conveyance_ref": "AB12CDE"},
    ),
    (
        "lodger_not_gb",
        "/lodger_eori",
        {"lodger_eori": "GB980780684000"},
        {"lodger_eori": "FR1"},
    ),
    (
        "lodger_not_gb",
        "/lodger/eori",
        {"lodger": {"eori": "GB980780684000"}},
        {"lodger": {"eori": "FR1"}},
    ),
    (
        "notify_party_missing",
        "/items/0/additional_information/1/code",
        {
            "items": [{"additional_information": [{"code": "10600"}]}],
            "notify_party_eori": "FR1",
        },
        {"items": [{"additional_information": [{"code": "1"}, {"code": "10600"}]}]},
    ),
    (
        "item_count_disagrees",
        "/item_count",
        {"items": [{}, {}], "item_count": 2},
        {"items": [{}, {}], "item_count": 3},
    ),
    (
        "item_numbers_disagree",
        "/items/1/item_no",
        {"items": [{"item_no": 1}, {"item_no": 2}]},
        {"items": [{"item_no": 1}, {"item_no": 1}]},
    ),
    (
        "package_count_disagrees",
        "/package_count",
        # 10 packages, 5 pieces and 1 for the line in bulk
        {
            "items": [
                {"packages": [{"kind": "CT", "count": 10}, {"kind": "NE", "pieces": 5}]},
                {"packages": [BULK]},
            ],
            "package_count": 16,
        },
        {"items": [{"packages": [{"kind": "CT", "count": 10}, BULK]}], "package_count": 10},
    ),
    (
        "total_gross_below_items",
        "/gross_mass_kg",
        {"items": [{"gross_kg": 0.1}, {"gross_kg": 0.2}], "gross_mass_kg": 0.3},
        {"items": [{"gross_kg": 0.1}, {"gross_kg": 0.2}], "gross_mass_kg": 0.299},
    ),
    (
        "place_of_loading_twice_or_missing",
        "/items/1/place_of_loading",
        {"items": [{}, {}], "place_of_loading": "ECGYE"},
        {"items": [{}, {"place_of_loading": "ECGYE"}], "place_of_loading": "ECGYE"},
    ),
    (
        "place_of_unloading_twice_or_missing",
        "/items/1/place_of_unloading",
        {"items": [{"place_of_unloading": "GBPME"}, {"place_of_unloading": "GBDVR"}]},
        {"items": [{"place_of_unloading": "GBPME"}, {}]},
    ),
    (
        "bulk_counted",
        "/items/0/packages/1/kind",
        {"items": [{"packages": [BULK, {"kind": "VR", "count": 0}]}]},
        {"items": [{"packages": [BULK, {"kind": "VR", "count": 1}]}]},
    ),
    (
        "packages_and_pieces",
        "/items/0/packages/0/pieces",
        {"items": [{"packages": [{"kind": "NE", "pieces": 5, "count": 0}]}]},
        {"items": [{"packages": [{"kind": "NE", "pieces": 5, "count": 1}]}]},
    ),
    ("seals_and_no_seal", "/seals/0", {"seals": ["A", "B"]}, {"seals": ["No Seal", "A"]}),
    (
        "itinerary_disagrees",
        "/itinerary/0",
        {"itinerary": ["EC", "GB"], "dispatch_country": "EC"},
        {"itinerary": ["CO", "GB"], "dispatch_country": "EC"},
    ),
    (
        "party_disagrees",
        "/notify_party/eori",
        {"notify_party_eori": "FR1", "notify_party": {"eori": "FR1"}},
        {"notify_party_eori": "FR1", "notify_party": {"eori": "FR2"}},
    ),
    (
        "person_data_refused",
        "/seller/type_of_person",
        {"seller": NAMED},
        {"seller": {**NAMED, "type_of_person": "natural"}},
    ),
    (
        "gb_party_named",
        "/buyer/eori",
        {"buyer": {"eori": "XI980780684000", **NAMED}},
        {"buyer": {"eori": "GB980780684000", **NAMED}},
    ),
    ("party_incomplete", "/carrier/street", {"carrier": NAMED}, {"carrier": {"name": "x"}}),
    ("party_empty", "/declarant", {"declarant": {"eori": "FR1"}}, {"declarant": {}}),
    ("unknown_country", "/origin_country", {"origin_country": "XI"}, {"origin_country": "XX"}),
    (
        "unknown_country",
        "/items/0/origin_country",
        {"items": [{"origin_country": "ZZ"}]},
        {"items": [{"origin_country": "ZY"}]},
    ),
    ("unknown_currency", "/currency", {"currency": "GBP"}, {"currency": "GPB"}),
    (
        "unknown_currency",
        "/items/0/currency",
        {"items": [{"currency": "XAU"}]},
        {"items": [{"currency": "DEM"}]},
    ),
    (
        "time_skipped",
        "/arrives_at",
        {"port_time_zone": "America/New_York", "arrives_at": "2026-03-08T03:00"},
        {"port_time_zone": "America/New_York", "arrives_at": "2026-03-08T02:30"},
    ),
    ("unknown_field", "/items/0", {"items": [{}]}, {"items": [{"colour": "red"}]}),
    (
        "missing_field",
        "/items/0/documents/0",
        {"items": [{"documents": [{"code": "703"}]}]},
        {"items": [{"documents": [{"number": "1"}]}]},
    ),
    ("bad_value", "/mrn", {"mrn": MRN}, {"mrn": MRN[:-1]}),
]

EXAMPLES: tuple[Example, ...] = tuple(
    Example(kind, *case)
    for kind, cases in (("vehicle", _VEHICLE), ("vessel", _VESSEL), ("shipment", _SHIPMENT))
    for case in cases
)
