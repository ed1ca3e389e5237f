"""Which source column feeds which field: the mapping file (docs/mapping.md), read strictly.

Whatever is wrong with a mapping is said before the first row is read, with the nearest name that
would be right.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_type_hints
from zoneinfo import ZoneInfo

import msgspec

from features.errors import InputError
from features.records import RECORDS, Outcome, check_kind, declared_fields
from features.records.movement import AttributeName, is_person_data

SHIPPED = Path(__file__).parent / "mappings"

Value = str | bool | int | float
"""What a constant or a value map may put into a field; the empty text is missing."""


class MappingError(InputError):
    """A mapping file says something that cannot be followed."""


class Attribute(msgspec.Struct, frozen=True):
    column: str
    type: Literal["number", "code"]


class RecordMapping(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of one row become the fields of one record."""

    record: type[msgspec.Struct]
    origin: str
    """The file and table of the mapping, for errors; empty when there is none."""
    columns: dict[str, str] | None = None
    """Field to source column; None when the columns go by the fields' own names."""
    constants: dict[str, Value] = {}
    values: dict[str, dict[str, Value]] = {}
    """Field to a map from source text; a text that is not in it takes the default."""
    defaults: dict[str, Value] = {}
    missing: dict[str, frozenset[str]] = {}
    """Field to the texts that stand for a missing value there."""
    formats: dict[str, str] = {}
    """Field to a strptime format; without one, ISO 8601."""
    time_zone: ZoneInfo | None = None
    """Of times without an offset; None refuses them."""
    attributes: dict[str, Attribute] = {}


class FileMapping(msgspec.Struct, frozen=True, kw_only=True):
    """How files of one source become movements and outcomes of one kind."""

    kind: str
    name: str
    movement: RecordMapping
    outcome: RecordMapping | None
    """None when the mapping has no ``[outcome]``: then the movements file has no label."""
    known_after_days: float = 0.0
    """From examination to the result being known, where no ``known_at`` says it."""
    delimiter: str = ","


