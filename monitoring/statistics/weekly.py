"""The scores of the period and of its weeks, against those of the months before.

The reference that travels with the bundle is from the training window, when the ledger was younger:
what counts history has grown since, and scores with it, without anything being wrong. What moved
of late is seen against the months just before, and those are never quite alike: companies come and
go, and seasons. So the period must differ by more than the months before differ among themselves.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import f as fisher_f

from features.clock import MICROS_PER_DAY
from models.proportions import wilson_interval
from models.reference import Distribution
from models.stability import psi
from monitoring.drift import LARGE_FROM, SOME_FROM, chance_bound, change_in_words
from monitoring.signals import Colour

AMBER_FROM, RED_FROM = SOME_FROM, LARGE_FROM
SURELY = 0.999
"""Share of periods without change that stay below the chance bound of a colour."""
ORDINARY = 0.99
"""Likewise, of what months differ by: from a few months nobody knows the last thousandth."""
FEWEST_EARLIER = 500
"""Movements of the months before, as many as equally weighted ones would tell as much."""
FEWEST_MONTHS = 3
"""Two months differ once; only from three on do they say what is ordinary."""
BINS = 10
FEWEST_MOVEMENTS = 50
"""A week with fewer is left out: five movements a bin say nothing."""
_WEEK = 7 * MICROS_PER_DAY
_MONDAY = 4 * MICROS_PER_DAY
"""1970-01-05, the first Monday of the clock."""


class Moved(NamedTuple):
    """The period's scores against those of the months before."""

    movements: int
    psi: float
    by_chance: float
    """99.9 % of values with no change lie below it by chance, and 99 % as months ordinarily differ;
    NaN where there are too few months to know how they differ."""


def recent_scores(months: pd.DataFrame, period: str) -> Distribution | None:
    """Scores of the months before that the model has not learned from, as if drawn evenly.

    Counts are scaled to the effective sample size (Kish). None below :data:`FEWEST_EARLIER`.

    Args:
        period: name of the month that is left out.
    """
    return _drawn_evenly(_usable(months, period))


def _usable(months: pd.DataFrame, period: str) -> pd.DataFrame:
    usable = months["probability"].notna() & ~months["may_have_seen"]
    return months[usable & (months["month"] != period)]


def _drawn_evenly(earlier: pd.DataFrame) -> Distribution | None:
    earlier = earlier.sort_values("probability")
    weights = earlier["stands_for"].to_numpy(np.float64)
    if not len(weights) or _tell_as_much(weights) < FEWEST_EARLIER:
        return None
    scores = earlier["probability"].to_numpy(np.float64)
    upto = np.cumsum(weights) / weights.sum()
    edges = np.unique(scores[np.searchsorted(upto, np.arange(1, BINS) / BINS)])
    edges = edges[edges < scores[-1]]
    counts = _counts(edges, scores, weights)
    return Distribution(name="score", edges=tuple(edges.tolist()), counts=(*counts.tolist(), 0))


def _tell_as_much(weights: NDArray[np.float64]) -> float:
    """As many movements of equal weight."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _counts(
    edges: NDArray[np.float64], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.int64]:
    shares = np.bincount(np.searchsorted(edges, scores), weights, len(edges) + 1) / weights.sum()
    counts: NDArray[np.int64] = np.rint(shares * _tell_as_much(weights)).astype(np.int64)
    return counts


def ordinary_spread(months: pd.DataFrame, period: str) -> float:
    """PSI beyond chance that a month without change stays below in 99 % of cases, as months differ.

    Each of the k months before is held against the others. From month to month scores rise or fall
    together, along one line, so a PSI is like the square of one number, and the period's over the
    mean of theirs like F with 1 and k degrees of freedom. What chance alone gives (b bins, n and m
    movements: (b - 1) (1/n + 1/m)) is taken off first. NaN below :data:`FEWEST_MONTHS`.
    """
    earlier = _usable(months, period)
    apart = []
    for month in dict.fromkeys(earlier["month"]):
        mine = (earlier["month"] == month).to_numpy()
        others, of_month = _drawn_evenly(earlier[~mine]), _drawn_evenly(earlier[mine])
        if others is not None and of_month is not None:
            scores, weights = (
                earlier[key].to_numpy(np.float64)[mine] for key in ("probability", "stands_for")
            )
            actual = _counts(np.array(others.edges), scores, weights)
            expected = np.array(others.counts[:-1], dtype=np.int64)
            by_chance = (len(expected) - 1) * (1 / expected.sum() + 1 / actual.sum())
            apart.append(max(psi(expected, actual) - by_chance, 0.0))
    if len(apart) < FEWEST_MONTHS:
        return math.nan
    return float(np.mean(apart) * fisher_f.ppf(ORDINARY, 1, len(apart)))


def scores_moved(earlier: Distribution, frame: pd.DataFrame, spread: float) -> Moved:
    """
    Args:
        earlier: as :func:`recent_scores` gives it.
        frame: the period's scored frame.
        spread: as :func:`ordinary_spread` gives it.
    """
    scores = frame["probability"].to_numpy(np.float64)
    actual = earlier.count(scores[~np.isnan(scores)])
    expected = np.array(earlier.counts, dtype=np.int64)
    if actual.sum() < FEWEST_MOVEMENTS:
        return Moved(int(actual.sum()), math.nan, math.nan)
    by_chance = chance_bound(expected, actual, SURELY)
    return Moved(int(actual.sum()), psi(expected, actual), by_chance + spread)


def moved_colour(moved: Moved) -> Colour:
    """
    >>> moved_colour(Moved(900, 0.3, 0.02)), moved_colour(Moved(90, 0.3, 0.4))
    ('red', 'green')
    """
    if math.isnan(moved.psi) or math.isnan(moved.by_chance):
        return "grey"
    if moved.psi < AMBER_FROM or moved.psi <= moved.by_chance:
        return "green"
    return "red" if moved.psi >= RED_FROM else "amber"


def monday_of(instants: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[n]: the beginning of each instant's week, Monday 00:00 UTC, in microseconds."""
    return (instants - _MONDAY) // _WEEK * _WEEK + _MONDAY


def scores_by_week(reference: Distribution, frame: pd.DataFrame) -> pd.DataFrame:
    """Weeks begin on Monday, 00:00 UTC; the first and the last may be cut by the period.

    Returns:
        One row per week: ``week`` (its Monday), ``movements``, ``psi``, ``by_chance`` (95 % of
        values with no change lie below), ``change``, ``high`` (share in band high) with its 95 %
        Wilson interval.
    """
    scored = frame[frame["probability"].notna()]
    monday = monday_of(scored["available_at"].to_numpy(np.int64))
    expected = np.array(reference.counts, dtype=np.int64)
    rows = []
    for start in np.unique(monday):
        week = scored[monday == start]
        if len(week) < FEWEST_MOVEMENTS:
            continue
        actual = reference.count(week["probability"].to_numpy(np.float64))
        value, chance = psi(expected, actual), chance_bound(expected, actual)
        high = int((week["band"] == "high").sum())
        bounds = wilson_interval(high, len(week))
        day = str(np.datetime64(int(start), "us"))[:10]
        change = change_in_words(value, chance)
        rows.append((day, len(week), value, chance, change, high / len(week), *bounds))
    columns = ["week", "movements", "psi", "by_chance", "change", "high", "high_low", "high_high"]
    return pd.DataFrame(rows, columns=columns)
