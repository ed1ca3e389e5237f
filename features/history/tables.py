"""Memory that grows without a pause: keys to slots, and the states that the slots are rows of.

Memory, measured at a million keys: an entity seen once takes 330 to 365 bytes (its row 192, one
instant 16, its text 94, the rest in the dict that finds it), and 16 for each later event. The row
of a category or a pair takes 64, and a pair 16 for each movement.
"""

from array import array
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from features.history.kernel import Ints, Packed, State, apply
from features.history.layout import empty_state, in_lines, state_in, words_of
from features.history.statistics import GRADES, Grade

V = TypeVar("V")

SHARDS = 1024
"""A dict that grows is copied whole: one of a million keys in 30 ms, one of a thousand in 30 µs."""
LAST_SHARD = SHARDS - 1
RESERVED = 1 << 24
"""Rows set aside for each state: addresses only, until they are written to."""
RESERVED_NODES = 1 << 26
SMALLEST = 64
"""Rows of a state where the system sets nothing aside; they are copied on doubling."""


class Sharded(Generic[V]):
    """A dict from text that is never copied whole."""

    __slots__ = ("shards",)

    def __init__(self) -> None:
        self.shards: list[dict[str, V]] = [{} for _ in range(SHARDS)]

    def shard(self, key: str) -> dict[str, V]:
        """The dict that the key is in, if it is anywhere."""
        return self.shards[hash(key) & LAST_SHARD]


class Tables:
    """State of every key of every grade, and the slot that each key has."""

    def __init__(self) -> None:
        self.slots: tuple[Sharded[int], ...] = tuple(Sharded[int]() for _ in GRADES)
        self.used = [0] * len(GRADES)
        """Slots given so far, by the place of the grade."""
        self._keep([_reserved(grade) for grade in GRADES])

    def _keep(self, states: list[State]) -> None:
        self.states = states
        self.packed: tuple[Packed, ...] = tuple(map(tuple, states))
        """The states as ``kernel.apply`` and ``kernel.read_all`` take them."""
        self._rows = min(len(state.words) for state in states)
        self._instants = min(len(s.nodes) - int(s.nodes[0, 0]) - 1 for s in states)

    def learn(self, grade: int, key: str) -> int:
        """The key as ``kernel.apply`` takes it; it gets a slot if it has none."""
        shard = self.slots[grade].shard(key)
        slot = shard.get(key)
        if slot is None:
            self.used[grade] = slot = self.used[grade] + 1
            shard[key] = slot
        return slot * len(GRADES) + grade

    def apply(self, stream: Sequence[int]) -> None:
        """A stream as ``kernel.apply`` takes it, of keys that are learnt."""
        self._instants -= len(stream)  # it adds fewer
        if self._instants < 0 or max(self.used) >= self._rows:
            rows = zip(GRADES, self.states, self.used, strict=True)
            self._keep([_with_room(*row, added=len(stream)) for row in rows])
            self._instants -= len(stream)
        apply(self.packed, np.frombuffer(array("q", stream), dtype=np.int64))


def _reserved(grade: Grade) -> State:
    try:
        words = in_lines(RESERVED, words_of(grade))
        return state_in(grade, words, in_lines(RESERVED_NODES, 2))
    except MemoryError:  # a system that sets no more aside than it has
        return empty_state(grade, SMALLEST, SMALLEST)


def _with_room(grade: Grade, state: State, slot: int, added: int) -> State:
    """The same state, or a copy with a row for ``slot`` and room for instants."""
    words, nodes = state.words, state.nodes
    needed = int(nodes[0, 0]) + 1 + added
    if slot < len(words) and needed <= len(nodes):
        return state
    if slot >= len(words):
        words = _longer(words, slot + 1)
    if needed > len(nodes):
        nodes = _longer(nodes, needed)
    return state_in(grade, words, nodes)


def _longer(old: Ints, rows: int) -> Ints:
    longer = in_lines(max(rows, 2 * len(old)), old.shape[1])
    longer[: len(old)] = old
    return longer
