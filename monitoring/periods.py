"""The month a report is about: ``start <= available_at < end``, calendar months in UTC."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros, from_micros, to_micros
from features.errors import ForelandError, InputError


class NothingToReport(ForelandError):
    """The ledger holds no movement, so there is no month to report on."""


class Period(NamedTuple):
    """A calendar month in UTC: ``start`` belongs to it, ``end`` is the next month's start."""

    name: str
    """``YYYY-MM``."""
    start: Micros
    end: Micros

    @property
    def title(self) -> str:
        """
        >>> parse_period("2026-03").title
        'March 2026'
        """
        return f"{_MONTHS[from_micros(self.start).month - 1]} {self.name[:4]}"

    def covers(self, instants: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True where ``start <= instant < end``; shape of ``instants``, microseconds."""
        return np.asarray((instants >= self.start) & (instants < self.end))


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)  # not strftime, whose names follow the machine's language
_NAME = re.compile(r"(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])")


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


def _month(year: int, month: int) -> Period:
    start = datetime(year, month, 1, tzinfo=UTC)
    after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return Period(f"{year:04d}-{month:02d}", to_micros(start), to_micros(after))
