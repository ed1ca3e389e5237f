"""Intervals that know that movements of one day are alike: whole days are drawn, not rows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.metrics import number_at

Floats = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 400
FEWEST_DAYS = 10
"""From fewer blocks an interval would be too narrow to be honest; none is given."""


class Draws(NamedTuple):
    """Of each resample, float64[r]; NaN where it held one class only."""

    roc_auc: Floats
    precision: Floats
    """At the share asked for."""


def day_block_draws(
    scores: Floats,
    labels: Floats,
    days: NDArray[np.int64],
    *,
    share: float,
    seed: int = 1,
    resamples: int = RESAMPLES,
) -> Draws | None:
    """
    Args:
        scores: float64[n].
        labels: float64[n], 0.0 or 1.0.
        days: int64[n], the day of each row; rows of one day are drawn together.
        share: capacity, as a share of the rows.

    Returns:
        None where there are fewer than ``FEWEST_DAYS`` days or one class only.

    The same seed and days give the same draws for every ranking, so that the difference of two
    rankings is a paired one.

    References:
        Davison, A. C. and Hinkley, D. V. (1997), "Bootstrap methods and their application",
        sections 8.2.3 (blocks) and 5.3.1 (percentile intervals).
    """
    _, block = np.unique(days, return_inverse=True)
    blocks = int(block.max()) + 1 if len(block) else 0
    if blocks < FEWEST_DAYS or labels.min() == labels.max():
        return None
    tie_of = np.unique(-scores, return_inverse=True)[1]  # 0 is the highest score
    rng = np.random.default_rng(seed)
    drawn = np.empty((resamples, 2))
    for row in drawn:
        times = np.bincount(rng.integers(0, blocks, blocks), minlength=blocks)[block]
        row[:] = _weighted(tie_of, labels, times.astype(np.float64), share)
    return Draws(drawn[:, 0], drawn[:, 1])


def percentile_interval(drawn: Floats) -> Interval | None:
    """The middle 95 %; None where most resamples held one class only."""
    present = drawn[~np.isnan(drawn)]
    if len(present) < len(drawn) / 2:
        return None
    low, high = np.quantile(present, [0.025, 0.975])
    return float(low), float(high)


def _weighted(
    tie_of: NDArray[np.intp], labels: Floats, times: Floats, share: float
) -> tuple[float, float]:
    """AUC and precision at capacity of rows that count ``times`` times; NaN for one class."""
    rows = np.bincount(tie_of, weights=times)
    finds = np.bincount(tie_of, weights=times * labels)
    clean = rows - finds
    all_finds, all_clean = finds.sum(), clean.sum()
    if all_finds == 0 or all_clean == 0:
        return np.nan, np.nan
    finds_above = np.cumsum(finds) - finds
    auc = float((clean * (finds_above + finds / 2)).sum() / (all_finds * all_clean))
    # capacity 3, ties of 2, 2 and 5 rows -> 2, 1 and 0 of them are taken
    capacity = number_at(share, int(rows.sum()))
    taken = np.clip(capacity - (np.cumsum(rows) - rows), 0.0, rows)
    part = np.divide(taken, rows, out=np.zeros_like(rows), where=rows > 0)
    return auc, float((part * finds).sum() / capacity)
