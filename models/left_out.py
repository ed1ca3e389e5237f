"""Finds among the movements that were let go, estimated from those that had been uncertain too.

A referred movement whose chance was p < 1 stands for the (1 - p) / p others like it that were let
go: weighting by the odds. Each estimator gives the number of finds among the unexamined ones.

Variances are of Poisson sampling (every movement has its own draw), with finds taken to be rare.
The truth is random too, since who is let go depends on the same draws: that is the 1 / (1 - p).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.intervals import Interval, clopper_pearson, weighted_count
from models.proportions import Z_95

Floats = NDArray[np.float64]


class Sample(NamedTuple):
    """Movements of one kind and time, referred or not, with what was logged of each."""

    referred: NDArray[np.bool_]
    """By the policy. Leave out movements that others chose to examine and it did not."""
    found: Floats
    """1.0 for a find, 0.0 for none, NaN where there is no result; NaN for all not referred."""
    propensity: Floats
    """Of the referral, in [0, 1], as logged."""
    probability: Floats | None = None
    """The model's, for the doubly robust estimate; it may be wrong. None: no such estimate."""

    def checked(self) -> "Sample":
        """
        Raises:
            ValueError: for lengths that differ, a propensity outside [0, 1] or missing, a referral
                that had propensity 0, a result of a movement that was not referred, or a
                probability that is missing.
        """
        columns = [column for column in self if column is not None]
        if any(len(column) != len(self.referred) for column in columns):
            raise ValueError("referred, found, propensity and probability differ in length")
        if not np.all((self.propensity >= 0.0) & (self.propensity <= 1.0)):
            raise ValueError("a propensity is missing or outside [0, 1]; give what was logged")
        if np.any(self.referred & (self.propensity == 0.0)):
            raise ValueError("a movement was referred at propensity 0: the log is of another run")
        if not np.all(np.isnan(self.found[~self.referred])):
            raise ValueError("a result of a movement that was not referred; leave the movement out")
        if self.probability is not None and np.isnan(self.probability).any():
            raise ValueError("a probability is missing; fill it with the mean, or give none")
        return self


class Total(NamedTuple):
    """A number of finds with its 95 % interval."""

    value: float
    low: float
    high: float


class LeftOut(NamedTuple):
    """Of the movements asked about; counts are fractions where a tie is asked about in part."""

    movements: float
    unexamined: float
    """Not referred."""
    never: float
    """Of them, those whose propensity was 0: nothing that was found stands for them."""
    examined_finds: float
    """Finds among the referred; those without a result count as the mean of the others."""
    results: int
    """Of referrals that were less than certain: what the totals rest on."""
    finds: int
    """Among ``results``."""
    effective_results: float
    """(Σ w)² / Σ w² of their weights (Kish)."""
    clipped: int
    """Of ``results``, those whose propensity was below the clip."""
    totals: dict[str, Total | None]
    """By estimator: finds among the unexamined, which may come out below 0 or above all of them;
    None where it has nothing to go by."""

    def total(self, estimator: str) -> Total:
        """In [0, ``unexamined``].

        Raises:
            ValueError: where the estimator has nothing to go by.
        """
        found = self.totals[estimator]
        if found is None:
            raise ValueError(f"{estimator} has no result to go by; look at ``totals`` first")
        return Total(*(min(self.unexamined, max(0.0, bound)) for bound in found))


def finds_left_out(sample: Sample, within: Floats, clip: float) -> LeftOut:
    """
    Args:
        within: float64[n] in [0, 1]: 1 for a movement asked about, a fraction for a tie in part.
        clip: in (0, 1]; smaller propensities count as this one.
    """
    referred, p = sample.referred, sample.propensity
    has_result = referred & ~np.isnan(sample.found)
    with_result, all_referred = float(within[has_result].sum()), float(within[referred].sum())
    known_finds = float((within * sample.found)[has_result].sum())
    rows = _rows(sample, within, clip)
    unexamined = float(within[~referred].sum())
    totals: dict[str, Total | None] = {
        "horvitz-thompson": _horvitz_thompson(rows),
        "hajek": _hajek(rows, unexamined),
        **_doubly_robust(sample, within, rows),
    }
    if all_referred > 0.0 and with_result == 0.0:
        totals = dict.fromkeys(totals)
    return LeftOut(
        movements=float(within.sum()),
        unexamined=unexamined,
        never=float(within[~referred & (p == 0.0)].sum()),
        examined_finds=known_finds * all_referred / with_result if with_result else 0.0,
        results=len(rows.found),
        finds=int(rows.found.sum()),
        effective_results=_kish(rows.weights),
        clipped=int((rows.propensity < clip).sum()),
        totals=totals,
    )


