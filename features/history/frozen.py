"""What live history holds, as columns that can lie in a file, and as objects made when asked for.

Millions of movements stand in a ledger that has lived, and few of them are heard of again. So
what comes from a snapshot stays in its arrays: a ``Standing`` is made of its row when an event of
its movement arrives, and never for the others.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros
from features.history.kernel import Ints
from features.history.statistics import Grade
from features.history.tables import Sharded
from features.history.view import Facts, Standing, Verdict, Version
from features.records import KINDS

Keys = Collection[int]
"""Each key once, as ``kernel.apply`` takes it."""
KEY = "i"
"""The typecode of an array of them."""
Name = tuple[str, str]
"""Kind and movement."""

NONE = -1
_OUTCOME_TEXTS = 3
"""Of each verdict: outcome, message, what it corrects."""


class Texts(NamedTuple):
    """``n`` texts one after the other."""

    blob: NDArray[np.uint8]
    """UTF-8, with a new line after each."""
    ends: Ints
    """int64[n], in bytes, after the new line."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        encoded = [text.encode() for text in texts]
        lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        blob = np.frombuffer(b"\n".join([*encoded, b""]), dtype=np.uint8)
        return cls(blob, np.cumsum(lengths + 1))

    def at(self, place: int) -> str:
        start = self.ends[place - 1] if place else 0
        return self.blob[start : self.ends[place] - 1].tobytes().decode()

    def all(self) -> list[str]:
        data, ends = self.blob.tobytes(), self.ends.tolist()
        if data.count(b"\n") == len(ends):  # no text has one of its own
            return data.decode().split("\n")[:-1]
        starts = [0, *ends[:-1]]
        return [data[start : end - 1].decode() for start, end in zip(starts, ends, strict=True)]

    def kept(self, keep: NDArray[np.bool_]) -> Self:
        lengths = np.diff(self.ends, prepend=0)
        return type(self)(self.blob[np.repeat(keep, lengths)], np.cumsum(lengths[keep]))

    def and_then(self, other: Self) -> Self:
        blob = np.concatenate([self.blob, other.blob])
        return type(self)(blob, np.concatenate([self.ends, other.ends + len(self.blob)]))


class Versions(NamedTuple):
    """Keys that each version counts on, by its place."""

    keys: NDArray[np.int32]
    """Of all versions one after the other."""
    ends: Ints


class Movements(NamedTuple):
    """What is known of ``n`` movements; ``v`` verdicts, of the movements in their order."""

    names: Texts
    """``kind|movement``."""
    marks: NDArray[np.uint64]
    """uint64[n] of each name, to find it by."""
    numbers: Ints
    """int64[n, 6]: version and digest of the highest, when it was available, its place (-1:
    none was heard), up to which version it is cancelled, since when it is known."""
    verdict_ends: Ints
    """int64[n]."""
    verdicts: Ints
    """int64[v, 5]: four truths as bits, examined_at, digest, available_at, place."""
    verdict_texts: Texts
    """Three of each verdict."""


class FrozenTable(NamedTuple):
    """As ``tables.Table``."""

    keys: Texts
    words: Ints
    nodes: Ints


class Frozen(NamedTuple):
    """Everything that ``LiveHistory`` holds, up to ``position``."""

    position: int
    epoch: int
    applied_to: Micros | None
    newest: Mapping[str, Micros]
    newest_outcome: Mapping[str, Micros]
    tables: Mapping[Grade, FrozenTable]
    versions: Versions
    movements: Movements
    carriage: Texts
    """Two of each shipment that says who carries it: its own pseudonym, its carrier's."""
    waiting: Sequence[int]
    """Positions of what was heard and is not applied yet: to be read from the ledger again, so
    that no event's content lies anywhere but under its own key."""


class Places:
    """The keys of each version by its place; of later ones as they come."""

    def __init__(self, frozen: Versions | None = None) -> None:
        nothing = Versions(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64))
        self._frozen = nothing if frozen is None else frozen
        self._first_added = len(self._frozen.ends)
        self._added: list[array[int]] = []

    def __len__(self) -> int:
        return self._first_added + len(self._added)

    def __getitem__(self, place: int) -> Keys:
        if place >= self._first_added:
            return self._added[place - self._first_added]
        keys, ends = self._frozen
        return array(KEY, keys[ends[place - 1] if place else 0 : ends[place]].tobytes())

    def append(self, keys: "array[int]") -> None:
        """
        Args:
            keys: of type ``KEY``.
        """
        self._added.append(keys)

    def freeze(self) -> Versions:
        frozen, ends = self._frozen
        added = np.frombuffer(b"".join(self._added), dtype=np.int32)
        lengths = np.fromiter(map(len, self._added), dtype=np.int64, count=len(self._added))
        return Versions(
            np.concatenate([frozen, added]),
            np.concatenate([ends, len(frozen) + np.cumsum(lengths)]),
        )


