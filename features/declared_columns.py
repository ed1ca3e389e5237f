"""What most movements say of themselves, by column: the same as of each, and no movement made."""

from collections.abc import Callable, Mapping, Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from features.derivations import blank_fields, failed_among, failed_checks
from features.ledger.events import MovementDeclared
from features.mismatches import (
    UNREGISTERED,
    required_parties,
    route_changed,
    unregistered_parties,
)
from features.movement_columns import MovementColumns
from features.records import declared_fields

Numbers = Sequence[float] | NDArray[np.float64]


def said_of_each(
    said: Callable[[MovementDeclared], float], movements: Sequence[MovementDeclared]
) -> Numbers:
    """A function of ``features.derivations`` or ``features.mismatches``, of many movements."""
    by_column = _BY_COLUMN.get(said)
    if by_column is None or not isinstance(movements, MovementColumns):
        return list(map(said, movements))
    return by_column(movements)


def _failed_checks(movements: MovementColumns) -> Numbers:
    found = np.zeros(len(movements))
    for at, flags in movements.flags.items():
        found[at] = failed_among(flags)
    return found


def _blank_fields(movements: MovementColumns) -> Numbers:
    blank = np.full(len(movements), float(len(declared_fields(movements.kind))))
    for column in (*movements.entities.values(), *movements.fields.values()):
        blank -= [value is not None for value in column] if None in column else 1.0
    return blank


def _unregistered_parties(movements: MovementColumns) -> Numbers:
    found = np.zeros(len(movements))
    for party in required_parties(movements.kind):
        column = movements.entities.get(party)
        found += 1.0 if column is None else [text is None for text in column]
    for at, flags in movements.flags.items():
        if any(flag.startswith(UNREGISTERED) for flag in flags):
            found[at] = unregistered_parties(movements[at])
    return found


def _route_changed(movements: MovementColumns) -> Numbers:
    if movements.fields.keys().isdisjoint({"actual_route_id", "checked_in_route_id"}):
        return [nan] * len(movements)  # nothing that could be another
    return list(map(route_changed, movements))


_BY_COLUMN: Mapping[Callable[[MovementDeclared], float], Callable[[MovementColumns], Numbers]] = {
    failed_checks: _failed_checks,
    blank_fields: _blank_fields,
    unregistered_parties: _unregistered_parties,
    route_changed: _route_changed,
}
