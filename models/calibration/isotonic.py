"""Isotonic calibration: no shape but that a higher margin is a higher probability."""

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit

from models.calibration.platt import LEAST_SLOPE, fit_platt
from models.calibration.weights import counted

Floats = NDArray[np.float64]

ROWS_PER_STEP = 30
IMAGINED_ROWS = 5.0
"""Examinations that each step is given beside its own, with as many finds as Platt's calibration
expects of them: 0 of 30 is not taken for never, and few rows say little against the many."""
_SAME = 1e-9
"""Steps of one block differ by roundings only."""


class Isotonic(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="isotonic"
):
    """Straight in log-odds between the centres of the steps; beyond the outer ones it rises by
    ``LEAST_SLOPE``, so that no two margins are ever taken for the same.
    """

    margins: tuple[float, ...]
    """float[k], k >= 1, rising: the centres."""
    log_odds: tuple[float, ...]
    """float[k], rising."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.margins) == len(self.log_odds):
            raise ValueError("margins and log_odds must be as many, and at least one")
        for values in (self.margins, self.log_odds):
            if not (np.isfinite(values).all() and (np.diff(values) > 0.0).all()):
                raise ValueError("margins and log_odds must be finite and rise")

    def probabilities(self, margins: Floats) -> Floats:
        """float64[n] -> float64[n] in [0, 1]; each value alone gives the same as among others."""
        inner = np.interp(margins, self.margins, self.log_odds)
        # np.interp may round past the end of a segment, and the next would begin lower
        end = np.minimum(np.searchsorted(self.margins, margins, "right"), len(self.margins) - 1)
        inner = np.minimum(inner, np.array(self.log_odds)[end])
        outside = margins - np.clip(margins, self.margins[0], self.margins[-1])
        return np.asarray(expit(inner + LEAST_SLOPE * outside), dtype=np.float64)


def fit_isotonic(margins: Floats, labels: Floats, counts: Floats | None = None) -> Isotonic:
    """Pooled steps of ``ROWS_PER_STEP`` rows and more, joined at their centres.

    Args:
        margins: float64[n], finite.
        labels: float64[n], 0.0 or 1.0, both present.
        counts: float64[n], above 0: how often each row counts; once each by default.

    References:
        Oron, A. P. and Flournoy, N. (2017), "Centered isotonic regression: point and interval
        estimation for dose-response studies", Statistics in Biopharmaceutical Research 9(3),
        section 2.3. Theirs joins probabilities, this log-odds.
    """
    counts = counted(labels, counts)
    step = _steps(margins)
    rows = np.bincount(step, weights=counts)
    expected = fit_platt(margins, labels, counts).probabilities(margins)
    imagined = IMAGINED_ROWS * np.bincount(step, weights=counts * expected) / rows
    finds = np.bincount(step, weights=counts * labels) + imagined
    weights = rows + IMAGINED_ROWS
    pooled = isotonic_regression(finds / weights, weights=weights).x
    block = np.cumsum(np.diff(pooled, prepend=pooled[0]) > _SAME)
    of_step = np.bincount(step, weights=counts * margins)
    centres = np.bincount(block, weights=of_step) / np.bincount(block, weights=rows)
    values = np.bincount(block, weights=finds) / np.bincount(block, weights=weights)
    return Isotonic(margins=tuple(centres.tolist()), log_odds=tuple(logit(values).tolist()))


def _steps(margins: Floats) -> NDArray[np.int64]:
    """int64[n], the step of each row, without a gap; ties share a step."""
    ordered = np.sort(margins)
    steps = max(1, len(ordered) // ROWS_PER_STEP)
    edges = np.unique(ordered[np.arange(1, steps) * len(ordered) // steps])
    edges = edges[edges > ordered[0]]
    return np.searchsorted(edges, margins, side="right")
