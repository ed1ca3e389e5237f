"""History of many movements, each at its own ``as_of``: one time-ordered pass per space of keys.

Spaces are independent of each other (only the kind's own find rate is needed by all), so each is
one task with its own state, given back when it is done. The graph of links is one more.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.history.errors import FutureRefused
from features.history.kernel import (
    NOT_DECLARED,
    Changes,
    Floats,
    Ints,
    Slots,
    replay,
)
from features.history.layout import empty_state
from features.history.link_pass import link_pass_of, run_link_pass
from features.history.plan import KIND_PICK, Plan, Reading
from features.history.roles import Role, sharers
from features.history.slots import numbered, once
from features.history.statistics import INSTANTS, PRIOR_RATE, PRIOR_STRENGTH, RATE_STRENGTH, Grade
from features.ledger.events import MovementDeclared
from features.timeline import Timeline


class Queries(NamedTuple):
    """Movements of one kind to be read, and the rows they go to, by ``as_of``."""

    movements: Sequence[MovementDeclared]
    as_of: Ints
    rows: Ints


class Pass(NamedTuple):
    """One space of keys, as numbers only: all that a pass over it needs beside the queries."""

    grade: Grade
    size: int
    """How many keys there are; their slots count from 1."""
    changes: Changes
    keys: Slots
    """int32[versions, c], as for ``kernel.replay``."""
    slots: Slots
    """int32[q, roles], by ``as_of``."""


def fill_history(
    timeline: Timeline,
    movements: Sequence[MovementDeclared],
    as_of: Ints,
    plan: Plan,
    out: Floats,
) -> None:
    """Fill the history columns of ``out``, float64[n, F], one row per movement; those of
    ``plan.aboard`` are filled by ``features.history.consignments``.

    Raises:
        FutureRefused: an ``as_of`` later than the timeline reaches.
    """
    if len(movements) == 0:
        return
    queries = queries_of(timeline, movements, as_of)
    priors = kind_rates(timeline, plan.kind, queries.as_of)
    for space, reading in plan.by_space.items():
        one = pass_of(timeline, space, reading, queries)
        run_pass(one, queries.as_of, priors, queries.rows, reading.picks, out)
    if plan.links is not None:
        graph = link_pass_of(timeline, plan.links.role, queries.movements)
        run_link_pass(graph, queries.as_of, queries.rows, plan.links.picks, out)


def queries_of(timeline: Timeline, movements: Sequence[MovementDeclared], as_of: Ints) -> Queries:
    """
    Raises:
        FutureRefused: an ``as_of`` later than the timeline reaches.
    """
    latest = int(as_of.max())
    if latest > timeline.available_before:
        raise FutureRefused(
            f"as_of {latest} is later than the timeline, which ends before"
            f" {timeline.available_before}; load it up to the latest as_of"
        )
    order = np.argsort(as_of, kind="stable")
    return Queries([movements[i] for i in order.tolist()], as_of[order], order)


def kind_rates(timeline: Timeline, kind: str, as_of: Ints) -> Floats:
    """float64[q]: the kind's own find rate at each instant of ``as_of``, which rises."""
    keys = np.full((len(timeline.versions.payloads), 1), NOT_DECLARED, dtype=np.int32)
    keys[timeline.versions_by_kind[kind].at] = 1
    n = len(as_of)
    out = np.empty((n, 1))
    replay(
        empty_state("category", 1, 0),
        changes_on(timeline, keys),
        keys,
        np.ones((n, 1), dtype=np.int32),
        as_of,
        np.full(n, PRIOR_RATE),
        float(PRIOR_STRENGTH),
        np.arange(n),
        KIND_PICK,
        out,
    )
    return out[:, 0].copy()


def pass_of(timeline: Timeline, space: str, reading: Reading, queries: Queries) -> Pass:
    keys, slots, count = slots_of(timeline, space, reading.roles, queries.movements)
    return Pass(reading.roles[0].grade, count, changes_on(timeline, keys), keys, slots)


def run_pass(one: Pass, as_of: Ints, priors: Floats, rows: Ints, picks: Ints, out: Floats) -> None:
    """As ``kernel.replay``, with a state that is given back at the end."""
    grade, size, changes, keys, slots = one
    added = (changes.sign > 0) & (changes.what < INSTANTS[grade])
    nodes = keys.shape[1] * int(np.count_nonzero(added))  # what is not used is never touched
    state = empty_state(grade, size, nodes)
    strength = float(RATE_STRENGTH)
    replay(state, changes, keys, slots, as_of, priors, strength, rows, picks, out)


def slots_of(
    timeline: Timeline, space: str, asked: Sequence[Role], movements: Sequence[MovementDeclared]
) -> tuple[Slots, Slots, int]:
    """The space's keys as slots, which count from 1.

    Returns:
        int32[versions, c] of what each version counts on, and int32[q, len(asked)] of what each
        query asks for, both NOT_DECLARED where there is none; how many keys there are.
    """
    by_kind = sharers(space) or {movements[0].kind: tuple(asked)}
    width = max(len(roles) for roles in by_kind.values())
    texts = np.full((len(timeline.versions.payloads), width), None, dtype=object)
    for kind, roles in by_kind.items():
        its = timeline.versions_by_kind[kind]
        for place, role in enumerate(roles):
            texts[its.at, place] = role.texts(its.payloads)
    wanted = np.full((len(movements), len(asked)), None, dtype=object)
    for place, role in enumerate(asked):
        wanted[:, place] = role.texts(movements)
    (keys, slots), count = numbered(texts, wanted)
    return once(keys), slots, count


def changes_on(timeline: Timeline, keys: Slots) -> Changes:
    """The entries as ``kernel.replay`` takes them."""
    entries = timeline.entries
    unchanged = np.zeros((0, 0), dtype=bool)
    index, place = np.nonzero(keys[entries.version[entries.amended]] > 0)
    if len(index):
        # What one version takes back and the next adds on the same key has not changed.
        index = np.flatnonzero(entries.amended)[index]
        change = pd.DataFrame(
            {
                "key": keys[entries.version[index], place],
                "what": entries.what[index],
                "instant": entries.instant[index],
                "movement": entries.movement[index],
                "visible_from": entries.visible_from[index],
            }
        )
        unchanged = np.zeros((len(entries.version), keys.shape[1]), dtype=bool)
        unchanged[index, place] = change.duplicated(keep=False).to_numpy()
    return Changes(
        entries.version.astype(np.int32),
        entries.what.astype(np.int8),
        entries.sign.astype(np.int8),
        entries.instant,
        entries.visible_from,
        unchanged,
    )
