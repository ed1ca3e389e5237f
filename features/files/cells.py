"""From the cells of a file to the fields of one record each, as the mapping says."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, get_args

import msgspec

from features.errors import InputError
from features.files.conversions import (
    CellRefused,
    Convert,
    LabelRefused,
    Times,
    from_json,
    listed,
    number_reader,
    unless,
)
from features.files.field_kinds import (
    mappable,
    measures,
    port_local_times,
    shapes,
    text_fields,
    time_fields,
)
from features.files.joining import joined, written_alike
from features.files.mapping import Attribute, RecordMapping, Value, nearest
from features.files.tabular import Batch, Table, text_of
from features.files.units import factor
from features.records import Problem, RecordRejected
from features.records.outcome import Result
from features.records.persons import is_person_data

ADDED = "foreland_"
"""How the columns begin that a file of whole rejected rows has beside its own."""
UNKNOWN_LABEL = "unknown_label"

Row = dict[str, Any] | tuple[Problem, ...]
"""The fields that a row gives, or why they cannot be read."""


class _Feed(NamedTuple):
    field: str
    name: str
    """Of the column."""
    column: int
    convert: Convert | None
    """None when the cell is the value."""


class _Joined(NamedTuple):
    attribute: str
    parts: tuple[_Feed, ...]


class RowReader:
    """Made once for a file and a record, then called for every batch of rows."""

    def __init__(self, table: Table, mapping: RecordMapping) -> None:
        self._table = table
        self._mapping = mapping
        columns = _resolve(table, mapping)
        self._times: list[Times] = []
        self._feeds = [
            _Feed(field, column, table.columns.index(column), self._conversion(field, column))
            for field, column in columns.items()
        ]
        self._attributes = [
            feed
            for name, a in mapping.attributes.items()
            if not a.joins
            for feed in self._fed(name, a)
        ]
        self._joined = [
            _Joined(name, self._fed(name, a)) for name, a in mapping.attributes.items() if a.joins
        ]
        place = {feed.field: feed.column for feed in self._feeds}
        self._reference = place.get("movement_ref")

    def rows(self, batch: Batch) -> list[Row]:
        """What each row gives; missing fields are absent from it.

        A row is refused when it has too many or too few cells, or cells that are not what their
        field takes. A label that the mapping does not know is a problem of code ``unknown_label``:
        the caller decides what it means for the file.
        """
        problems: dict[int, list[Problem]] = {
            place: [_wrong_number(len(cells), len(self._table.columns))]
            for place, cells in batch.ragged.items()
        }
        rows: list[Row] = _assembled(
            self._mapping.constants, self._feeds, batch, problems, parent=""
        )
        if self._mapping.attributes:
            for row, attributes in zip(rows, self._extra(batch, problems), strict=True):
                row["attributes"] = attributes  # type: ignore[index]
        for place, found in problems.items():
            rows[place] = tuple(found)
        return rows

    def _extra(self, batch: Batch, problems: dict[int, list[Problem]]) -> list[dict[str, Any]]:
        """The attributes of each row."""
        parent = "/attributes"
        extra: list[dict[str, Any]] = [{} for _ in range(batch.size)]
        if self._attributes:
            extra = _assembled({}, self._attributes, batch, problems, parent)
        for name, parts in self._joined:
            columns = [_values(part, batch, problems, parent) for part in parts]
            for attributes, texts in zip(extra, zip(*columns, strict=True), strict=True):
                text = joined(texts)
                if text is not None:
                    attributes[name] = text
        return extra

    def fields(self, cells: Sequence[Any]) -> dict[str, Any]:
        """The fields of a single row.

        Raises:
            RecordRejected: with every cell that cannot be read.
        """
        fits = len(cells) == len(self._table.columns)
        columns = [[cell] for cell in (cells if fits else [None] * len(self._table.columns))]
        (row,) = self.rows(Batch(1, 1, columns, {} if fits else {0: cells}))
        if isinstance(row, tuple):
            raise RecordRejected(row)
        return row

    def reference(self, cells: Sequence[Any]) -> str | None:
        """The row's ``movement_ref``, even of a row that is refused, when there is one."""
        if self._reference is None or self._reference >= len(cells):
            return None
        cell = cells[self._reference]
        return None if cell is None else text_of(cell)

    def check_times(self) -> None:
        """After the last row: raise when a column of times held not a single one."""
        for times in self._times:
            if times.read and times.failed == times.read:
                raise InputError(
                    f"{self._table.path}: none of the {times.read} values of column "
                    f"{times.column!r} is a time for {times.field} ({times.first_failure}); "
                    f"set [formats] {times.field} and time_zone in the mapping"
                )

    @property
    def times_twice(self) -> int:
        """Wall-clock times so far that came twice that night, of which the first was taken."""
        return sum(times.twice for times in self._times)

    def _conversion(self, field: str, column: str) -> Convert | None:
        valued = field in self._mapping.values
        convert = self._valued(field) if valued else self._typed(field, column)
        missing = self._mapping.missing.get(field)
        return convert if missing is None else unless(missing, convert)

    def _typed(self, field: str, column: str) -> Convert | None:
        record = self._mapping.record
        if field in time_fields(record):
            return self._timed(field, column)
        if field == "outcome":
            allowed = get_args(Result)
            return lambda cell: cell if cell in allowed else self._unknown(field, allowed)
        shape = shapes(record)[field]
        if shape != "value":
            return listed if shape == "list" else from_json
        if field in measures(record):
            return self._measured(field)
        return self._text(column) if field in text_fields(record) else None

    def _timed(self, field: str, column: str) -> Convert | None:
        if column in self._table.instants:
            return None
        zone = self._mapping.time_zones.get(field, self._mapping.time_zone)
        pattern = self._mapping.formats.get(field)
        local = field in port_local_times(self._mapping.record)
        times = Times(column, field, pattern, zone, port_local=local)
        self._times.append(times)
        return times

    def _measured(self, field: str) -> Convert | None:
        """Without a unit or a notation of its own the record reads the number itself."""
        unit, own = self._mapping.units.get(field), measures(self._mapping.record)[field]
        by = None if unit is None or own is None else factor(unit, own)
        if by is None and self._mapping.notation.is_plain:
            return None
        return number_reader(self._mapping.notation, by or Fraction(1))

    def _text(self, column: str) -> Convert | None:
        return None if column in self._table.texts else text_of

    def _fed(self, name: str, attribute: Attribute) -> tuple[_Feed, ...]:
        """One feed for each column of an attribute."""
        place = self._table.columns.index
        return tuple(
            _Feed(name, column, place(column), self._read_as(attribute, column))
            for column in attribute.columns
        )

    def _read_as(self, attribute: Attribute, column: str) -> Convert | None:
        notation = self._mapping.notation
        if column not in attribute.counted:
            return self._text(column)
        if attribute.joins:
            return written_alike(notation)
        return number_reader(notation, Fraction(1), hint=', or say type = "code"')

    def _valued(self, field: str) -> Convert:
        table = self._mapping.values[field]
        default = self._mapping.defaults.get(field)

        def convert(cell: Any) -> Any:
            text = text_of(cell)
            value: Value | None = table.get(text, default)
            if value is None:
                return self._unknown(field, tuple(table))
            return None if value == "" else value

        return convert

    def _unknown(self, field: str, allowed: tuple[str, ...]) -> None:
        known = ", ".join(allowed)
        if field == "outcome":
            raise LabelRefused(
                f"no known outcome; allowed are {known}; correct it, or put it under "
                "[outcome.values.outcome] of the mapping"
            )
        raise CellRefused(f"not under [values.{field}], which knows {known}; correct or add it")


