"""How scores and features were distributed in the training window, in its own quantile bins.

It travels in the bundle, so that drift can be measured long after the training data is gone.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_BINS = 10


class Distribution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Counts per bin. Bin b holds ``edges[b - 1] < value <= edges[b]``, the first and the last
    bin are open, and one more holds what is missing (NaN)."""

    name: str
    edges: tuple[float, ...]
    """float[b - 1], strictly rising; empty when there is one bin only."""
    counts: tuple[int, ...]
    """int[b + 1]; the last one counts missing values."""

    def count(self, values: Floats) -> NDArray[np.int64]:
        """float64[n] -> int64[b + 1], other values counted in the same bins."""
        return _count(np.array(self.edges), values)


class Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    score: Distribution
    """Calibrated probabilities of all movements of the window, examined or not."""
    features: tuple[Distribution, ...]
    """In the catalogue's order."""

    @property
    def rows(self) -> int:
        return sum(self.score.counts)


def distribution(name: str, values: Floats, most_bins: int = MOST_BINS) -> Distribution:
    """Bins of about equal counts; fewer than ``most_bins`` where values tie.

    >>> distribution("x", np.array([1.0, 2.0, 3.0, 4.0, np.nan]), most_bins=2)
    Distribution(name='x', edges=(2.0,), counts=(2, 2, 1))
    """
    present = values[~np.isnan(values)]
    edges = np.empty(0)
    if len(present):
        quantiles = np.arange(1, most_bins) / most_bins
        edges = np.unique(np.quantile(present, quantiles, method="inverted_cdf"))
        edges = edges[edges < present.max()]  # nothing lies above the largest value
    return Distribution(
        name=name, edges=tuple(edges.tolist()), counts=tuple(_count(edges, values).tolist())
    )


def reference_of(names: Sequence[str], rows: Floats, probabilities: Floats) -> Reference:
    """
    Args:
        rows: float64[n, F], of all movements of the training window.
        probabilities: float64[n].
    """
    return Reference(
        score=distribution("score", probabilities),
        features=tuple(distribution(name, rows[:, at]) for at, name in enumerate(names)),
    )


def _count(edges: Floats, values: Floats) -> NDArray[np.int64]:
    missing = np.isnan(values)
    bins = np.searchsorted(edges, values[~missing], side="left")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    return np.append(counts, missing.sum()).astype(np.int64)
