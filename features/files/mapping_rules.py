"""What a mapping file may say: each check names the place, the rule and the nearest right name."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from features.errors import InputError
from features.files.conversions import Notation
from features.files.field_kinds import hints, measures, time_fields
from features.files.units import convertible, factor
from features.records.attributes import identifier_word
from features.records.movement import AttributeName
from features.records.persons import is_person_attribute, is_person_data, says_only_persons

Value = str | bool | int | float
"""What a constant or a value map may put into a field; the empty text is missing."""


class MappingError(InputError):
    """A mapping file says something that cannot be followed."""


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """One source column as it is, or a code that several columns are joined to."""

    type: Literal["number", "code"]
    column: str | None = None
    codes: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    """Columns to join: ``codes`` as they are written, then ``numbers`` by their value."""

    @property
    def joins(self) -> bool:
        return self.column is None

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,) if self.column is not None else (*self.codes, *self.numbers)

    @property
    def counted(self) -> tuple[str, ...]:
        """Those of ``columns`` that hold numbers."""
        return self.columns if self.type == "number" else self.numbers


def nearest(name: str, names: Iterable[str]) -> str:
    """`` (did you mean 'x' or 'y'?)``, or nothing when no name is near."""
    known = list(names)
    folded = {known_name.casefold(): known_name for known_name in known}
    close = get_close_matches(name.casefold(), folded, n=2, cutoff=0.6)
    if not close:
        return ""
    return f" (did you mean {' or '.join(repr(folded[key]) for key in close)}?)"


def known_keys(table: object, allowed: tuple[str, ...], where: str) -> None:
    if not isinstance(table, dict):
        raise MappingError(f"{where} is a table, not {table!r}")
    for key in table:
        if key not in allowed:
            raise MappingError(
                f"{where} has an unknown key {key!r}{nearest(key, allowed)}; "
                f"allowed are {', '.join(allowed)}"
            )


def table_of(content: Mapping[str, Any], key: str, shape: Any, where: str) -> Any:
    return converted(content.get(key, {}), shape, where, f"[{key}]")


def converted(value: Any, shape: Any, where: str, what: str) -> Any:
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as exc:
        sentence = str(exc)
        raise MappingError(f"{where} {what}: {sentence[0].lower()}{sentence[1:]}") from exc


def fields_only(
    table: Iterable[str], fields: tuple[str, ...], where: str, what: str = "is no field"
) -> None:
    for name in table:
        if name not in fields:
            if is_person_data(name):
                raise MappingError(_person_data(name, where))
            raise MappingError(f"{where}: {name!r} {what}{nearest(name, fields)}")


def no_person_columns(columns: Iterable[str], counted: Iterable[str], where: str) -> None:
    """A column of numbers may be called ``Passengers``: it counts them."""
    refused = [column for column in columns if is_person_data(column)]
    refused += [c for c in counted if is_person_data(c) and not says_only_persons(c)]
    for column in refused:
        raise MappingError(_person_data(column, where))


def _person_data(name: str, where: str) -> str:
    return (
        f"{where}: person_data_refused: {name!r} is a natural person's data, which is never "
        "taken in; leave it out"
    )


def attributes_of(table: Mapping[str, dict[str, Any]], where: str) -> dict[str, Attribute]:
    return {name: _attribute(name, entry, where) for name, entry in table.items()}


def _attribute(name: str, entry: dict[str, Any], where: str) -> Attribute:
    here = f"{where} [attributes] {name}"
    converted(name, AttributeName, here, "name")
    if is_person_attribute(name):
        raise MappingError(_person_data(name, here))
    known_keys(entry, ("column", "codes", "numbers", "type"), here)
    try:
        found = msgspec.convert(entry, Attribute)
    except msgspec.ValidationError as exc:
        raise MappingError(f"{here}: {_ONE_COLUMN}") from exc
    if found.joins:
        _check_joined(found, here)
    elif found.codes or found.numbers:
        raise MappingError(f"{here} has a column and columns to join; keep one: {_ONE_COLUMN}")
    if found.type == "code" and identifier_word(name) is not None:
        raise MappingError(f"{here}: {_IDENTIFIER}")
    return found


_ONE_COLUMN = 'write { column = "Source Column", type = "number" } or type = "code"'
_JOINED = 'write { codes = ["HS Code"], numbers = ["Net Mass"], type = "code" }'
_IDENTIFIER = (
    "identifier_as_attribute: an attribute never holds an identifier; map the column to a field "
    "under [columns], or leave it out"
)


def _check_joined(attribute: Attribute, here: str) -> None:
    columns = attribute.columns
    if not columns:
        raise MappingError(f"{here}: {_ONE_COLUMN}; or, of several columns, {_JOINED}")
    if attribute.type != "code":
        raise MappingError(f'{here} joins columns, which makes a code: write type = "code"')
    if len(columns) < 2:
        raise MappingError(f"{here} joins a single column; name two or more, or {_ONE_COLUMN}")
    if len(set(columns)) < len(columns):
        raise MappingError(f"{here} joins a column twice; name each once")


def no_identifier_columns(
    attributes: Mapping[str, Attribute],
    columns: Mapping[str, str],
    identifiers: Iterable[str],
    where: str,
) -> None:
    """A column that feeds an identifier becomes a pseudonym; as an attribute it would be kept."""
    known = {columns[field]: field for field in identifiers if field in columns}
    for name, attribute in attributes.items():
        for column in attribute.columns:
            if column in known:
                raise MappingError(
                    f"{where} [attributes] {name}: identifier_as_attribute: column {column!r} "
                    f"feeds {known[column]}, and an attribute never holds an identifier; leave it "
                    "out"
                )


def check_values(
    record: type[msgspec.Struct],
    constants: dict[str, Value],
    values: dict[str, dict[str, Value]],
    defaults: dict[str, Value],
    where: str,
) -> None:
    """Every value that the mapping puts into a field must be one that the field can take."""
    said = [(f"[constants] {name}", name, value) for name, value in constants.items()]
    said += [(f"[values.{name}] default", name, value) for name, value in defaults.items()]
    for name, table in values.items():
        said += [(f"[values.{name}] {text!r}", name, value) for text, value in table.items()]
    for what, name, value in said:
        if value != "":
            converted(value, hints(record)[name], where, f"{what} = {value!r}")


def check_formats(record: type[msgspec.Struct], formats: dict[str, str], where: str) -> None:
    _times_only(record, formats, f"{where} [formats]", "formats are for")
    for name, pattern in formats.items():
        sample = datetime(2026, 11, 23, 14, 5, 9)
        try:
            datetime.strptime(sample.strftime(pattern), pattern)
        except (ValueError, re.error) as exc:
            raise MappingError(f"{where} [formats] {name} = {pattern!r}: {exc}") from exc


def zones_of(
    record: type[msgspec.Struct], zones: dict[str, str], where: str
) -> dict[str, ZoneInfo]:
    """Of single fields, under ``[time_zones]``."""
    _times_only(record, zones, f"{where} [time_zones]", "time zones are for")
    return {name: zone_of(zone, f"{where} [time_zones] {name}") for name, zone in zones.items()}


def zone_of(name: str, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as exc:
        raise MappingError(f"{where} = {name!r} is no zone; write UTC or Europe/London") from exc


def _times_only(record: type[msgspec.Struct], table: Iterable[str], where: str, what: str) -> None:
    times = time_fields(record)
    for name in table:
        if name not in times:
            raise MappingError(f"{where}: {name} is no time; {what} {', '.join(times)}")


def check_units(
    record: type[msgspec.Struct], units: dict[str, str], valued: Iterable[str], where: str
) -> None:
    """Only units that can be turned into the field's own, and no field with a value map."""
    for name, unit in units.items():
        here = f"{where} [units] {name} = {unit!r}"
        wanted = measures(record).get(name)
        known = convertible(wanted)
        if not known:
            convertibles = [n for n, own in measures(record).items() if convertible(own)]
            raise MappingError(
                f"{here}: {name} has no unit to convert to; units are for {', '.join(convertibles)}"
            )
        if wanted is None or factor(unit, wanted) is None:
            near = nearest(unit, known) if len(unit) > 2 else ""  # ft is not nearly t
            raise MappingError(
                f"{here} is no unit of a field in {wanted}{near}; write one of {', '.join(known)}"
            )
        if name in valued:
            raise MappingError(f"{here}: {name} has [values] too, which are in {wanted}; keep one")


def notation_of(formats: dict[str, str], where: str) -> Notation:
    """Takes ``decimal`` and ``thousands`` out of ``formats``."""
    decimal = formats.pop("decimal", ".")
    thousands = formats.pop("thousands", "")
    if decimal not in (".", ","):
        raise MappingError(f'{where} [formats] decimal is "." or ",", not {decimal!r}')
    if thousands not in ("", ".", ",", " ", "'", "’"):
        raise MappingError(
            f"{where} [formats] thousands is one of . , ' or a blank, not {thousands!r}"
        )
    if thousands == decimal:
        raise MappingError(
            f"{where} [formats]: decimal and thousands are both {decimal!r}; correct one"
        )
    return Notation(decimal, thousands)


def delay_of(content: Mapping[str, Any], key: str, most: int, where: str) -> float:
    """A stated delay, 0 when none is stated."""
    delay: float = converted(content.get(key, 0.0), float, where, key)
    if not 0 <= delay <= most:
        raise MappingError(f"{where} {key} is 0 to {most}, not {delay:g}")
    return delay
