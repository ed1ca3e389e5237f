"""A batch as an Arrow IPC stream: a column for each flat field, one row for each movement.

Only what cannot take more memory than was sent is read: plain columns, not compressed. What is
lists or objects in JSON (items, positions, parties, attributes) has no column here.
"""

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import pyarrow as pa
from msgspec import inspect

from features.records import RECORDS, Problem
from features.records.persons import NO_FIELD, is_harmless
from serving.problems import RequestRefused
from serving.wire.batch import MAX_BATCH_BYTES, check_row_count
from serving.wire.json import rejected
from serving.wire.movements import read_flat_row
from serving.wire.rows import PlainRows, RejectedRow, SentRow, SentRows, joined
from serving.wire.together import ROWS_TOGETHER, FlatColumns

_HEADER_TYPE, _HEADER = 1, 2
"""Fields of ``Message`` in Arrow's flatbuffers schema; those of its headers follow."""
_DICTIONARY, _RECORDS = 2, 3
_DICTIONARY_DATA, _COMPRESSION = 1, 3


def read_arrow_rows(body: bytes) -> SentRows:
    """The rows of an Arrow IPC stream.

    Raises:
        RequestRefused: ``bad_arrow``, ``bad_columns`` or ``too_many_rows``, of the body as a whole.
    """
    with _arrow_errors_in_words():
        _refuse_compression(body)
        with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
            _check_columns(reader.schema)
            batches = list(reader)
        count = sum(batch.num_rows for batch in batches)
        check_row_count(count)
        for batch in batches:
            batch.validate(full=True)
        columns = {
            name: [value for batch in batches for value in _values(batch.column(place))]
            for place, name in enumerate(reader.schema.names)
        }
    if any(pa.types.is_dictionary(field.type) for field in reader.schema):
        _refuse_repeated_texts(columns.values())
    return _read_rows(count, columns, tuple(_not_finite(reader.schema, columns)))


def _read_rows(
    count: int, columns: Mapping[str, Sequence[Any]], not_finite: tuple[str, ...]
) -> SentRows:
    """By column, but for parts in which a row is refused or is not plain."""
    names, reader = tuple(columns), FlatColumns(tuple(columns))
    apart: dict[int, SentRow] = {}
    plain: list[PlainRows] = []
    for start in range(0, count, ROWS_TOGETHER):
        places = range(count)[start : start + ROWS_TOGETHER]
        part = {name: column[start : start + ROWS_TOGETHER] for name, column in columns.items()}
        together = None if not_finite else reader.read(part)
        if together is not None:
            plain.append(PlainRows(places, together))
            continue
        rows = zip(*part.values(), strict=True) if part else [()] * len(places)
        read = (_read_row(names, _row_of(names, row), not_finite) for row in rows)
        apart.update(zip(places, read, strict=True))
    return SentRows(count, apart, joined(plain))


@contextmanager
def _arrow_errors_in_words() -> Iterator[None]:
    """Without Arrow's own text, which may quote what was sent."""
    try:
        yield
    # A name that is not UTF-8, or an offset that leads out of the header, is Python's to refuse.
    except (pa.ArrowException, OSError, struct.error, ValueError, IndexError) as exc:
        raise RequestRefused(
            "bad_arrow", "the body is no complete Arrow IPC stream; write it with new_stream"
        ) from exc


def _refuse_compression(body: bytes) -> None:
    """Sixteen compressed megabytes may be gigabytes."""
    messages = pa.ipc.MessageReader.open_stream(pa.py_buffer(body))
    for message in iter(messages):
        table = memoryview(message.metadata)
        root = _target(table, 0)
        kind = _field(table, root, _HEADER_TYPE)
        held = _field(table, root, _HEADER)
        if kind is None or held is None or table[kind] not in (_DICTIONARY, _RECORDS):
            continue
        batch: int | None = _target(table, held)
        if table[kind] == _DICTIONARY:
            data = _field(table, _target(table, held), _DICTIONARY_DATA)
            batch = None if data is None else _target(table, data)
        if batch is not None and _field(table, batch, _COMPRESSION) is not None:
            raise RequestRefused("bad_arrow", "the stream is compressed; write it as it is")


def _target(table: memoryview, at: int) -> int:
    """Where a flatbuffers offset leads."""
    offset: int = struct.unpack_from("<I", table, at)[0]
    return at + offset


