"""What the calibrations share: rows that count more than once, and logistic maximum likelihood."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

_MOST_STEPS = 100


def counted(labels: Floats, counts: Floats | None) -> Floats:
    """``counts``, or once each."""
    return np.ones(len(labels)) if counts is None else counts


def most_likely(
    columns: Floats, targets: Floats, counts: Floats, offset: Floats | float = 0.0
) -> Floats:
    """Weights w that minimise the cross-entropy of ``expit(columns @ w + offset)``, by Newton.

    Args:
        columns: float64[n, k].
        targets: float64[n], in [0, 1].
        counts: float64[n], above 0: how often each row counts.
        offset: float64[n] or one number.
    """
    weights = np.zeros(columns.shape[1])
    for _ in range(_MOST_STEPS):
        p = expit(columns @ weights + offset)
        gradient = columns.T @ (counts * (p - targets))
        curvature = (columns * (counts * p * (1.0 - p))[:, np.newaxis]).T @ columns
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(weights)), gradient)
        before = _cross_entropy(columns @ weights + offset, targets, counts)
        while _cross_entropy(columns @ (weights - step) + offset, targets, counts) > before + 1e-12:
            step /= 2.0
        weights = weights - step
        if np.abs(step).max() < 1e-10:
            break
    return weights


def softened(labels: Floats, counts: Floats) -> Floats:
    """Targets that are never certain of a label that was seen a few times only.

    References:
        Platt, J. (1999), "Probabilistic outputs for support vector machines", section 2.2.
    """
    finds = float(counts[labels == 1.0].sum())
    clean = float(counts[labels == 0.0].sum())
    return np.where(labels == 1.0, (finds + 1.0) / (finds + 2.0), 1.0 / (clean + 2.0))


def _cross_entropy(log_odds: Floats, targets: Floats, counts: Floats) -> float:
    return float(np.sum(counts * (np.logaddexp(0.0, log_odds) - targets * log_odds)))
