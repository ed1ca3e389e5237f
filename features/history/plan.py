"""From a catalogue's names to what the kernel reads: roles, statistics, columns."""

from typing import NamedTuple

import numpy as np

from features.catalogue import Catalogue, CatalogueMismatch
from features.history.kernel import (
    COUNT,
    DAYS_SINCE_FIRST,
    DAYS_SINCE_LAST,
    DECAYED,
    FIND_RATE,
    Ints,
)
from features.history.roles import Role, attribute_role, roles_of
from features.history.statistics import (
    FIND,
    GRADES,
    HALF_LIVES,
    PRIOR_STRENGTH,
    RATE_STRENGTH,
    STATISTICS,
    Grade,
    Statistic,
)

OPERATIONS = {
    "count": COUNT,
    "decayed": DECAYED,
    "days_since_last": DAYS_SINCE_LAST,
    "days_since_first": DAYS_SINCE_FIRST,
    "find_rate": FIND_RATE,
}
KIND_PICK: Ints = np.array([[0, FIND_RATE, FIND, PRIOR_STRENGTH, 0]], dtype=np.int64)
"""Reads a kind's own find rate, which starts from ``PRIOR_RATE``, into a row of one column."""


class Reading(NamedTuple):
    """Roles that are read together from one state, and their picks (see ``kernel.read``)."""

    roles: tuple[Role, ...]
    picks: Ints


class Plan(NamedTuple):
    """All that a catalogue reads from history."""

    kind: str
    by_grade: dict[Grade, Reading]
    by_space: dict[str, Reading]


def plan_of(catalogue: Catalogue) -> Plan:
    """
    Raises:
        CatalogueMismatch: the catalogue names a role or statistic that this code does not have.
    """
    known = {role.name: role for role in roles_of(catalogue.kind)}
    columns: dict[Role, list[tuple[str, int]]] = {}
    for column, feature in enumerate(catalogue.features):
        if feature.source != "history":
            continue
        name, _, statistic = feature.name.rpartition(".")
        if name.startswith("attribute."):
            role = attribute_role(catalogue.kind, name.removeprefix("attribute."))
        elif name in known:
            role = known[name]
        else:
            raise CatalogueMismatch(catalogue, feature.name)
        if statistic not in STATISTICS:
            raise CatalogueMismatch(catalogue, feature.name)
        columns.setdefault(role, []).append((statistic, column))
    return Plan(
        catalogue.kind,
        {
            grade: _reading({r: c for r, c in columns.items() if r.grade == grade})
            for grade in GRADES
        },
        {
            space: _reading({r: c for r, c in columns.items() if r.space == space})
            for space in dict.fromkeys(role.space for role in columns)
        },
    )


def pick(place: int, statistic: Statistic, grade: Grade, column: int) -> tuple[int, ...]:
    """One row of ``kernel.read``'s picks; ``place`` is where the role's slot is."""
    parameter = 0
    if statistic.operation == "find_rate":
        parameter = RATE_STRENGTH
    elif statistic.half_life_days is not None:
        parameter = HALF_LIVES[grade].index(statistic.half_life_days)
    return place, OPERATIONS[statistic.operation], statistic.what, parameter, column


def _reading(columns: dict[Role, list[tuple[str, int]]]) -> Reading:
    picks = [
        pick(place, STATISTICS[name], role.grade, column)
        for place, (role, wanted) in enumerate(columns.items())
        for name, column in wanted
    ]
    return Reading(tuple(columns), np.array(picks, dtype=np.int64).reshape(-1, 5))
