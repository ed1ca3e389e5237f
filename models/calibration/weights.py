"""Maximum likelihood of a logistic model with few columns, by Newton's method."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

_MOST_STEPS = 100


def most_likely(columns: Floats, targets: Floats, offset: Floats | float = 0.0) -> Floats:
    """Weights w that minimise the cross-entropy of ``expit(columns @ w + offset)``.

    Args:
        columns: float64[n, k].
        targets: float64[n], in [0, 1].
        offset: float64[n] or one number.
    """
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


def softened(labels: Floats) -> Floats:
    """Targets that are never certain of a label that was seen a few times only.

    References:
        Platt, J. (1999), "Probabilistic outputs for support vector machines", section 2.2.
    """
    finds = float(labels.sum())
    clean = len(labels) - finds
    return np.where(labels == 1.0, (finds + 1.0) / (finds + 2.0), 1.0 / (clean + 2.0))


def _cross_entropy(columns: Floats, targets: Floats, w: Floats, offset: Floats | float) -> float:
    z = columns @ w + offset
    return float(np.sum(np.logaddexp(0.0, z) - targets * z))
