"""What can be said of all movements when only some were examined, and not at random.

Of a set of movements, the finds among those that were referred are counted; the finds among the
rest are estimated (``models.left_out``). Find rate, precision and recall are made of these two, so
that what is known is never estimated.

Limits first. Everything rests on logged propensities: where one was 0, nothing is estimated. A
referral without a result (no-show, no officer) is taken to be like those with one; ``bounds`` say
what it could be instead. A negative result is taken at its word: "found" means found by an
examination as thorough as these were.

References:
    Horvitz, D. G. and Thompson, D. J. (1952), "A generalization of sampling without replacement
    from a finite universe", JASA 47(260).
    Särndal, C.-E., Swensson, B. and Wretman, J. (1992), "Model assisted survey sampling", sections
    3.5 (Poisson sampling), 5.7 (Hájek's ratio) and 6.3 (the difference estimator).
    Robins, J. M., Rotnitzky, A. and Zhao, L. P. (1994), "Estimation of regression coefficients
    when some regressors are not always observed", JASA 89(427): doubly robust.
    Manski, C. F. (1990), "Nonparametric bounds on treatment effects", AER 80(2).
"""

from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.intervals import Interval, clopper_pearson
from models.left_out import LeftOut, Sample, Total, finds_left_out

Floats = NDArray[np.float64]

Estimator = Literal["naive", "horvitz-thompson", "hajek", "doubly robust"]
WEIGHTED: tuple[Estimator, ...] = ("horvitz-thompson", "hajek", "doubly robust")

CLIP = 1e-4
"""Smaller propensities count as this one: a bias towards fewer finds, for a bounded variance."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """One estimator's answer. ``value`` None: not assessable, and ``reason`` says why."""

    estimator: Estimator
    value: float | None = None
    interval: Interval | None = None
    """95 %."""
    bounds: Interval | None = None
    """The value if every referral without a result had found nothing, or something; None where
    all have a result."""
    results: int
    """Of referrals that were less than certain (of all, for ``naive``): what it rests on."""
    finds: int
    """Among them."""
    effective_sample_size: float
    """(Σ w)² / Σ w² of the weights of ``results`` (Kish)."""
    clipped_share: float = 0.0
    """Of ``results``, those whose propensity was below the clip."""
    not_assessable_share: float = 0.0
    """Of the movements asked about, those that had propensity 0."""
    reason: str | None = None


class Target(NamedTuple):
    """Which share is asked for."""

    within: Floats
    """float64[n] in [0, 1]: 1 for a movement asked about, a fraction for a tie in part."""
    of: Literal["unexamined", "all", "all finds"]
    """Finds among the unexamined ones of ``within``, among all of it, or of all finds those in
    it."""


def find_rate_unexamined(sample: Sample, clip: float = CLIP) -> tuple[Estimate, ...]:
    """Share that would have been found among the movements that were not referred.

    One estimate by every estimator, ``naive`` first: the find rate among the examined.
    """
    return estimates(sample, Target(np.ones(len(sample.referred)), "unexamined"), clip)


def find_rate(sample: Sample, clip: float = CLIP) -> tuple[Estimate, ...]:
    """Share that would have been found had all movements been examined."""
    return estimates(sample, Target(np.ones(len(sample.referred)), "all"), clip)


def precision_at(
    sample: Sample, scores: Floats, examined: int, clip: float = CLIP
) -> tuple[Estimate, ...]:
    """Share of finds, had the ``examined`` highest ``scores`` of all movements been examined."""
    return estimates(sample, Target(highest(scores, examined), "all"), clip)


def recall_at(
    sample: Sample, scores: Floats, examined: int, clip: float = CLIP
) -> tuple[Estimate, ...]:
    """Share of all finds that are among the ``examined`` highest ``scores``."""
    return estimates(sample, Target(highest(scores, examined), "all finds"), clip)


def highest(scores: Floats, examined: int) -> Floats:
    """1.0 for the highest scores, a fraction for those that tie at the end, 0.0 for the rest.

    Raises:
        ValueError: for a capacity that is not in [1, n].

    >>> highest(np.array([0.9, 0.5, 0.5, 0.1]), 2)
    array([1. , 0.5, 0.5, 0. ])
    """
    if not 1 <= examined <= len(scores):
        raise ValueError(f"capacity {examined} is not in [1, {len(scores)}]")
    last = np.partition(scores, len(scores) - examined)[len(scores) - examined]
    above, tied = scores > last, scores == last
    part: Floats = above + tied * ((examined - above.sum()) / tied.sum())
    return part


