"""Platt's calibration: a straight line in log-odds."""

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.calibration.weights import counted, most_likely, softened

Floats = NDArray[np.float64]

LEAST_SLOPE = 0.001
"""A higher margin never means a lower probability, even where the calibration slice says so."""


class Platt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="platt"):
    """p = 1 / (1 + exp(-(slope · margin + intercept))), slope > 0.

    References:
        Platt, J. (1999), "Probabilistic outputs for support vector machines", section 2; his A is
        -slope and his B is -intercept.
    """

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if not self.slope > 0.0:
            raise ValueError(f"slope must be above 0, not {self.slope:g}")

    def probabilities(self, margins: Floats) -> Floats:
        """float64[n] -> float64[n] in [0, 1]; each value alone gives the same as among others."""
        if len(margins) == 1:  # an array of one costs ten times its number
            return np.array([expit(self.slope * float(margins[0]) + self.intercept)])
        return np.asarray(expit(self.slope * margins + self.intercept), dtype=np.float64)


def fit_platt(margins: Floats, labels: Floats, counts: Floats | None = None) -> Platt:
    """The most likely slope and intercept under Platt's softened targets.

    Args:
        margins: float64[n], finite.
        labels: float64[n], 0.0 or 1.0, both present.
        counts: float64[n], above 0: how often each row counts; once each by default.

    Where the best slope is not above ``LEAST_SLOPE`` (the margins rank no better than chance),
    the slope is ``LEAST_SLOPE`` and the intercept the best one for it.
    """
    counts = counted(labels, counts)
    targets = softened(labels, counts)
    columns = np.column_stack([margins, np.ones(len(margins))])
    slope, intercept = most_likely(columns, targets, counts)
    if slope < LEAST_SLOPE:
        slope = LEAST_SLOPE
        (intercept,) = most_likely(columns[:, 1:], targets, counts, slope * margins)
    return Platt(slope=float(slope), intercept=float(intercept))
