"""The days a report is about: ``start <= available_at < end`` in UTC, most often a month."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros, from_micros, iso, to_micros
from features.errors import ForelandError, InputError


class NothingToReport(ForelandError):
    """The ledger holds no movement, so there is no month to report on."""


class Period(NamedTuple):
    """Whole days in UTC: ``start`` belongs to it, ``end`` does not."""

    name: str
    """``YYYY-MM`` of a month; of other days, ``2026-01-05--2026-03-01`` without the last one."""
    start: Micros
    end: Micros

    @property
    def title(self) -> str:
        """The last day named belongs to it.

        >>> parse_period("2026-03").title
        'March 2026'
        >>> named("2026-01-05--2026-03-01").title
        '5 January 2026 to 28 February 2026'
        """
        if "--" not in self.name:
            return f"{_MONTHS[from_micros(self.start).month - 1]} {self.name[:4]}"
        return f"{_day(self.start)} to {_day(self.end - 1)}"

    @property
    def options(self) -> str:
        """The period as ``foreland report`` takes it.

        >>> named("2026-01-05--2026-03-01").options
        '--since 2026-01-05 --until 2026-03-01'
        """
        since, _, until = self.name.partition("--")
        return f"--since {since} --until {until}" if until else f"--period {since}"

    def covers(self, instants: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True where ``start <= instant < end``; shape of ``instants``, microseconds."""
        return np.asarray((instants >= self.start) & (instants < self.end))


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)  # not strftime, whose names follow the machine's language
_NAME = re.compile(r"(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])")
_DAY = re.compile(r"(19[7-9][0-9]|[2-9][0-9]{3})-[0-9]{2}-[0-9]{2}", re.ASCII)


def parse_period(text: str) -> Period:
    """The month that ``--period`` names.

    >>> parse_period("2026-03").name
    '2026-03'

    Raises:
        InputError: when ``text`` is not ``YYYY-MM``, from 1970-01 to 9998-12.
    """
    match = _NAME.fullmatch(text)
    if match is None or text.startswith("9999"):
        raise InputError(f"--period must be a month such as 2026-03, not {text!r}")
    return _month(int(match[1]), int(match[2]))


def parse_days(since: str, until: str, now: Micros) -> Period:
    """The days that ``--since`` and ``--until`` name; the day of ``until`` does not belong to them.

    >>> parse_days("2026-01-05", "2026-03-01", 1 << 60).name
    '2026-01-05--2026-03-01'

    Args:
        now: microseconds.

    Raises:
        InputError: no day, nothing between the two, or a day that is not over.
    """
    start, end = _parse_day("--since", since), _parse_day("--until", until)
    if start >= end:
        raise InputError(f"--since must lie before --until, but {since} does not before {until}")
    if end > now:
        raise InputError(
            f"--until {until} lies in the future; the latest that is over is {iso(now)[:10]}"
        )
    return Period(f"{since}--{until}", start, end)


def named(name: str) -> Period:
    """The period whose ``name`` it is.

    Raises:
        InputError: it is the name of none.
    """
    since, between, until = name.partition("--")
    return parse_days(since, until, _parse_day("--until", until)) if between else parse_period(name)


def month_of(instant: Micros) -> Period:
    """The month that ``instant`` lies in."""
    moment = from_micros(instant)
    return _month(moment.year, moment.month)


def refuse_the_future(period: Period, now: Micros) -> None:
    """
    Raises:
        InputError: ``period`` has not begun by ``now``, microseconds.
    """
    if period.start > now:
        raise InputError(
            f"{period.title} has not begun, so there is nothing to report on; "
            f"the latest month to ask for is {month_of(now).name}"
        )


def choose_period(available_at: NDArray[np.int64], now: Micros) -> Period:
    """The latest month with movements that is over by ``now``; else the latest with movements.

    Args:
        available_at: int64[n], microseconds, when each movement first became known.
        now: microseconds; a month is over when its end is not after ``now``.

    Raises:
        NothingToReport: when ``available_at`` is empty.
    """
    if len(available_at) == 0:
        raise NothingToReport(
            "the ledger holds no movement, so there is no month to report on; "
            "bring some in with foreland ingest"
        )
    this_month = month_of(now).start
    over = available_at[available_at < this_month]
    return month_of(int(np.max(over if len(over) else available_at)))


def _parse_day(option: str, text: str) -> Micros:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return to_micros(datetime.fromisoformat(f"{text}T00:00:00+00:00"))
    except ValueError as exc:
        raise InputError(f"{option} must be a day such as 2026-03-01, not {text!r}") from exc


def _day(instant: Micros) -> str:
    moment = from_micros(instant)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _month(year: int, month: int) -> Period:
    start = datetime(year, month, 1, tzinfo=UTC)
    after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return Period(f"{year:04d}-{month:02d}", to_micros(start), to_micros(after))
