"""The row functions of history: add one delta to a key, read one key. Compiled, and used by the
offline pass and the online state alike, so that both give the same bytes.

Notation of forward decay (Cormode, Shkapenyuk, Srivastava, Xu, "Forward decay", ICDE 2009,
section 3): with landmark L and half-life h, an event at t adds ``2**((t - L)/h)`` once, and a read
at t' divides the sum by ``2**((t' - L)/h)``. Nothing is touched as time passes.

- The landmark is 1970, moved by whole half-lives: ``t`` is split into ``n`` half-lives and a rest,
  the rest's power lies in [1, 2), and each key keeps the ``n`` its sums are relative to
  (``bases``). Moving a base multiplies by a power of two, which is exact, so that no date
  overflows and none before 1970 is lost.
- ``2**x`` is computed here, by a table and a polynomial of multiplications and additions, because
  libraries differ in its last bit (numpy and libm on 5 % of inputs) and rows must be the same
  bytes on every machine. It is within 2 units in the last place.
- A count that returns to 0 sets its sums to 0; no sum falls below 0.
- The instants of a key are a list, newest first, so that the last find is the last that still
  stands. It costs 16 bytes per instant.
"""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import NamedTuple, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY
from features.history.statistics import (
    EXAMINATION,
    FIND,
    HALF_LIVES,
    INSTANTS,
    MOVEMENT,
    NEVER_DAYS,
    Grade,
)

P = ParamSpec("P")
R = TypeVar("R")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNSEEN = -1
"""The slot of a key that no event has named."""
NOT_DECLARED = -2
"""The slot of a key that the movement does not have."""

COUNT, DECAYED, DAYS_SINCE_LAST, DAYS_SINCE_FIRST, FIND_RATE = range(5)
NO_NODE = -1
MAX_SHIFT = 512
"""Half-lives that a key's base may lag behind before it is moved."""
LEAST = -1074
"""Exponent of the smallest double; beyond it everything is 0."""
DAY = float(MICROS_PER_DAY)


def _powers(steps: int) -> Floats:
    """``2**(j/steps)``, correctly rounded on every machine."""
    with localcontext() as context:
        context.prec = 40
        return np.array([float(Decimal(2) ** (Decimal(j) / steps)) for j in range(steps)])


TWO_TO = np.array([0.0, *(math.ldexp(1.0, k) for k in range(LEAST, MAX_SHIFT + 1))])
STEPS = 64
POWERS = _powers(STEPS)
LN2 = 0.6931471805599453


class State(NamedTuple):
    """What is kept of ``n`` keys of one grade with ``h`` half-lives and ``k`` lists of instants."""

    half_lives: Ints
    """int64[h], microseconds."""
    never_days: float
    """``NEVER_DAYS``, as data: compiled code on disk does not notice when another file changes."""
    counts: Ints
    """int64[n, 3]: movements, examinations, finds."""
    sums: Floats
    """float64[n, 3, h], relative to ``bases``."""
    bases: Ints
    """int64[n, h], half-lives since 1970."""
    heads: Ints
    """int64[n, k]: newest node of each list."""
    newest: Ints
    oldest: Ints
    """int64[n, k]: the latest and earliest instant of each list; of no meaning when it is empty."""
    node_instants: Ints
    node_next: Ints
    nodes_used: Ints
    """int64[1]."""
    now: Ints
    shares: Floats
    """int64[h] and float64[h]: scratch of ``read``."""


def empty_state(grade: Grade, keys: int, nodes: int) -> State:
    half_lives = np.array(HALF_LIVES[grade], dtype=np.int64) * MICROS_PER_DAY
    h, k = len(half_lives), INSTANTS[grade]
    return State(
        half_lives=half_lives,
        never_days=NEVER_DAYS,
        counts=np.zeros((keys, 3), dtype=np.int64),
        sums=np.zeros((keys, 3, h)),
        bases=np.zeros((keys, h), dtype=np.int64),
        heads=np.full((keys, k), NO_NODE, dtype=np.int64),
        newest=np.zeros((keys, k), dtype=np.int64),
        oldest=np.zeros((keys, k), dtype=np.int64),
        node_instants=np.empty(nodes, dtype=np.int64),
        node_next=np.empty(nodes, dtype=np.int64),
        nodes_used=np.zeros(1, dtype=np.int64),
        now=np.zeros(h, dtype=np.int64),
        shares=np.zeros(h),
    )


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """numba in nopython mode, kept on disk beside the source; the type stays the function's own."""
    return cast(Callable[P, R], numba.njit(cache=True, error_model="numpy")(function))


@compiled
def exp2_fraction(x: float) -> float:
    """``2**x`` for x in [0, 1); exactly 1 at 0."""
    j = int(x * STEPS)
    y = (x - j / STEPS) * LN2  # below 0.0109: the seventh term is under 1e-17
    series = 1.0 + y * (
        1.0 + y * (1 / 2 + y * (1 / 6 + y * (1 / 24 + y * (1 / 120 + y * (1 / 720)))))
    )
    return float(POWERS[j] * series)


@compiled
def times_power(x: float, k: int) -> float:
    """``x * 2**k`` for k up to MAX_SHIFT; exact unless it underflows."""
    return float(x * TWO_TO[max(k - LEAST + 1, 0)])


@compiled
def split(instant: int, half_life: int) -> tuple[int, float]:
    """``instant`` as n half-lives and ``2**rest``: ``2**(instant/half_life) == 2**n * power``."""
    n = instant // half_life
    return n, exp2_fraction((instant - n * half_life) / half_life)


