"""One vessel arrival, after the IMO FAL forms, pleasure craft reports and AIS summaries."""

from typing import Annotated, Literal

from msgspec import Meta

from features.records.movement import (
    Code,
    Count,
    Country,
    Instant,
    Mark,
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

Craft = Literal["commercial", "fishing", "pleasure"]
Positive = Annotated[float, Meta(gt=0, lt=1e7)]
Hours = Annotated[float, Meta(ge=0, lt=1e5)]
Year = Annotated[int, Meta(ge=1850, le=2100)]
ImoNumber = Annotated[str, Meta(pattern=r"^(IMO ?)?[0-9]{7}$(?!\n)")]
Mmsi = Annotated[str, Meta(pattern=r"^[0-9]{9}$(?!\n)")]


class Vessel(Movement, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="vessel"):
    """A commercial ship, fishing vessel or pleasure craft on its way to a port."""

    craft: Annotated[
        Craft | None, category("type of craft", "Commercial, fishing or pleasure.")
    ] = None
    ship_type: Annotated[Code | None, category("ship type", "AIS or UN Rec 28 type code.")] = None
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
    dangerous_goods: Annotated[
        bool | None, switch("dangerous goods", "True when FAL form 7 is given.")
    ] = None


def _arrival_after_departure(vessel: Vessel) -> Problem | None:
    if vessel.arrives_at is None or vessel.departs_at is None:
        return None
    if vessel.arrives_at > vessel.departs_at:
        return None
    return Problem(
        "arrival_before_departure",
        "/arrives_at",
        f"arrival {vessel.arrives_at} is not after departure {vessel.departs_at}; correct one",
    )


def _someone_sails_it(vessel: Vessel) -> Problem | None:
    if vessel.crew_count is None or vessel.crew_count >= 1:
        return None
    return Problem("no_crew", "/crew_count", "crew_count is 0; count the master or skipper too")


VESSEL_RULES: tuple[Rule, ...] = (_arrival_after_departure, _someone_sails_it)
