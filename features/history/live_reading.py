"""History of movements read from live state in one call, whatever they name.

To pass the thirty arrays of all states takes longer than to read a movement from them. So a call is
given where they lie: ``state_address`` and ``graph_address`` say it once, when an array is made.
"""

from collections.abc import Sequence

import numpy as np

from features.history.compiling import compiled, floats_at, inlined, ints_at
from features.history.kernel import RATE, Floats, Ints, Slots, State, derive, move_to, read
from features.history.link_kernel import Links, finds_in
from features.history.link_reading import read_link
from features.history.statistics import HALF_LIVES, INSTANTS, NEVER_DAYS

KIND, LINKED, FIRST_ROLE = 0, 1, 2
"""Places among the slots of a movement: the kind itself, whose links are read, then its roles."""
_ENTITY, _CATEGORY, _PAIR = HALF_LIVES["entity"], HALF_LIVES["category"], HALF_LIVES["pair"]
_ENTITY_LISTS, _PAIR_LISTS = INSTANTS["entity"], INSTANTS["pair"]


def state_address(state: State) -> list[int]:
    """Where a state lies, and of how many rows and words; good as long as its arrays are."""
    return [
        state.words.ctypes.data,
        *state.words.shape,
        state.nodes.ctypes.data,
        len(state.nodes),
        state.moment.ctypes.data,
        state.factors.ctypes.data,
        state.numbers.ctypes.data,
    ]


def graph_address(graph: Links) -> Ints:
    """Where a graph lies: of each array its address, rows and words; likewise."""
    arrays: Sequence[Ints] = (graph.links, graph.ends, graph.ties, graph.buckets)
    return np.array(
        [(array.ctypes.data, len(array), array.size // max(1, len(array))) for array in arrays]
    )


@inlined
def _state_at(address: Ints, half_lives: tuple[int, ...], lists: int) -> State:
    h, rows, words = len(half_lives), address[1], address[2]
    return State(
        half_lives,
        NEVER_DAYS,
        lists,
        ints_at(address[0], rows, words),
        floats_at(address[0], rows, words),
        ints_at(address[3], address[4], 2),
        ints_at(address[5], 1, 2 + 2 * h)[0],
        floats_at(address[6], 1, 3 * h)[0],
        floats_at(address[7], 1, words)[0],
    )


@inlined
def _graph_at(address: Ints) -> Links:
    links, ends, ties, buckets = address[0], address[1], address[2], address[3]
    return Links(
        0,  # of no use to who reads
        ints_at(links[0], links[1], links[2]),
        ints_at(ends[0], ends[1], ends[2]),
        ints_at(ties[0], ties[1], ties[2]),
        ints_at(buckets[0], 1, buckets[1])[0],
    )


@compiled
def read_live(
    states: Ints,
    graph: Ints,
    slots: Slots,
    as_of: int,
    start: tuple[float, float],
    strength: float,
    picks: tuple[Ints, ...],
    link_picks: Ints,
    aboard: Ints,
    nothing_aboard: Floats,
    out: Floats,
) -> None:
    """Fill all picked columns of ``out``, float64[q, F], at one instant.

    Args:
        states: int64[3, 8], ``state_address`` of each of ``GRADES``.
        graph: int64[4, 3], its ``graph_address``.
        slots: int32[q, 2 + r], q >= 1: that of the kind, the same in all rows, whose rate all
            others start from; that of the organisation whose links are read; those of the roles.
        start: the rate that the kind's own starts from, and as by how many examinations.
        picks: of each grade, as for ``kernel.read``; ``link_picks`` as for ``read_link``.
        aboard, nothing_aboard: columns, and what they are where no consignment is known.
    """
    entity = _state_at(states[0], _ENTITY, _ENTITY_LISTS)
    category = _state_at(states[1], _CATEGORY, 0)
    pair = _state_at(states[2], _PAIR, _PAIR_LISTS)
    move_to(category, as_of)
    derive(category, slots[0, KIND], as_of, start[0], start[1])
    prior = category.numbers[RATE]
    links, finds = _graph_at(graph), finds_in(entity)
    for i in range(slots.shape[0]):
        read(entity, slots, i, as_of, prior, strength, picks[0], out, i)
        read(category, slots, i, as_of, prior, strength, picks[1], out, i)
        read(pair, slots, i, as_of, prior, strength, picks[2], out, i)
        if link_picks.shape[0] > 0:
            read_link(links, finds, slots[i, LINKED], as_of, link_picks, out, i)
        for place in range(aboard.shape[0]):
            out[i, aboard[place]] = nothing_aboard[place]
