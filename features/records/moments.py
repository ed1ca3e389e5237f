"""Times as they are sent: instants with an offset, or the local time of a known port.

``2026-03-29T01:30`` at Dover does not exist, and on the last Sunday of October it exists twice.
The first is refused, of the second the first one is taken and flagged: the instant then carries
``FIRST_OF_TWO`` in place of UTC, which is UTC too, so that no field beside it has to say so.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from features.records.ports import ends_of_route, zone_named, zone_of_port
from features.records.refusal import Problem, RecordRejected

FIRST_OF_TWO = timezone(timedelta(0), "UTC, the first of two")
"""UTC of an instant that was given as a local time which the clocks showed twice."""

_ZONED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*([Zz]|[+-][0-9]{2}:?[0-9]{2})", re.DOTALL)
_LOCAL = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?", re.ASCII
)

Place = Callable[[Mapping[str, Any]], object]
"""From a row to the port at which a moment is, if the row tells it."""


class Moment(NamedTuple):
    """One time of a record, and where its clock stands."""

    name: str
    port: Place | None
    """None for a time that must come with its offset, such as that of the declaration."""


def ports_of(port_field: str, route_field: str | None = None, end: int = 0) -> Place:
    """The port in a field, or else the one at this end of a route written ``from-to``."""

    def port(row: Mapping[str, Any]) -> object:
        given = row.get(port_field)
        route = row.get(route_field) if given is None and route_field else None
        ends = ends_of_route(route) if isinstance(route, str) else None
        return given if ends is None else ends[end]

    return port


def with_offsets(row: Mapping[str, Any], moments: tuple[Moment, ...]) -> Mapping[str, Any]:
    """The row itself, or a copy in which local times have become instants in UTC.

    Raises:
        RecordRejected: for a number where an instant belongs (20200101 would be read as seconds
            since 1970), a local time whose port is not known, or one that the clocks skipped.
    """
    changes: dict[str, Any] = {}
    problems: list[Problem] = []
    for moment in moments:
        value = row.get(moment.name)
        if value is not None and not _has_offset(value):
            problems += _local(row, moment, value, changes)
    if problems:
        raise RecordRejected(tuple(problems))
    return {**row, **changes} if changes else row


class MomentWithin(NamedTuple):
    """A time of each object in a list, which always comes with its offset."""

    field: str
    name: str


def refuse_odd_times_within(row: Mapping[str, Any], within: tuple[MomentWithin, ...]) -> None:
    """Raise for a number, or a time without an offset, in the objects of a list."""
    problems = []
    for field, name in within:
        items = row.get(field)
        if not isinstance(items, list | tuple):
            continue
        for index, item in enumerate(items):
            value = item.get(name) if isinstance(item, dict) else None
            if value is not None and not _has_offset(value):
                sentence = f"{_shown(value)} is no RFC 3339 time such as 2026-03-01T08:30:00Z"
                problems.append(Problem("bad_value", f"/{field}/{index}/{name}", sentence))
    if problems:
        raise RecordRejected(tuple(problems))


def _has_offset(value: Any) -> bool:
    if isinstance(value, str):
        return _ZONED.fullmatch(value) is not None
    return isinstance(value, datetime) and value.tzinfo is not None


def _local(
    row: Mapping[str, Any], moment: Moment, value: Any, changes: dict[str, Any]
) -> Iterator[Problem]:
    """What is wrong with a time that has no offset; the instant goes to ``changes`` if nothing."""
    pointer = f"/{moment.name}"
    local = _wall_clock(value)
    if local is None:
        sentence = f"{_shown(value)} is no RFC 3339 time such as 2026-03-01T08:30:00Z"
        yield Problem("bad_value", pointer, sentence)
        return
    zone = None if moment.port is None else _zone(row, moment.port)
    if zone is None:
        how = "an offset" if moment.port is None else "an offset, the UN/LOCODE or port_time_zone"
        yield Problem("bad_value", pointer, f"{_shown(value)} has no time zone; add {how}")
        return
    try:
        changes[moment.name] = in_utc(local, zone)
    except OverflowError:
        yield Problem("bad_value", pointer, f"{_shown(value)} is out of the range of times")
    except SkippedTime as exc:
        yield Problem("time_skipped", pointer, str(exc))


def _wall_clock(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _LOCAL.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _zone(row: Mapping[str, Any], port: Place) -> ZoneInfo | None:
    """Of the port when it is known, or else the one that the record names."""
    place = port(row)
    zone = zone_of_port(place) if isinstance(place, str) and len(place) <= 40 else None
    named = row.get("port_time_zone")
    if zone is None and isinstance(named, str) and len(named) <= 40:
        zone = zone_named(named)
    return zone


def _shown(value: Any) -> str:
    return repr(value)[:40]


class SkippedTime(ValueError):
    """The clocks of the port went over this local time."""


def in_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a local time; the first of two, marked, where the clocks showed it twice.

    >>> in_utc(datetime(2026, 7, 1, 12, 0), ZoneInfo("Europe/Paris")).isoformat()
    '2026-07-01T10:00:00+00:00'

    Raises:
        SkippedTime: for a time between the two that the clocks showed.
    """
    aware = local.replace(tzinfo=zone, fold=0)
    instant = aware.astimezone(UTC)
    if aware.utcoffset() == aware.replace(fold=1).utcoffset():
        return instant
    if instant.astimezone(zone).replace(tzinfo=None) != local.replace(fold=0):
        raise SkippedTime(
            f"{local.isoformat()} was skipped by the clocks of {zone.key}; correct it, or send it "
            "with its offset"
        )
    return instant.replace(tzinfo=FIRST_OF_TWO)