def _kish(weights: Floats) -> float:
    return float(weights.sum() ** 2 / np.square(weights).sum()) if len(weights) else 0.0


class _Rows(NamedTuple):
    """The referrals with a result that were less than certain, float64[m] each."""

    found: Floats
    propensity: Floats
    weights: Floats
    """within * (1 - p) / p, with p clipped, over the share of such referrals with a result."""
    probability: Floats | None
    weight_of_one_more: float
    """Mean weight that a movement asked about would have had; 0 when all were certain or had no
    chance."""
    its_square: float
    """Mean of what one more find would add to ``variance``."""

    @property
    def total(self) -> float:
        return float((self.weights * self.found).sum())

    @property
    def variance(self) -> float:
        """Of ``total`` less its truth, for rare finds."""
        return float((self.weights**2 * self.found / (1.0 - self.propensity)).sum())

    def interval(self) -> Interval:
        return weighted_count(self.total, self.variance, self.weight_of_one_more, self.its_square)


def _rows(sample: Sample, within: Floats, clip: float) -> _Rows:
    p = sample.propensity
    odds = within * (1.0 - p) / np.maximum(p, clip)
    uncertain = sample.referred & (odds > 0.0)
    used = uncertain & ~np.isnan(sample.found)
    complied = odds[used].sum() / odds[uncertain].sum() if used.any() else 1.0
    had_a_chance = (odds > 0.0) & (p > 0.0)
    possible = odds[had_a_chance] / complied
    its_square = np.square(possible) / (1.0 - p[had_a_chance])
    return _Rows(
        found=sample.found[used],
        propensity=p[used],
        weights=odds[used] / complied,
        probability=None if sample.probability is None else sample.probability[used],
        weight_of_one_more=float(possible.mean()) if len(possible) else 0.0,
        its_square=float(its_square.mean()) if len(possible) else 0.0,
    )


def _horvitz_thompson(rows: _Rows) -> Total:
    if rows.weight_of_one_more == 0.0:
        return Total(0.0, 0.0, 0.0)
    return Total(rows.total, *rows.interval())


def _hajek(rows: _Rows, unexamined: float) -> Total | None:
    """The mean of the weighted results, times the number of unexamined movements."""
    if unexamined == 0.0:
        return Total(0.0, 0.0, 0.0)
    if not len(rows.found):
        return None
    if np.ptp(rows.weights) <= 1e-9 * rows.weights[0] and np.ptp(rows.propensity) == 0.0:
        rate, (low, high) = _equal_weights(rows)
    else:
        weight_of_all = float(rows.weights.sum())
        rate = rows.total / weight_of_all
        low, high = (bound / weight_of_all for bound in rows.interval())
    return Total(rate * unexamined, low * unexamined, high * unexamined)


def _equal_weights(rows: _Rows) -> tuple[float, Interval]:
    """Exact for a small propensity; at a large one, that many fewer results are counted."""
    worth = 1.0 - float(rows.propensity[0])
    finds, results = float(rows.found.sum()), len(rows.found)
    return finds / results, clopper_pearson(worth * finds, worth * results)


def _doubly_robust(sample: Sample, within: Floats, rows: _Rows) -> dict[str, Total | None]:
    """What the model expects among the unexamined, and what it got wrong among the results.

    The interval adds two: of the finds, as for Horvitz-Thompson, and of the model's part, normal.
    They are taken as independent, which is conservative: they err in opposite directions.

    References:
        Zou, G. Y. and Donner, A. (2008), "Construction of confidence limits about effect measures:
        a general approach", Statistics in Medicine 27(10).
    """
    if sample.probability is None or rows.probability is None:
        return {}
    of_finds = _horvitz_thompson(rows)
    weighted = rows.weights * rows.probability
    expected = float((within * sample.probability)[~sample.referred].sum()) - weighted.sum()
    variance = float((weighted**2 / (1.0 - rows.propensity)).sum())
    value = of_finds.value + expected
    low = value - math.hypot(of_finds.value - of_finds.low, Z_95 * math.sqrt(variance))
    high = value + math.hypot(of_finds.high - of_finds.value, Z_95 * math.sqrt(variance))
    return {"doubly robust": Total(float(value), low, high)}
