"""Memory that grows without a pause: keys to slots, and the states that the slots are rows of.

Memory, measured at a million keys: an entity seen once takes 330 to 365 bytes (its row 192, one
instant 16, its text 94, the rest in the dict that finds it), and 16 for each later event. The row
of a category or a pair takes 64, and a pair 16 for each movement.
"""

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, Self, TypeVar

import numpy as np

from features.history.kernel import SUMS, Ints, State
from features.history.layout import in_lines, state_in, words_of
from features.history.link_tables import Graph, LinkTable
from features.history.live_kernel import state_address
from features.history.statistics import GRADES, Grade

V = TypeVar("V")
Shards = list[dict[str, V]]

ENTITY, CATEGORY, PAIR = map(GRADES.index, ("entity", "category", "pair"))
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
        self.shards: Shards[V] = [{} for _ in range(SHARDS)]

    def __len__(self) -> int:
        return sum(map(len, self.shards))

    def items(self) -> Iterator[tuple[str, V]]:
        for shard in self.shards:
            yield from shard.items()

    def shard(self, key: str) -> dict[str, V]:
        """The dict that the key is in, if it is anywhere."""
        return self.shards[hash(key) & LAST_SHARD]


class Table(NamedTuple):
    """One grade, of ``n`` keys with ``m`` instants; there may be room for more after them."""

    keys: Sequence[str]
    """By their slots, which count from 1."""
    words: Ints
    """int64[1 + n, W], as in ``State``."""
    nodes: Ints
    """int64[1 + m, 2], likewise."""


class Tables:
    """State of every key of every grade, and the slot that each key has."""

    def __init__(self) -> None:
        self.slots: tuple[Sharded[int], ...] = tuple(Sharded[int]() for _ in GRADES)
        self.used = [0] * len(GRADES)
        """Slots given so far, by the place of the grade."""
        self.links = LinkTable()
        self._keep([_reserved(grade) for grade in GRADES])

    def tables(self) -> Iterator[tuple[Grade, Table]]:
        """All that is used of each grade; the arrays are not copied."""
        for grade, slots, used, state in zip(
            GRADES, self.slots, self.used, self.states, strict=True
        ):
            keys = [""] * used
            for key, slot in slots.items():
                keys[slot - 1] = key
            yield grade, Table(keys, state.words[: used + 1], state.nodes[: _used_nodes(state) + 1])

    def graph(self) -> Graph:
        """All that is used of the links; the arrays are not copied."""
        return self.links.graph(self.used[ENTITY])

    @classmethod
    def of(cls, tables: Mapping[Grade, Table], graph: Graph) -> Self:
        """What they told; it goes on in their arrays, and copies those without room."""
        made = cls()
        made.links = LinkTable.of(graph)
        for grade, slots in zip(GRADES, made.slots, strict=True):
            _learn_all(slots, tables[grade].keys)
        made.used = [len(tables[grade].keys) for grade in GRADES]
        made._keep([state_in(grade, tables[grade].words, tables[grade].nodes) for grade in GRADES])
        return made

    def _keep(self, states: list[State]) -> None:
        self.states = states
        self.addresses: Ints = np.array([state_address(state) for state in states])
        """Where they lie, as ``live_kernel.read_live`` takes it."""
        self._rows = min(len(state.words) for state in states)
        self._instants = min(len(s.nodes) - _used_nodes(s) - 1 for s in states)

    def learn(self, grade: int, key: str) -> int:
        """The key as ``kernel.apply`` takes it; it gets a slot if it has none."""
        shard = self.slots[grade].shard(key)
        slot = shard.get(key)
        if slot is None:
            self.used[grade] = slot = self.used[grade] + 1
            shard[key] = slot
        return slot * len(GRADES) + grade

    def sums(self, keys: Collection[int]) -> list[Ints]:
        """Copies of the counts and sums of each key, as ``learn`` gave it; of links there are
        none."""
        return [row.copy() for row in self._sums(keys)]

    def set_sums(self, keys: Collection[int], sums: Sequence[Ints]) -> None:
        """Back to the last bit, which taking back what was added does not reach."""
        for row, before in zip(self._sums(keys), sums, strict=True):
            row[:] = before

    def _sums(self, keys: Collection[int]) -> Iterator[Ints]:
        for key in keys:
            if key > 0:
                state = self.states[key % len(GRADES)]
                yield state.words[key // len(GRADES), : SUMS + 3 * len(state.half_lives)]

    def apply(self, stream: Sequence[int]) -> None:
        """A stream as ``kernel.apply`` takes it, of keys that are learnt."""
        self._instants -= len(stream)  # it adds fewer
        if self._instants < 0 or max(self.used) >= self._rows:
            rows = zip(GRADES, self.states, self.used, strict=True)
            self._keep([_with_room(*row, added=len(stream)) for row in rows])
            self._instants -= len(stream)
        changes = np.frombuffer(array("q", stream), dtype=np.int64)
        self.links.apply(self.addresses, self.used[ENTITY], changes)


def _learn_all(slots: Sharded[int], keys: Sequence[str]) -> None:
    """Give them the slots from 1. Shard by shard: in the order of their slots each would be looked
    for in memory that none before it has touched.
    """
    shard_of = np.fromiter(map(hash, keys), dtype=np.int64, count=len(keys)) & LAST_SHARD
    order = np.argsort(shard_of.astype(np.int16), kind="stable")
    by_shard = np.array(keys, dtype=object)[order].tolist()
    numbers = (order + 1).tolist()
    ends = np.cumsum(np.bincount(shard_of, minlength=SHARDS)).tolist()
    start = 0
    for shard, end in zip(slots.shards, ends, strict=True):
        shard.update(zip(by_shard[start:end], numbers[start:end], strict=True))
        start = end


def _used_nodes(state: State) -> int:
    return int(state.nodes[0, 0])


def _reserved(grade: Grade) -> State:
    return state_in(grade, room_for_words(grade, 1), room_for_nodes(1))


def room_for_words(grade: Grade, rows: int) -> Ints:
    """Words of so many rows, all 0, and of those that come."""
    return _room(rows, words_of(grade), RESERVED)


def room_for_nodes(rows: int) -> Ints:
    """Nodes, likewise."""
    return _room(rows, 2, RESERVED_NODES)


def _room(rows: int, words: int, reserved: int) -> Ints:
    try:
        return in_lines(max(rows, reserved), words)
    except MemoryError:  # a system that sets no more aside than it has
        return in_lines(max(rows, SMALLEST), words)


def _with_room(grade: Grade, state: State, slot: int, added: int) -> State:
    """The same state, or a copy with a row for ``slot`` and room for instants."""
    words, nodes = state.words, state.nodes
    needed = _used_nodes(state) + 1 + added
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