def read_mapping(path: Path | None, kind: str) -> FileMapping:
    """The mapping in ``path``, or a shipped one by its name; None means own field names.

    Raises:
        MappingError: for a missing file, broken TOML, an unknown key or field, or a value that
            its field can never take.
    """
    check_kind(kind)
    if path is None:
        return FileMapping(
            kind=kind,
            name="",
            movement=RecordMapping(record=RECORDS[kind], origin=""),
            outcome=None,
        )
    found = _find(path)
    try:
        content = tomllib.loads(found.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise MappingError(f"mapping {found.name} is no TOML: {exc}") from exc
    return _file_mapping(content, found.name, kind)


def outcome_file_mapping(mapping: FileMapping) -> RecordMapping:
    """For an outcomes file of its own: ``[outcome]``, else own field names."""
    return mapping.outcome or RecordMapping(record=Outcome, origin="")


def shipped_mappings() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def nearest(name: str, names: Iterable[str]) -> str:
    """`` (did you mean 'x' or 'y'?)``, or nothing when no name is near."""
    known = list(names)
    folded = {known_name.casefold(): known_name for known_name in known}
    close = get_close_matches(name.casefold(), folded, n=2, cutoff=0.6)
    if not close:
        return ""
    return f" (did you mean {' or '.join(repr(folded[key]) for key in close)}?)"


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    shipped = SHIPPED / f"{path}.toml"
    if path.name == str(path) and shipped.is_file():
        return shipped
    raise MappingError(
        f"no mapping file {path}; give the path of a TOML file, or the name of a shipped mapping: "
        + ", ".join(shipped_mappings())
    )


_TOP = (
    "kind",
    "description",
    "columns",
    "constants",
    "values",
    "missing",
    "formats",
    "attributes",
    "outcome",
)
_OUTCOME = ("columns", "constants", "values", "missing", "formats", "known_after_days")


def _file_mapping(content: dict[str, Any], name: str, kind: str) -> FileMapping:
    _known_keys(content, _TOP, f"mapping {name}")
    if content.get("kind", kind) != kind:
        raise MappingError(
            f"mapping {name} is for kind {content['kind']!r}, not {kind!r}; change --kind"
        )
    formats = dict(_table(content, "formats", dict[str, str], f"mapping {name}"))
    delimiter = formats.pop("delimiter", ",")
    if len(delimiter) != 1:
        raise MappingError(f'mapping {name} [formats] delimiter is one character, as in ";"')
    movement = _record_mapping({**content, "formats": formats}, RECORDS[kind], f"mapping {name}")
    _need(movement, ("movement_ref", "declared_at"))
    outcome = content.get("outcome")
    if outcome is None:
        return FileMapping(
            kind=kind, name=name, movement=movement, outcome=None, delimiter=delimiter
        )
    where = f"mapping {name} [outcome]"
    _known_keys(outcome, _OUTCOME, where)
    label = _record_mapping(_with_inherited(outcome, movement, formats), Outcome, where)
    _need(label, ("outcome", "examined_at"))
    known_after = _converted(outcome.get("known_after_days", 0.0), float, where, "known_after_days")
    if not 0 <= known_after < 10_000:
        raise MappingError(f"{where} known_after_days is 0 to 9999, not {known_after}")
    return FileMapping(
        kind=kind,
        name=name,
        movement=movement,
        outcome=label,
        known_after_days=known_after,
        delimiter=delimiter,
    )


def _with_inherited(
    outcome: dict[str, Any], movement: RecordMapping, formats: dict[str, str]
) -> dict[str, Any]:
    """``[outcome]`` with the movement's reference column and time zone, where it has none.

    Without a column of message ids the movement's reference is the id: one outcome a movement.
    """
    reference = (movement.columns or {})["movement_ref"]
    columns = {"movement_ref": reference, **_table(outcome, "columns", dict[str, str], "[outcome]")}
    columns.setdefault("event_id", columns["movement_ref"])
    zone = {"time_zone": formats["time_zone"]} if "time_zone" in formats else {}
    return {**outcome, "columns": columns, "formats": {**zone, **outcome.get("formats", {})}}


def _record_mapping(
    content: dict[str, Any], record: type[msgspec.Struct], where: str
) -> RecordMapping:
    columns = _table(content, "columns", dict[str, str], where)
    constants = _table(content, "constants", dict[str, Value], where)
    values = _table(content, "values", dict[str, dict[str, Value]], where)
    missing = _table(content, "missing", dict[str, list[str]], where)
    formats = dict(_table(content, "formats", dict[str, str], where))
    zone = formats.pop("time_zone", None)
    attributes = _attributes(_table(content, "attributes", dict[str, dict[str, str]], where), where)
    for table, of in (("columns", columns), ("constants", constants)):
        _fields_only(of, _mappable(record), f"{where} [{table}]")
    for table, of in (("values", values), ("missing", missing), ("formats", formats)):
        _fields_only(of, tuple(columns), f"{where} [{table}]", "is not under [columns]")
    for name in columns.keys() & constants.keys():
        raise MappingError(f"{where}: {name} is under [columns] and [constants]; keep one")
    _no_person_columns([*columns.values(), *(a.column for a in attributes.values())], where)
    defaults = {name: table.pop("default") for name, table in values.items() if "default" in table}
    _check_values(record, constants, values, defaults, where)
    _check_formats(record, formats, where)
    return RecordMapping(
        record=record,
        origin=where,
        columns=columns,
        constants=constants,
        values=values,
        defaults=defaults,
        missing={name: frozenset(texts) for name, texts in missing.items()},
        formats=formats,
        time_zone=_zone(zone, where),
        attributes=attributes,
    )


def _known_keys(table: object, allowed: tuple[str, ...], where: str) -> None:
    if not isinstance(table, dict):
        raise MappingError(f"{where} is a table, not {table!r}")
    for key in table:
        if key not in allowed:
            raise MappingError(
                f"{where} has an unknown key {key!r}{nearest(key, allowed)}; "
                f"allowed are {', '.join(allowed)}"
            )


def _table(content: dict[str, Any], key: str, shape: Any, where: str) -> Any:
    return _converted(content.get(key, {}), shape, where, f"[{key}]")


def _converted(value: Any, shape: Any, where: str, what: str) -> Any:
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as exc:
        sentence = str(exc)
        raise MappingError(f"{where} {what}: {sentence[0].lower()}{sentence[1:]}") from exc


def _mappable(record: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(name for name in record.__struct_fields__ if name != "attributes")


def _fields_only(
    table: Iterable[str], fields: tuple[str, ...], where: str, what: str = "is no field"
) -> None:
    for name in table:
        if name not in fields:
            if is_person_data(name):
                raise MappingError(_person_data(name, where))
            raise MappingError(f"{where}: {name!r} {what}{nearest(name, fields)}")


def _no_person_columns(columns: Iterable[str], where: str) -> None:
    for column in columns:
        if is_person_data(column):
            raise MappingError(_person_data(column, where))


def _person_data(name: str, where: str) -> str:
    return (
        f"{where}: person_data_refused: {name!r} is a natural person's data, which is never "
        "taken in; leave it out"
    )


def _need(mapping: RecordMapping, names: tuple[str, ...]) -> None:
    for name in names:
        given = mapping.columns or {}
        if name not in given and name not in mapping.constants:
            raise MappingError(
                f"{mapping.origin} says nothing about {name}; "
                f'add a line {name} = "its column" under [columns]'
            )
    if "movement_ref" in mapping.constants:
        raise MappingError(f"{mapping.origin}: movement_ref differs from row to row; use [columns]")


def _attributes(table: Mapping[str, dict[str, str]], where: str) -> dict[str, Attribute]:
    found = {}
    for name, entry in table.items():
        here = f"{where} [attributes] {name}"
        _converted(name, AttributeName, here, "name")
        if is_person_data(name):
            raise MappingError(_person_data(name, here))
        _known_keys(entry, ("column", "type"), here)
        try:
            found[name] = msgspec.convert(entry, Attribute)
        except msgspec.ValidationError as exc:
            raise MappingError(
                f'{here}: write {{ column = "Source Column", type = "number" }} or type = "code"'
            ) from exc
    return found


def _check_values(
    record: type[msgspec.Struct],
    constants: dict[str, Value],
    values: dict[str, dict[str, Value]],
    defaults: dict[str, Value],
    where: str,
) -> None:
    """Every value that the mapping puts into a field must be one that the field can take."""
    hints = _hints(record)
    said = [(f"[constants] {name}", name, value) for name, value in constants.items()]
    said += [(f"[values.{name}] default", name, value) for name, value in defaults.items()]
    for name, table in values.items():
        said += [(f"[values.{name}] {text!r}", name, value) for text, value in table.items()]
    for what, name, value in said:
        if value != "":
            _converted(value, hints[name], where, f"{what} = {value!r}")


def _check_formats(record: type[msgspec.Struct], formats: dict[str, str], where: str) -> None:
    times = time_fields(record)
    for name, pattern in formats.items():
        if name not in times:
            raise MappingError(
                f"{where} [formats]: {name} is no time; formats are for {', '.join(times)}"
            )
        sample = datetime(2026, 11, 23, 14, 5, 9)
        try:
            datetime.strptime(sample.strftime(pattern), pattern)
        except ValueError as exc:
            raise MappingError(f"{where} [formats] {name} = {pattern!r}: {exc}") from exc


def _zone(name: str | None, where: str) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as exc:
        raise MappingError(
            f"{where} [formats] time_zone = {name!r} is no zone; write UTC or Europe/London"
        ) from exc


@cache
def _hints(record: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(record, include_extras=True)


@cache
def time_fields(record: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a record that hold an instant."""
    if record is Outcome:
        return ("examined_at", "known_at")
    kind = next(kind for kind, of in RECORDS.items() if of is record)
    moments = (field.name for field in declared_fields(kind) if field.role == "moment")
    return ("declared_at", *moments)
