"""From margins to probabilities, strictly monotone, and what similar past examinations found.

Both are fitted on a later slice of time than the trees, so that they see what the model does on
movements it has not learned from. They hold for movements like those examined in the past.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

LEAST_SLOPE = 0.001
"""A higher margin never means a lower probability, even where the calibration slice says so."""
ROWS_PER_BIN = 50
MOST_BINS = 20
_MOST_STEPS = 100


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
        return np.asarray(expit(self.slope * margins + self.intercept), dtype=np.float64)


def fit_platt(margins: Floats, labels: Floats) -> Platt:
    """The most likely slope and intercept under Platt's softened targets, by Newton's method.

    Args:
        margins: float64[n], finite.
        labels: float64[n], 0.0 or 1.0, both present.

    Where the best slope is not above ``LEAST_SLOPE`` (the margins rank no better than chance),
    the slope is ``LEAST_SLOPE`` and the intercept the best one for it.
    """
    finds = float(labels.sum())
    clean = len(labels) - finds
    # N+ and N- of Platt, section 2.2: never certain of a label that was seen a few times only
    targets = np.where(labels == 1.0, (finds + 1.0) / (finds + 2.0), 1.0 / (clean + 2.0))
    slope, intercept = _most_likely(np.column_stack([margins, np.ones(len(margins))]), targets)
    if slope < LEAST_SLOPE:
        slope = LEAST_SLOPE
        (intercept,) = _most_likely(np.ones((len(margins), 1)), targets, slope * margins)
    return Platt(slope=float(slope), intercept=float(intercept))


def _most_likely(columns: Floats, targets: Floats, offset: Floats | float = 0.0) -> Floats:
    """Weights w that minimise the cross-entropy of ``expit(columns @ w + offset)``."""
    weights = np.zeros(columns.shape[1])
    for _ in range(_MOST_STEPS):
        p = expit(columns @ weights + offset)
        gradient = columns.T @ (p - targets)
        curvature = (columns * (p * (1.0 - p))[:, np.newaxis]).T @ columns
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(weights)), gradient)
        before = _cross_entropy(columns, targets, weights, offset)
        while _cross_entropy(columns, targets, weights - step, offset) > before + 1e-12:
            step /= 2.0
        weights = weights - step
        if np.abs(step).max() < 1e-10:
            break
    return weights


def _cross_entropy(columns: Floats, targets: Floats, w: Floats, offset: Floats | float) -> float:
    z = columns @ w + offset
    return float(np.sum(np.logaddexp(0.0, z) - targets * z))


class SimilarExaminations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What examinations of the calibration slice found, by bins of calibrated probability."""

    edges: tuple[float, ...]
    """float[b - 1], rising; a probability on an edge belongs to the bin above."""
    finds: tuple[int, ...]
    examined: tuple[int, ...]

    def __post_init__(self) -> None:
        if not len(self.edges) + 1 == len(self.finds) == len(self.examined):
            raise ValueError("edges, finds and examined do not fit together")

    def at(self, probability: float) -> tuple[int, int]:
        """Finds and examinations at a like probability; at least one examination."""
        place = int(np.searchsorted(self.edges, probability, side="right"))
        return self.finds[place], self.examined[place]


def similar_examinations(probabilities: Floats, labels: Floats) -> SimilarExaminations:
    """Bins of about equal counts, ``ROWS_PER_BIN`` or more; equal probabilities share a bin.

    Args:
        probabilities: float64[n], n >= 1, calibrated.
        labels: float64[n], 0.0 or 1.0.
    """
    ordered = np.sort(probabilities)
    bins = int(np.clip(len(ordered) // ROWS_PER_BIN, 1, MOST_BINS))
    places = np.arange(1, bins) * len(ordered) // bins
    edges = np.unique(ordered[places])
    edges = edges[edges > ordered[0]]
    bin_of = np.searchsorted(edges, probabilities, side="right")
    finds = np.bincount(bin_of, weights=labels, minlength=len(edges) + 1)
    examined = np.bincount(bin_of, minlength=len(edges) + 1)
    return SimilarExaminations(
        edges=tuple(edges.tolist()),
        finds=tuple(int(n) for n in finds),
        examined=tuple(int(n) for n in examined),
    )
