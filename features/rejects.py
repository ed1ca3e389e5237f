"""The list of refused rows of one file: written beside, complete or not at all."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from features.records import Problem

COLUMNS = ("number", "movement_ref", "code", "pointer", "message")


class Rejects:
    """Where refused rows go; ``path`` is None when they are only counted."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.written = 0
        self._file: IO[str] | None = None
        self._writer: Any = None

    def write(self, number: int, movement_ref: str | None, problems: tuple[Problem, ...]) -> None:
        """One line for each problem of row ``number`` (1 is the first row after the header)."""
        self.written += 1
        if self.path is None:
            return
        if self._file is None:
            self._open(self.path)
        for problem in problems:
            self._writer.writerow((number, movement_ref, *problem))

    def _open(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        # The references are plain here, so the file is its owner's alone.
        self._file = os.fdopen(os.open(_aside(path), flags, 0o600), "w", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def close(self, *, keep: bool) -> None:
        """Put the list in place, or drop it; without a refused row an older list goes."""
        if self._file is not None:
            self._file.close()
        if self.path is None:
            return
        if self._file is not None and keep:
            _aside(self.path).replace(self.path)
        elif self._file is not None:
            _aside(self.path).unlink()
        elif keep:
            self.path.unlink(missing_ok=True)


@contextmanager
def rejects_of(file: Path, kind: str, directory: Path | None) -> Iterator[Rejects]:
    """``directory/FILE-KIND.csv``, kept only when the block ends without an error."""
    rejects = Rejects(None if directory is None else directory / f"{file.stem}-{kind}.csv")
    try:
        yield rejects
    except BaseException:
        rejects.close(keep=False)
        raise
    rejects.close(keep=True)


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".partial")
