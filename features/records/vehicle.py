"""One vehicle crossing, after the GVMS goods movement record and RoRo booking messages."""

from typing import Annotated, Literal

from features.records.movement import (
    Amount,
    Code,
    Count,
    Country,
    Instant,
    Mark,
    Mass,
    Movement,
    RegistrationNumber,
    Rule,
    category,
    identifier,
    measure,
    moment,
    switch,
)
from features.records.refusal import Problem

Direction = Literal["UK_INBOUND", "UK_OUTBOUND", "GB_TO_NI", "NI_TO_GB"]
TrafficMode = Literal["freight_accompanied", "freight_unaccompanied", "tourist"]
ChargePayment = Literal["A", "B", "C", "D", "H", "Y", "Z"]
"""A cash, B card, C cheque, D other, H transfer, Y account, Z not prepaid."""


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
        Mark | None, identifier("vehicle", "vehicle", "Registration mark of the vehicle.")
    ] = None
    trailer_reg: Annotated[
        Mark | None, identifier("trailer", "trailer", "Registration mark of the trailer.")
    ] = None
    container_no: Annotated[
        Mark | None,
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


def _arrival_not_before_departure(vehicle: Vehicle) -> Problem | None:
    if vehicle.arrives_at is None or vehicle.departs_at is None:
        return None
    if vehicle.arrives_at >= vehicle.departs_at:
        return None
    return Problem(
        "arrival_before_departure",
        "/arrives_at",
        f"arrival {vehicle.arrives_at} is before departure {vehicle.departs_at}; correct one",
    )


def _unaccompanied_has_trailer(vehicle: Vehicle) -> Problem | None:
    if not vehicle.is_unaccompanied or vehicle.trailer_reg or vehicle.container_no:
        return None
    return Problem(
        "unaccompanied_without_trailer",
        "/is_unaccompanied",
        "an unaccompanied movement needs trailer_reg or container_no; add one",
    )


def _empty_has_no_value(vehicle: Vehicle) -> Problem | None:
    if not vehicle.is_empty or not vehicle.value_gbp:
        return None
    return Problem(
        "empty_with_goods",
        "/is_empty",
        f"declared empty, yet value_gbp is {vehicle.value_gbp:g}; correct one",
    )


VEHICLE_RULES: tuple[Rule, ...] = (
    _arrival_not_before_departure,
    _unaccompanied_has_trailer,
    _empty_has_no_value,
)
