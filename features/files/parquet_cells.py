"""Parquet files as columns of Python values, a batch of rows at a time."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import InputError
from features.files.csv_cells import NO_VALUE

SIMULATED = b"foreland.simulated"
"""Key of the schema metadata that marks what no border ever saw."""
BUFFER_BYTES = 1 << 18
"""Read-ahead for each column; without it a whole row group is read into memory."""
RUN_ROWS = 100_000
"""Rows after which a new reader is made."""


def opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, buffer_size=BUFFER_BYTES, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as exc:
        raise InputError(f"{path} is no Parquet file ({exc}); export it again") from exc


def texts(schema: pa.Schema) -> frozenset[str]:
    return frozenset(field.name for field in schema if _holds_text(field.type))


def instants(schema: pa.Schema) -> frozenset[str]:
    return frozenset(
        field.name
        for field in schema
        if pa.types.is_timestamp(field.type) and field.type.tz is not None
    )


def batches(path: Path, *, size: int, after: int) -> Iterator[tuple[list[list[Any]], int]]:
    """The columns of ``size`` rows at a time, and how many rows they have.

    Raises:
        InputError: when the file breaks off.
    """
    try:
        with opened(path) as file:
            for groups in _runs(file.metadata, after):
                for batch in file.iter_batches(size, row_groups=groups.of, use_threads=False):
                    wanted = batch.slice(min(groups.skip, batch.num_rows))
                    groups.skip -= batch.num_rows - wanted.num_rows
                    if wanted.num_rows:
                        yield [_cells(column) for column in wanted.columns], wanted.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path} breaks off or is damaged ({exc}); export it again") from exc


class _Run:
    """Neighbouring row groups that are read in one go."""

    def __init__(self, skip: int) -> None:
        self.of: list[int] = []
        self.rows = 0
        self.skip = skip
        """Rows at the start that are passed over."""


def _runs(metadata: pq.FileMetaData, after: int) -> Iterator[_Run]:
    """The row groups behind the first ``after`` rows.

    A reader keeps what it has read of the file until it is dropped, so one for all row groups
    would end up with all of the file in memory; one for each would be slow where they are small.
    """
    run = _Run(after)
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if not run.of and run.skip >= rows:
            run.skip -= rows
            continue
        run.of.append(group)
        run.rows += rows
        if run.rows >= RUN_ROWS:
            yield run
            run = _Run(0)
    if run.of:
        yield run


def _cells(column: Any) -> list[Any]:
    """Python values of an Arrow column; what is missing in any of the usual ways is None."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _holds_text(column.type):
        column = pc.utf8_trim_whitespace(column)
        column = pc.if_else(pc.is_in(column, pa.array(sorted(NO_VALUE))), None, column)
    elif pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    elif pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    elif pa.types.is_timestamp(column.type):
        return _instants(column)
    elif pa.types.is_nested(column.type):
        return [_plain(value) for value in column.to_pylist()]
    return list(column.to_pylist())


def _plain(value: Any) -> Any:
    """A list or object as it would be sent: Parquet writes every member, missing ones as null."""
    if isinstance(value, dict):
        members = ((name, _plain(member)) for name, member in value.items())
        return {name: member for name, member in members if member is not None}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, str):
        text = value.strip()
        return None if text in NO_VALUE else text
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return None if isinstance(value, float) and math.isnan(value) else value


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
