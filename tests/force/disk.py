"""A disk whose power can fail: what was synced is there, of the rest anything may be.

The calls of a recorded run are played to it one by one. At any moment ``after_power_failure`` gives
one of the states in which the machine may come up again. What was written to a file since its last
sync is kept, lost, or torn at sectors of 512 bytes, each write by itself, in whatever order it
pleased the disk. The names of a directory that was not synced are those of some earlier moment.

References:
    Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014); SQLite, "Atomic Commit"
"""

from collections.abc import Callable, Iterable
from random import Random
from typing import NamedTuple

from tests.force.tracer import Call

SECTOR_BYTES = 512


class _Write(NamedTuple):
    offset: int
    data: bytes


class _Truncation(NamedTuple):
    size: int


_Change = _Write | _Truncation


class _File:
    """What of one file is on disk for sure, and what has been asked for since."""

    def __init__(self, content: bytes = b"") -> None:
        self.synced = bytearray(content)
        self.pending: list[_Change] = []

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.synced, change)
        self.pending = []

    def after_power_failure(self, random: Random) -> bytes:
        content, fate = bytearray(self.synced), random.choice(_FATES)
        for change in self.pending:
            for part in fate(change, random):
                _apply(content, part)
        return bytes(content)


class Disk:
    """
    Args:
        files: path to content of all that is there, and on disk, at the start.
        obeys_syncs: False for a disk that says it has synced and has not; nothing survives one.
    """

    def __init__(self, files: dict[str, bytes], *, obeys_syncs: bool = True) -> None:
        self._synced_names = {path: _File(content) for path, content in files.items()}
        self._names = [dict(self._synced_names)]
        """Path to file after each change of a name since the last sync of the directory."""
        self._obeys_syncs = obeys_syncs

    def play(self, call: Call) -> None:
        names = self._names[-1]
        if call.name == "openat":
            if call.path not in names:
                self._names.append(names | {call.path: _File()})
        elif call.name == "unlink":
            self._names.append({path: file for path, file in names.items() if path != call.path})
        elif call.name == "rename":
            moved = {path: file for path, file in names.items() if path != call.source}
            self._names.append(moved | {call.path: names[call.source]})
        elif call.name in ("fsync", "fdatasync"):
            self._sync(call.path)
        elif call.path in names:
            names[call.path].pending.append(_change(call))

    def _sync(self, path: str) -> None:
        if not self._obeys_syncs:
            return
        if path in self._names[-1]:
            self._names[-1][path].sync()
        else:  # the directory
            self._names = self._names[-1:]

    def after_power_failure(self, random: Random) -> dict[str, bytes]:
        """Path to content of what is there when the machine comes up again."""
        names = random.choice(self._names)
        return {path: file.after_power_failure(random) for path, file in names.items()}


def _change(call: Call) -> _Change:
    if call.name == "pwrite64":
        return _Write(call.offset, call.data)
    if call.name == "ftruncate":
        return _Truncation(call.offset)
    raise AssertionError(f"{call.name} of {call.path}: this disk has not learnt that")


def _apply(content: bytearray, change: _Change) -> None:
    if isinstance(change, _Truncation):
        content[change.size :] = bytes(max(change.size - len(content), 0))
        return
    if len(content) < change.offset:
        content.extend(bytes(change.offset - len(content)))
    content[change.offset : change.offset + len(change.data)] = change.data


def _kept(change: _Change, _: Random) -> Iterable[_Change]:
    return [change]


def _lost(_: _Change, __: Random) -> Iterable[_Change]:
    return []


def _torn(change: _Change, random: Random) -> Iterable[_Change]:
    """Some sectors of it; a truncation is one change of the inode."""
    if isinstance(change, _Truncation):
        return [change] * random.randrange(2)
    parts, at = [], 0
    while at < len(change.data):
        size = SECTOR_BYTES - (change.offset + at) % SECTOR_BYTES
        if random.randrange(2):
            parts.append(_Write(change.offset + at, change.data[at : at + size]))
        at += size
    return parts


def _any(change: _Change, random: Random) -> Iterable[_Change]:
    return random.choice((_kept, _lost, _torn))(change, random)


_FATES: tuple[Callable[[_Change, Random], Iterable[_Change]], ...] = (
    _kept,
    _lost,
    _torn,
    _any,
    _any,
)
"""Of all that is pending in one file; the last ones decide for each write."""
