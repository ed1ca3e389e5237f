"""What follows from the declared fields of the movement itself.

Two sorts of functions. Those of numbers get them by name, NaN for missing, moments in microseconds,
and give one number or a column, as they got it: they keep to arithmetic and comparisons, which
Python and numpy do bit for bit alike. Those of a movement give one number of one movement. Either
may give what is not finite, or divide by zero, which is missing. Nothing here looks at history or
at a clock: a moment is compared with the movement's own moments, in UTC.
"""

from math import isnan, nan

import numpy as np

from features.clock import MICROS_PER_DAY, from_micros
from features.columns import Given, Number, OneRow, text_of
from features.ledger.events import MovementDeclared
from features.records import declared_fields

MICROS_PER_HOUR = 3_600_000_000
NIGHT_ENDS, NIGHT_STARTS = 6.0, 22.0
"""Hours of the day, UTC."""


def booking_lead_hours(given: Given[Number]) -> Number:
    """Hours from booking to departure; negative when booked after it."""
    return (given["departs_at"] - given["booked_at"]) / MICROS_PER_HOUR


def notice_hours(given: Given[Number]) -> Number:
    """Hours from declaration to arrival; negative when declared after it."""
    return (given["arrives_at"] - given["declared_at"]) / MICROS_PER_HOUR


def journey_hours(given: Given[Number]) -> Number:
    """Hours from departure to arrival."""
    return (given["arrives_at"] - given["departs_at"]) / MICROS_PER_HOUR


def _hour(moment: Number) -> Number:
    return moment % MICROS_PER_DAY / MICROS_PER_HOUR


def _weekday(moment: Number) -> Number:
    """0 Monday to 6 Sunday; 1970-01-01 was a Thursday."""
    days = moment / MICROS_PER_DAY // 1.0
    return (days + 3.0) % 7.0


def _at_night(moment: Number) -> Number:
    hour = _hour(moment)
    night = (hour < NIGHT_ENDS) | (hour >= NIGHT_STARTS)
    return 0.0 * hour + night  # NaN stays NaN


def departure_hour(given: Given[Number]) -> Number:
    """Hour of the day, UTC."""
    return _hour(given["departs_at"])


def departure_weekday(given: Given[Number]) -> Number:
    """0 Monday to 6 Sunday, UTC."""
    return _weekday(given["departs_at"])


def departs_at_night(given: Given[Number]) -> Number:
    """Between 22:00 and 06:00 UTC."""
    return _at_night(given["departs_at"])


def arrival_hour(given: Given[Number]) -> Number:
    """Hour of the day, UTC."""
    return _hour(given["arrives_at"])


def arrival_weekday(given: Given[Number]) -> Number:
    """0 Monday to 6 Sunday, UTC."""
    return _weekday(given["arrives_at"])


def arrives_at_night(given: Given[Number]) -> Number:
    """Between 22:00 and 06:00 UTC."""
    return _at_night(given["arrives_at"])


def value_per_kg(given: Given[Number]) -> Number:
    """Declared value by gross mass."""
    return given["value_gbp"] / given["gross_mass_kg"]


def invoice_per_kg(given: Given[Number]) -> Number:
    """Invoice amount in its own currency, by net mass, or by gross mass where net is blank."""
    return given["invoice_amount"] / _first_given(given["net_mass_kg"], given["gross_mass_kg"])


def _first_given(first: Number, second: Number) -> Number:
    if isinstance(first, float):
        return second if isnan(first) else first
    return np.where(np.isnan(first), second, first)


def net_to_gross(given: Given[Number]) -> Number:
    """Net mass by gross mass."""
    return given["net_mass_kg"] / given["gross_mass_kg"]


def mass_per_package(given: Given[Number]) -> Number:
    """Gross mass in kg by number of packages; NaN when there are none (bulk)."""
    return given["gross_mass_kg"] / given["package_count"]


def mass_roundness(given: Given[Number]) -> Number:
    """How many of 10, 100 and 1,000 kg divide the gross mass."""
    mass = given["gross_mass_kg"]
    roundness: Number = 0.0 * mass  # NaN stays NaN
    for step in (10.0, 100.0, 1000.0):
        roundness = roundness + (mass % step == 0.0)
    return roundness


def departure_notice_hours(given: Given[Number]) -> Number:
    """Hours from declaration to departure; negative when declared after it."""
    return (given["departs_at"] - given["declared_at"]) / MICROS_PER_HOUR


def implied_speed_knots(given: Given[Number]) -> Number:
    """Speed that the voyage needs from its first position to its last."""
    return given["distance_nm"] / journey_hours(given)


def vessel_age_years(movement: MovementDeclared) -> float:
    """Calendar year of the declaration less the year of build."""
    return from_micros(movement.declared_at).year - OneRow(movement)["year_built"]


NOTES: tuple[str, ...] = (
    "named:",
    "gb_party_named:",
    "unregistered:",
    "time_ambiguous:",
    "over_44_t:",
    "route_changed:",
    "flag_disagrees:",
    "placeholder:",
)
"""Flags of what is so, not of a check that failed; where they matter they are features. What stands
for nobody is a field left blank."""


def failed_checks(movement: MovementDeclared) -> float:
    """Fields in which a check digit or similar rule failed without refusing the record."""
    return failed_among(movement.flags) if movement.flags else 0.0


def failed_among(flags: tuple[str, ...]) -> float:
    """Fields of which the flags of a movement say so."""
    return len({f.partition(":")[2] for f in flags if not f.startswith(NOTES)})


def is_tourist(movement: MovementDeclared) -> float:
    """No freight."""
    return _is(text_of(movement, "traffic_mode"), "tourist")


def is_commercial(movement: MovementDeclared) -> float:
    """A commercial ship, neither a fishing vessel nor a pleasure craft."""
    return _is(text_of(movement, "craft"), "commercial")


def is_pleasure_craft(movement: MovementDeclared) -> float:
    """A yacht or another craft for pleasure."""
    return _is(text_of(movement, "craft"), "pleasure")


def _is(text: str | None, wanted: str) -> float:
    """1 where it is, 0 where it is not, NaN where it was not given."""
    return nan if text is None else text == wanted


def blank_fields(movement: MovementDeclared) -> float:
    """Fields of the kind that were not given, attributes aside; leaving one out must never pay."""
    given = len(movement.entities) + len(movement.fields)
    return len(declared_fields(movement.kind)) - given
