"""Rows that contradict the ledger, remembered across a crash.

Whether a row contradicts the ledger is known only once its chunk is in, and a run that goes on
after a crash does not look at that chunk again. So the conflicts of a chunk are on disk before
the ledger's mark moves past it.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from features.records import Problem

Part = Literal["movement", "outcome"]

_PROBLEMS: Mapping[str, Problem] = {
    "movement": Problem(
        "event_conflict",
        "/version",
        "the ledger holds this version of the movement with another content or time; raise its "
        "version, or correct the row or the mapping",
    ),
    "outcome": Problem(
        "event_conflict",
        "/event_id",
        "the ledger holds this message with another content or time; give it a new event_id, or "
        "correct the row or the mapping",
    ),
}


def problems_of(parts: Sequence[Part]) -> tuple[Problem, ...]:
    return tuple(_PROBLEMS[part] for part in parts)


class Conflicts:
    """Conflicting rows of one ingest, by row of all its files together; numbers only."""

    def __init__(self, path: Path | None, marked: int) -> None:
        self._path = path
        self.earlier = {n: parts for n, parts in _read(path).items() if n <= marked}
        """Of rows that an earlier run brought in."""

    @classmethod
    def of(cls, directory: Path | None, name: str, marked: int) -> "Conflicts":
        """Of the ingest of this name; without a directory nothing outlives the process."""
        return cls(None if directory is None else directory / f".{name[:16]}.conflicts", marked)

    def remember(self, rows: Mapping[int, Sequence[Part]]) -> None:
        """Returns when they are on disk."""
        if self._path is None or not rows:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = "".join(f"{number} {' '.join(parts)}\n" for number, parts in rows.items())
        with self._path.open("a", encoding="ascii") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())


def _read(path: Path | None) -> dict[int, tuple[Part, ...]]:
    """A line that a crash cut off is of a chunk that is read again."""
    found: dict[int, tuple[Part, ...]] = {}
    if path is None or not path.exists():
        return found
    complete, _, _ = path.read_text(encoding="ascii").rpartition("\n")
    for line in complete.splitlines():
        number, *parts = line.split(" ")
        found[int(number)] = tuple("movement" if p == "movement" else "outcome" for p in parts)
    return found
