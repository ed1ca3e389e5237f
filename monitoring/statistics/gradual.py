"""Whether what is declared changes a little every week, which no pair of months shows.

Each declared feature becomes its mid-rank among the movements of its class (leisure craft apart
from merchant ships, tourists apart from freight), since the mix of classes has its seasons: yachts
come in summer, and that is no news. Its weekly means are held against a straight line. Weeks are
not independent: companies come and go and stay for months. So the error of the slope is that of
weeks whose residuals follow one another, by their correlation from one week to the next.

References:
    Kendall, M. G. (1954), "Note on bias in the estimation of autocorrelation", Biometrika 41(3/4),
    403-404: a correlation from n weeks is too low by (1 + 3 rho) / n.
    Bartlett, M. S. (1935), "Some aspects of the time-correlation problem in regard to tests of
    significance", JRSS 98(3), 536-543: the variance grows by (1 + rho) / (1 - rho).
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata, t

from features.catalogue import Catalogue
from monitoring.drift import short_name
from monitoring.signals import Colour
from monitoring.statistics.chance import AMBER_FROM, RED_FROM, false_discovery
from monitoring.statistics.weekly import monday_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AMBER_CHANGE, RED_CHANGE = 0.05, 0.25
"""Of the fitted change from the first week to the last, in standard deviations of the rank: 0.05
moves one movement in seventy from the lower half to the upper, in half a year."""
FEWEST_WEEKS = 12
FEWEST_MOVEMENTS = 50
"""A week with fewer, as many as equally weighted ones would tell as much, is left out."""
MOST_CORRELATED = 0.9
LEAST_SPREAD = 1e-9
"""Of ranks within classes: below, all movements of each class are alike."""
COLUMNS = ["name", "what", "weeks", "movements", "change", "change_low", "change_high", "by_chance"]


class Line(NamedTuple):
    """A straight line through weekly means."""

    slope: float
    """Per week."""
    error: float
    """Standard error, with what one week has from the week before; NaN without any spread."""


def gradual_changes(
    catalogue: Catalogue, rows: Floats, available_at: Ints, stands_for: Floats, classes: Ints
) -> pd.DataFrame:
    """Every declared feature, the surest change first.

    Args:
        rows: float64[n, F] in the catalogue's order, NaN where something was not declared.
        available_at: int64[n], microseconds; weeks that it does not cover whole are left out.
        stands_for: float64[n], how many movements each row speaks for.
        classes: int64[n], the class of traffic, -1 where it is not known: such rows are left out.

    Returns:
        Columns: ``name``, ``what`` (in words), ``weeks``, ``movements`` (rows looked at),
        ``change`` (fitted, from the first week to the last, in standard deviations) with its 95 %
        interval, ``by_chance`` (two-sided, adjusted for the number of features). Empty below
        :data:`FEWEST_WEEKS` weeks; features that hardly vary are left out.
    """
    weeks, whole = _whole_weeks(available_at)
    found = []
    for place, feature in enumerate(catalogue.features):
        given = whole & (classes >= 0) & ~np.isnan(rows[:, place])
        if feature.source == "declared" and given.any():
            values = ranks_within(rows[given, place], classes[given])
            line = _over_weeks(values, weeks[given], stands_for[given])
            if line is not None:
                found.append((feature.name, short_name(feature), *line))
    table = pd.DataFrame(found, columns=COLUMNS)
    table["by_chance"] = false_discovery(table["by_chance"].to_numpy(np.float64))
    return table.sort_values(["by_chance", "name"], kind="stable").reset_index(drop=True)


def ranks_within(values: Floats, classes: Ints) -> Floats:
    """float64[n]: from -0.5 to 0.5, the mid-rank in its class; 0 where all of a class are alike.

    >>> ranks_within(np.array([3.0, 1.0, 7.0, 7.0]), np.array([0, 0, 1, 1])).tolist()
    [0.25, -0.25, 0.0, 0.0]
    """
    ranks = np.empty(len(values))
    for one in np.unique(classes):
        mine = classes == one
        count = np.count_nonzero(mine)
        ranks[mine] = (rankdata(values[mine]) - (count + 1) / 2) / count
    return ranks


def _whole_weeks(available_at: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """The Monday of each row, and whether its week is neither the first nor the last in part."""
    mondays = monday_of(available_at)
    if not len(mondays):
        return mondays, np.zeros(0, dtype=bool)
    day = 86_400_000_000
    first, last = int(mondays.min()), int(mondays.max())
    begins = available_at.min() < first + day
    ends = available_at.max() >= last + 6 * day
    return mondays, ((mondays > first) | begins) & ((mondays < last) | ends)


def _over_weeks(
    values: Floats, mondays: Ints, stands_for: Floats
) -> tuple[int, int, float, float, float, float] | None:
    at, number = np.unique(mondays, return_inverse=True)
    weight = np.bincount(number, stands_for)
    tell_as_much = weight**2 / np.bincount(number, stands_for**2)  # Kish
    kept = tell_as_much >= FEWEST_MOVEMENTS
    spread = _deviation(values, stands_for)
    if kept.sum() < FEWEST_WEEKS or spread < LEAST_SPREAD:
        return None
    means = (np.bincount(number, values * stands_for) / weight)[kept]
    week = (at[kept] - at[kept][0]) / (7 * 86_400_000_000)
    line = straight_line(week, means / spread, tell_as_much[kept])
    length = float(week[-1])
    if not line.error > 0.0:
        return None
    freedom = len(week) - 2
    half = float(t.ppf(0.975, freedom)) * line.error
    by_chance = float(2 * t.sf(abs(line.slope) / line.error, freedom))
    change = (line.slope * length, (line.slope - half) * length, (line.slope + half) * length)
    return len(week), len(values), *change, by_chance


def _deviation(values: Floats, weights: Floats) -> float:
    mean = np.average(values, weights=weights)
    return math.sqrt(float(np.average((values - mean) ** 2, weights=weights)))


def straight_line(week: Floats, means: Floats, weights: Floats) -> Line:
    """By least squares, each week weighted.

    >>> line = straight_line(np.arange(12.0), 0.5 * np.arange(12.0) + [0, 1] * 6, np.ones(12))
    >>> round(line.slope, 2), round(line.error, 3)
    (0.52, 0.045)
    """
    shares = weights / weights.sum()
    centred = week - shares @ week
    spread = float(shares @ centred**2)
    slope = float(shares @ (centred * means)) / spread
    residuals = (means - shares @ means - slope * centred) * np.sqrt(shares * len(week))
    total = float(residuals @ residuals)
    if total <= 0.0:
        return Line(slope, math.nan)
    n = len(week)
    follows = float(residuals[1:] @ residuals[:-1]) / total
    follows = min(max(follows + (1 + 3 * follows) / n, 0.0), MOST_CORRELATED)
    variance = total / (n - 2) / (n * spread) * (1 + follows) / (1 - follows)
    return Line(slope, math.sqrt(variance))


def gradual_colour(table: pd.DataFrame) -> Colour:
    """Of the surest change that is large enough; grey when no feature could be looked at."""
    if table.empty:
        return "grey"
    size, by_chance = table["change"].abs(), table["by_chance"]
    if ((size >= RED_CHANGE) & (by_chance < RED_FROM)).any():
        return "red"
    return "amber" if ((size >= AMBER_CHANGE) & (by_chance < AMBER_FROM)).any() else "green"
