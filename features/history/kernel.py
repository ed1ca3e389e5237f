"""The row functions of history: add one change to a key, read one key. Compiled, and used by the
offline pass and the online state alike, so that both give the same bytes.

Notation of forward decay (Cormode, Shkapenyuk, Srivastava, Xu, "Forward decay", ICDE 2009,
section 3): with landmark L and half-life h, an event at t adds ``2**((t - L)/h)`` once, and a read
at t' divides the sum by ``2**((t' - L)/h)``. Nothing is touched as time passes.

- Time is cut into *eras* of 512 weeks, and the landmark of an era and a half-life is the last
  whole half-life since 1970 at which the era has not begun. Powers then lie between 1 and 2**513,
  are the same for every key, and are computed once an instant. A key keeps the era of its sums and
  is moved when a later one touches it: a multiplication by a power of two, which is exact, so that
  no date overflows and none before 1970 is lost.
- ``2**x`` is computed here, by a table and a polynomial of multiplications and additions, because
  libraries differ in its last bit (numpy and libm on 5 % of inputs) and rows must be the same
  bytes on every machine. It is within 2 units in the last place.
- A count that returns to 0 sets its sums to 0; no sum falls below 0.
- The instants of a key are a list, newest first: the last find is the last that still stands.
- What is kept of a key is one row of words, whole cache lines: 24 words for an entity, 8 for the
  others. All 0 is a key of which nothing is known; so is row 0, which stands for unseen keys.
"""

import math
from decimal import Decimal, localcontext
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY
from features.history.compiling import compiled, inlined, prefetch
from features.history.statistics import MOVEMENT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Slots = NDArray[np.int32]

UNSEEN = 0
"""The slot of a key that no event has named; others count from 1."""
NOT_DECLARED = -1
"""The slot of a key that the movement does not have."""

RATE, ERA, COUNTS, SUMS = 0, 0, 1, 4
"""Words of a key: its era; float64[3], movements, examinations and finds; float64[3, h] relative
to the era's landmarks. Then int64[k] each: newest instant, newest node; then the oldest instant of
a movement. Instants are kept as ``instant + OFFSET``, so that 0 is before everything."""
OFFSET = 1 << 62
NO_NODE = 0
SPAN = 512 * 7 * MICROS_PER_DAY
"""Microseconds of an era."""
LEAST, MOST = -1074, 520
"""Exponents of the smallest double, beyond which everything is 0, and of more than any power."""
DAY = float(MICROS_PER_DAY)
AHEAD = 4
"""Queries and changes from reading a key to needing it."""


def _powers(steps: int) -> Floats:
    """``2**(j/steps)``, correctly rounded on every machine."""
    with localcontext() as context:
        context.prec = 40
        return np.array([float(Decimal(2) ** (Decimal(j) / steps)) for j in range(steps + 1)])


TWO_TO = np.array([0.0, *(math.ldexp(1.0, k) for k in range(LEAST, MOST + 1))])
STEPS = 64
POWERS = _powers(STEPS)
LN2 = 0.6931471805599453


class State(NamedTuple):
    """What is kept of keys of one grade with ``h`` half-lives and ``k`` lists of instants."""

    half_lives: tuple[int, ...]
    """Microseconds. A tuple, so that each grade is compiled for its own ``h``."""
    never_days: float
    """``NEVER_DAYS``, as data: compiled code on disk does not notice when another file changes."""
    lists: int
    """k."""
    words: Ints
    """int64[n, W], a row for each key; row 0 stays empty."""
    values: Floats
    """float64[n, W]: the same memory."""
    nodes: Ints
    """int64[m, 2]: instant, next node. Row 0 is no node; its first word is how many are used."""
    moment: Ints
    """int64[2 + 2h]: the instant that ``factors`` are of; its era; the era's landmarks, in
    half-lives since 1970; the half-lives."""
    factors: Floats
    """float64[3h]: what a sum is multiplied by when read; the weight of an event; half-lives per
    microsecond."""
    numbers: Floats
    """float64[W]: what ``read`` made of the words of one key; word 0 is the find rate."""


@inlined
def exp2_fraction(x: float) -> float:
    """``2**x`` for x in [0, 1); exactly 1 at 0."""
    j = int(x * STEPS)
    y = (x - j / STEPS) * LN2  # below 0.0109: the seventh term is under 1e-17
    series = 1.0 + y * (
        1.0 + y * (1 / 2 + y * (1 / 6 + y * (1 / 24 + y * (1 / 120 + y * (1 / 720)))))
    )
    return float(POWERS[j] * series)


@inlined
def times_power(x: float, k: int) -> float:
    """``x * 2**k`` for k up to MOST; exact unless it underflows."""
    return float(x * TWO_TO[max(k - LEAST + 1, 0)])


@compiled
def landmark(era: int, half_life: int) -> int:
    """Half-lives since 1970."""
    return int(era * SPAN) // half_life


