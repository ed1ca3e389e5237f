"""Movements as they would have been taken in with a required field left out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.ledger.events import MovementDeclared
from features.records import Required
from features.requirements import required_of
from features.rows import declared_rows

MOST_MOVEMENTS = 60
"""Spread over those given; each is tried without each required field, and without all."""


class Blanks(NamedTuple):
    chosen: int
    """Of how many movements fields are left out."""
    without: Sequence[str]
    """What is left out, in words, once for every time."""
    of: NDArray[np.int64]
    """int64[b]: which of the given movements it is left out of."""
    movements: Sequence[MovementDeclared]
    """Without it."""


def blanks_of(movements: Sequence[MovementDeclared], catalogue: Catalogue) -> Blanks:
    """
    Args:
        movements: at least one.
    """
    n = min(MOST_MOVEMENTS, len(movements))
    chosen = np.unique(np.linspace(0, len(movements) - 1, n).astype(np.int64)).tolist()
    shown = declared_rows([movements[at] for at in chosen], catalogue)
    found = [
        (name, at, blanked)
        for at, row in zip(chosen, shown, strict=True)
        for name, blanked in _without(movements[at], required_of(catalogue, row))
    ]
    return Blanks(
        chosen=len(chosen),
        without=[name for name, _, _ in found],
        of=np.array([at for _, at, _ in found], dtype=np.int64),
        movements=[blanked for _, _, blanked in found],
    )


def _without(
    movement: MovementDeclared, needed: Sequence[Required]
) -> list[tuple[str, MovementDeclared]]:
    """The movement without each needed field that it declares, and without all of them."""
    declared = movement.entities.keys() | movement.fields.keys()
    each = [one.fields for one in needed if declared.intersection(one.fields)]
    every = tuple(field for fields in each for field in fields)
    wanted: Mapping[str, tuple[str, ...]] = {" or ".join(fields): fields for fields in each}
    if len(each) > 1:
        wanted = {**wanted, "all of them": every}
    return [(name, _blanked(movement, fields)) for name, fields in wanted.items()]


def _blanked(movement: MovementDeclared, fields: tuple[str, ...]) -> MovementDeclared:
    """As it would have been taken in: with a field go the checks that it failed."""
    return replace(
        movement,
        entities={name: its for name, its in movement.entities.items() if name not in fields},
        fields={name: its for name, its in movement.fields.items() if name not in fields},
        flags=tuple(flag for flag in movement.flags if flag.partition(":")[2] not in fields),
    )
