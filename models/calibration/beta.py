"""Beta calibration: two slopes in log-odds, one for each end."""

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.calibration.platt import LEAST_SLOPE
from models.calibration.weights import counted, most_likely, softened

Floats = NDArray[np.float64]


class Beta(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="beta"):
    """p = 1 / (1 + exp(-(a · log s - b · log(1 - s) + c))), s = expit(margin); a, b > 0.

    Far below a margin of 0 its slope in log-odds is a, far above it b; a = b is Platt's.

    References:
        Kull, M., Silva Filho, T. and Flach, P. (2017), "Beta calibration: a well-founded and
        easily implemented improvement on logistic calibration for binary classifiers", AISTATS,
        section 4, whose letters these are.
    """

    a: float
    b: float
    c: float

    def __post_init__(self) -> None:
        if not (self.a > 0.0 and self.b > 0.0):
            raise ValueError(f"a and b must be above 0, not {self.a:g} and {self.b:g}")

    def probabilities(self, margins: Floats) -> Floats:
        """float64[n] -> float64[n] in [0, 1]; each value alone gives the same as among others."""
        below, above = _logarithms(margins)
        return np.asarray(expit(self.a * below + self.b * above + self.c), dtype=np.float64)


def fit_beta(margins: Floats, labels: Floats, counts: Floats | None = None) -> Beta:
    """The most likely a, b >= ``LEAST_SLOPE`` and c, under Platt's softened targets.

    Args:
        margins: float64[n], finite.
        labels: float64[n], 0.0 or 1.0, both present.
        counts: float64[n], above 0: how often each row counts; once each by default.

    A slope that would be lower is held at the bound and the others are fitted beside it. The
    cross-entropy is convex, so that the minimum lies there.
    """
    counts = counted(labels, counts)
    targets = softened(labels, counts)
    slopes = np.column_stack(_logarithms(margins))
    free = [True, True]
    while True:
        held = slopes[:, ~np.array(free)].sum(axis=1) * LEAST_SLOPE
        columns = np.column_stack([slopes[:, free], np.ones(len(margins))])
        *found, c = most_likely(columns, targets, counts, held).tolist()
        if all(slope >= LEAST_SLOPE for slope in found):
            break
        lowest = int(np.argmin(found))
        free[int(np.flatnonzero(free)[lowest])] = False
    fitted = iter(found)
    a, b = (next(fitted) if is_free else LEAST_SLOPE for is_free in free)
    return Beta(a=a, b=b, c=c)


def _logarithms(margins: Floats) -> tuple[Floats, Floats]:
    """log s and -log(1 - s) of s = expit(margins), without the loss of computing s."""
    return -np.logaddexp(0.0, -margins), np.logaddexp(0.0, margins)
