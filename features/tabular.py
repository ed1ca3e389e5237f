"""Rows of a CSV or Parquet file, streamed: a header, then cells in the file's order."""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import InputError

BATCH = 8_192
SIMULATED = b"foreland.simulated"
"""Key of the Parquet schema metadata that marks what no border ever saw."""

_NO_VALUE = frozenset({"", "NaN", "nan", "NULL", "null"})  # not NA: that is Namibia


class Table(NamedTuple):
    path: Path
    columns: tuple[str, ...]
    simulated: bool
    rows_expected: int | None
    """None when only reading tells."""
    delimiter: str
    texts: frozenset[str]
    """The columns whose cells are text already: all of a CSV file, some of a Parquet file."""

    def rows(self) -> Iterator[Sequence[Any]]:
        """Cells of one row after the other; a missing cell is None, text is stripped.

        A CSV row may have more or fewer cells than there are columns: the reader of the row
        refuses it. Blank lines are no rows.

        Raises:
            InputError: when the file breaks off or is no text of its kind.
        """
        if self.path.suffix.lower() == ".csv":
            return _csv_rows(self.path, self.delimiter)
        return _parquet_rows(self.path)


def open_table(path: Path, *, delimiter: str = ",") -> Table:
    """The file's header; its rows are read when asked for.

    Raises:
        InputError: for a missing or empty file, another suffix, a header that is none.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise InputError(f"{path} is neither .csv nor .parquet by its name; convert or rename it")
    if not path.is_file():
        raise InputError(f"no file {path}; check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty; export it again")
    table = _csv_table(path, delimiter) if suffix == ".csv" else _parquet_table(path)
    for name in table.columns:
        if table.columns.count(name) > 1:
            raise InputError(f"{path} has two columns named {name!r}; rename one")
    return table


def text_of(cell: Any) -> str:
    """How a typed cell would stand in a CSV file: codes read as numbers lose their ``.0``."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(cell)


def _csv_table(path: Path, delimiter: str) -> Table:
    header: Sequence[Any] = next(_csv_cells(path, delimiter), [])
    columns = tuple("" if name is None else name for name in header)
    if not any(columns):
        raise InputError(f"{path} has no header line; its first line names the columns")
    if len(columns) == 1:
        for other, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (",", "commas")):
            if other != delimiter and other in columns[0]:
                raise InputError(
                    f"{path} is separated by {name}, not by {delimiter!r}; save it with "
                    f"{delimiter!r}, or say delimiter = {_toml(other)} under [formats] of a mapping"
                )
    return Table(
        path,
        columns,
        simulated=False,
        rows_expected=None,
        delimiter=delimiter,
        texts=frozenset(columns),
    )


def _toml(character: str) -> str:
    return '"\\t"' if character == "\t" else f'"{character}"'


def _csv_rows(path: Path, delimiter: str) -> Iterator[Sequence[Any]]:
    rows = _csv_cells(path, delimiter)
    next(rows)
    yield from rows


def _csv_cells(path: Path, delimiter: str) -> Iterator[list[str | None]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for cells in reader:
                if cells:
                    yield [None if (t := cell.strip()) in _NO_VALUE else t for cell in cells]
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is not UTF-8 text; save it as CSV UTF-8") from exc
    except csv.Error as exc:
        raise InputError(
            f"{path} line {reader.line_num} is no CSV ({exc}); look for a quote that is not closed"
        ) from exc


def _parquet_table(path: Path) -> Table:
    with _parquet(path) as file:
        schema = file.schema_arrow
        return Table(
            path,
            tuple(schema.names),
            simulated=SIMULATED in (schema.metadata or {}),
            rows_expected=file.metadata.num_rows,
            delimiter="",
            texts=frozenset(field.name for field in schema if _holds_text(field.type)),
        )


def _parquet_rows(path: Path) -> Iterator[Sequence[Any]]:
    try:
        with _parquet(path) as file:
            for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
                yield from zip(*(_cells(column) for column in batch.columns), strict=True)
    except pa.ArrowException as exc:
        raise InputError(f"{path} breaks off or is damaged ({exc}); export it again") from exc


def _cells(column: Any) -> list[Any]:
    """Python values of an Arrow column; what is missing in any of the usual ways is None."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _holds_text(column.type):
        column = pc.utf8_trim_whitespace(column)
        column = pc.if_else(pc.is_in(column, pa.array(sorted(_NO_VALUE))), None, column)
    elif pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    elif pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    elif pa.types.is_timestamp(column.type):
        return _instants(column)
    return list(column.to_pylist())


def _instants(column: Any) -> list[datetime | None]:
    """A stored zone means that the numbers count from 1970 in UTC; without one, zone unknown."""
    zone = None if column.type.tz is None else UTC
    micros = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64())
    # By way of numpy: thirty times the speed of Arrow's own conversion to datetime.
    instants = micros.fill_null(0).to_numpy().view("M8[us]").astype(object).tolist()
    missing = column.is_null().to_pylist()
    return [
        None if none else at.replace(tzinfo=zone)
        for at, none in zip(instants, missing, strict=True)
    ]


def _holds_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as exc:
        raise InputError(f"{path} is no Parquet file ({exc}); export it again") from exc
