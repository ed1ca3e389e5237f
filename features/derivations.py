"""What follows from the fields of the movement itself, each a function from columns to a column.

Columns have n values: float64, NaN for missing, moments in microseconds; one movement is n = 1.
Nothing here looks at history or at a clock: a moment is compared with the movement's own moments,
in UTC.
"""

import numpy as np

from features.clock import MICROS_PER_DAY, from_micros
from features.columns import Columns, Floats
from features.records import declared_fields

MICROS_PER_HOUR = 3_600_000_000
NIGHT_ENDS, NIGHT_STARTS = 6.0, 22.0
"""Hours of the day, UTC."""


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
    "placeholder:",
)
"""Flags of what is so, not of a check that failed; where they matter they are features. What stands
for nobody is a field left blank."""


def failed_checks(columns: Columns) -> Floats:
    """Fields in which a check digit or similar rule failed without refusing the record."""
    failed = [
        {flag.partition(":")[2] for flag in m.flags if not flag.startswith(NOTES)}
        for m in columns.movements
    ]
    return np.array([len(fields) for fields in failed], dtype=np.float64)


def is_tourist(columns: Columns) -> Floats:
    """No freight."""
    return _is(columns.texts("traffic_mode"), "tourist")


def is_commercial(columns: Columns) -> Floats:
    """A commercial ship, neither a fishing vessel nor a pleasure craft."""
    return _is(columns.texts("craft"), "commercial")


def is_pleasure_craft(columns: Columns) -> Floats:
    """A yacht or another craft for pleasure."""
    return _is(columns.texts("craft"), "pleasure")


def _is(texts: list[str | None], wanted: str) -> Floats:
    """1 where it is, 0 where it is not, NaN where it was not given."""
    found = [float("nan") if text is None else text == wanted for text in texts]
    return np.array(found, dtype=np.float64)


def blank_fields(columns: Columns) -> Floats:
    """Fields of the kind that were not given, attributes aside; leaving one out must never pay."""
    return np.array(
        [len(declared_fields(m.kind)) - len(m.entities) - len(m.fields) for m in columns.movements],
        dtype=np.float64,
    )