def estimates(sample: Sample, target: Target, clip: float = CLIP) -> tuple[Estimate, ...]:
    """Every estimator's answer on one target, ``naive`` first.

    Raises:
        ValueError: for a sample that cannot be (``Sample.checked``) or a clip outside (0, 1].
    """
    if not 0.0 < clip <= 1.0:
        raise ValueError(f"a clip of {clip:g}; give a propensity above 0 and up to 1")
    sample.checked()
    as_it_is = _every(sample, target, clip)
    no_result = sample.referred & np.isnan(sample.found)
    if not no_result.any():
        return as_it_is
    nothing, something = (
        _every(sample._replace(found=np.where(no_result, value, sample.found)), target, clip)
        for value in (0.0, 1.0)
    )
    return tuple(map(_bounded, as_it_is, nothing, something))


def _bounded(estimate: Estimate, nothing: Estimate, something: Estimate) -> Estimate:
    if nothing.value is None or something.value is None:
        return estimate
    return msgspec.structs.replace(estimate, bounds=(nothing.value, something.value))


def _every(sample: Sample, target: Target, clip: float) -> tuple[Estimate, ...]:
    inside = finds_left_out(sample, target.within, clip)
    outside = None
    if target.of == "all finds":
        outside = finds_left_out(sample, 1.0 - target.within, clip)
    weighted = (
        _weighted(name, target, inside, outside) for name in WEIGHTED if name in inside.totals
    )
    return (_naive(sample, target), *weighted)


def _naive(sample: Sample, target: Target) -> Estimate:
    """Of the results alone, as if the examined stood for all."""
    has_result = ~np.isnan(sample.found)
    finds_within = float((target.within * sample.found)[has_result].sum())
    all_finds = float(sample.found[has_result].sum())
    of = all_finds if target.of == "all finds" else float(target.within[has_result].sum())
    return Estimate(
        estimator="naive",
        value=finds_within / of if of else None,
        interval=clopper_pearson(finds_within, of) if of else None,
        results=int(has_result.sum()),
        finds=int(all_finds),
        effective_sample_size=float(has_result.sum()),
        reason=None if of else "no find" if target.of == "all finds" else "no result",
    )


def _weighted(
    name: Estimator, target: Target, inside: LeftOut, outside: LeftOut | None
) -> Estimate:
    parts = [inside] if outside is None else [inside, outside]
    results, movements = sum(p.results for p in parts), sum(p.movements for p in parts)
    never = sum(p.never for p in parts) / movements if movements else 0.0
    answer = _why_not(name, target, parts, never) or _share(name, target, inside, outside)
    share = answer if isinstance(answer, Total) else None
    return Estimate(
        estimator=name,
        value=None if share is None else float(share.value),
        interval=None if share is None else (float(share.low), float(share.high)),
        results=int(results),
        finds=int(sum(p.finds for p in parts)),
        effective_sample_size=float(sum(p.effective_results for p in parts)),
        clipped_share=float(sum(p.clipped for p in parts) / results) if results else 0.0,
        not_assessable_share=float(never),
        reason=answer if isinstance(answer, str) else None,
    )


def _why_not(name: Estimator, target: Target, parts: list[LeftOut], never: float) -> str | None:
    if never > 0.0:
        return (
            f"{never:.1%} of the movements had no chance of a referral; "
            "ask about those whose propensity was above 0"
        )
    if parts[0].movements == 0.0:
        return "no movement was asked about"
    if any(part.totals[name] is None for part in parts):
        return "no referral that would stand for the unexamined has a result"
    if target.of == "unexamined" and parts[0].unexamined == 0.0:
        return "every movement was referred"
    return None


def _share(
    name: Estimator, target: Target, inside: LeftOut, outside: LeftOut | None
) -> Total | str:
    left_out = inside.total(name)
    if target.of == "unexamined":
        return _scaled(left_out, 0.0, inside.unexamined)
    if outside is None:
        return _scaled(left_out, inside.examined_finds, inside.movements)
    within = Total(*(inside.examined_finds + bound for bound in left_out))
    beyond = Total(*(outside.examined_finds + bound for bound in outside.total(name)))
    if within.value + beyond.value == 0.0:
        return "no find is known or estimated"
    # Both at their ends at once: wider than 95 %, since the two are independent.
    return Total(
        within.value / (within.value + beyond.value),
        within.low / (within.low + beyond.high) if within.low else 0.0,
        within.high / (within.high + beyond.low) if within.high else 0.0,
    )


def _scaled(left_out: Total, examined_finds: float, movements: float) -> Total:
    return Total(*((examined_finds + bound) / movements for bound in left_out))
