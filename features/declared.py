"""Features of the movement itself: measures and switches as they are, and what follows from them.

Every function takes columns of n values (float64, NaN for missing, moments in microseconds) and
gives n values; one movement is n = 1. Nothing here looks at history or at a clock: a moment is
compared with the movement's own moments, in UTC.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from features.clock import MICROS_PER_DAY, from_micros
from features.columns import Columns, Floats
from features.ledger.events import MovementDeclared
from features.mismatches import (
    ais_destination_differs,
    mmsi_of_another_flag,
    origin_differs,
    route_changed,
    seal_missing,
    unregistered_parties,
    vague_description,
)
from features.records import declared_fields

DType = Literal["number", "integer", "switch"]
ATTRIBUTE = "attribute."
MICROS_PER_HOUR = 3_600_000_000
NIGHT_ENDS, NIGHT_STARTS = 6.0, 22.0
"""Hours of the day, UTC."""


class Derived(NamedTuple):
    name: str
    group: str
    dtype: DType
    unit: str
    direction: int
    missing: str
    description: str
    of: Callable[[Columns], Floats]


def booking_lead_hours(columns: Columns) -> Floats:
    """Hours from booking to departure; negative when booked after it."""
    return (columns["departs_at"] - columns["booked_at"]) / MICROS_PER_HOUR


def notice_hours(columns: Columns) -> Floats:
    """Hours from declaration to arrival; negative when declared after it."""
    return (columns["arrives_at"] - columns.declared_at) / MICROS_PER_HOUR


def journey_hours(columns: Columns) -> Floats:
    """Hours from departure to arrival."""
    return (columns["arrives_at"] - columns["departs_at"]) / MICROS_PER_HOUR


def _hour(moment: Floats) -> Floats:
    return np.mod(moment, MICROS_PER_DAY) / MICROS_PER_HOUR


def _weekday(moment: Floats) -> Floats:
    """0 Monday to 6 Sunday; 1970-01-01 was a Thursday."""
    return np.mod(np.floor(moment / MICROS_PER_DAY) + 3.0, 7.0)


def _at_night(moment: Floats) -> Floats:
    hour = _hour(moment)
    night = (hour < NIGHT_ENDS) | (hour >= NIGHT_STARTS)
    return np.where(np.isnan(hour), np.nan, night)


def departure_hour(columns: Columns) -> Floats:
    """Hour of the day, UTC."""
    return _hour(columns["departs_at"])


def departure_weekday(columns: Columns) -> Floats:
    """0 Monday to 6 Sunday, UTC."""
    return _weekday(columns["departs_at"])


def departs_at_night(columns: Columns) -> Floats:
    """Between 22:00 and 06:00 UTC."""
    return _at_night(columns["departs_at"])


def arrival_hour(columns: Columns) -> Floats:
    """Hour of the day, UTC."""
    return _hour(columns["arrives_at"])


def arrival_weekday(columns: Columns) -> Floats:
    """0 Monday to 6 Sunday, UTC."""
    return _weekday(columns["arrives_at"])


def arrives_at_night(columns: Columns) -> Floats:
    """Between 22:00 and 06:00 UTC."""
    return _at_night(columns["arrives_at"])


def value_per_kg(columns: Columns) -> Floats:
    """Declared value by gross mass."""
    return columns["value_gbp"] / columns["gross_mass_kg"]


def invoice_per_kg(columns: Columns) -> Floats:
    """Invoice amount in its own currency, by net mass, or by gross mass where net is blank."""
    net = columns["net_mass_kg"]
    mass = np.where(np.isnan(net), columns["gross_mass_kg"], net)
    return columns["invoice_amount"] / mass


def net_to_gross(columns: Columns) -> Floats:
    """Net mass by gross mass."""
    return columns["net_mass_kg"] / columns["gross_mass_kg"]


def mass_per_package(columns: Columns) -> Floats:
    """Gross mass in kg by number of packages; NaN when there are none (bulk)."""
    packages = columns["package_count"]
    return columns["gross_mass_kg"] / np.where(packages == 0.0, np.nan, packages)


def mass_roundness(columns: Columns) -> Floats:
    """How many of 10, 100 and 1,000 kg divide the gross mass."""
    mass = columns["gross_mass_kg"]
    round_to = [(np.mod(mass, step) == 0.0).astype(np.float64) for step in (10.0, 100.0, 1000.0)]
    return np.where(np.isnan(mass), np.nan, round_to[0] + round_to[1] + round_to[2])


def vessel_age_years(columns: Columns) -> Floats:
    """Calendar year of the declaration less the year of build."""
    years = [from_micros(m.declared_at).year for m in columns.movements]
    return np.array(years, dtype=np.float64) - columns["year_built"]


def departure_notice_hours(columns: Columns) -> Floats:
    """Hours from declaration to departure; negative when declared after it."""
    return (columns["departs_at"] - columns.declared_at) / MICROS_PER_HOUR


def implied_speed_knots(columns: Columns) -> Floats:
    """Speed that the voyage needs from its first position to its last."""
    miles = [m.details.get("distance_nm", float("nan")) for m in columns.movements]
    return np.array(miles, dtype=np.float64) / journey_hours(columns)


NOTES: tuple[str, ...] = (
    "named:",
    "gb_party_named:",
    "unregistered:",
    "time_ambiguous:",
    "over_44_t:",
    "route_changed:",
    "flag_disagrees:",
)
"""Flags of what is so, not of a check that failed; where they matter they are features."""


def failed_checks(columns: Columns) -> Floats:
    """Check digits and similar rules that failed without refusing the record."""
    return np.array(
        [sum(not f.startswith(NOTES) for f in m.flags) for m in columns.movements],
        dtype=np.float64,
    )


def blank_fields(columns: Columns) -> Floats:
    """Fields of the kind that were not given, attributes aside; leaving one out must never pay."""
    return np.array(
        [len(declared_fields(m.kind)) - len(m.entities) - len(m.fields) for m in columns.movements],
        dtype=np.float64,
    )


def _derived(
    of: Callable[[Columns], Floats],
    group: str,
    unit: str,
    *,
    missing: str,
    dtype: DType = "number",
    direction: int = 0,
) -> Derived:
    """Named after its function, described by the function's first sentence."""
    description = (of.__doc__ or "").split("\n", 1)[0].rstrip(".")
    return Derived(of.__name__, group, dtype, unit, direction, missing, description, of)


