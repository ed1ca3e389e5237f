"""Keys as slots, which count from 1, for a pass."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.history.kernel import NOT_DECLARED, Slots

Texts = NDArray[Any]
"""object[...]: a key, or None."""


def numbered(*tables: Texts) -> tuple[list[Slots], int]:
    """The same text is the same slot in all tables, NOT_DECLARED where it is None; how many."""
    numbers, uniques = pd.factorize(np.concatenate([table.ravel() for table in tables]))
    slots = np.where(numbers < 0, NOT_DECLARED, numbers + 1).astype(np.int32)
    parts = np.split(slots, np.cumsum([table.size for table in tables])[:-1])
    shapes = [table.shape for table in tables]
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)], len(uniques)


def once(slots: Slots) -> Slots:
    """int32[n, c], changed in place: a row that names one slot twice counts on it once."""
    for place in range(1, slots.shape[1]):
        for earlier in range(place):
            slots[slots[:, place] == slots[:, earlier], place] = NOT_DECLARED
    return slots
