"""One vessel arrival, after the IMO FAL forms, pleasure craft reports and AIS."""

from typing import Annotated, Literal

from msgspec import Meta

from features.records.ais import Meeting, Position
from features.records.goods import DangerousGoods, Description
from features.records.movement import (
    Amount,
    Code,
    Count,
    Country,
    Instant,
    Locode,
    Mark,
    Movement,
    Reference,
    RegistrationNumber,
    ShortText,
    Text,
)
from features.records.parties import Party, PartyName
from features.records.roles import (
    category,
    detail,
    identifier,
    measure,
    moment,
    party,
    reference,
    switch,
    track,
)
from features.records.roles import name as name_role
from features.records.voyage import CargoLine, ChartPoint, PortCall, StoresLine

Craft = Literal["commercial", "fishing", "pleasure"]
Positive = Annotated[float, Meta(gt=0, lt=1e7)]
Hours = Annotated[float, Meta(ge=0, lt=1e5)]
Metres = Annotated[float, Meta(ge=0, le=100)]
Year = Annotated[int, Meta(ge=1850, le=2100)]
ImoNumber = Annotated[str, Meta(pattern=r"^(IMO ?)?[0-9]{7}$(?!\n)")]
CallSign = Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,7}$(?!\n)")]
SmallShipNumber = Annotated[
    str, Meta(min_length=1, max_length=15, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./-]*$(?!\n)")
]
Level = Annotated[int, Meta(ge=1, le=3)]
Draught = Annotated[float, Meta(ge=0.1, le=25.5)]
Mmsi = Annotated[str, Meta(pattern=r"^[0-9]{9}$(?!\n)")]


