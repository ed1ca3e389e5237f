"""From the cells of one row to the fields of one record, as the mapping says."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, get_args
from zoneinfo import ZoneInfo

import msgspec

from features.errors import InputError
from features.mapping import Attribute, RecordMapping, Value, nearest, time_fields
from features.records import Outcome, Problem, RecordRejected, declared_fields
from features.records.movement import is_person_data
from features.records.outcome import Result
from features.tabular import Table, text_of

Convert = Callable[[Any], Any]
"""From a cell that is not None to the field's value, None for missing."""


class CellRefused(ValueError):
    """A cell that cannot become its field; the text is the sentence of the problem."""


class _Feed(NamedTuple):
    field: str
    cell: int
    convert: Convert | None
    """None when the cell is the value."""


class _Times:
    """How many cells of a time column there were, and whether any was a time."""

    def __init__(self, column: str, field: str) -> None:
        self.column, self.field = column, field
        self.read = self.failed = 0
        self.first_failure = ""


class RowReader:
    """Made once for a file and a record, then called for every row."""

    def __init__(self, table: Table, mapping: RecordMapping) -> None:
        self._table = table
        self._mapping = mapping
        columns = _resolve(table, mapping)
        self._feeds: list[_Feed] = []
        self._times: list[_Times] = []
        for field, column in columns.items():
            convert = self._conversion(field, column)
            self._feeds.append(_Feed(field, table.columns.index(column), convert))
        self._attributes = [
            _Feed(name, table.columns.index(a.column), self._attribute(a))
            for name, a in mapping.attributes.items()
        ]
        self._reference = next(
            (feed.cell for feed in self._feeds if feed.field == "movement_ref"), None
        )

    def fields(self, cells: Sequence[Any]) -> dict[str, Any]:
        """The fields that the row gives; missing ones are absent.

        Raises:
            RecordRejected: for a row with too many or too few cells, or cells that are not what
                their field takes.
            InputError: for an outcome that the mapping does not know: the whole label column is
                in doubt then, not this row alone.
        """
        if len(cells) != len(self._table.columns):
            wanted = len(self._table.columns)
            sentence = f"the row has {len(cells)} cells, the header {wanted}; correct the row"
            raise RecordRejected((Problem("wrong_number_of_cells", "", sentence),))
        row: dict[str, Any] = dict(self._mapping.constants)
        problems: list[Problem] = []
        _fill(row, self._feeds, cells, problems, "")
        if self._attributes:
            attributes: dict[str, Any] = {}
            row["attributes"] = attributes
            _fill(attributes, self._attributes, cells, problems, "/attributes")
        if problems:
            raise RecordRejected(tuple(problems))
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

    def _conversion(self, field: str, column: str) -> Convert | None:
        convert = self._typed(field, column)
        if field in self._mapping.values:
            convert = self._valued(field, column)
        missing = self._mapping.missing.get(field)
        return convert if missing is None else _unless(missing, convert)

    def _typed(self, field: str, column: str) -> Convert | None:
        record = self._mapping.record
        if field in time_fields(record):
            times = _Times(column, field)
            self._times.append(times)
            pattern = self._mapping.formats.get(field)
            return _timed(times, pattern, self._mapping.time_zone)
        if field == "outcome":
            allowed = get_args(Result)
            return lambda cell: (
                cell if cell in allowed else self._unknown(field, column, cell, allowed)
            )
        return self._text(column) if field in _text_fields(record) else None

    def _text(self, column: str) -> Convert | None:
        return None if column in self._table.texts else text_of

    def _attribute(self, attribute: Attribute) -> Convert | None:
        return _number if attribute.type == "number" else self._text(attribute.column)

    def _valued(self, field: str, column: str) -> Convert:
        table = self._mapping.values[field]
        default = self._mapping.defaults.get(field)

        def convert(cell: Any) -> Any:
            text = text_of(cell)
            value: Value | None = table.get(text, default)
            if value is None:
                return self._unknown(field, column, text, tuple(table))
            return None if value == "" else value

        return convert

    def _unknown(self, field: str, column: str, cell: Any, allowed: tuple[str, ...]) -> None:
        known = ", ".join(allowed)
        if field == "outcome":
            raise UnknownLabel(f"column {column!r}: {cell!r} is no outcome; allowed are {known}")
        raise CellRefused(f"{cell!r} is not under [values.{field}], which knows {known}; add it")


