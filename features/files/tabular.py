"""A CSV or Parquet file: its header first, then its cells, batch by batch in the file's order."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from features.errors import InputError
from features.files import csv_cells, parquet_cells
from features.files.parquet_cells import SIMULATED

__all__ = ["BATCH", "SIMULATED", "Batch", "Table", "open_table", "text_of"]

BATCH = 5_000
"""Rows in memory at a time."""


class Batch(NamedTuple):
    """Some rows, column by column; a missing cell is None, text is stripped."""

    first: int
    """Number of the first row; row 1 comes right after the header."""
    size: int
    columns: Sequence[Sequence[Any]]
    """One sequence of ``size`` cells for each column of the table."""
    ragged: Mapping[int, Sequence[Any]]
    """Rows of a CSV file with more or fewer cells than the header, by place in the batch; in
    ``columns`` all their cells are None."""

    def row(self, place: int) -> Sequence[Any]:
        """The cells of one row, as many as it has."""
        if place in self.ragged:
            return self.ragged[place]
        return [column[place] for column in self.columns]


class Table(NamedTuple):
    path: Path
    columns: tuple[str, ...]
    simulated: bool
    rows_expected: int | None
    """None when only reading tells."""
    delimiter: str
    texts: frozenset[str]
    """The columns whose cells are text already: all of a CSV file, some of a Parquet file."""
    instants: frozenset[str]
    """The columns whose cells are instants already, zone included."""

    def batches(self, *, after: int = 0) -> Iterator[Batch]:
        """The rows after the first ``after`` ones, which are passed over without a look inside.

        Blank lines of a CSV file are no rows.

        Raises:
            InputError: when the file breaks off or is no text of its kind.
        """
        if self.path.suffix.lower() == ".csv":
            return _csv_batches(self, after)
        return _parquet_batches(self.path, after)

    def rows(self) -> Iterator[Sequence[Any]]:
        """Cells of one row after the other."""
        for batch in self.batches():
            yield from map(batch.row, range(batch.size))


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
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(cell)


def _csv_table(path: Path, delimiter: str) -> Table:
    columns = csv_cells.header(path, delimiter)
    return Table(
        path,
        columns,
        simulated=False,
        rows_expected=None,
        delimiter=delimiter,
        texts=frozenset(columns),
        instants=frozenset(),
    )


def _csv_batches(table: Table, after: int) -> Iterator[Batch]:
    first, width = after + 1, len(table.columns)
    for rows in csv_cells.batches(table.path, table.delimiter, size=BATCH, after=after):
        ragged = {place: row for place, row in enumerate(rows) if len(row) != width}
        for place in ragged:
            rows[place] = [None] * width
        columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True))
        yield Batch(first, len(rows), columns, ragged)
        first += len(rows)


def _parquet_table(path: Path) -> Table:
    with parquet_cells.opened(path) as file:
        schema = file.schema_arrow
        return Table(
            path,
            tuple(schema.names),
            simulated=SIMULATED in (schema.metadata or {}),
            rows_expected=file.metadata.num_rows,
            delimiter="",
            texts=parquet_cells.texts(schema),
            instants=parquet_cells.instants(schema),
        )


def _parquet_batches(path: Path, after: int) -> Iterator[Batch]:
    first = after + 1
    for columns, size in parquet_cells.batches(path, size=BATCH, after=after):
        yield Batch(first, size, columns, {})
        first += size
