"""Live history in compiled calls that are given where it lies, not its thirty arrays.

To take these arrays apart would take longer than to read a movement from them, or to count one. So
``state_address`` and ``graph_address`` say where they are, once, whenever an array is made.
"""

import numpy as np

from features.history.compiling import compiled, floats_at, inlined, ints_at
from features.history.kernel import (
    RATE,
    Floats,
    Ints,
    Slots,
    State,
    apply,
    derive,
    move_to,
    read,
)
from features.history.link_kernel import Links, apply_links, finds_in
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
    """Where a graph lies: of each array its address, rows and words; and its ``most_tied``."""
    arrays = (graph.links, graph.ends, graph.ties)
    return np.array(
        [
            *((array.ctypes.data, *array.shape) for array in arrays),
            (graph.buckets.ctypes.data, 1, len(graph.buckets)),
            (graph.most_tied, 0, 0),
        ]
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
        address[4, 0],
        ints_at(links[0], links[1], links[2]),
        ints_at(ends[0], ends[1], ends[2]),
        ints_at(ties[0], ties[1], ties[2]),
        ints_at(buckets[0], buckets[1], buckets[2])[0],
    )


@inlined
def _states_at(addresses: Ints) -> tuple[State, State, State]:
    return (
        _state_at(addresses[0], _ENTITY, _ENTITY_LISTS),
        _state_at(addresses[1], _CATEGORY, 0),
        _state_at(addresses[2], _PAIR, _PAIR_LISTS),
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
        graph: int64[5, 3], its ``graph_address``.
        slots: int32[q, 2 + r], q >= 1: that of the kind, the same in all rows, whose rate all
            others start from; that of the organisation whose links are read; those of the roles.
        start: the rate that the kind's own starts from, and as by how many examinations.
        picks: of each grade, as for ``kernel.read``; ``link_picks`` as for ``read_link``.
        aboard, nothing_aboard: columns, and what they are where no consignment is known.
    """
    entity, category, pair = _states_at(states)
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


NOTHING_COUNTED = -1


@compiled
def apply_live(states: Ints, graph: Ints, stream: Ints, counted_to: int) -> int:
    """Count what changed, keys first and their links then.

    Args:
        states, graph: as for ``read_live``.
        stream: as for ``kernel.apply``.
        counted_to: where a call stopped that found no room for ties; else ``NOTHING_COUNTED``.

    Returns:
        As ``link_kernel.apply_links``.
    """
    entity, category, pair = _states_at(states)
    if counted_to == NOTHING_COUNTED:
        apply(entity, category, pair, stream)
    return apply_links(_graph_at(graph), finds_in(entity), stream, max(counted_to, 0))
