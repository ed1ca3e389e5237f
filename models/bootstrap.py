"""Intervals that know that movements of one day are alike: whole days are drawn, not rows."""

from collections.abc import Sequence
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
    average_precision: Floats
    precision_also: Floats
    """float64[r, k]: at the other shares asked for."""


def day_block_draws(
    scores: Floats,
    labels: Floats,
    days: NDArray[np.int64],
    *,
    share: float,
    also: Sequence[float] = (),
    seed: int = 1,
    resamples: int = RESAMPLES,
) -> Draws | None:
    """
    Args:
        scores: float64[n].
        labels: float64[n], 0.0 or 1.0.
        days: int64[n], the day of each row; rows of one day are drawn together.
        share: capacity, as a share of the rows.
        also: further capacities.

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
    shares = (share, *also)
    drawn = np.empty((resamples, 2 + len(shares)))
    for row in drawn:
        times = np.bincount(rng.integers(0, blocks, blocks), minlength=blocks)[block]
        row[:] = _weighted(tie_of, labels, times.astype(np.float64), shares)
    return Draws(drawn[:, 0], drawn[:, 2], drawn[:, 1], drawn[:, 3:])


def ratio_draws(
    above: Floats,
    below: Floats,
    days: NDArray[np.int64],
    *,
    seed: int = 1,
    resamples: int = RESAMPLES,
) -> Floats | None:
    """Of each resample of whole days, Σ ``above`` / Σ ``below`` over its rows: float64[r].

    A mean is the ratio to a column of ones. NaN where ``below`` sums to 0; None from fewer than
    ``FEWEST_DAYS`` days. The same seed and days draw the same days as ``day_block_draws``.
    """
    _, block = np.unique(days, return_inverse=True)
    blocks = int(block.max()) + 1 if len(block) else 0
    if blocks < FEWEST_DAYS:
        return None
    rng = np.random.default_rng(seed)
    drawn = np.array([rng.integers(0, blocks, blocks) for _ in range(resamples)])
    tops = np.bincount(block, above, blocks)[drawn].sum(axis=1)
    bottoms = np.bincount(block, below, blocks)[drawn].sum(axis=1)
    ratios: Floats = np.divide(tops, bottoms, out=np.full(resamples, np.nan), where=bottoms > 0)
    return ratios


def percentile_interval(drawn: Floats) -> Interval | None:
    """The middle 95 %; None where most resamples held one class only."""
    present = drawn[~np.isnan(drawn)]
    if len(present) < len(drawn) / 2:
        return None
    low, high = np.quantile(present, [0.025, 0.975])
    return float(low), float(high)


def _weighted(
    tie_of: NDArray[np.intp], labels: Floats, times: Floats, shares: Sequence[float]
) -> tuple[float, ...]:
    """AUC, average precision and precision at capacities of rows that count ``times`` times; NaN
    for one class."""
    rows = np.bincount(tie_of, weights=times)
    finds = np.bincount(tie_of, weights=times * labels)
    clean = rows - finds
    all_finds, all_clean = finds.sum(), clean.sum()
    if all_finds == 0 or all_clean == 0:
        return (np.nan,) * (2 + len(shares))
    rows_down_to, finds_down_to = np.cumsum(rows), np.cumsum(finds)
    finds_above = finds_down_to - finds
    auc = float((clean * (finds_above + finds / 2)).sum() / (all_finds * all_clean))
    precision_down_to = finds_down_to / np.maximum(rows_down_to, 1.0)
    average_precision = float((finds * precision_down_to).sum() / all_finds)
    precisions = []
    for share in shares:
        # capacity 3, ties of 2, 2 and 5 rows -> 2, 1 and 0 of them are taken
        capacity = number_at(share, int(rows.sum()))
        taken = np.clip(capacity - (rows_down_to - rows), 0.0, rows)
        part = np.divide(taken, rows, out=np.zeros_like(rows), where=rows > 0)
        precisions.append(float((part * finds).sum() / capacity))
    return auc, average_precision, *precisions
