"""Features of the movement itself: measures and switches as they are, and what follows."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Literal, NamedTuple

import numpy as np

from features.columns import Columns, Floats, Given, Number, OneRow, attribute_of
from features.declared_columns import said_of_each
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
FEW = 16
"""Up to so many rows are filled one by one, with floats in place of columns: an operation of numpy
costs as much for one number as for hundreds."""


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
    needs: tuple[str, ...] = ()
    """Those of a movement's numbers without any one of which it is missing."""
    of_numbers: Callable[[Given[Any]], Any] | None = None
    of_movement: Callable[[MovementDeclared], float] | None = None
    """One of the two, as ``features.derivations`` tells them apart."""


def _derived(
    of: Callable[[Given[Number]], Number],
    group: str,
    unit: str,
    *fields: str,
    missing: str,
    dtype: DType = "number",
    direction: int = 0,
    needs: tuple[str, ...] | None = None,
) -> Derived:
    """From numbers. Named after its function, described by the function's first sentence.

    Args:
        needs: by default all the fields.
    """
    return Derived(
        of.__name__,
        group,
        dtype,
        unit,
        direction,
        missing,
        _description(of),
        fields,
        needs=fields if needs is None else needs,
        of_numbers=of,
    )


def _said(
    of: Callable[[MovementDeclared], float],
    group: str,
    *fields: str,
    missing: str,
    unit: str = "yes/no",
    dtype: DType = "switch",
    direction: int = 0,
) -> Derived:
    """From all that a movement says; named and described in the same way."""
    description = _description(of)
    return Derived(
        of.__name__, group, dtype, unit, direction, missing, description, fields, of_movement=of
    )


def _count(of: Callable[[MovementDeclared], float], group: str) -> Derived:
    """Of which more never means less risk."""
    return _said(of, group, missing=NEVER_MISSING, unit="n", dtype="integer", direction=1)


def _description(of: Callable[..., Any]) -> str:
    return (of.__doc__ or "").split("\n", 1)[0].rstrip(".")


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
    _derived(
        departs_at_night,
        "departure",
        "yes/no",
        "departs_at",
        missing=NO_DEPARTURE,
        dtype="switch",
    ),
)
ARRIVAL = (
    _derived(arrival_hour, "arrival", "h", "arrives_at", missing=NO_ARRIVAL),
    _derived(arrival_weekday, "arrival", "day", "arrives_at", missing=NO_ARRIVAL, dtype="integer"),
    _derived(
        arrives_at_night, "arrival", "yes/no", "arrives_at", missing=NO_ARRIVAL, dtype="switch"
    ),
)
UNSAID = (
    _said(seal_missing, "seals", "seals", missing="seals not declared", direction=1),
    _said(
        vague_description,
        "description of goods",
        "goods_description",
        "items",
        missing="goods not described",
    ),
    _count(unregistered_parties, "parties"),
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
    _count(failed_checks, "failed checks"),
    _count(blank_fields, "fields left blank"),
)

DERIVED: Mapping[str, tuple[Derived, ...]] = {
    "vehicle": (
        BOOKING_LEAD,
        NOTICE,
        JOURNEY,
        *DEPARTURE,
        _said(
            route_changed,
            "change of route",
            "route_id",
            "actual_route_id",
            "checked_in_route_id",
            missing="planned or actual route not declared",
        ),
        _said(is_tourist, "tourist", "traffic_mode", missing="traffic mode not declared"),
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
            needs=("departs_at", "arrives_at"),
        ),
        _said(
            mmsi_of_another_flag,
            "MMSI beside the flag",
            "mmsi",
            "flag",
            missing="MMSI or flag not declared",
            direction=1,
        ),
        _said(
            ais_destination_differs,
            "AIS destination",
            "port",
            "ais_destination",
            missing="port not declared, or not keyed as a UN/LOCODE",
        ),
        _said(
            vessel_age_years,
            "age of the vessel",
            "year_built",
            missing="year built not declared",
            unit="years",
            dtype="number",
        ),
        _said(is_commercial, "commercial", "craft", missing="type of craft not declared"),
        _said(is_pleasure_craft, "for pleasure", "craft", missing="type of craft not declared"),
        *CHECKS,
    ),
    "shipment": (
        NOTICE,
        *ARRIVAL,
        _said(
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
            needs=("invoice_amount",),
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
        derived = {item.name: item for item in DERIVED[kind]}
        found = [(place, derived[name]) for place, name in names.items() if name in derived]
        self._plain = {name: place for place, name in names.items() if name in plain}
        self._of_numbers = [
            (place, item.of_numbers, frozenset(item.needs))
            for place, item in found
            if item.of_numbers
        ]
        self._of_movement = [(i, item.of_movement) for i, item in found if item.of_movement]
        self._made_of = {
            place: frozenset() if item.missing == NEVER_MISSING else frozenset(item.fields)
            for place, item in found
        }
        self._attributes = {
            name.removeprefix(ATTRIBUTE): place
            for place, name in names.items()
            if name.startswith(ATTRIBUTE)
        }
        self.columns = frozenset(
            {*self._plain.values(), *self._attributes.values(), *(place for place, _ in found)}
        )
        """The columns that this reader fills: fewer than asked for when a name is not known."""
        self._derived_places = np.array([place for place, _ in found], dtype=np.int64)

    def fill(self, movements: Sequence[MovementDeclared], rows: Floats) -> None:
        """
        Args:
            rows: float64[n, F], NaN in the columns to fill; others are left alone. What is not
                finite stays NaN.
        """
        if len(movements) <= FEW:
            for place, movement in enumerate(movements):
                self._fill_row(movement, rows[place])
        else:
            self._fill_columns(movements, rows)

    def _fill_row(self, movement: MovementDeclared, row: Floats) -> None:
        places = self._plain
        for name, value in movement.fields.items():
            if name in places:
                row[places[name]] = value
        given, names = OneRow(movement), movement.fields.keys()
        for place, of, needed in self._of_numbers:
            if not needed <= names:
                continue
            try:
                number = of(given)
            except ZeroDivisionError:  # of which a column makes infinity or NaN
                continue
            if isfinite(number):
                row[place] = number
        for place, said in self._of_movement:
            number = said(movement)
            if isfinite(number):
                row[place] = number
        for name, place in self._attributes.items():
            row[place] = attribute_of(movement, name)

    def _fill_columns(self, movements: Sequence[MovementDeclared], rows: Floats) -> None:
        columns = Columns(movements)
        with np.errstate(all="ignore"):
            for name, place in self._plain.items():
                if name in columns.given:
                    rows[:, place] = columns[name]
            for place, of, needed in self._of_numbers:
                if not any(map(columns.lack, needed)):  # a remainder of NaN costs most of all
                    rows[:, place] = of(columns)
        for place, said in self._of_movement:
            made_of = self._made_of[place]
            if not made_of or not columns.given.isdisjoint(made_of):
                rows[:, place] = said_of_each(said, movements)
        derived = rows[:, self._derived_places]
        rows[:, self._derived_places] = np.where(np.isfinite(derived), derived, np.nan)
        for name, place in self._attributes.items():
            if name in columns.given:
                rows[:, place] = [attribute_of(movement, name) for movement in movements]
