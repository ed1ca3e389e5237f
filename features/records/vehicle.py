"""One vehicle crossing, after the GVMS goods movement record and RoRo booking messages."""

from typing import Annotated, Literal

from msgspec import Meta

from features.records.crossing import (
    CarnetDeclaration,
    CustomsDeclaration,
    EmptyVehicle,
    RecordsEntry,
    TransitDeclaration,
)
from features.records.goods import DangerousGoods, Description
from features.records.movement import (
    Amount,
    Code,
    Count,
    Country,
    Gmr,
    Instant,
    Itinerary,
    Locode,
    LongMark,
    Mark,
    Mass,
    Movement,
    Mrn,
    Mucr,
    Reference,
    RegistrationNumber,
    Seals,
)
from features.records.parties import Party, PartyName
from features.records.roles import (
    category,
    detail,
    identifier,
    measure,
    moment,
    name,
    party,
    reference,
    switch,
)

Direction = Literal["UK_INBOUND", "UK_OUTBOUND", "GB_TO_NI", "NI_TO_GB"]
TrafficMode = Literal["freight_accompanied", "freight_unaccompanied", "tourist"]
ChargePayment = Literal["A", "B", "C", "D", "H", "Y", "Z"]
"""A cash, B card, C cheque, D other, H transfer, Y account, Z not prepaid."""
GmrState = Literal["NOT_FINALISABLE", "OPEN", "CHECKED_IN", "EMBARKED", "COMPLETED"]
HaulierType = Literal["STANDARD", "FPO_ASN", "FPO_OTHER", "NATO_MOD", "RMG", "ETOE"]
RoadMode = Literal["3", "10", "11"]
Marks = Annotated[tuple[LongMark, ...], Meta(max_length=999)]
References = Annotated[tuple[Reference, ...], Meta(max_length=9999)]


