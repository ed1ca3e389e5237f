"""Intervals that hold where finds are few: exact for equal weights."""

from scipy.stats import beta, gamma

CONFIDENCE = 0.95

Interval = tuple[float, float]


def clopper_pearson(k: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Exact interval of a proportion of ``k`` in ``n``; (0, 1) when n is 0.

    Args:
        k: in [0, n]. Both may be fractions: a count scaled down to what it is worth.

    References:
        Clopper, C. J. and Pearson, E. S. (1934), "The use of confidence or fiducial limits
        illustrated in the case of the binomial", Biometrika 26(4), in the form with beta quantiles.

    >>> [round(bound, 4) for bound in clopper_pearson(0, 100)]
    [0.0, 0.0362]
    """
    tail = (1.0 - confidence) / 2
    low = float(beta.ppf(tail, k, n - k + 1.0)) if k > 0.0 else 0.0
    high = float(beta.ppf(1.0 - tail, k + 1.0, n - k)) if k < n else 1.0
    return low, high


def weighted_count(
    total: float,
    variance: float,
    weight_of_one_more: float,
    its_square: float,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Interval of the expectation of Σ w x, x counts of rare events, known by its first moments.

    Args:
        total: Σ w x.
        variance: Σ w² x.
        weight_of_one_more: the mean weight that one more event would have had, above 0.
        its_square: the mean square of that weight.

    With equal weights it is w times Garwood's exact interval of a Poisson count. With others it
    holds on average over where the next event would be; with the largest weight instead of the
    mean one (Fay and Feuer) it would hold wherever that is, and one tiny chance in a million
    movements would be enough to make it useless.

    References:
        Fay, M. P. and Feuer, E. J. (1997), "Confidence intervals for directly standardized rates:
        a method based on the gamma distribution", Statistics in Medicine 16(7), 791-801.
        Tiwari, R. C., Clegg, L. X. and Zou, Z. (2006), "Efficient interval estimation for
        age-adjusted cancer rates", Statistical Methods in Medical Research 15(6): mean weights.

    >>> [round(bound, 3) for bound in weighted_count(3.0, 3.0, 1.0, 1.0)]  # of 3 events, Garwood
    [0.619, 8.767]
    """
    tail = (1.0 - confidence) / 2
    low = 0.0
    if total > 0.0:
        low = float(gamma.ppf(tail, total**2 / variance, scale=variance / total))
    one_more, its_variance = total + weight_of_one_more, variance + its_square
    shape, scale = one_more**2 / its_variance, its_variance / one_more
    return low, float(gamma.ppf(1.0 - tail, shape, scale=scale))
