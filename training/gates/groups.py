"""In no group of movements with enough data does it find much less, or much more, than it says."""

from typing import NamedTuple

import numpy as np

from features.ledger import GateResult
from models.intervals import clopper_pearson
from training.gates.evidence import Evidence
from training.gates.results import FAILED, NOT_ASSESSABLE, PASSED, gate
from training.memberships import memberships

NAME = "groups"
FEWEST_EXPECTED = 10.0
"""Finds that the model expects in a group before it is judged."""
WIDEST = 2.0
"""A group in which twice, or half, as many finds are shown as expected is off."""


class Off(NamedTuple):
    what: str
    rows: int
    finds: int
    expected: float


def ask(evidence: Evidence) -> GateResult:
    rows = evidence.judged
    if rows is None:
        return gate(NAME, NOT_ASSESSABLE, evidence.not_judged)
    members = memberships(rows.movements, rows.rows[0], evidence.bundle.catalogue)
    probabilities, labels = rows.probabilities[0], rows.labels
    judged = {
        name: inside
        for name, inside in members.items()
        if probabilities[inside].sum() >= FEWEST_EXPECTED and not inside.all()
    }
    if not judged:
        return gate(
            NAME,
            NOT_ASSESSABLE,
            f"none of {len(members)} groups has the {FEWEST_EXPECTED:g} expected finds it takes",
        )
    found = [
        Off(": ".join(name), int(inside.sum()), int(labels[inside].sum()), float(p.sum()))
        for name, inside in judged.items()
        if _is_off(p := probabilities[inside], labels[inside], len(judged))
    ]
    if not found:
        return gate(
            NAME,
            PASSED,
            f"in none of {len(judged)} groups with enough data (of {len(members)}) are finds shown "
            f"to be beyond {WIDEST:g} times, or below half of, what the model expects",
        )
    said = "; ".join(
        f"{off.what}: {off.finds} finds in {off.rows:,}, {off.expected:.1f} expected"
        for off in found
    )
    return gate(NAME, FAILED, f"{len(found)} of {len(judged)} groups are off: {said}")


def _is_off(probabilities: np.ndarray, labels: np.ndarray, groups: int) -> bool:
    """All of an exact interval of the find rate lies beyond twice, or below half, the expected.

    Its confidence is shared among the groups (Bonferroni), so that many of them do not make one
    fail by chance.
    """
    confidence = 1.0 - 0.05 / groups
    low, high = clopper_pearson(float(labels.sum()), len(labels), confidence)
    expected = float(probabilities.mean())
    return low > WIDEST * expected or high < expected / WIDEST