def _assembled(
    constants: Mapping[str, Value],
    feeds: list[_Feed],
    batch: Batch,
    problems: dict[int, list[Problem]],
    parent: str,
) -> list[Any]:
    """A dictionary for each row, from its cells that are not missing."""
    columns = [_values(feed, batch, problems, parent) for feed in feeds]
    names = [feed.field for feed in feeds]
    if constants:
        return [
            {**constants, **{n: v for n, v in zip(names, row, strict=True) if v is not None}}
            for row in zip(*columns, strict=True)
        ]
    return [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in zip(*columns, strict=True)
    ]


def _values(
    feed: _Feed, batch: Batch, problems: dict[int, list[Problem]], parent: str
) -> Sequence[Any]:
    cells = batch.columns[feed.column]
    return cells if feed.convert is None else _converted(feed, cells, problems, parent)


def _converted(
    feed: _Feed, cells: Sequence[Any], problems: dict[int, list[Problem]], parent: str
) -> list[Any]:
    convert: Any = feed.convert
    values: list[Any] = []
    for place, cell in enumerate(cells):
        if cell is None:
            values.append(None)
            continue
        try:
            values.append(convert(cell))
        except CellRefused as exc:
            values.append(None)
            code = UNKNOWN_LABEL if isinstance(exc, LabelRefused) else "bad_value"
            sentence = f"column {feed.name!r}: {exc}"
            problem = Problem(code, f"{parent}/{feed.field}", sentence)
            problems.setdefault(place, []).append(problem)
    return values


def _wrong_number(cells: int, columns: int) -> Problem:
    sentence = f"the row has {cells} cells, the header {columns}; correct the row"
    return Problem("wrong_number_of_cells", "", sentence)


def _resolve(table: Table, mapping: RecordMapping) -> dict[str, str]:
    """Field to column, every column checked to be there."""
    if mapping.columns is None:
        return _own_names(table, mapping.record)
    wanted = {*mapping.columns.values()}.union(*(a.columns for a in mapping.attributes.values()))
    for column in sorted(wanted):
        if column not in table.columns:
            near = nearest(column, table.columns)
            if not near and not wanted.isdisjoint(table.columns):  # or it may be no header
                near = f" (it has {', '.join(table.columns)})"
            raise InputError(
                f"{table.path} has no column {column!r}, named in {mapping.origin}{near}; "
                "correct one of them"
            )
    return mapping.columns


def _own_names(table: Table, record: type[msgspec.Struct]) -> dict[str, str]:
    fields = mappable(record)
    columns = [column for column in table.columns if not column.startswith(ADDED)]
    if set(fields).isdisjoint(columns) and not any(map(is_person_data, columns)):
        # Names none of them: a first line that is no header holds what nobody else may read.
        raise InputError(
            f"{table.path}: none of its {len(columns)} columns goes by the name of a field; is the "
            "first line a header? rename them or write a mapping (--explain-mapping prints a start)"
        )
    for column in columns:
        _refuse_stranger(table, column, fields)
    for item in msgspec.structs.fields(record):
        if item.required and item.name not in columns:
            raise InputError(
                f"{table.path} has no column {item.name!r}; add it, or give a --mapping"
            )
    return {name: name for name in columns}


def _refuse_stranger(table: Table, column: str, fields: Iterable[str]) -> None:
    if is_person_data(column):
        raise InputError(
            f"{table.path}: person_data_refused: column {column!r} is a natural person's "
            "data, which is never taken in; remove it"
        )
    if column not in fields:
        raise InputError(
            f"{table.path}: column {column!r} is no field{nearest(column, fields)}; "
            "rename it or write a mapping (--explain-mapping prints a start)"
        )
