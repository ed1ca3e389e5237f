"""How far two distributions are apart, from counts in the same bins; imports nothing heavy."""

import numpy as np
from numpy.typing import NDArray


def psi(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    """Population stability index of counts in the same bins; 0 for equal shares, else above.

    PSI = Σ (a_b − e_b) · ln(a_b / e_b) over bins b, e the shares of ``reference`` and a those of
    ``current``, each from counts with half a row added to every bin, so that an empty bin costs
    much and not infinitely much. Bins that are empty in both are left out first.

    Args:
        reference, current: int64[b], each with at least one row.

    References:
        Yurdakul, B. and Naranjo, J. (2020), "Statistical properties of the population stability
        index", Journal of Risk Model Validation 14(4), equation 1.
    """
    used = (reference + current) > 0
    counts = np.stack([reference[used], current[used]]) + 0.5
    e, a = counts / counts.sum(axis=1, keepdims=True)
    return float(np.sum((a - e) * np.log(a / e)))
