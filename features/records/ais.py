"""What a vessel's AIS positions say, summed up, so that the positions themselves need not be kept.

A transponder writes a number outside the range where it knows none: latitude 91, longitude 181,
speed 102.3, course 360, heading 511, status 15, draught 0, identity 0. Here they are missing.

References:
    Sentinels: ITU-R M.1371, messages 1 to 3 and 5. Distance: haversine on a sphere of 3,440.065
    nautical miles.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from features.records.movement import Country, Instant

EARTH_RADIUS_NM = 3440.065
SLOW_KNOTS = 2.0
FASTEST_KNOTS = 40.0
FASTEST_KNOTS_OF = {"commercial": 30.0, "fishing": 20.0, "pleasure": 40.0}
"""Above these a leg between two positions is an anomaly; an unknown craft has the greatest."""
AT_ANCHOR, MOORED = 1, 5
NEAR_M = 500.0
LONG_HOURS = 2.0
SHORTEST_LEG = timedelta(minutes=1)
"""Over less time the error of a position alone makes a speed."""

Knots = Annotated[float, Meta(ge=0, le=102.3)]
StationIdentity = Annotated[str, Meta(pattern=r"^(0|[0-9]{9})$(?!\n)")]
ShipNumber = Annotated[str, Meta(pattern=r"^(0|[0-9]{7})$(?!\n)")]


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One AIS report; a transponder's own codes for not available are understood as missing."""

    at: Annotated[Instant, Meta(description="When it was sent, with an offset.")]
    lat: Annotated[
        Annotated[float, Meta(ge=-90, le=91)] | None,
        Meta(description="Degrees, north positive; 91 is not available."),
    ] = None
    lon: Annotated[
        Annotated[float, Meta(ge=-180, le=181)] | None,
        Meta(description="Degrees, east positive; 181 is not available."),
    ] = None
    sog_knots: Annotated[
        Knots | None, Meta(description="Speed over ground in knots; 102.3 is not available.")
    ] = None
    cog_deg: Annotated[
        Annotated[float, Meta(ge=0, le=360)] | None,
        Meta(description="Course over ground in degrees; 360 is not available."),
    ] = None
    heading_deg: Annotated[
        Annotated[int, Meta(ge=0, le=511)] | None,
        Meta(description="True heading in degrees, 0 to 359; 511 is not available."),
    ] = None
    nav_status: Annotated[
        Annotated[int, Meta(ge=0, le=15)] | None,
        Meta(description="Navigational status, 1 at anchor, 5 moored; 15 is not defined."),
    ] = None
    draught_m: Annotated[
        Annotated[float, Meta(ge=0, le=25.5)] | None,
        Meta(description="Draught in metres; 0 is not available."),
    ] = None
    mmsi: Annotated[StationIdentity | None, Meta(description="Identity sent; 0 is none.")] = None
    imo: Annotated[ShipNumber | None, Meta(description="IMO number sent; 0 is none.")] = None
    name: Annotated[
        Annotated[str, Meta(max_length=20)] | None, Meta(description="Name of the ship as sent.")
    ] = None
    flag: Annotated[Country | None, Meta(description="Flag, ISO 3166-1 alpha-2.")] = None


