"""Whether examinations find something as often as before: drift of the prior.

References:
    Newcombe, R. G. (1998), "Interval estimation for the difference between independent
    proportions", Statistics in Medicine 17(8), 873-890, method 10.
    Armitage, P. (1955), "Tests for linear trends in proportions and frequencies", Biometrics
    11(3), 375-386.
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


def find_rate_by_month(months: pd.DataFrame, matured: frozenset[str]) -> pd.DataFrame:
    """Find rate among the examined, each month beside all matured months before it.

    Returns:
        One row per month: ``month``, ``examined``, ``finds``, ``find_rate`` with its 95 % Wilson
        interval, ``difference`` with its ``_low`` and ``_high``, ``by_chance`` (two-sided, exact)
        and ``matured`` (bool); NaN below :data:`FEWEST_EXAMINATIONS`.
    """
    rows = []
    earlier = np.zeros(2, dtype=np.int64)
    for month in dict.fromkeys(months["month"]):
        labels = months["label"][months["month"] == month].dropna()
        counts = np.array([int(labels.sum()), len(labels)])
        rows.append((month, len(labels), *_beside(counts, earlier), month in matured))
        if month in matured:
            earlier = earlier + counts
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    "month", "examined", "finds", "find_rate", "find_rate_low", "find_rate_high",
    "difference", "difference_low", "difference_high", "by_chance", "matured",
]  # fmt: skip


def _beside(counts: Ints, earlier: Ints) -> tuple[float, ...]:
    finds, examined = (int(count) for count in counts)
    before, examined_before = (int(count) for count in earlier)
    if examined < FEWEST_EXAMINATIONS:
        return (math.nan,) * 8
    low, high = wilson_interval(finds, examined)
    rate = (float(finds), finds / examined, low, high)
    if examined_before < FEWEST_EXAMINATIONS:
        return (*rate, *(math.nan,) * 4)
    by_chance = float(shares_alike(finds, examined, before, examined_before).either)
    return (*rate, *difference(finds, examined, before, examined_before), by_chance)