class Standings:
    """What stands about each movement; of a snapshot's when it is first asked for."""

    def __init__(self, frozen: Movements | None = None) -> None:
        self._frozen = _columns([]) if frozen is None else frozen
        self._made = {kind: Sharded[Standing]() for kind in KINDS}
        self._stale = np.zeros(len(self._frozen.numbers), dtype=bool)
        self._order, self._marks = _index(self._frozen.marks)

    def get(self, kind: str, movement: str) -> tuple[Standing, bool]:
        """What stands, and whether something is known; if not, all that is heard goes to it."""
        found = self.find(kind, movement)
        if found is not None:
            return found, True
        found = self._made[kind].shard(movement)[movement] = Standing()
        return found, False

    def find(self, kind: str, movement: str) -> Standing | None:
        """What stands; None when nothing is known."""
        shard = self._made[kind].shard(movement)
        found = shard.get(movement)
        if found is None and self._marks:
            found = self._thawed(f"{kind}|{movement}")
            if found is not None:
                shard[movement] = found
        return found

    def freeze(self) -> Movements:
        made = (
            ((kind, movement), standing)
            for kind, standings in self._made.items()
            for movement, standing in standings.items()
        )
        return _and_then(_kept(self._frozen, ~self._stale), _columns(made))

    def _thawed(self, text: str) -> Standing | None:
        """What stands in the snapshot, whose row is not used again."""
        mark = _mark(text.encode())
        at = bisect_left(self._marks, mark)
        while at < len(self._marks) and self._marks[at] == mark:
            row = int(self._order[at])
            if self._frozen.names.at(row) == text:
                self._stale[row] = True
                return Standing.of(_facts(self._frozen, row))
            at += 1
        return None


def _mark(text: bytes) -> int:
    """64 bits of a name, the same in every process; names that share them are told apart later."""
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def _index(marks: NDArray[np.uint64]) -> tuple[Ints, "array[int]"]:
    """The rows by their mark, and the marks, which rise."""
    order = np.argsort(marks)
    return order, array("Q", marks[order].tobytes())


def _columns(standings: Iterable[tuple[Name, Standing]]) -> Movements:
    names: list[str] = []
    numbers: list[tuple[int, ...]] = []
    verdicts: list[tuple[int, ...]] = []
    texts: list[str] = []
    ends: list[int] = []
    for name, standing in standings:
        highest, cancelled_to, heard, since = standing.facts()
        names.append("|".join(name))
        if highest is None or since is None:
            numbers.append((0, 0, 0, NONE, cancelled_to, 0))
        else:
            (version, digest), at, place = highest
            numbers.append((version, _signed(digest), at, place, cancelled_to, since))
        for verdict in heard:
            verdicts.append(_row_of(verdict))
            texts += (verdict.outcome, verdict.message, verdict.corrects or "")
        ends.append(len(verdicts))
    marks = [_mark(name.encode()) for name in names]
    return Movements(
        Texts.of(names),
        np.array(marks, dtype=np.uint64),
        np.array(numbers, dtype=np.int64).reshape(-1, 6),
        np.array(ends, dtype=np.int64),
        np.array(verdicts, dtype=np.int64).reshape(-1, 5),
        Texts.of(texts),
    )


def _row_of(verdict: Verdict) -> tuple[int, int, int, int, int]:
    more, examined_at, withdrawn, digest = verdict.rank
    truths = more | withdrawn << 1 | (verdict.corrects is not None) << 2
    return truths, examined_at, _signed(digest), verdict.available_at, verdict.place


def _facts(movements: Movements, row: int) -> Facts:
    version, digest, at, place, cancelled_to, since = movements.numbers[row].tolist()
    first = int(movements.verdict_ends[row - 1]) if row else 0
    verdicts = tuple(_verdict(movements, i) for i in range(first, movements.verdict_ends[row]))
    if place == NONE:
        return Facts(None, cancelled_to, verdicts, None)
    highest = Version((version, _unsigned(digest)), at, place)
    return Facts(highest, cancelled_to, verdicts, since)


def _verdict(movements: Movements, row: int) -> Verdict:
    truths, examined_at, digest, at, place = movements.verdicts[row].tolist()
    first = row * _OUTCOME_TEXTS
    outcome, message, corrects = (movements.verdict_texts.at(first + i) for i in range(3))
    rank = (bool(truths & 1), examined_at, bool(truths & 2), _unsigned(digest))
    return Verdict(rank, at, place, outcome, message, corrects if truths & 4 else None)


def _kept(movements: Movements, keep: NDArray[np.bool_]) -> Movements:
    if keep.all():
        return movements
    counts = np.diff(movements.verdict_ends, prepend=0)
    of_kept = np.repeat(keep, counts)
    return Movements(
        movements.names.kept(keep),
        movements.marks[keep],
        movements.numbers[keep],
        np.cumsum(counts[keep]),
        movements.verdicts[of_kept],
        movements.verdict_texts.kept(np.repeat(of_kept, _OUTCOME_TEXTS)),
    )


def _and_then(first: Movements, more: Movements) -> Movements:
    return Movements(
        first.names.and_then(more.names),
        np.concatenate([first.marks, more.marks]),
        np.concatenate([first.numbers, more.numbers]),
        np.concatenate([first.verdict_ends, more.verdict_ends + len(first.verdicts)]),
        np.concatenate([first.verdicts, more.verdicts]),
        first.verdict_texts.and_then(more.verdict_texts),
    )


def _signed(digest: int) -> int:
    """64 bits as numpy's int64 has them."""
    return digest - (1 << 64) if digest >> 63 else digest


def _unsigned(number: int) -> int:
    return number & 0xFFFF_FFFF_FFFF_FFFF
