"""CSV files as lists of cells, with the byte at which a broken one breaks."""

import csv
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

from features.errors import InputError

LONGEST_LINE = 1 << 20
"""Bytes; a file without line ends must not be read into memory whole."""
NO_VALUE = frozenset({"", "NaN", "nan", "NULL", "null"})  # not NA: that is Namibia

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SEPARATORS = ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (",", "commas"))

_OTHER_FORMATS = (
    (b"PAR1", "a Parquet file; rename it to .parquet"),
    (b"\x1f\x8b", "a gzip file; unpack it"),
    (b"PK\x03\x04", "a zip file or a workbook; unpack it, or save it as CSV UTF-8"),
)
"""How files begin that are no text, and what to do with one."""

Cells = list[str | None]


class _Lines:
    """The lines of a file as text; knows where in the file it is."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file
        self.number = 0
        self.offset = 0
        """Bytes before the line after this one."""

    def __iter__(self) -> Iterator[str]:
        for raw in iter(partial(self._file.readline, LONGEST_LINE + 1), b""):
            self.number += 1
            if len(raw) > LONGEST_LINE:
                raise InputError(
                    f"{self._path} line {self.number} at byte {self.offset} is longer than "
                    f"{LONGEST_LINE} bytes; save it as CSV with line ends"
                )
            start, self.offset = self.offset, self.offset + len(raw)
            try:
                yield raw.removeprefix(_BYTE_ORDER_MARK).decode() if start == 0 else raw.decode()
            except UnicodeDecodeError as exc:
                offset = self.offset - len(exc.object) + exc.start
                raise InputError(
                    f"{self._path} is not UTF-8 text: line {self.number}, byte offset {offset} "
                    f"holds 0x{exc.object[exc.start]:02x}; save it as CSV UTF-8"
                ) from exc


def header(path: Path, delimiter: str) -> tuple[str, ...]:
    """The names of the columns.

    Raises:
        InputError: when there is no header, or it is separated by something else.
    """
    _check_format(path)
    cells = next(_rows(path, delimiter), [])
    columns = tuple(cell.strip() for cell in cells)
    if not any(columns):
        raise InputError(f"{path} has no header line; its first line names the columns")
    if len(columns) == 1:
        for other, name in _SEPARATORS:
            if other != delimiter and other in columns[0]:
                written = '"\\t"' if other == "\t" else f'"{other}"'
                raise InputError(
                    f"{path} is separated by {name}, not by {delimiter!r}; save it with "
                    f"{delimiter!r}, or say delimiter = {written} under [formats] of a mapping"
                )
    return columns


def _check_format(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4)
    for beginning, what in _OTHER_FORMATS:
        if start.startswith(beginning):
            raise InputError(f"{path} is named .csv and begins like {what}")


def separator(path: Path) -> str:
    """The likely separator of a file: the one that its header has most of."""
    _check_format(path)
    with path.open("rb") as file:
        line = next((line for line in _Lines(path, file) if line.strip()), "")
    return max((",", ";", "\t", "|"), key=line.count)


def batches(path: Path, delimiter: str, *, size: int, after: int) -> Iterator[list[Cells]]:
    """Rows after the header and ``after`` further ones, ``size`` at a time.

    Raises:
        InputError: for a file that is not UTF-8 text, or a quote that is not closed.
    """
    rows = islice(_rows(path, delimiter), 1 + after, None)
    while batch := list(islice(rows, size)):
        yield [[None if (t := cell.strip()) in NO_VALUE else t for cell in row] for row in batch]


def _rows(path: Path, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_LINE)  # a list of positions is longer than the usual limit
    with path.open("rb") as file:
        lines = _Lines(path, file)
        line, offset = 1, 0
        try:
            for row in csv.reader(lines, delimiter=delimiter, strict=True):
                line, offset = lines.number + 1, lines.offset
                if row:
                    yield row
        except csv.Error as exc:
            raise InputError(
                f"{path}: the row that begins at line {line}, byte offset {offset}, is no CSV "
                f"({exc}); look for a quote that is not closed"
            ) from exc