class Vehicle(Movement, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="vehicle"):
    """A lorry, van, car or unaccompanied trailer on a crossing."""

    direction: Annotated[Direction | None, category("direction", "Direction of the crossing.")] = (
        None
    )
    traffic_mode: Annotated[
        TrafficMode | None, category("traffic mode", "Freight with or without driver, or tourist.")
    ] = None
    route_id: Annotated[
        Code | None, category("route", "Route of the crossing, as in GVMS reference data.")
    ] = None
    operator: Annotated[Code | None, category("ferry operator", "Carrier that was booked.")] = None
    vehicle_country: Annotated[
        Country | None, category("country of registration", "ISO 3166-1 alpha-2.")
    ] = None
    charge_payment: Annotated[
        ChargePayment | None,
        category("means of payment", "A cash, B card, C cheque, D other, H transfer, Y account."),
    ] = None
    commodity_code: Annotated[
        Code | None,
        category(
            "goods", "HS chapter, heading or code of the main goods, as text.", check="commodity"
        ),
    ] = None
    haulier_eori: Annotated[
        RegistrationNumber | None,
        identifier("organisation", "haulier", "EORI of the haulier.", check="eori"),
    ] = None
    consignor_eori: Annotated[
        RegistrationNumber | None,
        identifier("organisation", "consignor", "EORI of the sender.", check="eori"),
    ] = None
    consignee_eori: Annotated[
        RegistrationNumber | None,
        identifier("organisation", "consignee", "EORI of the receiver.", check="eori"),
    ] = None
    vehicle_reg: Annotated[
        Mark | None,
        identifier("vehicle", "vehicle", "Registration mark of the vehicle.", check="mark"),
    ] = None
    trailer_reg: Annotated[
        LongMark | None, identifier("trailer", "trailer", "Registration mark of the trailer.")
    ] = None
    container_no: Annotated[
        LongMark | None,
        identifier("container", "container", "Container number, ISO 6346.", check="container"),
    ] = None
    booked_at: Annotated[Instant | None, moment("booking", "When the crossing was booked.")] = None
    departs_at: Annotated[Instant | None, moment("departure", "Planned departure.")] = None
    arrives_at: Annotated[Instant | None, moment("arrival", "Planned arrival.")] = None
    gross_mass_kg: Annotated[Mass | None, measure("gross mass", "kg", "Declared gross mass.")] = (
        None
    )
    value_gbp: Annotated[Amount | None, measure("declared value", "GBP", "Value of the goods.")] = (
        None
    )
    booking_amendments: Annotated[
        Count | None, measure("booking amendments", "n", "How often the booking was changed.")
    ] = None
    passenger_count: Annotated[
        Count | None, measure("passengers", "n", "People on board beside the driver.")
    ] = None
    is_unaccompanied: Annotated[
        bool | None, switch("unaccompanied", "True when a trailer or container travels alone.")
    ] = None
    is_empty: Annotated[
        bool | None, switch("declared empty", "True when no goods are carried.")
    ] = None
    gmr_id: Annotated[
        Gmr | None,
        reference("gmr", "Number of the goods movement record, GMR and nine characters."),
    ] = None
    state: Annotated[GmrState | None, detail("State of the goods movement record.")] = None
    haulier_type: Annotated[HaulierType | None, detail("Kind of haulier, as in GVMS.")] = None
    haulier: Annotated[Party | None, party("haulier", "The haulier as a whole party.")] = None
    haulier_name: Annotated[PartyName | None, name("haulier", "Dropped at the edge.")] = None
    haulier_address: Annotated[PartyName | None, name("haulier", "Dropped at the edge.")] = None
    consignor: Annotated[Party | None, party("consignor", "The sender as a whole party.")] = None
    consignor_name: Annotated[PartyName | None, name("consignor", "Dropped at the edge.")] = None
    consignor_address: Annotated[PartyName | None, name("consignor", "Dropped at the edge.")] = None
    consignee: Annotated[Party | None, party("consignee", "The receiver as a whole party.")] = None
    consignee_name: Annotated[PartyName | None, name("consignee", "Dropped at the edge.")] = None
    consignee_address: Annotated[PartyName | None, name("consignee", "Dropped at the edge.")] = None
    further_trailers: Annotated[
        Annotated[tuple[LongMark, ...], Meta(max_length=1)] | None,
        reference("trailer", "Mark of the second trailer; a movement has two at most."),
    ] = None
    further_containers: Annotated[
        Marks | None,
        reference("container", "Numbers of containers after the first.", check="container"),
    ] = None
    trailer_country: Annotated[
        Country | None, detail("Country of registration of the trailer, ISO 3166-1 alpha-2.")
    ] = None
    consignments: Annotated[
        References | None, reference("shipment", "movement_ref of each shipment on board.")
    ] = None
    departure_port: Annotated[
        Locode | None, detail("UN/LOCODE of the port of departure.", check="locode")
    ] = None
    arrival_port: Annotated[
        Locode | None, detail("UN/LOCODE of the port of arrival.", check="locode")
    ] = None
    checked_in_route_id: Annotated[Code | None, detail("Route at check-in.")] = None
    checked_in_at: Annotated[Instant | None, detail("When the vehicle checked in.")] = None
    actual_route_id: Annotated[Code | None, detail("Route that was taken in fact.")] = None
    actual_departs_at: Annotated[Instant | None, detail("Actual departure.")] = None
    actual_arrives_at: Annotated[Instant | None, detail("Actual arrival.")] = None
    updated_at: Annotated[
        Instant | None, detail("When the sender's record was last changed, with an offset.")
    ] = None
    customs: Annotated[
        Annotated[tuple[CustomsDeclaration, ...], Meta(max_length=9999)] | None,
        detail("Customs declarations of the goods on board."),
    ] = None
    transit: Annotated[
        Annotated[tuple[TransitDeclaration, ...], Meta(max_length=9999)] | None,
        detail("Transit declarations of the goods on board."),
    ] = None
    tir: Annotated[
        Annotated[tuple[CarnetDeclaration, ...], Meta(max_length=999)] | None,
        detail("TIR carnets."),
    ] = None
    ata: Annotated[
        Annotated[tuple[CarnetDeclaration, ...], Meta(max_length=999)] | None,
        detail("ATA carnets."),
    ] = None
    eidr: Annotated[
        Annotated[tuple[RecordsEntry, ...], Meta(max_length=9999)] | None,
        detail("Entries in declarants' records."),
    ] = None
    empty_vehicle: Annotated[
        EmptyVehicle | None, detail("Given when the vehicle is declared to carry nothing.")
    ] = None
    s_and_s_mrn: Annotated[
        Mrn | None,
        reference("mrn", "MRN of a safety and security declaration for the whole.", check="mrn"),
    ] = None
    mucr: Annotated[Mucr | None, reference("mucr", "Master unique consignment reference.")] = None
    goods_mass_kg: Annotated[Mass | None, detail("Gross mass of the goods alone.", unit="kg")] = (
        None
    )
    goods_description: Annotated[Description | None, detail("Goods in plain language.")] = None
    dangerous_goods: Annotated[
        Annotated[tuple[DangerousGoods, ...], Meta(max_length=99)] | None,
        detail("Dangerous goods on board."),
    ] = None
    seals: Annotated[
        Seals | None,
        reference("seal", "Seal numbers, at most 9,999; the one text No Seal when there is none."),
    ] = None
    itinerary: Annotated[
        Itinerary | None, detail("Countries passed, in order, departure and destination included.")
    ] = None
    departure_country: Annotated[
        Country | None, detail("Country where the journey began, ISO 3166-1 alpha-2.")
    ] = None
    destination_country: Annotated[
        Country | None, detail("Country where the journey ends, ISO 3166-1 alpha-2.")
    ] = None
    mode_at_border: Annotated[
        RoadMode | None, detail("3 Channel Tunnel, 10 RoRo accompanied, 11 RoRo unaccompanied.")
    ] = None
    booking_ref: Annotated[Reference | None, reference("booking", "Number of the booking.")] = None
    booking_country: Annotated[
        Country | None, detail("Country the booking was made from, ISO 3166-1 alpha-2.")
    ] = None
    ticket_type: Annotated[Code | None, detail("Kind of ticket, as the carrier calls it.")] = None
    fare_payer: Annotated[
        Reference | None, reference("payer", "The carrier's key of the account that paid.")
    ] = None
    carrying_vessel: Annotated[
        Code | None, reference("vessel", "IMO number of the ferry that was booked.", check="imo")
    ] = None
    children_count: Annotated[Count | None, detail("Passengers who travel as children.")] = None
    driver_count: Annotated[Count | None, detail("Drivers on board.")] = None
    net_mass_kg: Annotated[Mass | None, detail("Net mass of the goods alone.", unit="kg")] = None
    is_hazardous: Annotated[
        bool | None, detail("True when the booking says that dangerous goods are carried.")
    ] = None
    return_booked: Annotated[
        bool | None, switch("return booked", "True when the way back is booked too.")
    ] = None