class Vessel(Movement, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="vessel"):
    """A commercial ship, fishing vessel or pleasure craft on its way to a port."""

    craft: Annotated[
        Craft | None, category("type of craft", "Commercial, fishing or pleasure.")
    ] = None
    ship_type: Annotated[
        Code | None, category("ship type", "AIS or UN Rec 28 type code.", check="ship_type")
    ] = None
    flag: Annotated[Country | None, category("flag", "Flag state, ISO 3166-1 alpha-2.")] = None
    port: Annotated[
        Code | None, category("port of call", "UN/LOCODE of the port of call.", check="locode")
    ] = None
    last_port: Annotated[
        Code | None, category("last port", "UN/LOCODE of the last port.", check="locode")
    ] = None
    next_port: Annotated[
        Code | None, category("next port", "UN/LOCODE of the next port.", check="locode")
    ] = None
    purpose: Annotated[Code | None, category("purpose of call", "As declared on FAL form 1.")] = (
        None
    )
    imo: Annotated[
        ImoNumber | None, identifier("vessel", "ship (IMO)", "IMO ship number.", check="imo")
    ] = None
    mmsi: Annotated[
        Mmsi | None, identifier("vessel", "ship (MMSI)", "AIS station identity.", check="mmsi")
    ] = None
    hull_id: Annotated[
        Mark | None,
        identifier("vessel", "hull", "Hull identification or small ships number.", check="hin"),
    ] = None
    operator_eori: Annotated[
        RegistrationNumber | None,
        identifier("organisation", "operator", "EORI of the operator.", check="eori"),
    ] = None
    agent_eori: Annotated[
        RegistrationNumber | None,
        identifier("organisation", "agent", "EORI of the agent.", check="eori"),
    ] = None
    departs_at: Annotated[Instant | None, moment("departure", "Departure from the last port.")] = (
        None
    )
    arrives_at: Annotated[Instant | None, moment("arrival", "Expected arrival.")] = None
    gross_tonnage: Annotated[
        Positive | None, measure("gross tonnage", "GT", "Gross tonnage, ITC 1969.")
    ] = None
    length_m: Annotated[Positive | None, measure("length", "m", "Length overall.")] = None
    year_built: Annotated[Year | None, measure("year built", "year", "Year of build.")] = None
    crew_count: Annotated[
        Count | None, measure("crew", "n", "Persons working on board, the master included.")
    ] = None
    passenger_count: Annotated[Count | None, measure("passengers", "n", "Passengers on board.")] = (
        None
    )
    ais_gap_hours: Annotated[
        Hours | None, measure("AIS silence", "h", "Longest gap between positions on this voyage.")
    ] = None
    loitering_hours: Annotated[
        Hours | None, measure("loitering", "h", "Time under 2 knots within 50 nautical miles.")
    ] = None
    encounters: Annotated[
        Count | None, measure("meetings at sea", "n", "Within 500 m for over 2 hours.")
    ] = None
    flag_changes_24m: Annotated[
        Count | None, measure("flag changes in 24 months", "n", "From the register.")
    ] = None
    speed_anomalies: Annotated[
        Count | None,
        measure("impossible speeds", "n", "Legs between positions faster than the craft can sail."),
    ] = None
    draught_change_m: Annotated[
        Metres | None, measure("change of draught", "m", "Greatest less smallest on this voyage.")
    ] = None
    identity_changes: Annotated[
        Count | None,
        measure("identity changes", "n", "Changes of IMO number, MMSI or name on this voyage."),
    ] = None
    is_reported: Annotated[
        bool | None, switch("voyage reported", "True when the voyage was reported before it began.")
    ] = None
    dangerous_goods: Annotated[
        bool | None, switch("dangerous goods", "True when FAL form 7 is given.")
    ] = None
    name: Annotated[
        ShortText | None, reference("vessel name", "Name of the vessel, at most 35 characters.")
    ] = None
    call_sign: Annotated[CallSign | None, reference("call sign", "Radio call sign.")] = None
    registration_no: Annotated[
        SmallShipNumber | None,
        reference("vessel", "Number in a small ships register, at most 15 characters."),
    ] = None
    port_of_registry: Annotated[
        Locode | None, detail("UN/LOCODE of the port of registry.", check="locode")
    ] = None
    usual_moorings: Annotated[
        Text | None, detail("Where a pleasure craft usually lies, at most 250 characters.")
    ] = None
    operator: Annotated[Party | None, party("operator", "The operator as a whole party.")] = None
    operator_name: Annotated[PartyName | None, name_role("operator", "Dropped at the edge.")] = None
    operator_address: Annotated[PartyName | None, name_role("operator", "Dropped at the edge.")] = (
        None
    )
    agent: Annotated[Party | None, party("agent", "The agent as a whole party.")] = None
    agent_name: Annotated[PartyName | None, name_role("agent", "Dropped at the edge.")] = None
    agent_address: Annotated[PartyName | None, name_role("agent", "Dropped at the edge.")] = None
    net_tonnage: Annotated[Positive | None, detail("Net tonnage, ITC 1969.", unit="NT")] = None
    beam_m: Annotated[Positive | None, detail("Greatest breadth.", unit="m")] = None
    draught_m: Annotated[
        Draught | None, detail("Greatest draught on arrival, 0.1 to 25.5.", unit="m")
    ] = None
    voyage_no: Annotated[Reference | None, reference("voyage", "The carrier's voyage number.")] = (
        None
    )
    consignments: Annotated[
        Annotated[tuple[Reference, ...], Meta(max_length=9999)] | None,
        reference("shipment", "movement_ref of each shipment on board."),
    ] = None
    call_type: Annotated[
        Literal["arrival", "departure"] | None, detail("Which of the two the forms are for.")
    ] = None
    berth: Annotated[ShortText | None, detail("Berth or anchorage at the port of call.")] = None
    previous_ports: Annotated[
        Annotated[tuple[PortCall, ...], Meta(max_length=10)] | None,
        detail("The last ten ports at most, the latest first."),
    ] = None
    cargo_description: Annotated[
        Description | None, detail("Brief description of the cargo, FAL form 1.")
    ] = None
    cargo: Annotated[
        Annotated[tuple[CargoLine, ...], Meta(max_length=9999)] | None, detail("Cargo, FAL form 2.")
    ] = None
    stores: Annotated[
        Annotated[tuple[StoresLine, ...], Meta(max_length=999)] | None,
        detail("Ship's stores, FAL form 3."),
    ] = None
    fal4_effects_count: Annotated[
        Count | None, detail("Lines of the crew's effects declaration, FAL form 4.")
    ] = None
    fal5_crew_count: Annotated[
        Count | None, detail("Lines of FAL form 5; the list itself is never taken in.")
    ] = None
    fal6_passenger_count: Annotated[
        Count | None, detail("Lines of FAL form 6; the list itself is never taken in.")
    ] = None
    dangerous_goods_list: Annotated[
        Annotated[tuple[DangerousGoods, ...], Meta(max_length=999)] | None,
        detail("Dangerous goods on board, FAL form 7."),
    ] = None
    persons_on_board: Annotated[Count | None, detail("Crew and passengers together.")] = None
    has_stowaways: Annotated[bool | None, detail("True when stowaways are on board.")] = None
    security_level: Annotated[Level | None, detail("ISPS security level of the ship, 1 to 3.")] = (
        None
    )
    notified_at: Annotated[
        Instant | None, detail("When the notice of arrival was given, with an offset.")
    ] = None
    departure_position: Annotated[
        ChartPoint | None, detail("Where a voyage began that began at no port.")
    ] = None
    arrival_position: Annotated[
        ChartPoint | None, detail("Where a voyage ends that ends at no port.")
    ] = None
    skipper_count: Annotated[Count | None, detail("Skippers of a pleasure craft.")] = None
    guest_count: Annotated[Count | None, detail("Others on board a pleasure craft.")] = None
    goods_to_declare: Annotated[bool | None, detail("True when goods are declared to customs.")] = (
        None
    )
    prohibited_goods: Annotated[
        bool | None, detail("True when prohibited or restricted goods are declared.")
    ] = None
    animals_on_board: Annotated[bool | None, detail("True when animals are on board.")] = None
    cash_gbp: Annotated[Amount | None, detail("Cash that is declared.", unit="GBP")] = None
    effects_only: Annotated[bool | None, detail("True when all baggage is personal effects.")] = (
        None
    )
    free_circulation: Annotated[
        bool | None, detail("True when the craft is in free circulation in the United Kingdom.")
    ] = None
    from_continental_shelf: Annotated[
        bool | None, detail("True when the voyage comes from the continental shelf.")
    ] = None
    visit_reason: Annotated[Code | None, detail("Reason of the visit, as reported.")] = None
    ais_destination: Annotated[
        Annotated[str, Meta(max_length=20)] | None,
        detail("Destination as keyed into the AIS transponder, at most 20 characters."),
    ] = None
    positions: Annotated[
        Annotated[tuple[Position, ...], Meta(max_length=5000)] | None,
        track("AIS positions in order of time, within 50 nautical miles of a coast."),
    ] = None
    meetings: Annotated[
        Annotated[tuple[Meeting, ...], Meta(max_length=999)] | None,
        track("Other vessels that were near, from which encounters is counted."),
    ] = None
