"""Two models on the same rows: their difference, with intervals from days drawn together."""

from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.bootstrap import (
    FEWEST_DAYS,
    RESAMPLES,
    Interval,
    day_block_draws,
    percentile_interval,
)
from models.metrics import at_capacity, calibration_error, number_at, roc_auc

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

BINS = 10
_LEAST = 1e-12
"""A probability is held this far from 0 and 1, so that a log loss is finite."""


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of two models on the same rows."""

    measure: str
    better: Literal["higher", "lower"]
    first: float | None
    second: float | None
    difference: float | None
    """Second less first."""
    interval: Interval | None
    """Of the difference: 95 %, whole days resampled; None from too few days or one class."""

    @property
    def says(self) -> str:
        """``better``, ``worse`` or ``not told apart``, of the second."""
        if self.interval is None:
            return "not told apart"
        low, high = self.interval
        if self.better == "lower":
            low, high = -high, -low
        if low > 0.0:
            return "better"
        return "worse" if high < 0.0 else "not told apart"


def paired_measures(
    first: Floats, second: Floats, labels: Floats, days: Days, *, share: float, seed: int = 1
) -> tuple[Paired, ...]:
    """Precision at capacity, ROC AUC, log loss and calibration error, in this order.

    Args:
        first, second: float64[n], calibrated probabilities of the same rows.
        labels: float64[n], 0.0 or 1.0.
        days: int64[n], the day of each row.
        share: capacity, as a share of the rows.
    """
    drawn = [
        day_block_draws(scores, labels, days, share=share, seed=seed) for scores in (first, second)
    ]
    capacity = number_at(share, len(labels))
    precision = [at_capacity(p, labels, capacity).precision for p in (first, second)]
    auc = [roc_auc(scores, labels) for scores in (first, second)]
    loss = [log_losses(scores, labels) for scores in (first, second)]
    error = [calibration_error(scores, labels, BINS) for scores in (first, second)]
    intervals: list[Interval | None] = [None, None]
    one, other = drawn
    if one is not None and other is not None:
        intervals = [
            percentile_interval(other.precision - one.precision),
            percentile_interval(other.roc_auc - one.roc_auc),
        ]
    draws = draw_days(days, seed=seed)
    of_loss = of_error = None
    if draws is not None:
        of_loss = percentile_interval(draws.means(loss[1] - loss[0]))
        errors = [draws.calibration_errors(p, labels) for p in (first, second)]
        of_error = percentile_interval(errors[1] - errors[0])
    return (
        _paired(f"precision at {share:.0%}", "higher", precision[0], precision[1], intervals[0]),
        _paired("ROC AUC", "higher", auc[0], auc[1], intervals[1]),
        _paired("log loss", "lower", float(loss[0].mean()), float(loss[1].mean()), of_loss),
        _paired("calibration error", "lower", error[0], error[1], of_error),
    )


def _paired(
    measure: str,
    better: Literal["higher", "lower"],
    first: float | None,
    second: float | None,
    interval: Interval | None,
) -> Paired:
    difference = None if first is None or second is None else second - first
    return Paired(
        measure=measure,
        better=better,
        first=first,
        second=second,
        difference=difference,
        interval=interval,
    )


def log_losses(probabilities: Floats, labels: Floats) -> Floats:
    """float64[n]: −ln of the probability that was given to what came.

    >>> log_losses(np.array([0.5, 1.0]), np.array([1.0, 1.0])).round(4).tolist()
    [0.6931, 0.0]
    """
    of_what_came = np.where(labels > 0.5, probabilities, 1.0 - probabilities)
    losses: Floats = np.abs(np.log(np.clip(of_what_came, _LEAST, 1.0)))
    return losses


class DayDraws(NamedTuple):
    """Whole days drawn with replacement."""

    day_of_row: NDArray[np.intp]
    """intp[n], in [0, d)."""
    times: Floats
    """float64[r, d]: how often each resample holds each day."""

    def sums(self, values: Floats) -> Floats:
        """float64[n] of rows -> float64[r]: over the rows of each resample."""
        of_days = np.bincount(self.day_of_row, values, self.times.shape[1])
        sums: Floats = self.times @ of_days
        return sums

    def means(self, values: Floats) -> Floats:
        """float64[n] of rows -> float64[r]"""
        means: Floats = self.sums(values) / self.sums(np.ones(len(values)))
        return means

    def calibration_errors(self, probabilities: Floats, labels: Floats) -> Floats:
        """float64[r]: as ``models.metrics.calibration_error``, on the bins of all rows."""
        gap = probabilities - labels
        errors: Floats = np.zeros(len(self.times))
        for part in np.array_split(np.argsort(probabilities, kind="stable"), BINS):
            inside = np.zeros(len(gap))
            inside[part] = gap[part]
            errors += np.abs(self.sums(inside))
        return errors / self.sums(np.ones(len(gap)))


def draw_days(days: Days, *, seed: int = 1, resamples: int = RESAMPLES) -> DayDraws | None:
    """None from fewer than ``FEWEST_DAYS`` days."""
    _, day_of_row = np.unique(days, return_inverse=True)
    count = int(day_of_row.max()) + 1 if len(day_of_row) else 0
    if count < FEWEST_DAYS:
        return None
    drawn = np.random.default_rng(seed).integers(0, count, (resamples, count))
    times = np.stack([np.bincount(one, minlength=count) for one in drawn]).astype(np.float64)
    return DayDraws(day_of_row, times)


def corrected_interval(value: float, drawn: Floats) -> Interval | None:
    """The basic bootstrap interval, which takes back what resampling adds: chance makes every
    calibration error larger than it is, and that of a resample larger again.

    References:
        Davison, A. C. and Hinkley, D. V. (1997), "Bootstrap methods and their application",
        section 5.2.1.
    """
    interval = percentile_interval(drawn)
    if interval is None:
        return None
    low, high = interval
    return max(0.0, 2 * value - high), max(0.0, 2 * value - low)


def calibration_interval(
    probabilities: Floats, labels: Floats, days: Days, *, seed: int = 1
) -> Interval | None:
    """Of the calibration error, 95 %, corrected for what chance adds; None from too few days."""
    draws = draw_days(days, seed=seed)
    if draws is None:
        return None
    error = calibration_error(probabilities, labels, BINS)
    return corrected_interval(error, draws.calibration_errors(probabilities, labels))
