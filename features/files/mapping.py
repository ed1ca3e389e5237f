"""Which source column feeds which field: the mapping file (docs/mapping.md), read strictly.

Whatever is wrong with a mapping is said before the first row is read, with the nearest name that
would be right.
"""

import json
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from features.files import mapping_rules as rules
from features.files.conversions import Notation
from features.files.field_kinds import identifier_fields, mappable, measures
from features.files.mapping_rules import Attribute, MappingError, Value, nearest
from features.records import RECORDS, Outcome, check_kind

__all__ = [
    "Attribute",
    "FileMapping",
    "MappingError",
    "RecordMapping",
    "Value",
    "nearest",
    "outcome_file_mapping",
    "read_mapping",
    "shipped_mappings",
]

SHIPPED = Path(__file__).parent / "mappings"


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
    time_zones: dict[str, ZoneInfo] = {}
    """The same for single fields, before ``time_zone``."""
    units: dict[str, str] = {}
    """Field to the unit that its source column is in."""
    notation: Notation = Notation()
    attributes: dict[str, Attribute] = {}


class FileMapping(msgspec.Struct, frozen=True, kw_only=True):
    """How files of one source become movements and outcomes of one kind."""

    kind: str
    name: str
    movement: RecordMapping
    outcome: RecordMapping | None
    """None when the mapping has no ``[outcome]``: then the movements file has no label."""
    known_after_hours: float = 0.0
    """From declaration to the movement being known, where no ``known_at`` says it."""
    known_after_days: float = 0.0
    """From examination to the result being known, where no ``known_at`` says it."""
    delimiter: str = ","
    digest: str = ""
    """SHA-256 of what the mapping says, comments and layout apart; empty when there is none."""


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
    "time_zones",
    "units",
    "attributes",
    "movement",
    "outcome",
)
_OUTCOME = (
    "columns",
    "constants",
    "values",
    "missing",
    "formats",
    "time_zones",
    "known_after_days",
)


def _file_mapping(content: dict[str, Any], name: str, kind: str) -> FileMapping:
    where = f"mapping {name}"
    rules.known_keys(content, _TOP, where)
    if content.get("kind", kind) != kind:
        raise MappingError(f"{where} is for kind {content['kind']!r}, not {kind!r}; change --kind")
    formats = dict(rules.table_of(content, "formats", dict[str, str], where))
    delimiter = formats.pop("delimiter", ",")
    if len(delimiter) != 1:
        raise MappingError(f'{where} [formats] delimiter is one character, as in ";"')
    movement = _record_mapping({**content, "formats": formats}, RECORDS[kind], where)
    _need(movement, ("movement_ref", "declared_at"))
    clock = content.get("movement", {})
    rules.known_keys(clock, ("known_after_hours",), f"{where} [movement]")
    outcome, known_after_days = _outcome(content, movement, formats, where)
    canonical = json.dumps(content, sort_keys=True, default=str)
    return FileMapping(
        kind=kind,
        name=name,
        movement=movement,
        outcome=outcome,
        known_after_hours=rules.delay_of(
            clock, "known_after_hours", 239_999, f"{where} [movement]"
        ),
        known_after_days=known_after_days,
        delimiter=delimiter,
        digest=sha256(canonical.encode()).hexdigest(),
    )


def _outcome(
    content: dict[str, Any], movement: RecordMapping, formats: dict[str, str], where: str
) -> tuple[RecordMapping | None, float]:
    outcome = content.get("outcome")
    if outcome is None:
        return None, 0.0
    where = f"{where} [outcome]"
    rules.known_keys(outcome, _OUTCOME, where)
    label = _record_mapping(_with_inherited(outcome, movement, formats), Outcome, where)
    _need(label, ("outcome", "examined_at"))
    return label, rules.delay_of(outcome, "known_after_days", 9_999, where)


def _with_inherited(
    outcome: dict[str, Any], movement: RecordMapping, formats: dict[str, str]
) -> dict[str, Any]:
    """``[outcome]`` with the movement's reference column and time zone, where it has none.

    Without a column of message ids the movement's reference is the id: one outcome a movement.
    """
    reference = (movement.columns or {})["movement_ref"]
    given = rules.table_of(outcome, "columns", dict[str, str], "[outcome]")
    columns = {"movement_ref": reference, **given}
    columns.setdefault("event_id", columns["movement_ref"])
    zone = {"time_zone": formats["time_zone"]} if "time_zone" in formats else {}
    return {**outcome, "columns": columns, "formats": {**zone, **outcome.get("formats", {})}}


def _record_mapping(
    content: dict[str, Any], record: type[msgspec.Struct], where: str
) -> RecordMapping:
    columns = rules.table_of(content, "columns", dict[str, str], where)
    constants = rules.table_of(content, "constants", dict[str, Value], where)
    values = rules.table_of(content, "values", dict[str, dict[str, Value]], where)
    missing = rules.table_of(content, "missing", dict[str, list[str]], where)
    formats = dict(rules.table_of(content, "formats", dict[str, str], where))
    zones = rules.table_of(content, "time_zones", dict[str, str], where)
    units = rules.table_of(content, "units", dict[str, str], where)
    extra = rules.table_of(content, "attributes", dict[str, dict[str, Any]], where)
    zone = formats.pop("time_zone", None)
    notation = rules.notation_of(formats, where)
    attributes = rules.attributes_of(extra, where)
    for table, of in (("columns", columns), ("constants", constants)):
        rules.fields_only(of, mappable(record), f"{where} [{table}]")
    mapped = tuple(columns)
    for table, of in (
        ("values", values),
        ("missing", missing),
        ("formats", formats),
        ("time_zones", zones),
        ("units", units),
    ):
        rules.fields_only(of, mapped, f"{where} [{table}]", "is not under [columns]")
    for name in columns.keys() & constants.keys():
        raise MappingError(f"{where}: {name} is under [columns] and [constants]; keep one")
    numbers = measures(record)
    counted = [column for name, column in columns.items() if name in numbers]
    counted += [column for attribute in attributes.values() for column in attribute.counted]
    texts = [column for name, column in columns.items() if name not in numbers]
    used = {column for attribute in attributes.values() for column in attribute.columns}
    texts += sorted(used.difference(counted))
    rules.no_person_columns(texts, counted, where)
    rules.no_identifier_columns(attributes, columns, identifier_fields(record), where)
    defaults = {name: table.pop("default") for name, table in values.items() if "default" in table}
    rules.check_values(record, constants, values, defaults, where)
    rules.check_formats(record, formats, where)
    rules.check_units(record, units, values, where)
    return RecordMapping(
        record=record,
        origin=where,
        columns=columns,
        constants=constants,
        values=values,
        defaults=defaults,
        missing={name: frozenset(texts) for name, texts in missing.items()},
        formats=formats,
        time_zone=None if zone is None else rules.zone_of(zone, f"{where} [formats] time_zone"),
        time_zones=rules.zones_of(record, zones, where),
        units=units,
        notation=notation,
        attributes=attributes,
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
