"""How late outcomes become known, and how often those already known must count to make up for it.

A find may wait weeks for a laboratory where a clean result is known the same day. Just before a
slice ends, more of its finds than of its clean results are still unknown, and a calibration on
what is known would be too low.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_COUNTED = 3.0
"""One outcome that was known early never stands for more than three."""


def counts_for_the_late(
    labels: Floats, examined_at: Ints, known_at: Ints, *, known_before: int
) -> Floats:
    """float64[n] of at least 1: one over the share of its label's outcomes that were known by then.

    Args:
        labels: float64[n], 0.0 or 1.0.
        examined_at: int64[n], microseconds.
        known_at: int64[n], microseconds, below ``known_before``.
        known_before: when the slice ends.

    What it rests on: of each label, recent outcomes take as long as those before them did.
    """
    counts = np.ones(len(labels))
    delay, age = np.maximum(known_at - examined_at, 0), known_before - examined_at
    for label in (0.0, 1.0):
        mine = labels == label
        share = share_known(delay[mine], age[mine])
        counts[mine] = 1.0 / np.maximum(share, 1.0 / MOST_COUNTED)
    return counts


def share_known(delay: Ints, age: Ints) -> Floats:
    """float64[n]: the share of outcomes known within ``age`` each, of those known within the
    largest age.

    Args:
        delay: int64[n], of outcomes that are known.
        age: int64[n], at least ``delay``: a longer delay would not have been seen.

    References:
        Lynden-Bell, D. (1971), "A method of allowing for known observational selection in small
        samples", MNRAS 155: the product-limit estimator for truncated data, as Kalbfleisch and
        Lawless (1989), JASA 84(406), use it for delays of reports.
    """
    times, events = np.unique(delay, return_counts=True)
    # at risk at t: could have been seen with a delay of t (age >= t), and had no longer one
    begun = np.searchsorted(np.sort(delay), times, side="right")
    gone = np.searchsorted(np.sort(age), times, side="left")
    factors = 1.0 - events / (begun - gone)
    # share within t: the product over every longer delay
    longer = np.append(np.cumprod(factors[::-1])[::-1], 1.0)
    return longer[np.searchsorted(times, age, side="right")]