@compiled
def _remember(state: State, slot: int, what: int, instant: int) -> None:
    instants, after_of = state.node_instants, state.node_next
    node, head = state.nodes_used[0], state.heads[slot, what]
    state.nodes_used[0] = node + 1
    instants[node] = instant
    if head == NO_NODE or instant < state.oldest[slot, what]:
        state.oldest[slot, what] = instant
    if head == NO_NODE or instant >= state.newest[slot, what]:
        state.newest[slot, what] = instant
        state.heads[slot, what] = node
        after_of[node] = head
        return
    before = head
    while after_of[before] != NO_NODE and instants[after_of[before]] > instant:
        before = after_of[before]
    after_of[node] = after_of[before]
    after_of[before] = node


@compiled
def _forget(state: State, slot: int, what: int, instant: int) -> None:
    instants, after_of = state.node_instants, state.node_next
    before, node = NO_NODE, state.heads[slot, what]
    while node != NO_NODE and instants[node] != instant:
        before, node = node, after_of[node]
    if node == NO_NODE:
        return
    after = after_of[node]
    if before == NO_NODE:
        state.heads[slot, what] = after
        if after != NO_NODE:
            state.newest[slot, what] = instants[after]
        return
    after_of[before] = after
    if after == NO_NODE:
        state.oldest[slot, what] = instants[before]


@compiled
def update(state: State, slot: int, what: int, sign: int, instant: int) -> None:
    """Add (sign 1) or take back (sign -1) what counts from ``instant``, at that instant's weight.

    What is taken back must have been added before.
    """
    counts, sums, bases = state.counts, state.sums, state.bases
    unused = counts[slot, MOVEMENT] == 0 and counts[slot, EXAMINATION] == 0
    counts[slot, what] += sign
    gone = counts[slot, what] == 0
    for h in range(state.half_lives.shape[0]):
        n, power = split(instant, state.half_lives[h])
        if unused:
            bases[slot, h] = n
        shift = n - bases[slot, h]
        if shift > MAX_SHIFT:
            for w in range(3):
                sums[slot, w, h] = times_power(sums[slot, w, h], -shift)
            bases[slot, h] = n
            shift = 0
        total = sums[slot, what, h] + sign * times_power(power, shift)
        sums[slot, what, h] = 0.0 if gone or total < 0.0 else total
    if what < state.heads.shape[1]:
        if sign > 0:
            _remember(state, slot, what, instant)
        else:
            _forget(state, slot, what, instant)


@compiled
def read(state: State, slots: Ints, as_of: int, prior: float, picks: Ints, row: Floats) -> None:
    """Fill the picked columns of one row.

    Args:
        slots: int64[r], the slot of each role of this grade, or UNSEEN, or NOT_DECLARED.
        prior: the rate that a find rate starts from: the kind's own at ``as_of``.
        picks: int64[p, 5]: index into ``slots``, operation, what, parameter, column. The parameter
            of DECAYED is the half-life's index; of FIND_RATE, how many examinations the prior is
            worth.
        row: float64[F]; other columns are left alone.
    """
    counts, sums, bases = state.counts, state.sums, state.bases
    half_lives, now, shares = state.half_lives, state.now, state.shares
    for h in range(half_lives.shape[0]):
        now[h], power = split(as_of, half_lives[h])
        shares[h] = 1.0 / power
    for i in range(picks.shape[0]):
        slot, operation, what = slots[picks[i, 0]], picks[i, 1], picks[i, 2]
        value = 0.0
        if slot == NOT_DECLARED:
            value = math.nan
        elif operation == COUNT:
            value = float(counts[slot, what]) if slot >= 0 else 0.0
        elif operation == DECAYED:
            if slot >= 0:
                h = picks[i, 3]
                value = times_power(sums[slot, what, h] * shares[h], bases[slot, h] - now[h])
        elif operation == FIND_RATE:
            finds, examinations = 0.0, 0.0
            if slot >= 0:
                h = half_lives.shape[0] - 1
                k = bases[slot, h] - now[h]
                finds = times_power(sums[slot, FIND, h] * shares[h], k)
                examinations = times_power(sums[slot, EXAMINATION, h] * shares[h], k)
            strength = float(picks[i, 3])
            value = (finds + strength * prior) / (examinations + strength)
        else:
            value = _days_since(state, slot, what, as_of, operation == DAYS_SINCE_FIRST)
        row[picks[i, 4]] = value


@compiled
def _days_since(state: State, slot: int, what: int, as_of: int, first: bool) -> float:
    if slot < 0 or state.heads[slot, what] == NO_NODE:
        return state.never_days
    instant = state.oldest[slot, what] if first else state.newest[slot, what]
    return float(min((as_of - instant) / DAY, state.never_days))


@compiled
def apply(state: State, deltas: Ints) -> None:
    """int64[d, 4]: slot, what, sign, instant; in the order in which they count."""
    for i in range(deltas.shape[0]):
        update(state, deltas[i, 0], deltas[i, 1], deltas[i, 2], deltas[i, 3])


@compiled
def replay(
    state: State,
    deltas: Ints,
    visible_from: Ints,
    slots: Ints,
    as_of: Ints,
    priors: Floats,
    rows: Ints,
    picks: Ints,
    out: Floats,
) -> None:
    """Read every query at its instant, from the deltas with ``visible_from < as_of`` alone.

    Args:
        deltas, visible_from: int64[d, 4] and int64[d], by time.
        slots, as_of, priors, rows: int64[q, r], int64[q], float64[q] and int64[q], by ``as_of``;
            query i is written to ``out[rows[i]]``.
    """
    done = 0
    for i in range(as_of.shape[0]):
        while done < deltas.shape[0] and visible_from[done] < as_of[i]:
            update(state, deltas[done, 0], deltas[done, 1], deltas[done, 2], deltas[done, 3])
            done += 1
        read(state, slots[i], as_of[i], priors[i], picks, out[rows[i]])
