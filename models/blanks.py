"""Which required fields a row leaves out, and what is free then; see ``models.defences``."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.requirements import Requirement
from models.tree_kernel import compiled
from models.worst_leaf import AT_MOST, FREE, GIVEN

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FAILED_CHECKS = "failed_checks"
COUNTERS = (FAILED_CHECKS, "unregistered_parties", "blank_fields")
"""Features that count over all fields of a movement; more of them is never better."""
NO_COLUMN = -1


class Blanks:
    """Requirements by the columns of a catalogue."""

    def __init__(self, requirements: tuple[Requirement, ...], places: dict[str, int]) -> None:
        self._shown_by = _padded(
            [[place_of(places, name) for name in one.shown_by] for one in requirements], NO_COLUMN
        ).astype(np.int64)
        self._sign_columns = _padded(
            [[place_of(places, name) for name in one.mode] for one in requirements], NO_COLUMN
        ).astype(np.int64)
        self._sign_values = _padded([list(one.mode.values()) for one in requirements], 0.0)
        self._features = np.zeros((len(requirements), len(places)))
        for at, one in enumerate(requirements):
            self._features[at, [place_of(places, name) for name in one.features]] = 1.0
        self._checks = np.array([float(one.checks) for one in requirements])
        self._counters = [places[name] for name in COUNTERS if name in places]
        self._failed_checks = places.get(FAILED_CHECKS)

    def left_out(self, rows: Floats) -> Bools:
        """bool[n, requirements]"""
        blank = np.empty((len(rows), len(self._checks)), dtype=np.bool_)
        _left_out(self._shown_by, self._sign_columns, self._sign_values, rows, blank)
        return blank

    def leave_out(self, rows: Floats) -> None:
        """Of each of as many rows as requirements its own, whatever the mode."""
        rows[self._features > 0.0] = np.nan
        for row, columns, values in zip(rows, self._sign_columns, self._sign_values, strict=True):
            shows = columns != NO_COLUMN
            row[columns[shows]] = values[shows]

    def taken(self, rows: Floats, blank: Bools) -> tuple[NDArray[np.int8], Floats]:
        """int8[n, F], what is known of each column, and the rows with all that may have failed."""
        left_out = blank.astype(np.float64)
        states = np.where(left_out @ self._features > 0.0, FREE, GIVEN).astype(np.int8)
        any_blank = blank.any(axis=1)
        for column in self._counters:
            states[any_blank, column] = AT_MOST
        raised = rows.copy()
        if self._failed_checks is not None:
            raised[:, self._failed_checks] += left_out @ self._checks
        return states, raised


def place_of(places: dict[str, int], name: str) -> int:
    if name not in places:
        raise ValueError(f"the defences are about {name!r}, which is no feature of the catalogue")
    return places[name]


def _padded(lists: Sequence[Sequence[float]], rest: float) -> Floats:
    """float64[n, longest]"""
    longest = max(map(len, lists), default=0)
    padded = [[*values, *[rest] * (longest - len(values))] for values in lists]
    return np.array(padded, dtype=np.float64).reshape(len(lists), longest)


@compiled
def _left_out(
    shown_by: Ints, sign_columns: Ints, sign_values: Floats, rows: Floats, blank: Bools
) -> None:
    """
    Args:
        shown_by: int64[r, s], columns that are all missing when a field was left out.
        sign_columns, sign_values: int64[r, m] and float64[r, m]: it was not required where one of
            these columns has another value.
    """
    for i in range(len(rows)):
        for at in range(len(shown_by)):
            was_left_out = True
            for column in shown_by[at]:
                if column != NO_COLUMN and not np.isnan(rows[i, column]):
                    was_left_out = False
                    break
            for sign in range(sign_columns.shape[1]):
                column = sign_columns[at, sign]
                if column != NO_COLUMN and not np.isnan(rows[i, column]):
                    was_left_out &= rows[i, column] == sign_values[at, sign]
            blank[i, at] = was_left_out
