"""Features of the movement itself: measures and switches as they are, and what follows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from features.columns import Columns, Floats
from features.derivations import (
    arrival_hour,
    arrival_weekday,
    arrives_at_night,
    blank_fields,
    booking_lead_hours,
    departs_at_night,
    departure_hour,
    departure_notice_hours,
    departure_weekday,
    failed_checks,
    implied_speed_knots,
    invoice_per_kg,
    is_commercial,
    is_pleasure_craft,
    is_tourist,
    journey_hours,
    mass_per_package,
    mass_roundness,
    net_to_gross,
    notice_hours,
    value_per_kg,
    vessel_age_years,
)
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


class Derived(NamedTuple):
    name: str
    group: str
    dtype: DType
    unit: str
    direction: int
    missing: str
    description: str
    fields: tuple[str, ...]
    """Fields of the record that it is made of, or whose absence changes it."""
    of: Callable[[Columns], Floats]


def _derived(
    of: Callable[[Columns], Floats],
    group: str,
    unit: str,
    *fields: str,
    missing: str,
    dtype: DType = "number",
    direction: int = 0,
) -> Derived:
    """Named after its function, described by the function's first sentence."""
    description = (of.__doc__ or "").split("\n", 1)[0].rstrip(".")
    return Derived(of.__name__, group, dtype, unit, direction, missing, description, fields, of)


def _switch(
    of: Callable[[Columns], Floats], group: str, *fields: str, missing: str, direction: int = 0
) -> Derived:
    return _derived(
        of, group, "yes/no", *fields, missing=missing, dtype="switch", direction=direction
    )


NO_MOMENT = "one of the two moments not declared"
NEVER_MISSING = "never missing"
NO_DEPARTURE, NO_ARRIVAL = "departure not declared", "arrival not declared"
BOOKING_LEAD = _derived(
    booking_lead_hours, "booking", "h", "booked_at", "departs_at", missing=NO_MOMENT
)
NOTICE = _derived(notice_hours, "notice", "h", "arrives_at", missing=NO_ARRIVAL)
JOURNEY = _derived(
    journey_hours, "journey time", "h", "departs_at", "arrives_at", missing=NO_MOMENT
)
DEPARTURE = (
    _derived(departure_hour, "departure", "h", "departs_at", missing=NO_DEPARTURE),
    _derived(
        departure_weekday,
        "departure",
        "day",
        "departs_at",
        missing=NO_DEPARTURE,
        dtype="integer",
    ),
    _switch(departs_at_night, "departure", "departs_at", missing=NO_DEPARTURE),
)
ARRIVAL = (
    _derived(arrival_hour, "arrival", "h", "arrives_at", missing=NO_ARRIVAL),
    _derived(arrival_weekday, "arrival", "day", "arrives_at", missing=NO_ARRIVAL, dtype="integer"),
    _switch(arrives_at_night, "arrival", "arrives_at", missing=NO_ARRIVAL),
)
UNSAID = (
    _switch(seal_missing, "seals", "seals", missing="seals not declared", direction=1),
    _switch(
        vague_description,
        "description of goods",
        "goods_description",
        "items",
        missing="goods not described",
    ),
    _derived(
        unregistered_parties, "parties", "n", missing=NEVER_MISSING, dtype="integer", direction=1
    ),
)
ROUNDNESS = _derived(
    mass_roundness,
    "gross mass",
    "n",
    "gross_mass_kg",
    missing="gross mass not declared",
    dtype="integer",
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
        _switch(
            route_changed,
            "change of route",
            "route_id",
            "actual_route_id",
            "checked_in_route_id",
            missing="planned or actual route not declared",
        ),
        _switch(is_tourist, "tourist", "traffic_mode", missing="traffic mode not declared"),
        *UNSAID,
        _derived(
            value_per_kg,
            "value per kg",
            "GBP/kg",
            "value_gbp",
            "gross_mass_kg",
            missing="value or mass not declared",
        ),
        ROUNDNESS,
        *CHECKS,
    ),
    "vessel": (
        NOTICE,
        JOURNEY,
        *ARRIVAL,
        _derived(departure_notice_hours, "notice", "h", "departs_at", missing=NO_DEPARTURE),
        _derived(
            implied_speed_knots,
            "speed",
            "kn",
            "departs_at",
            "arrives_at",
            "departure_position",
            "arrival_position",
            missing="positions or times not declared",
        ),
        _switch(
            mmsi_of_another_flag,
            "MMSI beside the flag",
            "mmsi",
            "flag",
            missing="MMSI or flag not declared",
            direction=1,
        ),
        _switch(
            ais_destination_differs,
            "AIS destination",
            "port",
            "ais_destination",
            missing="port not declared, or not keyed as a UN/LOCODE",
        ),
        _derived(
            vessel_age_years,
            "age of the vessel",
            "years",
            "year_built",
            missing="year built not declared",
        ),
        _switch(is_commercial, "commercial", "craft", missing="type of craft not declared"),
        _switch(is_pleasure_craft, "for pleasure", "craft", missing="type of craft not declared"),
        *CHECKS,
    ),
    "shipment": (
        NOTICE,
        *ARRIVAL,
        _switch(
            origin_differs,
            "origin and dispatch",
            "origin_country",
            "dispatch_country",
            missing="origin or dispatch not declared",
        ),
        *UNSAID,
        _derived(
            invoice_per_kg,
            "value per kg",
            "currency/kg",
            "invoice_amount",
            "net_mass_kg",
            "gross_mass_kg",
            missing="invoice amount or mass not declared",
        ),
        _derived(
            net_to_gross,
            "net to gross mass",
            "ratio",
            "net_mass_kg",
            "gross_mass_kg",
            missing="net or gross mass not declared",
        ),
        _derived(
            mass_per_package,
            "mass per package",
            "kg",
            "gross_mass_kg",
            "package_count",
            missing="mass not declared, or no packages",
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
        self._derived_places = np.array([i for i, _ in self._derived], dtype=np.int64)
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
            if len(movements) == 1:  # a scalar is set in a tenth of the time of a column
                given, row = movements[0].fields, rows[0]
                for place, name in self._plain:
                    value = given.get(name)
                    row[place] = np.nan if value is None else value
            else:
                for place, name in self._plain:
                    rows[:, place] = columns[name]
            for place, of in self._derived:
                rows[:, place] = of(columns)
            derived = rows[:, self._derived_places]
            rows[:, self._derived_places] = np.where(np.isfinite(derived), derived, np.nan)
            for place, name in self._attributes:
                rows[:, place] = columns.attribute(name)
