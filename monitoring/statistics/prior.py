"""Whether examinations find something as often as before: drift of the prior.

References:
    Newcombe, R. G. (1998), "Interval estimation for the difference between independent
    proportions", Statistics in Medicine 17(8), 873-890, method 10.
    Armitage, P. (1955), "Tests for linear trends in proportions and frequencies", Biometrics
    11(3), 375-386.
    Rao, J. N. K. and Scott, A. J. (1992), "A simple method for the analysis of clustered binary
    data", Biometrics 48(2), 577-585: counts divided by their design effect are compared as if
    every case stood by itself.
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from models.proportions import wilson_interval
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.statistics.chance import shares_alike

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def difference(hits: int, of: int, other: int, other_of: int) -> tuple[float, float, float]:
    """Share less other share with Newcombe's 95 % interval; NaN when one of them is of nothing.

    >>> [round(part, 4) for part in difference(56, 70, 48, 80)]  # his table II (a)
    [0.2, 0.0524, 0.3339]
    """
    if not of or not other_of:
        return math.nan, math.nan, math.nan
    p, q = hits / of, other / other_of
    (p_low, p_high), (q_low, q_high) = wilson_interval(hits, of), wilson_interval(other, other_of)
    below = math.hypot(p - p_low, q_high - q)
    above = math.hypot(p_high - p, q - q_low)
    return p - q, p - q - below, p - q + above


def trend(finds: Ints, examined: Ints) -> float:
    """Two-sided p-value of a steady rise or fall over months; NaN when it cannot be told.

    Args:
        finds, examined: int64[months], in order.
    """
    months = np.arange(len(examined), dtype=np.float64)
    total = examined.sum()
    if total == 0:
        return math.nan
    share = finds.sum() / total
    centred = months - (examined @ months) / total
    variance = share * (1.0 - share) * float(examined @ centred**2)
    if variance <= 0.0:
        return math.nan
    return float(2.0 * norm.sf(abs(finds @ centred) / math.sqrt(variance)))


def design_effect(labels: Floats, clusters: Ints) -> float:
    """The factor by which a share's variance grows when cases of a cluster go together; at least 1.

    Args:
        labels: float64[n], 0.0 or 1.0.
        clusters: int64[n], the same for cases that belong together.

    >>> float(design_effect(np.repeat([1.0, 0.0], 4), np.repeat([7, 8], 4)))
    8.0
    """
    share = labels.mean() if len(labels) else 0.0
    _, number = np.unique(clusters, return_inverse=True)
    away = np.bincount(number, labels - share)
    plain = len(labels) * share * (1.0 - share)
    if plain <= 0.0 or len(away) < 2:
        return 1.0
    return max(1.0, float(away @ away) * len(away) / (len(away) - 1) / plain)


def find_rate_by_month(months: pd.DataFrame, matured: frozenset[str]) -> pd.DataFrame:
    """Find rate among the examined, each month beside all matured months before it.

    Args:
        months: with ``company`` (int64), the same for movements of one company: their finds come
            together, so that chance does more than it would with single ones.

    Returns:
        One row per month: ``month``, ``examined``, ``finds``, ``find_rate`` with its 95 % Wilson
        interval, ``difference`` with its ``_low`` and ``_high``, ``by_chance`` (two-sided, exact)
        (for companies
        that stand for one case each) and ``matured`` (bool); NaN below :data:`FEWEST_EXAMINATIONS`.
    """
    rows = []
    examined = months[months["label"].notna()]
    earlier = examined.iloc[:0]
    for month in dict.fromkeys(months["month"]):
        of_month = examined[examined["month"] == month]
        rows.append((month, len(of_month), *_beside(of_month, earlier), month in matured))
        if month in matured:
            earlier = pd.concat([earlier, of_month])
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    "month", "examined", "finds", "find_rate", "find_rate_low", "find_rate_high",
    "difference", "difference_low", "difference_high", "by_chance", "matured",
]  # fmt: skip


def _beside(of_month: pd.DataFrame, earlier: pd.DataFrame) -> tuple[float, ...]:
    finds, examined = int(of_month["label"].sum()), len(of_month)
    before, examined_before = int(earlier["label"].sum()), len(earlier)
    if examined < FEWEST_EXAMINATIONS:
        return (math.nan,) * 8
    low, high = wilson_interval(finds, examined)
    rate = (float(finds), finds / examined, low, high)
    if examined_before < FEWEST_EXAMINATIONS:
        return (*rate, *(math.nan,) * 4)
    counts = (*_as_single_cases(of_month), *_as_single_cases(earlier))
    by_chance = float(shares_alike(*counts).either)
    return (*rate, *difference(finds, examined, before, examined_before), by_chance)


def _as_single_cases(examined: pd.DataFrame) -> tuple[int, int]:
    """Finds and examinations over their design effect, to whole numbers."""
    labels = examined["label"].to_numpy(np.float64)
    effect = design_effect(labels, examined["company"].to_numpy(np.int64))
    return round(float(labels.sum()) / effect), round(len(labels) / effect)
