"""Why a probability is what it is: exact TreeSHAP by catalogue group, as officers' sentences."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.sentences import sentence
from models.bundle import Bundle

LEAST_CONTRIBUTION = 0.005
"""Log-odds: below half a percent of the odds a group is no reason for anything."""


class Reason(NamedTuple):
    group: str
    """What it is about: ``haulier``, ``gross mass``."""
    effect: Literal["raises", "lowers"]
    contribution: float
    """Log-odds before calibration, the group's features together; its sign is the effect."""
    sentence: str


def reasons_for(bundle: Bundle, row: NDArray[np.float64], *, limit: int = 5) -> list[Reason]:
    """At most ``limit`` reasons for one row, float64[F], the strongest first, in both directions.

    Groups below ``LEAST_CONTRIBUTION`` are left out, so there may be fewer, or none.
    """
    contributions = bundle.contributions(row[np.newaxis, :])[0, :-1]
    catalogue = bundle.catalogue
    return [
        Reason(
            group=group,
            effect="raises" if contribution > 0.0 else "lowers",
            contribution=contribution,
            sentence=sentence(catalogue, group, row),
        )
        for group, contribution in strongest_groups(catalogue, contributions, limit)
    ]


def strongest_groups(
    catalogue: Catalogue, contributions: NDArray[np.float64], limit: int
) -> list[tuple[str, float]]:
    """Contributions of single features, float64[F], summed by group; equal ones by name."""
    sums: dict[str, float] = {}
    for group, contribution in zip(catalogue.groups, contributions.tolist(), strict=True):
        sums[group] = sums.get(group, 0.0) + contribution
    kept = [(g, c) for g, c in sums.items() if abs(c) >= LEAST_CONTRIBUTION]
    return sorted(kept, key=lambda item: (-abs(item[1]), item[0]))[:limit]