def _field(table: memoryview, start: int, number: int) -> int | None:
    """Where a field of the flatbuffers table at ``start`` lies; None when it is absent.

    References:
        flatbuffers.dev/internals: the table begins with the distance back to its vtable, which
        holds its own size, the table's size, and the place of each field or 0.
    """
    vtable = start - struct.unpack_from("<i", table, start)[0]
    (size,) = struct.unpack_from("<H", table, vtable)
    slot = 4 + 2 * number
    offset = struct.unpack_from("<H", table, vtable + slot)[0] if slot < size else 0
    return start + offset if offset else None


def _check_columns(schema: pa.Schema) -> None:
    if len(set(schema.names)) < len(schema.names):
        raise RequestRefused("bad_columns", "two columns have the same name; keep one")
    for field in schema:
        if field.name not in flat_fields():
            shown = field.name if is_harmless(field.name) else NO_FIELD
            raise RequestRefused(
                "bad_columns", f"{shown} is no flat field of any kind; correct it or leave it out"
            )
        if not _is_plain(field.type):
            raise RequestRefused(
                "bad_columns",
                f"column {field.name} has no plain type; send text, a number, a boolean, a date or "
                "a timestamp",
            )


@cache
def flat_fields() -> frozenset[str]:
    """Every field, of any kind of movement, whose value is no list and no object; and the kind."""
    return frozenset(
        {"kind"}
        | {
            field.encode_name
            for record in RECORDS.values()
            for field in inspect.type_info(record).fields  # type: ignore[attr-defined]
            if _is_flat(field.type)
        }
    )


def _is_flat(kind: Any) -> bool:
    if isinstance(kind, inspect.Metadata):
        return _is_flat(kind.type)
    if isinstance(kind, inspect.UnionType):
        return all(map(_is_flat, kind.types))
    nested = (inspect.CollectionType, inspect.DictType, inspect.StructType)
    return not isinstance(kind, nested)


_PLAIN: Sequence[Callable[[pa.DataType], bool]] = (
    pa.types.is_null,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_timestamp,
    pa.types.is_date,
)


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)
    return any(is_one(kind) for is_one in _PLAIN)


def _values(column: Any) -> list[Any]:
    """Of a column; None is missing."""
    if pa.types.is_dictionary(column.type):
        texts = column.dictionary.to_pylist()
        return [None if at is None else texts[at] for at in column.indices.to_pylist()]
    if pa.types.is_timestamp(column.type):
        if column.type.unit == "ns":  # Python's times have microseconds
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        return _instants(column)
    if pa.types.is_date(column.type):
        return _instants(column)
    values: list[Any] = column.to_pylist()
    return values


def _refuse_repeated_texts(columns: Iterable[Sequence[Any]]) -> None:
    """What a dictionary stands for may not be more than a batch could hold without one."""
    characters = sum(len(value) for column in columns for value in column if value.__class__ is str)
    if characters > MAX_BATCH_BYTES:
        raise RequestRefused(
            "bad_columns", "the texts of a dictionary come too often for their length; shorten them"
        )


_NO_INSTANT = "out of range"
"""Stands for a time before year 1 or after 9999, and is refused as a time like any other text."""


def _instants(column: Any) -> list[Any]:
    def one(value: Any) -> Any:
        try:
            return value.as_py()
        except (OverflowError, ValueError):
            return _NO_INSTANT

    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):
        return list(map(one, column))
    return values


def _not_finite(schema: pa.Schema, columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Columns with a number somewhere that JSON cannot say."""
    for field in schema:
        if pa.types.is_floating(field.type):
            given = [value for value in columns[field.name] if value.__class__ is float]
            if not all(map(math.isfinite, given)):
                yield field.name


def _row_of(names: tuple[str, ...], values: Sequence[Any]) -> dict[str, Any]:
    row = dict(zip(names, values, strict=True))
    if None not in values:
        return row
    return {name: value for name, value in row.items() if value is not None}


def _read_row(names: tuple[str, ...], row: Mapping[str, Any], not_finite: Sequence[str]) -> SentRow:
    try:
        if not_finite:
            _refuse_what_json_cannot_say(row, not_finite)
        return read_flat_row(row, names)
    except RequestRefused as exc:
        named = row.get("movement_ref")
        return RejectedRow(named if isinstance(named, str) else None, exc.kept())


def _refuse_what_json_cannot_say(row: Mapping[str, Any], names: Sequence[str]) -> None:
    problems = tuple(
        Problem("bad_value", f"/{name}", "must be a finite number; send null when it is missing")
        for name in names
        if row.get(name).__class__ is float and not math.isfinite(row[name])
    )
    if problems:
        raise rejected(problems)
