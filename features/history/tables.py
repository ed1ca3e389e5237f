"""Memory that grows without a pause: keys to slots, and the states that the slots are rows of.

Memory of a key, besides its text: an entity 192 bytes and 16 for each instant, a category 64, a
pair 64 and 16 for each movement; and about 100 in the dict that finds it.
"""

from array import array
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from features.history.kernel import (
    UNSEEN,
    Ints,
    State,
    States,
    apply,
    empty_state,
    state_in,
    words_of,
)
from features.history.statistics import GRADES, Grade

V = TypeVar("V")

SHARDS = 1024
"""A dict that grows is copied whole: one of a million keys in 30 ms, one of a thousand in 30 µs."""
RESERVED = 1 << 24
"""Rows set aside for each state: addresses only, until they are written to."""
RESERVED_NODES = 1 << 26
SMALLEST = 64
"""Rows of a state where the system sets nothing aside; they are copied on doubling."""


class Sharded(Generic[V]):
    """A dict from text that is never copied whole."""

    __slots__ = ("_shards",)

    def __init__(self) -> None:
        self._shards: list[dict[str, V]] = [{} for _ in range(SHARDS)]

    def shard(self, key: str) -> dict[str, V]:
        """The dict that the key is in, if it is anywhere."""
        return self._shards[hash(key) & (SHARDS - 1)]

    def __len__(self) -> int:
        return sum(map(len, self._shards))


class Tables:
    """State of every key of every grade, and the slot that each key has."""

    def __init__(self) -> None:
        self.slots: tuple[Sharded[int], ...] = tuple(Sharded[int]() for _ in GRADES)
        self.used = [0] * len(GRADES)
        """Slots given so far, by the place of the grade."""
        self.states = States(*(_reserved(grade) for grade in GRADES))

    def slot(self, grade: int, key: str) -> int:
        """UNSEEN where no event has named the key."""
        return self.slots[grade].shard(key).get(key, UNSEEN)

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
        most = len(stream)  # instants that it may add
        self.states = States(
            *(
                _with_room(grade, state, used, most)
                for grade, state, used in zip(GRADES, self.states, self.used, strict=True)
            )
        )
        changes: Ints = np.frombuffer(array("q", stream), dtype=np.int64)
        apply(self.states, changes)


def _reserved(grade: Grade) -> State:
    try:
        words = np.zeros((RESERVED, words_of(grade)), dtype=np.int64)
        return state_in(grade, words, np.zeros((RESERVED_NODES, 2), dtype=np.int64))
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


def _longer(array: Ints, rows: int) -> Ints:
    longer = np.zeros((max(rows, 2 * len(array)), array.shape[1]), dtype=np.int64)
    longer[: len(array)] = array
    return longer
