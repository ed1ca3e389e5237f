"""The declared values of n movements as columns."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.ledger.events import MovementDeclared

Floats = NDArray[np.float64]


class Columns:
    """The numbers of n movements, each field made into a column when first asked for."""

    def __init__(self, movements: Sequence[MovementDeclared]) -> None:
        self.movements = movements
        self._made: dict[str, Floats] = {}

    def __getitem__(self, field: str) -> Floats:
        """float64[n]; NaN where the field was not given."""
        column = self._made.get(field)
        if column is None:
            nan = float("nan")
            column = np.array([m.fields.get(field, nan) for m in self.movements], dtype=np.float64)
            self._made[field] = column
        return column

    def texts(self, name: str) -> list[str | None]:
        """The category or detail of that name; None where it was not given."""
        found = (m.fields.get(name, m.details.get(name)) for m in self.movements)
        return [value if isinstance(value, str) else None for value in found]

    @property
    def declared_at(self) -> Floats:
        return np.array([m.declared_at for m in self.movements], dtype=np.float64)

    def attribute(self, name: str) -> Floats:
        """float64[n]; NaN where the attribute was not given or is a code."""
        found = [m.attributes.get(name) for m in self.movements]
        return np.array(
            [v if isinstance(v, int | float) else float("nan") for v in found], dtype=np.float64
        )
