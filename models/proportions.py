"""How sure a share is that was counted: numbers alone, for a service too."""

import math
from functools import lru_cache

Z_95 = 1.959963984540054
"""Standard normal quantile at 0.975."""


@lru_cache(4096)
def wilson_interval(k: float, n: int, z: float = Z_95) -> tuple[float, float]:
    """Interval of a proportion of ``k`` in ``n``, 95 % by default; (0, 1) when n is 0.

    Kept: each of a model's few groups of similar examinations is asked about in every answer.

    Args:
        k: in [0, n]; an expectation need not be whole.

    References:
        Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical
        inference", JASA 22(158).

    >>> [round(bound, 4) for bound in wilson_interval(15, 148)]
    [0.0624, 0.1605]
    """
    if n == 0:
        return 0.0, 1.0
    p = k / n
    centre = p + z**2 / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)
    return max(0.0, float(low)), min(1.0, float(high))