NO_MOMENT = "one of the two moments not declared"
NEVER_MISSING = "never missing"
BOOKING_LEAD = _derived(booking_lead_hours, "booking", "h", missing=NO_MOMENT)
NOTICE = _derived(notice_hours, "notice", "h", missing="arrival not declared")
JOURNEY = _derived(journey_hours, "journey time", "h", missing=NO_MOMENT)
DEPARTURE = (
    _derived(departure_hour, "departure", "h", missing="departure not declared"),
    _derived(
        departure_weekday, "departure", "day", missing="departure not declared", dtype="integer"
    ),
    _derived(
        departs_at_night, "departure", "yes/no", missing="departure not declared", dtype="switch"
    ),
)
ARRIVAL = (
    _derived(arrival_hour, "arrival", "h", missing="arrival not declared"),
    _derived(arrival_weekday, "arrival", "day", missing="arrival not declared", dtype="integer"),
    _derived(arrives_at_night, "arrival", "yes/no", missing="arrival not declared", dtype="switch"),
)
UNSAID = (
    _derived(
        seal_missing, "seals", "yes/no", missing="seals not declared", dtype="switch", direction=1
    ),
    _derived(
        vague_description,
        "description of goods",
        "yes/no",
        missing="goods not described",
        dtype="switch",
    ),
    _derived(
        unregistered_parties, "parties", "n", missing=NEVER_MISSING, dtype="integer", direction=1
    ),
)
ROUNDNESS = _derived(
    mass_roundness, "gross mass", "n", missing="gross mass not declared", dtype="integer"
)
CHECKS = (
    _derived(
        failed_checks, "failed checks", "n", missing=NEVER_MISSING, dtype="integer", direction=1
    ),
    _derived(
        blank_fields, "fields left blank", "n", missing=NEVER_MISSING, dtype="integer", direction=1
    ),
)

