"""Could chance alone do that? Exact tests of two counts, many at once, and what many cost.

All are conditional on the totals, and mid-p: what came counts half, so that few cases do not make
a test far more cautious than it says.

References:
    Lancaster, H. O. (1961), "Significance tests in discrete distributions", JASA 56(294): mid-p.
    Przyborowski, J. and Wilenski, H. (1940), "Homogeneity of results in testing samples from
    Poisson series", Biometrika 31(3/4): two Poisson counts.
    Benjamini, Y. and Hochberg, Y. (1995), "Controlling the false discovery rate: a practical and
    powerful approach to multiple testing", JRSS B 57(1).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, hypergeom, norm

from monitoring.signals import Colour

Floats = NDArray[np.float64]

AMBER_FROM, RED_FROM = 0.005, 0.0005
"""Chance of so much by chance alone. A rule for each of three kinds in each of twelve months turns
amber for nothing 36 * 0.005 = 0.18 times a year."""
FALSE_DISCOVERIES = 0.05
"""Of what is named among many, so large a share is expected to be there by chance."""


class ByChance(NamedTuple):
    """float64[n] each, mid-p; NaN where there is nothing to compare."""

    higher: Floats
    """Chance that the first count would come out as high as this, or higher."""
    lower: Floats

    @property
    def either(self) -> Floats:
        """Two-sided: twice the smaller one."""
        return np.minimum(1.0, 2.0 * np.minimum(self.higher, self.lower))


def shares_alike(hits: ArrayLike, of: ArrayLike, other: ArrayLike, other_of: ArrayLike) -> ByChance:
    """Fisher's exact test that ``hits`` in ``of`` is the same share as ``other`` in ``other_of``.

    Args:
        hits, of, other, other_of: whole numbers, int64[n] or one; hits never above of.

    >>> round(float(shares_alike(8, 10, 2, 10).higher), 4)
    0.006
    """
    hits, of, other, other_of = (np.asarray(part, np.int64) for part in (hits, of, other, other_of))
    return _tails(hypergeom(of + other_of, of, hits + other), hits, (of > 0) & (other_of > 0))


def rates_alike(
    count: ArrayLike, exposure: ArrayLike, other: ArrayLike, other_exposure: ArrayLike
) -> ByChance:
    """Exact test that two Poisson counts have the same rate per exposure.

    Args:
        count, other: whole numbers, int64[n] or one.
        exposure, other_exposure: from 0, in the same unit.

    >>> round(float(rates_alike(8, 1.0, 2, 1.0).higher), 4)  # of 10 tosses, 8 or more
    0.0327
    """
    count, other = (np.asarray(part, np.int64) for part in (count, other))
    exposure, other_exposure = (np.asarray(p, np.float64) for p in (exposure, other_exposure))
    comparable = (exposure > 0) & (other_exposure > 0)
    whole = np.where(comparable, exposure + other_exposure, 1.0)
    share = np.where(comparable, exposure / whole, 0.5)
    return _tails(binom(count + other, share), count, comparable)


def as_expected(count: ArrayLike, expected: ArrayLike, variance: ArrayLike) -> ByChance:
    """That ``count`` finds came where each of many had its own probability; normal, halves counted.

    Args:
        count: float64[n].
        expected, variance: Σ p and Σ p (1 - p) of the probabilities.

    Good from about ten expected; below, exact limits would be wider.
    """
    count, expected, variance = (np.asarray(p, np.float64) for p in (count, expected, variance))
    with np.errstate(invalid="ignore", divide="ignore"):
        away = (count - expected) / np.sqrt(variance)
    return ByChance(norm.sf(away), norm.cdf(away))


def false_discovery(p_values: ArrayLike) -> Floats:
    """float64[n]: each p-value adjusted for the others, after Benjamini and Hochberg.

    Naming those up to 0.05 keeps the expected share of false ones among the named at 5 %. NaN
    stays NaN and counts as no test.

    >>> false_discovery([0.01, 0.04, 0.03, np.nan]).round(3).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    values = np.asarray(p_values, np.float64)
    adjusted = values.copy()
    tested = np.flatnonzero(~np.isnan(values))
    falling = tested[np.argsort(-values[tested], kind="stable")]
    ranks = np.arange(len(falling), 0, -1)
    steps = values[falling] * len(falling) / np.maximum(ranks, 1)
    adjusted[falling] = np.minimum.accumulate(np.minimum(steps, 1.0))
    return adjusted


def colour_of(by_chance: float) -> Colour:
    """Of a rule that fires when chance alone would hardly do that; grey for NaN.

    >>> colour_of(0.02), colour_of(0.003), colour_of(0.0001), colour_of(float("nan"))
    ('green', 'amber', 'red', 'grey')
    """
    if np.isnan(by_chance):
        return "grey"
    return "red" if by_chance < RED_FROM else "amber" if by_chance < AMBER_FROM else "green"


RULE = (
    f"amber when chance alone would do so in fewer than {AMBER_FROM:.1%} of periods without "
    f"change, red in fewer than {RED_FROM:.2%}"
)


def _tails(law: Any, count: NDArray[np.int64], comparable: NDArray[np.bool_]) -> ByChance:
    half = 0.5 * law.pmf(count)
    higher, lower = law.sf(count) + half, law.cdf(count) - half
    return ByChance(np.where(comparable, higher, np.nan), np.where(comparable, lower, np.nan))