@inlined
def move_to(state: State, instant: int) -> None:
    """Make ``moment`` and ``factors`` those of ``instant``."""
    moment, factors, H = state.moment, state.factors, len(state.half_lives)
    if moment[0] == instant:
        return
    moment[0] = instant
    era = instant // SPAN
    if moment[1] != era:
        moment[1] = era
        for h in range(H):
            moment[2 + h] = landmark(era, moment[2 + H + h])
    for h in range(H):
        half_life = moment[2 + H + h]
        since = instant - moment[2 + h] * half_life
        n = int(since * factors[2 * H + h])  # the product may be rounded up, or down
        n -= n * half_life > since
        power = exp2_fraction((since - n * half_life) * factors[2 * H + h])
        factors[h] = times_power(1.0 / power, -n)
        factors[H + h] = times_power(power, n)


@inlined
def _remember(state: State, slot: int, what: int, instant: int) -> None:
    words, nodes, k = state.words, state.nodes, state.lists
    newest = SUMS + 3 * len(state.half_lives) + what
    stored = instant + OFFSET
    node, head = nodes[0, 0] + 1, words[slot, newest + k]
    nodes[0, 0] = node
    nodes[node, 0] = stored
    if what == MOVEMENT:
        oldest = newest + 2 * k
        if head == NO_NODE or stored < words[slot, oldest]:
            words[slot, oldest] = stored
    if stored >= words[slot, newest]:
        words[slot, newest] = stored
        words[slot, newest + k] = node
        nodes[node, 1] = head
        return
    before = head
    while nodes[before, 1] != NO_NODE and nodes[nodes[before, 1], 0] > stored:
        before = nodes[before, 1]
    nodes[node, 1] = nodes[before, 1]
    nodes[before, 1] = node


@inlined
def _forget(state: State, slot: int, what: int, instant: int) -> None:
    words, nodes, k = state.words, state.nodes, state.lists
    newest = SUMS + 3 * len(state.half_lives) + what
    stored = instant + OFFSET
    before, node = NO_NODE, words[slot, newest + k]
    while node != NO_NODE and nodes[node, 0] != stored:
        before, node = node, nodes[node, 1]
    if node == NO_NODE:
        return
    after = nodes[node, 1]
    if before == NO_NODE:
        words[slot, newest + k] = after
        words[slot, newest] = nodes[after, 0] if after != NO_NODE else 0
    else:
        nodes[before, 1] = after
    if what == MOVEMENT and after == NO_NODE:
        words[slot, newest + 2 * k] = nodes[before, 0] if before != NO_NODE else 0


@inlined
def _shift(state: State, slot: int, h: int) -> int:
    """Half-lives from the moment's landmark to that of the key's era."""
    half_life = state.moment[2 + len(state.half_lives) + h]
    return int(landmark(state.words[slot, ERA], half_life) - state.moment[2 + h])


@compiled
def _change_era(state: State, slot: int) -> None:
    """Move a key's sums to the moment's landmarks, which are later."""
    values, H = state.values, len(state.half_lives)
    for h in range(H):
        shift = _shift(state, slot, h)
        for word in range(SUMS + h, SUMS + 3 * H, H):
            values[slot, word] = times_power(values[slot, word], shift)
    state.words[slot, ERA] = state.moment[1]


@inlined
def update(state: State, slot: int, what: int, sign: int, instant: int) -> None:
    """Add (sign 1) or take back (sign -1) what counts from ``instant``, at that instant's weight.

    What is taken back must have been added before.
    """
    move_to(state, instant)
    words, values, factors = state.words, state.values, state.factors
    H, era = len(state.half_lives), state.moment[1]
    if words[slot, ERA] != era:
        if values[slot, COUNTS] + values[slot, COUNTS + 1] + values[slot, COUNTS + 2] == 0.0:
            words[slot, ERA] = era
        elif words[slot, ERA] < era:
            _change_era(state, slot)
    ahead = words[slot, ERA] != era
    count = values[slot, COUNTS + what] + sign
    values[slot, COUNTS + what] = count
    for h in range(H):
        weight = factors[H + h]
        if ahead:
            weight = times_power(weight, -_shift(state, slot, h))
        word = SUMS + what * H + h
        total = values[slot, word] + sign * weight
        values[slot, word] = 0.0 if count == 0.0 or total < 0.0 else total
    if what < state.lists:
        if sign > 0:
            _remember(state, slot, what, instant)
        else:
            _forget(state, slot, what, instant)


@inlined
def derive(state: State, slot: int, as_of: int, prior: float, strength: float) -> None:
    """Fill ``numbers`` from the words of one key; ``moment`` is that of ``as_of``."""
    words, values, factors, numbers = state.words, state.values, state.factors, state.numbers
    H, behind = len(state.half_lives), words[slot, ERA] != state.moment[1]
    for what in range(3):
        numbers[COUNTS + what] = values[slot, COUNTS + what]
    for h in range(H):
        factor = factors[h]
        if behind:
            factor = times_power(factor, _shift(state, slot, h))
        for word in range(SUMS + h, SUMS + 3 * H, H):
            numbers[word] = values[slot, word] * factor
    first = SUMS + 3 * H
    if state.lists > 0:
        for what in range(state.lists):
            ago = (as_of + OFFSET - words[slot, first + what]) / DAY
            numbers[first + what] = min(ago, state.never_days)
        oldest = first + 2 * state.lists
        numbers[oldest] = min((as_of + OFFSET - words[slot, oldest]) / DAY, state.never_days)
    if H > 0:
        finds, examinations = numbers[SUMS + 3 * H - 1], numbers[SUMS + 2 * H - 1]
        numbers[RATE] = (finds + strength * prior) / (examinations + strength)


