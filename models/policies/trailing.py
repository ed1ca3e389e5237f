"""What a pool saw in the last days: how much came, how it scored, and what to expect of today."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.reference import distribution
from models.stability import psi

Floats = NDArray[np.float64]

TRAILING_DAYS = 28
RECENT_DAYS = 7
"""Their scores are compared with the rest of the trailing days."""
LEVEL_DAYS = 3
"""By what these had against their forecasts, the next forecast goes up or down."""
FEWEST_SCORES = 20
"""From fewer trailing scores no ranking is made."""


class Day(NamedTuple):
    """One day of a pool, over."""

    day: int
    values: Floats
    """float64[n], probability per officer hour of the movements that had one."""
    costs: Floats
    """float64[n], officer hours of the same."""
    demand_hours: float
    """Of all movements, scored or not."""
    never_examined_hours: float
    forecast_hours: float
    """What the day's weekday had before; NaN when nothing was known."""


class Ranking:
    """Trailing values by falling order, and the share of officer hours from each one upwards."""

    __slots__ = ("_minus_share_from", "_values")

    def __init__(self, values: Floats, costs: Floats) -> None:
        """``values`` float64[n] and ``costs`` float64[n], n >= 1."""
        distinct, place = np.unique(values, return_inverse=True)
        hours = np.bincount(place, weights=costs)
        from_here_up = np.cumsum(hours[::-1])[::-1] / hours.sum()
        self._values: list[float] = distinct.tolist()
        self._minus_share_from: list[float] = (-from_here_up).tolist()  # rising, to bisect

    def threshold(self, share: float) -> tuple[float, float]:
        """The value from which ``share`` of the hours lie, and what part of that value's tie.

        Args:
            share: in (0, 1).

        >>> ranking = Ranking(np.array([0.9, 0.5, 0.5, 0.1]), np.ones(4))
        >>> ranking.threshold(0.5)  # all of 0.9 and half of the two at 0.5
        (0.5, 0.5)
        """
        minus_share_from = self._minus_share_from
        # The lowest value has share 1 up to rounding, so the place is never below 0 but for that.
        at = max(0, bisect_right(minus_share_from, -share) - 1)
        above = -minus_share_from[at + 1] if at + 1 < len(minus_share_from) else 0.0
        within = -minus_share_from[at] - above
        return self._values[at], min(1.0, (share - above) / within)


class Trailing:
    """The last ``TRAILING_DAYS`` days on which anything came, oldest first."""

    def __init__(self) -> None:
        self._days: deque[Day] = deque()

    def add(self, day: Day) -> None:
        """``day`` comes after all days before; one without demand is left out."""
        if day.demand_hours > 0.0:
            self._days.append(day)

    def forget_before(self, day: int) -> None:
        while self._days and self._days[0].day < day:
            self._days.popleft()

    def replace_scores(self, day: int, values: Floats, costs: Floats) -> None:
        """Of a day that is still remembered; of another, nothing."""
        for place, past in enumerate(self._days):
            if past.day == day:
                self._days[place] = past._replace(values=values, costs=costs)

    def ranking(self) -> Ranking | None:
        """None with fewer than ``FEWEST_SCORES`` scores."""
        values = _joined([day.values for day in self._days])
        if len(values) < FEWEST_SCORES:
            return None
        return Ranking(values, _joined([day.costs for day in self._days]))

    def values(self) -> Floats:
        return _joined([day.values for day in self._days])

    def mean_cost_hours(self) -> float:
        """Of one examination of what scored; 1 when nothing is known."""
        costs = _joined([day.costs for day in self._days])
        return float(costs.mean()) if len(costs) else 1.0

    def drift(self, today: int) -> float:
        """Of the last ``RECENT_DAYS`` days' values against those of the days before."""
        since = today - RECENT_DAYS
        before = [day.values for day in self._days if day.day < since]
        recent = [day.values for day in self._days if day.day >= since]
        return drift_of(_joined(before), _joined(recent))

    def never_examined_share(self) -> float | None:
        """Of the hours of demand, in [0, 1]; None when nothing is known."""
        demand = sum(day.demand_hours for day in self._days)
        return sum(day.never_examined_hours for day in self._days) / demand if demand else None

    def weekday_hours(self, day: int) -> float:
        """Mean demand of the same weekday, else of all days; NaN when nothing is known."""
        same = [past.demand_hours for past in self._days if (day - past.day) % 7 == 0]
        known = same or [past.demand_hours for past in self._days]
        return sum(known) / len(known) if known else float("nan")

    def level(self) -> float:
        """Demand of the last days over what their weekdays had led to expect; 1 when unknown."""
        last = [past for past in list(self._days)[-LEVEL_DAYS:] if past.forecast_hours > 0.0]
        expected = sum(past.forecast_hours for past in last)
        return sum(past.demand_hours for past in last) / expected if last else 1.0


def drift_of(before: Floats, recent: Floats) -> float:
    """PSI of ``recent`` against ``before`` beyond what chance gives on average; at least 0.

    Without any change PSI is about (bins - 1) (1/n + 1/m) for n and m values, which is much for
    a small site; this is taken off. 0 with fewer than ``FEWEST_SCORES`` values on either side.

    Args:
        before, recent: float64[n] and float64[m].

    References:
        Yurdakul, B. and Naranjo, J. (2020), "Statistical properties of the population stability
        index", Journal of Risk Model Validation 14(4).
    """
    if min(len(before), len(recent)) < FEWEST_SCORES:
        return 0.0
    bins = distribution("score", before)
    expected, actual = np.array(bins.counts, dtype=np.int64), bins.count(recent)
    by_chance = len(bins.edges) * (1.0 / len(before) + 1.0 / len(recent))
    return max(0.0, psi(expected, actual) - by_chance)


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.empty(0)
