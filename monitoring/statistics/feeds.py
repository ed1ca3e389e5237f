"""Whether what used to come still comes: movements by the day, results by the place, and how late.

A feed that fails makes no error here: nothing comes. So every count is held against what came in
the same days of the week, or from the same place, before. Traffic varies more than chance does,
so a count stands out only when it is less than half of what was to be expected *and* so few would
come by chance less than once in ten thousand times (Poisson).
"""

from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from features.clock import MICROS_PER_DAY, Micros
from features.records.vehicle_rules import CLOCKS_MAY_DIFFER

BY_CHANCE = 1e-4
AT_MOST = 0.5
"""Of what was to be expected."""
MICROS_PER_HOUR = MICROS_PER_DAY / 24
LATE_HOURS = 1.0
"""A median delay that doubles is looked at when it grew by so much."""
AHEAD_SHARE_TO_LOOK_AT, AHEAD_SHARE_MANY = 0.01, 0.1
"""One clock of a hundred that is wrong is looked at; from one in ten, times cannot be relied on."""

_CLOCKS_MAY_DIFFER_HOURS = CLOCKS_MAY_DIFFER / timedelta(hours=1)

Instants = NDArray[np.int64]


def silent_days(known_at: Instants, before: Instants, start: Micros, end: Micros) -> pd.DataFrame:
    """Days of the period on which too few movements came.

    Args:
        known_at: int64[n], microseconds: when each movement of the period became known.
        before: int64[m]: of the movements of the days before ``start``, whole weeks or more.
        start, end: of the period, as far as it has passed.

    Returns:
        One row per silent day: ``day`` (YYYY-MM-DD), ``movements``, ``expected`` (the mean of the
        same day of the week before, days without movements included), ``by_chance``.
    """
    days = np.arange(start // MICROS_PER_DAY, -(-end // MICROS_PER_DAY))
    counts = _per_day(known_at, days)
    columns = ["day", "movements", "expected", "by_chance"]
    if not len(before):
        return pd.DataFrame(columns=columns)
    first = int(before.min()) // MICROS_PER_DAY
    earlier_days = np.arange(first, start // MICROS_PER_DAY)
    earlier = _per_day(before, earlier_days)
    usual = np.array(
        [earlier[earlier_days % 7 == day].mean() if (earlier_days % 7 == day).any() else np.nan
         for day in range(7)]
    )  # fmt: skip
    expected = usual[days % 7]
    expected[-1:] *= min((end / MICROS_PER_DAY - days[-1]) if len(days) else 1.0, 1.0)
    stands_out, by_chance = too_few(counts, expected)
    return pd.DataFrame(
        {
            "day": pd.to_datetime(days[stands_out], unit="D").strftime("%Y-%m-%d"),
            "movements": counts[stands_out],
            "expected": expected[stands_out],
            "by_chance": by_chance[stands_out],
        },
        columns=columns,
    )


def _per_day(instants: Instants, days: Instants) -> Instants:
    if not len(days):
        return np.zeros(0, dtype=np.int64)
    places = instants // MICROS_PER_DAY - days[0]
    inside = places[(places >= 0) & (places < len(days))]
    return np.bincount(inside, minlength=len(days)).astype(np.int64)


def too_few(
    counts: NDArray[Any], expected: NDArray[Any]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which counts stand out, and how likely so few or fewer would be by chance.

    >>> found, by_chance = too_few(np.array([0, 40, 3]), np.array([20.0, 100.0, 5.0]))
    >>> found.tolist()
    [True, True, False]
    """
    by_chance = np.asarray(stats.poisson.cdf(counts, expected), dtype=np.float64)
    return (counts < AT_MOST * expected) & (by_chance < BY_CHANCE), by_chance


def silent_places(
    now: pd.Series, before: pd.Series, days: float, days_before: float
) -> pd.DataFrame:
    """Places from which too few results of examinations came.

    Args:
        now: place of the movement of each result that became known in the period.
        before: the same for the time before.
        days, days_before: how long the two are.

    Returns:
        One row per silent place: ``place``, ``results``, ``expected``, ``by_chance``.
    """
    usual = before.value_counts() * (days / days_before)
    counts = now.value_counts().reindex(usual.index, fill_value=0)
    stands_out, by_chance = too_few(counts.to_numpy(), usual.to_numpy())
    return pd.DataFrame(
        {
            "place": usual.index[stands_out].astype(str),
            "results": counts.to_numpy()[stands_out],
            "expected": usual.to_numpy()[stands_out],
            "by_chance": by_chance[stands_out],
        }
    )


class Delay(NamedTuple):
    """From the declaration of a movement to when this system knew it, in hours."""

    movements: int
    median: float
    """NaN without movements."""
    ninth_decile: float
    ahead: int = 0
    """Declared, by the sender's clock, after they were known by ours: one of the two is wrong."""

    @classmethod
    def of(cls, declared_at: Instants, known_at: Instants) -> "Delay":
        if not len(known_at):
            return cls(0, np.nan, np.nan)
        hours = (known_at - declared_at) / MICROS_PER_HOUR
        return cls(
            movements=len(hours),
            median=float(np.median(hours)),
            ninth_decile=float(np.quantile(hours, 0.9)),
            ahead=int(np.count_nonzero(hours < -_CLOCKS_MAY_DIFFER_HOURS)),
        )

    @property
    def ahead_share(self) -> float:
        """NaN without movements."""
        return self.ahead / self.movements if self.movements else np.nan

    def grew_from(self, before: "Delay") -> bool:
        """The median is twice what it was, and an hour more."""
        return self.median >= 2 * before.median and self.median - before.median >= LATE_HOURS


class Feeds(NamedTuple):
    """What came of one kind, and what did not."""

    days: int
    """Of the period, that have passed."""
    silent_days: pd.DataFrame
    compared_days: int
    """How many days before there were to compare with; 0 when nothing came before."""
    silent_places: pd.DataFrame
    places: int
    """With results before."""
    delay: Delay
    delay_before: Delay
