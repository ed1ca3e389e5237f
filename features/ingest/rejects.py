"""Lists of refused rows: written beside their place, complete or not at all."""

import csv
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from features.errors import InputError
from features.files.cells import ADDED
from features.files.tabular import Table, text_of
from features.records import Problem

COLUMNS = ("number", "code", "pointer", "message")
WHOLE_COLUMNS = tuple(ADDED + name for name in ("code", "pointer", "message"))


class _Listing:
    """A CSV file that only its owner can read, made when its first line comes."""

    def __init__(self, path: Path, header: Sequence[str], delimiter: str) -> None:
        self.path = path
        self._header, self._delimiter = header, delimiter
        self._file: IO[str] | None = None
        self._writer: Any = None

    def write(self, line: Sequence[Any]) -> None:
        if self._file is None:
            self._open()
        self._writer.writerow(line)

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = _aside(self.path)
        aside.unlink(missing_ok=True)  # of a run that was killed
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(aside, flags, 0o600), "w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, delimiter=self._delimiter, lineterminator="\n")
        self._writer.writerow(self._header)

    def close(self, *, keep: bool) -> bool:
        """Put the list in place, or drop it; without a line an older list goes."""
        aside = _aside(self.path)
        try:
            if self._file is not None:
                with self._file as file:
                    if not keep:
                        return False
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(self.path)
            elif keep:
                self.path.unlink(missing_ok=True)
        finally:
            aside.unlink(missing_ok=True)
        return keep and self._file is not None


class Rejects:
    """Where the refused rows of one file go: by number and reason, and whole if asked for."""

    def __init__(self, table: Table, listing: _Listing | None, whole: _Listing | None) -> None:
        self._listing, self._whole = listing, whole
        self._width = len(table.columns)
        self._own = [place for place, name in enumerate(table.columns) if is_own(name)]
        self.kept: list[Path] = []
        """Where they are, once all are written."""

    @property
    def wants_cells(self) -> bool:
        return self._whole is not None

    def write(self, number: int, cells: Sequence[Any], problems: tuple[Problem, ...]) -> None:
        """Row ``number`` (1 is the first after the header), which only the whole rows hold."""
        if self._listing is not None:
            for problem in problems:
                self._listing.write((number, *problem))
        if self._whole is not None:
            self._whole.write(self._whole_line(cells, problems))

    def _whole_line(self, cells: Sequence[Any], problems: tuple[Problem, ...]) -> list[str]:
        """A row of the wrong length stays one: it must not pass before someone looked at it."""
        own = [_written(cells[place]) if place < len(cells) else "" for place in self._own]
        surplus = [_written(cell) for cell in cells[self._width :]]
        if len(cells) < self._width:
            surplus = ["the row was too short; complete it and delete this cell"]
        reasons = ["; ".join(part) for part in zip(*problems, strict=True)]
        return [*own, *reasons, *surplus]

    def close(self, *, keep: bool) -> None:
        for listing in (self._listing, self._whole):
            if listing is not None and listing.close(keep=keep):
                self.kept.append(listing.path)


@contextmanager
def rejects_of(
    table: Table, about: str, directory: Path | None, whole: Path | None
) -> Iterator[Rejects]:
    """A list in ``directory`` and ``whole``, kept only when the block ends without an error.

    Args:
        about: what is in the file, such as ``vehicle-movements``.
    """
    listing = None
    if directory is not None:
        listing = _Listing(directory / list_name(table.path, about), COLUMNS, ",")
    rows = None
    if whole is not None:
        header = (*filter(is_own, table.columns), *WHOLE_COLUMNS)
        rows = _Listing(whole, header, table.delimiter or ",")
    rejects = Rejects(table, listing, rows)
    try:
        yield rejects
    except BaseException:
        with suppress(OSError):  # what a full disk could not take is dropped anyway
            rejects.close(keep=False)
        raise
    rejects.close(keep=True)


def list_name(path: Path, about: str) -> str:
    """Of one file and no other: files of one name in two directories have a list each."""
    place = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:8]
    return f"{path.stem}-{about}-{place}.csv"


def is_own(column: str) -> bool:
    """False for the columns that an earlier list of whole rows added."""
    return not column.startswith(ADDED)


def check_whole(path: Path, inputs: Sequence[Path]) -> None:
    """Raise before ``path`` would replace an input, or any file that is no list of ours."""
    if path.suffix.lower() != ".csv":
        raise InputError(f"--rejects writes a .csv file, not {path.name!r}; rename it")
    if not path.exists():
        return
    if any(path.samefile(other) for other in inputs if other.exists()):
        raise InputError(f"--rejects {path} is an input of this ingest; give another name")
    with path.open(encoding="utf-8", errors="replace") as file:
        if not file.readline().rstrip("\n").endswith(WHOLE_COLUMNS[-1]):
            raise InputError(f"--rejects {path} is there and no list of rejects; give another name")


def _written(cell: Any) -> str:
    """As it can be read again; a list as JSON."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, (list, dict)):
        return msgspec.json.encode(cell).decode()
    return text_of(cell)


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".partial")
