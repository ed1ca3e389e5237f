"""Why a probability is what it is: exact TreeSHAP by catalogue group, as officers' sentences.

What the defences add is told apart from what the trees say: a field that was left out, or an
entity that was never seen, is a reason of its own. All of it together, and what the model expects
of any row, is the margin that the probability is made of.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.sentences import sentence
from models.bundle import Bundle
from models.defences import Step

LEAST_CONTRIBUTION = 0.005
"""Log-odds: below half a percent of the odds a group is no reason for anything."""


class Reason(NamedTuple):
    group: str
    """What it is about: ``haulier``, ``gross mass``, ``haulier not declared``."""
    effect: Literal["raises", "lowers"]
    contribution: float
    """Log-odds before calibration, the group's features together; its sign is the effect."""
    sentence: str


def reasons_for(bundle: Bundle, row: NDArray[np.float64], *, limit: int = 5) -> list[Reason]:
    """At most ``limit`` reasons for one row, float64[F], the strongest first, in both directions.

    Groups below ``LEAST_CONTRIBUTION`` are left out, so there may be fewer, or none.
    """
    found = [r for r in all_reasons(bundle, row) if abs(r.contribution) >= LEAST_CONTRIBUTION]
    return sorted(found, key=lambda reason: (-abs(reason.contribution), reason.group))[:limit]


def all_reasons(bundle: Bundle, row: NDArray[np.float64]) -> Iterator[Reason]:
    """Every group and every defence that was called on: with the last of ``contributions``, their
    contributions sum to the margin.
    """
    contributions = bundle.contributions(row[np.newaxis, :])[0, :-1]
    for group, contribution in group_sums(bundle.catalogue, contributions).items():
        yield _reason(group, contribution, sentence(bundle.catalogue, group, row))
    for step in bundle.steps(row):
        yield _reason(*_in_words(step))


def group_sums(catalogue: Catalogue, contributions: NDArray[np.float64]) -> dict[str, float]:
    """Contributions of single features, float64[F], summed by group."""
    sums: dict[str, float] = {}
    for group, contribution in zip(catalogue.groups, contributions.tolist(), strict=True):
        sums[group] = sums.get(group, 0.0) + contribution
    return sums


def _in_words(step: Step) -> tuple[str, float, str]:
    if step.cause == "blank":
        group, counted = f"{step.label} not declared", "as the worst that it could have been"
    else:
        group, counted = f"{step.label} not seen before", "for no less than an average history"
    return group, step.raised_by, f"{group}: counted {counted}"


def _reason(group: str, contribution: float, said: str) -> Reason:
    return Reason(group, "raises" if contribution > 0.0 else "lowers", contribution, said)