class UnknownLabel(InputError):
    """A label that is neither an outcome nor in the mapping; the caller adds file and row."""


def _resolve(table: Table, mapping: RecordMapping) -> dict[str, str]:
    """Field to column, every column checked to be there."""
    if mapping.columns is None:
        return _own_names(table, mapping.record)
    wanted = {*mapping.columns.values(), *(a.column for a in mapping.attributes.values())}
    for column in sorted(wanted):
        if column not in table.columns:
            near = nearest(column, table.columns) or f" (it has {', '.join(table.columns)})"
            raise InputError(
                f"{table.path} has no column {column!r}, named in {mapping.origin}{near}; "
                "correct one of them"
            )
    return mapping.columns


def _own_names(table: Table, record: type[msgspec.Struct]) -> dict[str, str]:
    fields = [name for name in record.__struct_fields__ if name != "attributes"]
    for column in table.columns:
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
    for item in msgspec.structs.fields(record):
        if item.required and item.name not in table.columns:
            raise InputError(
                f"{table.path} has no column {item.name!r}; add it, or give a --mapping"
            )
    return {name: name for name in table.columns}


def _fill(
    row: dict[str, Any],
    feeds: list[_Feed],
    cells: Sequence[Any],
    problems: list[Problem],
    parent: str,
) -> None:
    for field, index, convert in feeds:
        cell = cells[index]
        if cell is None:
            continue
        if convert is None:
            row[field] = cell
            continue
        try:
            value = convert(cell)
        except CellRefused as exc:
            problems.append(Problem("bad_value", f"{parent}/{field}", str(exc)))
        else:
            if value is not None:
                row[field] = value


def _text_fields(record: type[msgspec.Struct]) -> frozenset[str]:
    if record is Outcome:
        return frozenset(Outcome.__struct_fields__)
    tag = str(record.__struct_config__.tag)
    coded = (f.name for f in declared_fields(tag) if f.role in ("identifier", "category"))
    return frozenset(("movement_ref", *coded))


def _unless(missing: frozenset[str], convert: Convert | None) -> Convert:
    def converted(cell: Any) -> Any:
        if text_of(cell) in missing:
            return None
        return cell if convert is None else convert(cell)

    return converted


def _number(cell: Any) -> float:
    try:
        if isinstance(cell, str) and "_" in cell:  # Python takes 1_000 for a number
            raise ValueError(cell)
        return float(cell)
    except (TypeError, ValueError):
        raise CellRefused(f'{cell!r} is no number; correct it, or say type = "code"') from None


def _timed(times: _Times, pattern: str | None, zone: ZoneInfo | None) -> Convert:
    read = lru_cache(maxsize=65_536)(lambda text: _instant(text, pattern, zone))

    def convert(cell: Any) -> datetime:
        times.read += 1
        try:
            return read(cell) if isinstance(cell, str) else _instant(cell, pattern, zone)
        except CellRefused as exc:
            times.failed += 1
            times.first_failure = times.first_failure or str(exc)
            raise

    return convert


def _instant(cell: Any, pattern: str | None, zone: ZoneInfo | None) -> datetime:
    """An aware instant in UTC; of two equal wall-clock times in autumn it takes the first."""
    if isinstance(cell, str):
        cell = _parsed(cell, pattern)
    elif isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime(cell.year, cell.month, cell.day)
    if not isinstance(cell, datetime):
        raise CellRefused(f"{cell!r} is a number, not a time; write 2026-03-01T08:30:00Z")
    if cell.tzinfo is UTC:
        return cell
    if cell.tzinfo is not None:
        return cell.astimezone(UTC)
    if zone is None:
        raise CellRefused(f"{cell} has no time zone; add one, or set time_zone under [formats]")
    try:
        instant = cell.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise CellRefused(f"{cell} is out of the range of times; correct it") from None
    if instant.astimezone(zone).replace(tzinfo=None) != cell:
        raise CellRefused(f"{cell} was skipped by the clocks of {zone.key}; correct it")
    return instant


def _parsed(text: str, pattern: str | None) -> datetime:
    try:
        return datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)
    except ValueError:
        wanted = f"a time like {pattern}" if pattern else "an ISO 8601 time"
        raise CellRefused(f"{text!r} is not {wanted}") from None
