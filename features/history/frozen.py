"""What live history holds, as columns that can lie in a file, and as objects made when asked for.

Millions of movements stand in a ledger that has lived, and few of them are heard of again. So
what comes from a snapshot stays in its arrays: a ``Standing`` is made of its row when an event of
its movement arrives, and never for the others.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros
from features.history.kernel import State
from features.history.statistics import Grade
from features.history.view import Facts, Standing, Verdict, Version

Ints = NDArray[np.int64]
Keys = tuple[int, ...]
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

    keys: NDArray[np.signedinteger]
    """int32 or int64, of all versions one after the other."""
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


class Frozen(NamedTuple):
    """Everything that ``LiveHistory`` holds, up to ``position``."""

    position: int
    epoch: int
    applied_to: Micros | None
    newest: Mapping[str, Micros]
    newest_outcome: Mapping[str, Micros]
    tables: Mapping[Grade, tuple[Texts, State]]
    """The keys of each grade by slot, and what is kept of them."""
    versions: Versions
    movements: Movements
    waiting: Sequence[int]
    """Positions of what was heard and is not applied yet: to be read from the ledger again, so
    that no event's content lies anywhere but under its own key."""


class Places:
    """The keys of each version by its place; of later ones as they come."""

    def __init__(self, frozen: Versions | None = None) -> None:
        nothing = np.empty(0, dtype=np.int64)
        self._frozen = Versions(nothing, nothing) if frozen is None else frozen
        self._first_added = len(self._frozen.ends)
        self._added: list[Keys] = []

    def __len__(self) -> int:
        return self._first_added + len(self._added)

    def __getitem__(self, place: int) -> Keys:
        if place >= self._first_added:
            return self._added[place - self._first_added]
        keys, ends = self._frozen
        return tuple(keys[ends[place - 1] if place else 0 : ends[place]].tolist())

    def __iadd__(self, keys: Sequence[Keys]) -> Self:
        self._added += keys
        return self

    def freeze(self) -> Versions:
        frozen, ends = self._frozen
        flat = np.fromiter((key for keys in self._added for key in keys), dtype=np.int64)
        lengths = np.fromiter(map(len, self._added), dtype=np.int64, count=len(self._added))
        everything = np.concatenate([frozen, flat])
        narrow = len(everything) == 0 or everything.max() <= np.iinfo(np.int32).max
        return Versions(
            everything.astype(np.int32 if narrow else np.int64, copy=False),
            np.concatenate([ends, len(frozen) + np.cumsum(lengths)]),
        )


class Standings:
    """What stands about each movement; of a snapshot's when it is first asked for."""

    def __init__(self, frozen: Movements | None = None) -> None:
        self._frozen = _columns([]) if frozen is None else frozen
        self._made: dict[Name, Standing] = {}
        self._stale = np.zeros(len(self._frozen.numbers), dtype=bool)
        self._order, self._marks = _index(self._frozen.marks)

    def __len__(self) -> int:
        return len(self._made) + len(self._stale) - int(self._stale.sum())

    def get(self, name: Name) -> Standing | None:
        found = self._made.get(name)
        if found is None and self._marks:
            found = self._thawed(name)
        return found

    def __setitem__(self, name: Name, standing: Standing) -> None:
        self._made[name] = standing

    def freeze(self) -> Movements:
        return _and_then(_kept(self._frozen, ~self._stale), _columns(self._made.items()))

    def _thawed(self, name: Name) -> Standing | None:
        text = "|".join(name)
        mark = _mark(text.encode())
        at = bisect_left(self._marks, mark)
        while at < len(self._marks) and self._marks[at] == mark:
            row = int(self._order[at])
            if self._frozen.names.at(row) == text:
                if self._stale[row]:
                    return None
                self._stale[row] = True
                made = self._made[name] = Standing.of(_facts(self._frozen, row))
                return made
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
