"""Links of many movements, each at its own ``as_of``: one time-ordered pass over the whole graph.

A graph does not fall apart by key, so this is one task, on a cluster too. It needs no find rate.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.history.kernel import NOT_DECLARED, Changes, Floats, Ints, Slots
from features.history.layout import empty_state, in_lines
from features.history.link_kernel import CONNECTOR, ORGANISATION, PAIRS, Links
from features.history.link_reading import replay_links
from features.history.link_tables import END_WORDS, LINK_WORDS, SIDE_WORDS
from features.history.links import MOST_TIED, LinkRole, link_role
from features.history.roles import Role, sharers
from features.history.slots import Texts, numbered, once
from features.history.statistics import FIND, MOVEMENT
from features.ledger.events import MovementDeclared
from features.records import KINDS
from features.timeline import KindVersions, Timeline

CONNECTORS = max(len(link_role(kind).connectors) for kind in KINDS)


class LinkPass(NamedTuple):
    """As numbers only: all that the pass needs beside when the queries are."""

    entities: int
    """How many there are; their slots count from 1."""
    ends: Ints
    """int64[l, 2]: slots of organisation and connector of each link, which count from 1."""
    ties: int
    """The most that there can be."""
    changes: Changes
    """Of movements and finds."""
    links: Slots
    organisations: Slots
    slots: Slots
    """As for ``link_reading.replay_links``."""


def link_pass_of(
    timeline: Timeline, role: LinkRole, movements: Sequence[MovementDeclared]
) -> LinkPass:
    """
    Args:
        movements: the queries, by their ``as_of``.
    """
    changes = _changes(timeline)
    of_versions, finds, asked, entities = _slots(timeline, role, movements, changes)
    links, ends = _links(of_versions)
    ties = _most_ties(ends[:, 1], links, changes)
    return LinkPass(entities, ends, ties, changes, links, finds, asked)


def run_link_pass(one: LinkPass, as_of: Ints, rows: Ints, picks: Ints, out: Floats) -> None:
    """As ``link_reading.replay_links``, with a state that is given back at the end."""
    links = in_lines(len(one.ends) + 1, LINK_WORDS)
    links[1:, ORGANISATION], links[1:, CONNECTOR] = one.ends.T
    graph = Links(
        MOST_TIED,
        links,
        in_lines(one.entities + 1, END_WORDS),
        in_lines(2 * one.ties + 2, SIDE_WORDS),
        np.zeros(1 << one.ties.bit_length(), dtype=np.int64),
    )
    finds = int(np.count_nonzero((one.changes.what == FIND) & (one.changes.sign > 0)))
    entity = empty_state("entity", one.entities, finds * one.organisations.shape[1])
    replay_links(
        graph,
        entity,
        one.changes,
        one.links,
        one.organisations,
        one.slots,
        as_of,
        rows,
        picks,
        out,
    )


def _changes(timeline: Timeline) -> Changes:
    """Counts and instants are exact whatever is taken back and added again: none is left out."""
    entries = timeline.entries
    chosen = (entries.what == MOVEMENT) | (entries.what == FIND)
    return Changes(
        entries.version[chosen].astype(np.int32),
        entries.what[chosen].astype(np.int8),
        entries.sign[chosen].astype(np.int8),
        entries.instant[chosen],
        entries.visible_from[chosen],
        np.zeros((0, 0), dtype=bool),
    )


def _slots(
    timeline: Timeline, role: LinkRole, movements: Sequence[MovementDeclared], changes: Changes
) -> tuple[Slots, Slots, Slots, int]:
    """Entities as slots, which count from 1; NOT_DECLARED where there is none.

    Returns:
        int32[versions, 1 + c], the organisation and the connectors of each version; int32[
        versions, o], what a find of it counts on, of those with finds; int32[q], the organisation
        of each query; how many entities there are.
    """
    versions = len(timeline.versions.payloads)
    has_find = np.zeros(versions, dtype=bool)
    has_find[changes.of[changes.what == FIND]] = True
    sharing = sharers(role.organisation.space)
    ends = np.full((versions, 1 + CONNECTORS), None, dtype=object)
    named = np.full((versions, max(map(len, sharing.values()))), None, dtype=object)
    for kind, its_roles in sharing.items():
        its, (_, _, organisation, connectors) = timeline.versions_by_kind[kind], link_role(kind)
        _name(its, (organisation, *connectors), ends)
        _name(its.only(has_find), its_roles, named)
    asked = np.array(role.organisation.texts(movements), dtype=object)
    (of_ends, of_finds, of_asked), entities = numbered(ends, named[has_find], asked)
    counted = np.full(named.shape, NOT_DECLARED, dtype=np.int32)
    counted[has_find] = once(of_finds)
    return of_ends, counted, of_asked, entities


def _name(versions: KindVersions, roles: Sequence[Role], texts: Texts) -> None:
    """Fill the rows of these versions, a column for each role."""
    for column, role in enumerate(roles):
        texts[versions.at, column] = role.texts(versions.payloads)


def _links(ends: Slots) -> tuple[Slots, Ints]:
    """Links as numbers, which count from 1.

    Args:
        ends: int32[versions, 1 + c].

    Returns:
        int32[versions, c], NOT_DECLARED where there is none; int64[l, 2], the slots of each.
    """
    organisation, connector = np.broadcast_arrays(ends[:, :1].astype(np.int64), ends[:, 1:])
    linked = (organisation > 0) & (connector > 0) & (organisation != connector)
    both = np.where(linked, organisation << 32 | connector, NOT_DECLARED)
    numbers, uniques = pd.factorize(both[linked])
    links = np.full(both.shape, NOT_DECLARED, dtype=np.int32)
    links[linked] = numbers + 1
    return links, np.column_stack([uniques >> 32, uniques & 0xFFFF_FFFF])


def _most_ties(connectors: Ints, links: Slots, changes: Changes) -> int:
    """The most ties that there can be: of each connector those of all its organisations, or so
    many as its first eight, and each link that it loses, can make.

    Args:
        connectors: int64[l], of each link.
    """
    if len(connectors) == 0:
        return 0
    taken_back = changes.of[(changes.what == MOVEMENT) & (changes.sign < 0)]
    lost = links[taken_back]
    losses = np.bincount(connectors[lost[lost > 0] - 1], minlength=connectors.max() + 1)
    degree = np.bincount(connectors)
    return int(np.minimum(degree * (degree - 1) // 2, PAIRS * (1 + losses)).sum())
