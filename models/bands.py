"""Bands: what a probability means for an officer, by thresholds that fit a stated capacity."""

import math
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Band = Literal["high", "medium", "low", "unassessed"]

HIGH_SHARE, MEDIUM_SHARE = 0.02, 0.10
"""Shares of all movements, examined or not: the top 2 % are high, the top 10 % high or medium."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lowest calibrated probability of each band; 0 and 1 are legal."""

    high: float
    medium: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.medium <= self.high:
            raise ValueError(f"need 0 <= medium <= high, not {self.medium:g} and {self.high:g}")


def band_of(probability: float | None, thresholds: Thresholds) -> Band:
    """
    >>> band_of(0.2, Thresholds(high=0.4, medium=0.2)), band_of(None, Thresholds(high=1, medium=0))
    ('medium', 'unassessed')
    """
    if probability is None or math.isnan(probability):
        return "unassessed"
    if probability >= thresholds.high:
        return "high"
    return "medium" if probability >= thresholds.medium else "low"


def thresholds_at_capacity(
    probabilities: NDArray[np.float64],
    high_share: float = HIGH_SHARE,
    medium_share: float = MEDIUM_SHARE,
) -> Thresholds:
    """Thresholds under which no band gets more of these movements than its share.

    Args:
        probabilities: float64[n], n >= 1, of all movements of a window, examined or not.
        high_share: in [0, 1], at most this share is high.
        medium_share: in [high_share, 1], at most this share is high or medium.

    Movements with equal probability are never separated: where a whole tie does not fit, none of
    it does, so that a promise about capacity is kept.
    """
    return Thresholds(
        high=_lowest_that_fits(probabilities, high_share),
        medium=_lowest_that_fits(probabilities, medium_share),
    )


def _lowest_that_fits(probabilities: NDArray[np.float64], share: float) -> float:
    values, counts = np.unique(probabilities, return_counts=True)
    at_or_above = np.cumsum(counts[::-1])[::-1]
    fits = values[at_or_above <= share * len(probabilities)]
    return float(fits[0]) if len(fits) else math.nextafter(float(values[-1]), math.inf)
