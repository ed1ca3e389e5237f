"""Instants: aware UTC outside, whole microseconds since 1970 inside.

Integers compare exactly, sort in any store and cost nothing to copy, so everything that decides
what was visible when (ledger, history, splits) works on microseconds.
"""

import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from features.errors import InputError

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MICROS_PER_DAY = 86_400_000_000


def now_micros() -> Micros:
    return time.time_ns() // 1_000


def to_micros(instant: datetime) -> Micros:
    """Exact for any aware datetime; raises ``ValueError`` for a naive one.

    >>> to_micros(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone")
    return (instant - EPOCH) // _MICROSECOND


def from_micros(micros: Micros) -> datetime:
    """
    >>> from_micros(86_400_000_000).isoformat()
    '1970-01-02T00:00:00+00:00'
    """
    return EPOCH + timedelta(microseconds=micros)


def iso(micros: Micros) -> str:
    """
    >>> iso(0)
    '1970-01-01T00:00:00Z'
    """
    seconds, rest = divmod(micros, 1_000_000)
    return f"{_iso_second(seconds)}.{rest:06d}Z" if rest else f"{_iso_second(seconds)}Z"


@lru_cache(64)
def _iso_second(seconds: int) -> str:
    """Without its zone. Kept: a service writes many instants of the same few seconds."""
    return from_micros(seconds * 1_000_000).replace(tzinfo=None).isoformat()


def parse_day(text: str, option: str) -> Micros:
    """Midnight UTC at the start of an ISO day, for command-line options such as ``--until``."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} must be a day such as 2026-03-01, not {text!r}") from None
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=UTC))