DERIVED: Mapping[str, tuple[Derived, ...]] = {
    "vehicle": (
        BOOKING_LEAD,
        NOTICE,
        JOURNEY,
        *DEPARTURE,
        _derived(
            route_changed,
            "change of route",
            "yes/no",
            missing="planned or actual route not declared",
            dtype="switch",
        ),
        *UNSAID,
        _derived(value_per_kg, "value per kg", "GBP/kg", missing="value or mass not declared"),
        ROUNDNESS,
        *CHECKS,
    ),
    "vessel": (
        NOTICE,
        JOURNEY,
        *ARRIVAL,
        _derived(departure_notice_hours, "notice", "h", missing="departure not declared"),
        _derived(implied_speed_knots, "speed", "kn", missing="positions or times not declared"),
        _derived(
            mmsi_of_another_flag,
            "MMSI beside the flag",
            "yes/no",
            missing="MMSI or flag not declared",
            dtype="switch",
            direction=1,
        ),
        _derived(
            ais_destination_differs,
            "AIS destination",
            "yes/no",
            missing="port not declared, or not keyed as a UN/LOCODE",
            dtype="switch",
        ),
        _derived(vessel_age_years, "age of the vessel", "years", missing="year built not declared"),
        *CHECKS,
    ),
    "shipment": (
        NOTICE,
        *ARRIVAL,
        _derived(
            origin_differs,
            "origin and dispatch",
            "yes/no",
            missing="origin or dispatch not declared",
            dtype="switch",
        ),
        *UNSAID,
        _derived(
            invoice_per_kg,
            "value per kg",
            "currency/kg",
            missing="invoice amount or mass not declared",
        ),
        _derived(
            net_to_gross, "net to gross mass", "ratio", missing="net or gross mass not declared"
        ),
        _derived(
            mass_per_package, "mass per package", "kg", missing="mass not declared, or no packages"
        ),
        ROUNDNESS,
        *CHECKS,
    ),
}


class DeclaredReader:
    """Fills the declared features of a kind, each in its own column."""

    def __init__(self, kind: str, names: Mapping[int, str]) -> None:
        """
        Args:
            names: column to the name of the declared feature in it.
        """
        plain = {f.name for f in declared_fields(kind) if f.role in {"measure", "switch"}}
        derived = {item.name: item.of for item in DERIVED[kind]}
        self._plain = [(i, name) for i, name in names.items() if name in plain]
        self._derived = [(i, derived[name]) for i, name in names.items() if name in derived]
        self._attributes = [
            (i, name.removeprefix(ATTRIBUTE))
            for i, name in names.items()
            if name.startswith(ATTRIBUTE)
        ]
        self.columns = frozenset(
            place for place, _ in (*self._plain, *self._derived, *self._attributes)
        )
        """The columns that this reader fills: fewer than asked for when a name is not known."""

    def fill(self, movements: Sequence[MovementDeclared], rows: Floats) -> None:
        """
        Args:
            rows: float64[n, F]; other columns are left alone. What is not finite becomes NaN.
        """
        columns = Columns(movements)
        with np.errstate(all="ignore"):
            for place, name in self._plain:
                rows[:, place] = columns[name]
            for place, of in self._derived:
                column = of(columns)
                rows[:, place] = np.where(np.isfinite(column), column, np.nan)
            for place, name in self._attributes:
                rows[:, place] = columns.attribute(name)