@inlined
def read(
    state: State, slots: Slots, query: int, as_of: int, prior: float, strength: float,
    picks: Ints, out: Floats, row: int,
) -> None:  # fmt: skip
    """Fill the picked columns of ``out[row]``.

    Args:
        slots: int32[q, r], the slot of each role of this grade, or UNSEEN, or NOT_DECLARED.
        query: which row of ``slots`` to read.
        prior, strength: the rate that a find rate starts from, and as by how many examinations.
        picks: int64[p, 3]: index into the slots, rising; word, RATE for the find rate; column.
        out: float64[n, F]; other columns are left alone.
    """
    move_to(state, as_of)
    place, slot = -1, NOT_DECLARED
    for i in range(picks.shape[0]):
        if picks[i, 0] != place:
            place = picks[i, 0]
            slot = slots[query, place]
            if slot >= 0:
                derive(state, slot, as_of, prior, strength)
        out[row, picks[i, 2]] = state.numbers[picks[i, 1]] if slot >= 0 else math.nan


class Changes(NamedTuple):
    """What counts, in the order in which it takes effect."""

    of: NDArray[np.int32]
    """int32[e]: the row of keys it counts on."""
    what: NDArray[np.int8]
    sign: NDArray[np.int8]
    instant: Ints
    """As for ``update``."""
    visible_from: Ints
    """int64[e], rising: seen by every later ``as_of``."""
    unchanged: NDArray[np.bool_]
    """bool[e, c]: this key is as it was. bool[0, 0] where each change is one."""


@inlined
def _apply_one(state: State, changes: Changes, i: int, keys: Slots) -> None:
    sparse = changes.unchanged.shape[0] > 0
    for place in range(keys.shape[1]):
        slot = keys[changes.of[i], place]
        if slot > 0 and not (sparse and changes.unchanged[i, place]):
            update(state, slot, changes.what[i], changes.sign[i], changes.instant[i])


@inlined
def _prefetch(state: State, keys: Slots, row: int) -> None:
    first, bytes_of_key = state.words.ctypes.data, state.words.shape[1] * 8
    for place in range(keys.shape[1]):
        key = first + keys[row, place] * bytes_of_key
        for line in range(0, bytes_of_key, 64):
            prefetch(key + line)


@compiled
def replay(
    state: State, changes: Changes, keys: Slots, slots: Slots, as_of: Ints, priors: Floats,
    strength: float, rows: Ints, picks: Ints, out: Floats,
) -> None:  # fmt: skip
    """Read every query at its instant, from the changes with ``visible_from < as_of`` alone.

    Args:
        keys: int32[v, c]: slots that ``changes.of`` counts on, or NOT_DECLARED.
        slots, as_of, priors, rows: int32[q, r], int64[q], float64[q] and int64[q], by ``as_of``;
            query i is written to ``out[rows[i]]``.
    """
    of, visible_from, done = changes.of, changes.visible_from, 0
    first, bytes_of_row = keys.ctypes.data, keys.shape[1] * 4
    for i in range(as_of.shape[0]):
        if i + AHEAD < as_of.shape[0]:
            _prefetch(state, slots, i + AHEAD)
        while done < of.shape[0] and visible_from[done] < as_of[i]:
            if done + 2 * AHEAD < of.shape[0]:
                prefetch(first + of[done + 2 * AHEAD] * bytes_of_row)
                _prefetch(state, keys, of[done + AHEAD])
            _apply_one(state, changes, done, keys)
            done += 1
        read(state, slots, i, as_of[i], priors[i], strength, picks, out, rows[i])


@inlined
def apply(entity: State, category: State, pair: State, stream: Ints) -> None:
    """Count what changed, in the order in which it counts.

    Args:
        stream: int64[m], for each change: what, sign, instant, how many keys, and so many keys,
            each ``slot * 3`` and the place of its grade in ``GRADES``; links are negative.
    """
    i = 0
    while i < stream.shape[0]:
        what, sign, instant, end = stream[i], stream[i + 1], stream[i + 2], i + 4 + stream[i + 3]
        for j in range(i + 4, end):
            slot, grade = stream[j] // 3, stream[j] % 3
            if grade == 0 and slot > 0:
                update(entity, slot, what, sign, instant)
            elif grade == 1 and slot > 0:
                update(category, slot, what, sign, instant)
            elif slot > 0:
                update(pair, slot, what, sign, instant)
        i = end
