"""Leaving a required field out never lowers the probability: tried on movements of the ledger."""

import numpy as np

from features.ledger import GateResult
from training.gates.evidence import Evidence
from training.gates.results import FAILED, NOT_ASSESSABLE, PASSED, gate

NAME = "blanking"
CLOSE = 1e-12


def ask(evidence: Evidence) -> GateResult:
    rows, tried = evidence.judged, evidence.tried
    if rows is None or tried is None:
        return gate(NAME, NOT_ASSESSABLE, evidence.not_judged)
    blanks = tried.blanks
    if not blanks.movements:
        return gate(NAME, NOT_ASSESSABLE, "no judged movement declares a required field")
    gained = rows.probabilities[0][blanks.of] - evidence.bundle.probabilities(tried.rows)
    paid = np.flatnonzero(gained > CLOSE)
    what = (
        f"{len(blanks.movements):,} times a required field, or all, left out of "
        f"{blanks.chosen} movements"
    )
    if not len(paid):
        return gate(NAME, PASSED, f"{what}: the probability never fell")
    worst = int(paid[np.argmax(gained[paid])])
    return gate(
        NAME,
        FAILED,
        f"{what}: {len(paid):,} times it fell, the most ({gained[worst]:.4f}) without "
        f"{blanks.without[worst]}; leaving out must never pay, train again",
    )