class Meeting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stretch of time during which another vessel was near."""

    at: Annotated[Instant, Meta(description="When it began, with an offset.")]
    hours: Annotated[float, Meta(ge=0, le=1e4, description="How many hours it lasted.")]
    distance_m: Annotated[float, Meta(ge=0, le=1e5, description="Smallest distance in metres.")]


class Summary(NamedTuple):
    """What positions say; None where they do not tell. Each is a field of the record."""

    ais_gap_hours: float | None
    loitering_hours: float | None
    speed_anomalies: int | None
    draught_change_m: float | None
    identity_changes: int | None
    flag_changes_24m: int | None
    """Those on this voyage: at least so many in 24 months."""


class Leg(NamedTuple):
    hours: float
    nautical_miles: float | None
    """None when one end is not known."""
    is_slow: bool
    """Both ends under 2 knots, neither moored nor at anchor."""

    @property
    def knots(self) -> float | None:
        """The speed that the leg implies; None over less than a minute or an unknown distance."""
        if self.nautical_miles is None or self.hours < SHORTEST_LEG / timedelta(hours=1):
            return None
        return self.nautical_miles / self.hours


def summary_of(positions: Sequence[Position], craft: str | None) -> Summary:
    """
    Args:
        positions: in order of time.
        craft: ``commercial``, ``fishing``, ``pleasure`` or None, which sets the greatest speed.
    """
    legs = [_leg(a, b) for a, b in pairwise(positions)]
    if not legs:
        return Summary(None, None, None, None, None, None)
    fastest = FASTEST_KNOTS_OF.get(craft or "", FASTEST_KNOTS)
    speeds = [leg.knots for leg in legs]
    draughts = [p.draught_m for p in positions if p.draught_m]
    identities = [[_sent(p.imo) for p in positions], [_sent(p.mmsi) for p in positions]]
    identities.append([_sent(p.name) for p in positions])
    return Summary(
        ais_gap_hours=max(leg.hours for leg in legs),
        loitering_hours=sum((leg.hours for leg in legs if _loiters(leg)), 0.0),
        speed_anomalies=sum(speed is not None and speed > fastest for speed in speeds),
        draught_change_m=max(draughts) - min(draughts) if draughts else None,
        identity_changes=sum(map(_changes, identities)),
        flag_changes_24m=_changes([p.flag for p in positions]),
    )


def encounters_of(meetings: Sequence[Meeting]) -> int:
    """Meetings within 500 m that lasted over two hours."""
    return sum(m.distance_m <= NEAR_M and m.hours > LONG_HOURS for m in meetings)


def nautical_miles(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Great circle distance; one degree of latitude is 60.04 nautical miles on this sphere.

    >>> round(nautical_miles(50.0, 0.0, 51.0, 0.0), 2)
    60.04
    """
    phi, to_phi = radians(lat), radians(to_lat)
    across = sin((to_phi - phi) / 2) ** 2
    along = sin(radians(to_lon - lon) / 2) ** 2
    return 2 * EARTH_RADIUS_NM * asin(min(1.0, sqrt(across + cos(phi) * cos(to_phi) * along)))


def impossible_positions(positions: Sequence[Position]) -> Iterator[tuple[int, str]]:
    """Index and field of values between the range and the code for not available."""
    for index, p in enumerate(positions):
        if p.lat is not None and 90 < p.lat < 91:
            yield index, "lat"
        if p.lon is not None and 180 < p.lon < 181:
            yield index, "lon"
        if p.sog_knots is not None and 102.2 < p.sog_knots < 102.3:
            yield index, "sog_knots"
        if p.cog_deg is not None and 359.9 < p.cog_deg < 360:
            yield index, "cog_deg"
        if p.heading_deg is not None and 359 < p.heading_deg < 511:
            yield index, "heading_deg"
        if p.draught_m is not None and 0 < p.draught_m < 0.1:
            yield index, "draught_m"


def _leg(start: Position, end: Position) -> Leg:
    hours = (end.at - start.at) / timedelta(hours=1)
    miles = None
    if _is_placed(start) and _is_placed(end):
        miles = nautical_miles(start.lat, start.lon, end.lat, end.lon)  # type: ignore[arg-type]
    return Leg(hours, miles, _is_slow(start) and _is_slow(end))


def _is_placed(position: Position) -> bool:
    return position.lat not in (None, 91.0) and position.lon not in (None, 181.0)


def _is_slow(position: Position) -> bool:
    sog = position.sog_knots
    return sog is not None and sog < SLOW_KNOTS and position.nav_status not in (AT_ANCHOR, MOORED)


def _loiters(leg: Leg) -> bool:
    """Slow at both ends and between them, as far as that is known."""
    return leg.is_slow and (leg.knots is None or leg.knots < SLOW_KNOTS)


def _sent(identity: str | None) -> str | None:
    """None for an identity of zeros or white space."""
    return identity if identity is not None and identity.strip("0 @") else None


def _changes(values: Sequence[str | None]) -> int:
    """How often a value follows another one; what is missing in between changes nothing."""
    known = [value for value in values if value is not None]
    return sum(a != b for a, b in pairwise(known))
