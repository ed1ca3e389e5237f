"""History of many movements, each at its own ``as_of``: one time-ordered pass per space of keys.

Spaces are independent of each other (only the kind's own find rate is needed by all), so each is
one task with its own state, given back when it is done.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.history.errors import FutureRefused
from features.history.kernel import NOT_DECLARED, Floats, Ints, empty_state, replay
from features.history.plan import KIND_PICK, Plan, Reading
from features.history.roles import Role, sharers
from features.history.statistics import INSTANTS, PRIOR_RATE, Grade
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
    keys: int
    deltas: Ints
    """int64[d, 4], as for ``kernel.replay``."""
    visible_from: Ints
    """int64[d], rising."""
    slots: Ints
    """int64[q, roles], by ``as_of``."""


def fill_history(
    timeline: Timeline,
    movements: Sequence[MovementDeclared],
    as_of: Ints,
    plan: Plan,
    out: Floats,
) -> None:
    """Fill the history columns of ``out``, float64[n, F], one row per movement.

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
    codes = np.array([p.kind == kind for p in timeline.versions.payloads], dtype=np.int64) - 1
    deltas, visible_from = _deltas(timeline, codes.reshape(-1, 1))
    n = len(as_of)
    out = np.empty((n, 1))
    slots = np.zeros((n, 1), dtype=np.int64)
    priors = np.full(n, PRIOR_RATE)
    state = empty_state("category", 1, 0)
    replay(state, deltas, visible_from, slots, as_of, priors, np.arange(n), KIND_PICK, out)
    return out[:, 0].copy()


def pass_of(timeline: Timeline, space: str, reading: Reading, queries: Queries) -> Pass:
    codes, slots, keys = _codes(timeline, space, reading.roles, queries.movements)
    deltas, visible_from = _deltas(timeline, codes)
    return Pass(reading.roles[0].grade, keys, deltas, visible_from, slots)


def run_pass(one: Pass, as_of: Ints, priors: Floats, rows: Ints, picks: Ints, out: Floats) -> None:
    """As ``kernel.replay``, with a state that is given back at the end."""
    added = one.deltas[one.deltas[:, 2] > 0, 1]
    nodes = int(np.count_nonzero(added < INSTANTS[one.grade]))
    state = empty_state(one.grade, one.keys, nodes)
    replay(state, one.deltas, one.visible_from, one.slots, as_of, priors, rows, picks, out)


def _codes(
    timeline: Timeline, space: str, asked: Sequence[Role], movements: Sequence[MovementDeclared]
) -> tuple[Ints, Ints, int]:
    """The space's keys as numbers.

    Returns:
        int64[versions, c] of what each version counts on, -1 for nothing; int64[q, len(asked)] of
        what each query asks for, NOT_DECLARED where it has none; how many keys there are.
    """
    by_kind = sharers(space) or {movements[0].kind: tuple(asked)}
    versions = timeline.versions.payloads
    width = max(len(roles) for roles in by_kind.values())
    texts = np.full((len(versions), width), None, dtype=object)
    kinds = np.array([p.kind for p in versions], dtype=object)
    for kind, roles in by_kind.items():
        members = np.flatnonzero(kinds == kind)
        payloads = [versions[i] for i in members.tolist()]
        for place, role in enumerate(roles):
            texts[members, place] = role.texts(payloads)
    wanted = np.full((len(movements), len(asked)), None, dtype=object)
    for place, role in enumerate(asked):
        wanted[:, place] = role.texts(movements)
    numbers, uniques = pd.factorize(np.concatenate([texts.ravel(), wanted.ravel()]))
    numbers = numbers.astype(np.int64)
    codes = numbers[: texts.size].reshape(texts.shape)
    for place in range(1, width):  # a movement that names one key twice counts on it once
        for earlier in range(place):
            codes[codes[:, place] == codes[:, earlier], place] = -1
    slots = numbers[texts.size :].reshape(wanted.shape)
    slots[slots < 0] = NOT_DECLARED
    return codes, slots, len(uniques)


def _deltas(timeline: Timeline, codes: Ints) -> tuple[Ints, Ints]:
    """The entries as int64[d, 4] for ``kernel.replay``, and when each becomes visible."""
    entries = timeline.entries
    counted = codes[entries.version]
    index, place = np.nonzero(counted >= 0)
    slot = counted[index, place]
    deltas = np.column_stack(
        [slot, entries.what[index], entries.sign[index], entries.instant[index]]
    )
    keep = np.ones(len(deltas), dtype=bool)
    amended = np.flatnonzero(entries.amended[index])
    if len(amended):
        # What one version takes back and the next adds on the same key has not changed.
        change = pd.DataFrame(deltas[amended][:, [0, 1, 3]])
        change["movement"] = entries.movement[index[amended]]
        change["visible_from"] = entries.visible_from[index[amended]]
        keep[amended] = ~change.duplicated(keep=False).to_numpy()
    return np.ascontiguousarray(deltas[keep]), entries.visible_from[index[keep]]
