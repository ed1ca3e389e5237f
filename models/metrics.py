"""What a ranking is worth when only so many movements can be examined. Pure numbers in and out.

Ties are broken as a fair coin would: every figure at capacity is the expectation over random
orders of equal scores, so that a baseline with few distinct scores is neither helped nor hurt by
the order of a file.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

Floats = NDArray[np.float64]


class AtCapacity(NamedTuple):
    """What examining the ``examined`` highest scores would have found."""

    examined: int
    finds: float
    """Expected over random orders of ties, so not always whole; also called the yield."""
    precision: float
    """finds / examined, in [0, 1]."""
    recall: float | None
    """finds / all finds, in [0, 1]; None where there is none."""


def number_at(share: float, rows: int) -> int:
    """How many of ``rows`` a capacity allows: the nearest whole number, at least 1.

    >>> number_at(0.05, 1000), number_at(0.05, 7)
    (50, 1)
    """
    return max(1, min(rows, round(share * rows)))


def at_capacity(scores: Floats, labels: Floats, examined: int) -> AtCapacity:
    """
    Args:
        scores: float64[n], finite, higher is examined sooner.
        labels: float64[n], 0.0 or 1.0.
        examined: capacity, in [1, n].

    >>> at_capacity(np.array([0.9, 0.5, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0]), 2)
    AtCapacity(examined=2, finds=1.5, precision=0.75, recall=0.75)
    """
    if not 1 <= examined <= len(scores):
        raise ValueError(f"capacity {examined} is not in [1, {len(scores)}]")
    last = np.partition(scores, len(scores) - examined)[len(scores) - examined]
    above, tied = scores > last, scores == last
    left = examined - int(above.sum())
    finds = float(labels[above].sum() + left * labels[tied].sum() / tied.sum())
    total = float(labels.sum())
    return AtCapacity(examined, finds, finds / examined, finds / total if total else None)


class OfDay(NamedTuple):
    """What each day's own capacity is spent on, and finds."""

    examined: NDArray[np.int64]
    """int64[d], by rising day: ``per_day``, or all there are on a day with fewer."""
    finds: Floats
    """float64[d]: expected over random orders of ties."""
    days: NDArray[np.int64]
    """int64[d]"""


def at_daily_capacity(
    scores: Floats, labels: Floats, days: NDArray[np.int64], per_day: int
) -> OfDay:
    """The ``per_day`` highest scores of each day: capacity that is left over does not carry on.

    Args:
        scores: float64[n].
        labels: float64[n], 0.0 or 1.0.
        days: int64[n]
        per_day: at least 1.

    >>> labels, days = np.array([1.0, 0.0, 1.0, 0.0]), np.array([5, 5, 5, 6])
    >>> found = at_daily_capacity(np.array([0.9, 0.2, 0.1, 0.8]), labels, days, 2)
    >>> found.examined.tolist(), found.finds.tolist()
    ([2, 1], [1.0, 0.0])
    """
    order = np.argsort(days, kind="stable")
    names, first = np.unique(days[order], return_index=True)
    found = [
        at_capacity(scores[part], labels[part], min(per_day, len(part)))
        for part in np.split(order, first[1:])
        if len(part)
    ]
    return OfDay(
        np.array([item.examined for item in found], dtype=np.int64),
        np.array([item.finds for item in found], dtype=np.float64),
        names.astype(np.int64),
    )


def roc_auc(scores: Floats, labels: Floats) -> float | None:
    """Probability that a find scores above a clean one, a tie counting half; None for one class."""
    if labels.min() == labels.max():
        return None
    return float(roc_auc_score(labels, scores))


def average_precision(scores: Floats, labels: Floats) -> float | None:
    """Mean precision at each find's place, equal scores taken together; None without a find."""
    return float(average_precision_score(labels, scores)) if labels.any() else None


def brier(probabilities: Floats, labels: Floats) -> float:
    """Mean squared difference, in [0, 1]; 0 is best.

    >>> brier(np.array([0.8, 0.4]), np.array([1.0, 0.0]))
    0.1
    """
    return float(np.mean((probabilities - labels) ** 2))


class CalibrationBin(NamedTuple):
    rows: int
    predicted: float
    """Mean probability."""
    finds: int
    observed: float
    """finds / rows"""


def calibration_bins(probabilities: Floats, labels: Floats, bins: int = 10) -> list[CalibrationBin]:
    """Bins of equal counts, to within one, by rising probability; fewer when there are few rows.

    Within a tie the order is that of the labels' mean: every row of a tie counts with the tie's
    find rate, so that the order of the file says nothing.
    """
    values, places = np.unique(probabilities, return_inverse=True)
    mean_label = np.bincount(places, weights=labels) / np.bincount(places, minlength=len(values))
    order = np.argsort(probabilities, kind="stable")
    found = []
    for part in np.array_split(order, min(bins, len(order))):
        finds = float(mean_label[places[part]].sum())
        found.append(
            CalibrationBin(
                rows=len(part),
                predicted=float(probabilities[part].mean()),
                finds=round(finds),
                observed=finds / len(part),
            )
        )
    return found


def calibration_error(probabilities: Floats, labels: Floats, bins: int = 10) -> float:
    """Σ rows · |predicted − observed| / n over ``calibration_bins``, in [0, 1]; 0 is best.

    References:
        Naeini, M. P., Cooper, G. F. and Hauskrecht, M. (2015), "Obtaining well calibrated
        probabilities using Bayesian binning", section 3: ECE, here with bins of equal counts.
    """
    return float(
        sum(
            item.rows * abs(item.predicted - item.observed)
            for item in calibration_bins(probabilities, labels, bins)
        )
        / len(labels)
    )
