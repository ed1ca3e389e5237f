"""From a catalogue's names to what the kernel reads: roles, statistics, columns."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from features.catalogue import Catalogue, CatalogueMismatch
from features.history import aboard
from features.history.kernel import COUNTS, RATE, SUMS, Floats, Ints
from features.history.links import LINK_STATISTICS, LinkRole, link_role
from features.history.live_kernel import FIRST_ROLE
from features.history.roles import KeyReader, Role, attribute_role, key_reader, kind_key, roles_of
from features.history.statistics import (
    GRADES,
    HALF_LIVES,
    INSTANTS,
    STATISTICS,
    Grade,
    Statistic,
)

KIND_PICK: Ints = np.array([[0, RATE, 0]], dtype=np.int64)
"""Reads a kind's own find rate, which starts from ``PRIOR_RATE``, into a row of one column."""
_NUMBERS_ABOARD = [number.name for number in aboard.NUMBERS]


class Reading(NamedTuple):
    """Roles that are read together from one state, and their picks (see ``kernel.read``)."""

    roles: tuple[Role, ...]
    picks: Ints


class LinkReading(NamedTuple):
    """What is read of links: whose, and its picks."""

    role: LinkRole
    picks: Ints
    """As for ``link_reading.read_link``."""


class Aboard(NamedTuple):
    """What is read of consignments; no column where nothing is carried."""

    which: Ints
    """int64[p]: index into ``aboard.NUMBERS``."""
    columns: Ints
    """int64[p]: columns of ``out``."""
    nothing: Floats
    """float64[p]: what they are when no consignment is known."""


class Plan(NamedTuple):
    """All that a catalogue reads from history."""

    kind: str
    kind_key: str
    roles: int
    entities: tuple[str, ...]
    """Fields of the keys of entities: whose links are read, or none, then those of ``picks``."""
    keys: tuple[tuple[Role, ...], ...]
    """Roles of categories, and of pairs."""
    readers: tuple[tuple[KeyReader, ...], ...]
    """How to find the keys of those."""
    picks: tuple[Ints, ...]
    """Of a whole row, by grade; places as ``live_kernel.read_live`` has them."""
    link_picks: Ints
    """Those of ``links``, or none."""
    by_space: dict[str, Reading]
    aboard: Aboard
    links: LinkReading | None


def plan_of(catalogue: Catalogue) -> Plan:
    """
    Raises:
        CatalogueMismatch: the catalogue names a role or statistic that this code does not have.
    """
    known = {role.name: role for role in roles_of(catalogue.kind)}
    links, link_columns = link_role(catalogue.kind), []
    columns: dict[Role, list[tuple[str, int]]] = {}
    on_board: list[tuple[int, int]] = []
    for column, feature in enumerate(catalogue.features):
        if feature.source != "history":
            continue
        name, _, statistic = feature.name.rpartition(".")
        if name == links.name and statistic in LINK_STATISTICS:
            link_columns.append((statistic, column))
            continue
        if name == aboard.ROLE and statistic in _NUMBERS_ABOARD:
            on_board.append((_NUMBERS_ABOARD.index(statistic), column))
            continue
        if name.startswith("attribute."):
            role = attribute_role(catalogue.kind, name.removeprefix("attribute."))
        elif name in known:
            role = known[name]
        else:
            raise CatalogueMismatch(catalogue, feature.name)
        if statistic not in STATISTICS:
            raise CatalogueMismatch(catalogue, feature.name)
        columns.setdefault(role, []).append((statistic, column))
    together = {
        role: wanted for grade in GRADES for role, wanted in columns.items() if role.grade == grade
    }
    link_picks = _link_picks(link_columns)
    keys = tuple(tuple(_of(together, grade)) for grade in ("category", "pair"))
    return Plan(
        catalogue.kind,
        kind_key(catalogue.kind),
        len(columns),
        (links.organisation.parts[0].field, *(r.parts[0].field for r in _of(together, "entity"))),
        keys,
        tuple(tuple(map(key_reader, roles)) for roles in keys),
        tuple(_picks(together, grade, first=FIRST_ROLE) for grade in GRADES),
        link_picks,
        {
            space: _reading({r: c for r, c in columns.items() if r.space == space})
            for space in dict.fromkeys(role.space for role in columns)
        },
        _aboard(on_board),
        LinkReading(links, link_picks) if len(link_picks) else None,
    )


def _of(roles: Iterable[Role], grade: Grade) -> list[Role]:
    return [role for role in roles if role.grade == grade]


def _aboard(wanted: list[tuple[int, int]]) -> Aboard:
    which, columns = np.array(wanted, dtype=np.int64).reshape(-1, 2).T.copy()
    return Aboard(which, columns, np.array(aboard.NOTHING)[which])


def pick(place: int, statistic: Statistic, grade: Grade, column: int) -> tuple[int, int, int]:
    """One row of ``kernel.read``'s picks; ``place`` is where the role's slot is."""
    return place, _word(statistic, grade), column


def _word(statistic: Statistic, grade: Grade) -> int:
    """Where ``kernel.read`` puts the number."""
    half_lives, what = HALF_LIVES[grade], statistic.what
    if statistic.operation == "find_rate":
        return RATE
    if statistic.operation == "count":
        return COUNTS + what
    if statistic.half_life_days is not None:
        return SUMS + what * len(half_lives) + half_lives.index(statistic.half_life_days)
    newest = SUMS + 3 * len(half_lives)
    if statistic.operation == "days_since_last":
        return newest + what
    return newest + 2 * INSTANTS[grade]


def _reading(columns: dict[Role, list[tuple[str, int]]]) -> Reading:
    return Reading(tuple(columns), _picks(columns, next(iter(columns)).grade, first=0))


def _link_picks(columns: list[tuple[str, int]]) -> Ints:
    places = {name: place for place, name in enumerate(LINK_STATISTICS)}
    picks = [(places[name], column) for name, column in columns]
    return np.array(picks, dtype=np.int64).reshape(-1, 2)


def _picks(columns: dict[Role, list[tuple[str, int]]], grade: Grade, first: int) -> Ints:
    picks = [
        pick(place, STATISTICS[name], grade, column)
        for place, (role, wanted) in enumerate(columns.items(), start=first)
        for name, column in wanted
        if role.grade == grade
    ]
    return np.array(picks, dtype=np.int64).reshape(-1, 3)


ABOARD_PICKS: Ints = np.array(
    [pick(0, STATISTICS[name], "entity", column) for column, name in enumerate(aboard.READ)],
    dtype=np.int64,
)
"""Reads ``aboard.READ`` of an organisation into a row of as many columns."""
