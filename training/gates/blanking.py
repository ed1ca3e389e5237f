"""Leaving a required field out never lowers the probability: tried on movements of the ledger."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from features.ledger import GateResult
from features.ledger.events import MovementDeclared
from features.records import Required
from features.requirements import required_of
from features.rows import feature_rows
from training.gates.evidence import Evidence
from training.gates.results import FAILED, NOT_ASSESSABLE, PASSED, gate

NAME = "blanking"
MOST_MOVEMENTS = 60
"""Spread over the judged ones; each is tried without each required field, and without all."""
CLOSE = 1e-12


class _Tried(NamedTuple):
    without: str
    movement: int
    """Place among those tried."""
    blanked: MovementDeclared


def ask(evidence: Evidence) -> GateResult:
    rows = evidence.judged
    if rows is None:
        return gate(NAME, NOT_ASSESSABLE, evidence.not_judged)
    n = min(MOST_MOVEMENTS, len(rows.movements))
    chosen = np.unique(np.linspace(0, len(rows.movements) - 1, n).astype(np.int64))
    tried = [
        one
        for at, place in enumerate(chosen.tolist())
        for one in _without(
            rows.movements[place], at, required_of(evidence.bundle.catalogue, rows.rows[0][place])
        )
    ]
    if not tried:
        return gate(NAME, NOT_ASSESSABLE, "no judged movement declares a required field")
    as_of = rows.as_of[chosen[[one.movement for one in tried]]]
    blanked = feature_rows(
        evidence.timeline, [one.blanked for one in tried], as_of, evidence.bundle.catalogue
    )
    given = rows.probabilities[0][chosen[[one.movement for one in tried]]]
    gained = given - evidence.bundle.probabilities(blanked)
    paid = np.flatnonzero(gained > CLOSE)
    what = f"{len(tried):,} times a required field, or all, left out of {len(chosen)} movements"
    if not len(paid):
        return gate(NAME, PASSED, f"{what}: the probability never fell")
    worst = int(paid[np.argmax(gained[paid])])
    return gate(
        NAME,
        FAILED,
        f"{what}: {len(paid):,} times it fell, the most ({gained[worst]:.4f}) without "
        f"{tried[worst].without}; leaving out must never pay, train again",
    )


def _without(movement: MovementDeclared, at: int, needed: Sequence[Required]) -> list[_Tried]:
    """The movement without each needed field that it declares, and without all of them."""
    declared = movement.entities.keys() | movement.fields.keys()
    each = [one.fields for one in needed if declared.intersection(one.fields)]
    every = tuple(field for fields in each for field in fields)
    wanted: Mapping[str, tuple[str, ...]] = {" or ".join(fields): fields for fields in each}
    if len(each) > 1:
        wanted = {**wanted, "all of them": every}
    return [_Tried(name, at, _blanked(movement, fields)) for name, fields in wanted.items()]


def _blanked(movement: MovementDeclared, fields: tuple[str, ...]) -> MovementDeclared:
    """As it would have been taken in: with a field go the checks that it failed."""
    return replace(
        movement,
        entities={name: its for name, its in movement.entities.items() if name not in fields},
        fields={name: its for name, its in movement.fields.items() if name not in fields},
        flags=tuple(flag for flag in movement.flags if flag.partition(":")[2] not in fields),
    )
