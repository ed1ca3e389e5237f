"""The declared numbers of movements by name, of one movement or as columns of n.

Arithmetic that is written once is right for both: what is a float for one movement is a column
for many, and a missing number is NaN in either.
"""

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.ledger.events import MovementDeclared
from features.movement_columns import MovementColumns, names_given, values_of

Floats = NDArray[np.float64]
Number = TypeVar("Number", float, Floats)
"""One number of one movement, or n of n."""
Given = Mapping[str, Number]


class OneRow(dict[str, float]):
    """The numbers of one movement, each made a float when first asked for.

    Always a float, as in a column: whole microseconds of a far year would divide more exactly.
    """

    __slots__ = ("_movement",)

    def __init__(self, movement: MovementDeclared) -> None:
        self._movement = movement

    def __missing__(self, name: str) -> float:
        """NaN where the number was not given."""
        number = self[name] = float(_number(self._movement, name))
        return number


class Columns(dict[str, Floats]):
    """The numbers of n movements, each made into a column when first asked for."""

    __slots__ = ("given", "movements")

    def __init__(self, movements: Sequence[MovementDeclared]) -> None:
        self.movements = movements
        self.given = names_given(movements)

    def __missing__(self, name: str) -> Floats:
        """float64[n]; NaN where the number was not given."""
        found: Sequence[Any]
        if name in _BESIDE_THE_FIELDS:
            found = _numbers(self.movements, name)
        elif name in self.given:
            found = values_of(self.movements, "fields", name)
        else:
            found = [nan] * len(self.movements)
        column = self[name] = np.array(found, dtype=np.float64)
        return column

    def lack(self, name: str) -> bool:
        """Whether no movement gives the number."""
        return bool(np.isnan(self[name]).all())


_BESIDE_THE_FIELDS = frozenset({"declared_at", "distance_nm"})
"""Numbers of a movement that are no declared field."""


def _numbers(movements: Sequence[MovementDeclared], name: str) -> Sequence[Any]:
    if not isinstance(movements, MovementColumns):
        return [_number(movement, name) for movement in movements]
    return movements.declared_at if name == "declared_at" else [nan] * len(movements)


def _number(movement: MovementDeclared, name: str) -> Any:
    if name == "declared_at":
        return movement.declared_at
    of = movement.details if name == "distance_nm" else movement.fields
    return of.get(name, nan)


def text_of(movement: MovementDeclared, name: str) -> str | None:
    """The category or detail of that name; None where it was not given."""
    value = movement.fields.get(name)
    if value is None:
        value = movement.details.get(name)
    return value if isinstance(value, str) else None


def attribute_of(movement: MovementDeclared, name: str) -> float:
    """NaN where the attribute was not given or is a code."""
    value = movement.attributes.get(name)
    return value if isinstance(value, int | float) else nan
