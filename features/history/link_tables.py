"""The graph of links in memory that grows without a pause.

A link is found by the slots of its ends. It takes 64 bytes and about 100 for what finds it; an
entity 64, whether it has links or not; a tie 64.
"""

from typing import NamedTuple, Self

import numpy as np

from features.history.kernel import Ints
from features.history.layout import in_lines
from features.history.link_kernel import (
    CONNECTOR,
    COUNT,
    NONE,
    ORGANISATION,
    Links,
    index_ties,
)
from features.history.links import MOST_TIED
from features.history.live_kernel import NOTHING_COUNTED, apply_live, graph_address

LINK_WORDS, END_WORDS, SIDE_WORDS = 8, 8, 4
BUCKETS = 1 << 20
"""8 MB of addresses; ten million ties are ten to a bucket."""
RESERVED = 1 << 24
"""Rows set aside for each array: addresses only, until they are written to."""
ROOM = 1 << 10
"""Rows more than needed where the system sets nothing aside; they are copied on doubling."""
SHARDS = 1024
LAST_SHARD = SHARDS - 1
HIGH = 32
"""Bits that a slot is shifted by to stand before another in one number."""


class Graph(NamedTuple):
    """What is kept of a ``Links``; there may be room after what is used."""

    links: Ints
    """int64[1 + l, 8]; the first word of row 0, which is no link, is how many are used."""
    ends: Ints
    """int64[1 + entities, 8]"""
    ties: Ints
    """int64[2 + 2t, 4]"""

    @property
    def links_used(self) -> int:
        return int(self.links[NONE, COUNT])

    @property
    def sides_used(self) -> int:
        """With the two of row 0."""
        return 2 * int(self.ties[NONE, 0]) + 2


class LinkTable:
    """The graph, and the number that each link has."""

    def __init__(self) -> None:
        self._numbers: list[dict[int, int]] = [{} for _ in range(SHARDS)]
        graph = Graph(room_for_links(1), room_for_ends(1), room_for_sides(2))
        self._keep(graph, np.zeros(BUCKETS, dtype=np.int64))

    @classmethod
    def of(cls, graph: Graph) -> Self:
        """What ``graph`` told; it goes on in its arrays, and copies those without room."""
        made = cls()
        index_ties(graph.ties, made._buckets)
        made._keep(graph, made._buckets)
        made._learn_all()
        return made

    def _learn_all(self) -> None:
        """All links of the graph; shard by shard, as in ``tables``."""
        rows = self._graph.links[1 : self._graph.links_used + 1]
        organisation, connector = rows[:, ORGANISATION], rows[:, CONNECTOR]
        shard_of = (organisation + connector) & LAST_SHARD
        order = np.argsort(shard_of.astype(np.int16), kind="stable")
        keys = (organisation << HIGH | connector)[order].tolist()
        numbers = (order + 1).tolist()
        start = 0
        ends = np.cumsum(np.bincount(shard_of, minlength=SHARDS)).tolist()
        for shard, end in zip(self._numbers, ends, strict=True):
            shard.update(zip(keys[start:end], numbers[start:end], strict=True))
            start = end

    def _keep(self, graph: Graph, buckets: Ints) -> None:
        self._graph, self._buckets = graph, buckets
        self._used, self._rows = graph.links_used, len(graph.links)
        self.address = graph_address(Links(MOST_TIED, *graph, buckets))
        """Where it lies, as ``live_kernel.read_live`` takes it."""

    def graph(self, entities: int) -> Graph:
        """All that is used, of so many entities; the arrays are not copied."""
        links, ends, ties = graph = self._graph
        return Graph(links[: graph.links_used + 1], ends[: entities + 1], ties[: graph.sides_used])

    def learn(self, organisation: int, connector: int) -> int:
        """The link of these slots as ``kernel.apply`` takes it; a new one gets a number."""
        shard = self._numbers[(organisation + connector) & LAST_SHARD]
        key = organisation << HIGH | connector
        number = shard.get(key)
        if number is None:
            number = self._used + 1
            if number >= self._rows:
                self._grow(links=number)
            shard[key] = self._used = number
            links = self._graph.links
            links[NONE, COUNT] = number
            links[number, ORGANISATION] = organisation
            links[number, CONNECTOR] = connector
        return -number

    def apply(self, states: Ints, entities: int, stream: Ints) -> None:
        """Count a stream on the states and on the links between their entities.

        Args:
            states: as ``live_kernel.apply_live`` takes them.
            entities: how many slots are given.
        """
        if entities >= len(self._graph.ends):
            self._grow(ends=entities)
        done = apply_live(states, self.address, stream, NOTHING_COUNTED)
        while done < len(stream):
            self._grow(sides=len(self._graph.ties) + len(stream))
            done = apply_live(states, self.address, stream, done)

    def _grow(self, links: int = 0, ends: int = 0, sides: int = 0) -> None:
        """Room for rows of these numbers."""
        old = self._graph
        graph = Graph(
            _longer(old.links, old.links_used + 1, links),
            _longer(old.ends, len(old.ends), ends),
            _longer(old.ties, old.sides_used, sides),
        )
        self._keep(graph, self._buckets)


def room_for_links(rows: int) -> Ints:
    """So many rows, all 0, and those that come."""
    return _room(rows, LINK_WORDS)


def room_for_ends(rows: int) -> Ints:
    """Likewise."""
    return _room(rows, END_WORDS)


def room_for_sides(rows: int) -> Ints:
    """Likewise."""
    return _room(rows, SIDE_WORDS)


def _room(rows: int, words: int) -> Ints:
    try:
        return in_lines(max(rows, RESERVED), words)
    except MemoryError:  # a system that sets no more aside than it has
        return in_lines(rows + ROOM, words)


def _longer(old: Ints, used: int, last: int) -> Ints:
    """The same rows, or a copy that has the row ``last`` too."""
    if last < len(old):
        return old
    longer = in_lines(max(last + 1, 2 * len(old)), old.shape[1])
    longer[:used] = old[:used]
    return longer
