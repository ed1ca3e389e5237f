"""The scores of the period and of its weeks, against those of the months before.

The reference that travels with the bundle is from the training window, when the ledger was younger:
what counts history has grown since, and scores with it, without anything being wrong. What moved
of late is seen against the months just before.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY
from models.proportions import wilson_interval
from models.reference import Distribution
from models.stability import psi
from monitoring.drift import LARGE_FROM, SOME_FROM, chance_bound, change_in_words
from monitoring.signals import Colour

AMBER_FROM, RED_FROM = SOME_FROM, LARGE_FROM
SURELY = 0.999
"""Share of periods without change that stay below the chance bound of a colour."""
FEWEST_EARLIER = 500
"""Movements of the months before, as many as equally weighted ones would tell as much."""
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
    """99.9 % of values with no change lie below it."""


def recent_scores(months: pd.DataFrame, period: str) -> Distribution | None:
    """Scores of the months before that the model has not learned from, as if drawn evenly.

    Counts are scaled to the effective sample size (Kish). None below :data:`FEWEST_EARLIER`.

    Args:
        period: name of the month that is left out.
    """
    usable = months["probability"].notna() & ~months["may_have_seen"]
    earlier = months[usable & (months["month"] != period)].sort_values("probability")
    weights = earlier["stands_for"].to_numpy(np.float64)
    if not len(weights) or weights.sum() ** 2 / (weights**2).sum() < FEWEST_EARLIER:
        return None
    scores = earlier["probability"].to_numpy(np.float64)
    upto = np.cumsum(weights) / weights.sum()
    edges = np.unique(scores[np.searchsorted(upto, np.arange(1, BINS) / BINS)])
    edges = edges[edges < scores[-1]]
    shares = np.bincount(np.searchsorted(edges, scores), weights, len(edges) + 1) / weights.sum()
    counts = np.rint(shares * weights.sum() ** 2 / (weights**2).sum()).astype(np.int64)
    return Distribution(name="score", edges=tuple(edges.tolist()), counts=(*counts.tolist(), 0))


def scores_moved(earlier: Distribution, frame: pd.DataFrame) -> Moved:
    """
    Args:
        earlier: as :func:`recent_scores` gives it.
        frame: the period's scored frame.
    """
    scores = frame["probability"].to_numpy(np.float64)
    actual = earlier.count(scores[~np.isnan(scores)])
    expected = np.array(earlier.counts, dtype=np.int64)
    if actual.sum() < FEWEST_MOVEMENTS:
        return Moved(int(actual.sum()), math.nan, math.nan)
    by_chance = chance_bound(expected, actual, SURELY)
    return Moved(int(actual.sum()), psi(expected, actual), by_chance)


def moved_colour(moved: Moved) -> Colour:
    """
    >>> moved_colour(Moved(900, 0.3, 0.02)), moved_colour(Moved(90, 0.3, 0.4))
    ('red', 'green')
    """
    if math.isnan(moved.psi):
        return "grey"
    if moved.psi < AMBER_FROM or moved.psi <= moved.by_chance:
        return "green"
    return "red" if moved.psi >= RED_FROM else "amber"


def scores_by_week(reference: Distribution, frame: pd.DataFrame) -> pd.DataFrame:
    """Weeks begin on Monday, 00:00 UTC; the first and the last may be cut by the period.

    Returns:
        One row per week: ``week`` (its Monday), ``movements``, ``psi``, ``by_chance`` (95 % of
        values with no change lie below), ``change``, ``high`` (share in band high) with its 95 %
        Wilson interval.
    """
    scored = frame[frame["probability"].notna()]
    monday = (scored["available_at"].to_numpy(np.int64) - _MONDAY) // _WEEK * _WEEK + _MONDAY
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
