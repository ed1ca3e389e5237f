"""Many records at once on their way into the ledger: what they have in common is done once.

``features.intake.declare`` says what becomes of a record. Its twin here says the same of records
that give plain fields alone, by column; all others are left to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec.structs import astuple

from features.clock import to_micros
from features.identifiers import failures
from features.intake import AS_IT_IS, declare, fields_by_place
from features.ledger.events import MovementDeclared
from features.movement_columns import MovementColumns
from features.pseudonyms import Pseudonyms
from features.records import RECORDS, Field, Movement, flags_of, kind_of
from features.records.columns import RecordColumns
from features.records.kinds import flags_about
from features.records.moments import FIRST_OF_TWO

_PLAIN = AS_IT_IS | {"identifier", "moment"}


class _Column(NamedTuple):
    field: Field
    values: Sequence[Any]
    """Of each record; None where it was not given."""


class DeclaredTogether(NamedTuple):
    """What becomes of many records."""

    columns: list[tuple[list[int], MovementColumns]]
    """Of those that are plain, by kind: their places, in the order given, and themselves."""
    apart: dict[int, MovementDeclared]
    """The others, by place."""


def declare_together(movements: Mapping[int, Movement], pseudonyms: Pseudonyms) -> DeclaredTogether:
    """As ``declare`` of each.

    Args:
        movements: by place, which rise.
    """
    found = DeclaredTogether([], {})
    if pseudonyms.shares_tags:
        found.apart.update((at, declare(one, pseudonyms)) for at, one in movements.items())
        return found
    places: dict[str, list[int]] = defaultdict(list)
    for place, movement in movements.items():
        places[kind_of(movement)].append(place)
    for kind, of_kind in places.items():
        records = [movements[place] for place in of_kind]
        _declare_records(kind, of_kind, records, pseudonyms, found)
    return found


def declare_columns(
    places: Sequence[int], records: RecordColumns, pseudonyms: Pseudonyms
) -> DeclaredTogether:
    """As ``declare`` of each.

    Args:
        places: that they have, rising, in place of their own.
    """
    found = DeclaredTogether([], {})
    if pseudonyms.shares_tags:
        each = (declare(record, pseudonyms) for record in records)
        found.apart.update(zip(places, each, strict=True))
    else:
        _declare_records(records.kind, places, records, pseudonyms, found)
    return found


def _declare_records(
    kind: str,
    places: Sequence[int],
    records: Sequence[Movement],
    pseudonyms: Pseudonyms,
    found: DeclaredTogether,
) -> None:
    columns = _columns_of(kind, records)
    apart = _not_plain(columns, records)
    if apart:
        found.apart.update((places[at], declare(records[at], pseudonyms)) for at in sorted(apart))
        plain = [at for at in range(len(places)) if at not in apart]
        places, records = [places[at] for at in plain], _taken(records, plain)
        columns = _columns_of(kind, records)
    if records:
        found.columns.append((list(places), _declared(kind, columns, records, pseudonyms)))


def _not_plain(columns: Sequence[_Column], records: Sequence[Movement]) -> set[int]:
    """Places of records that say more than plain fields, or replace what was said before."""
    if isinstance(records, RecordColumns):  # attributes are no column
        versions = records.values.get("version", ())
        found = {place for place, version in enumerate(versions) if version != 1}
    else:
        each = enumerate(records)
        found = {place for place, one in each if one.version != 1 or one.attributes}
    for column in columns:
        if column.field.role not in _PLAIN:
            found.update(place for place, one in enumerate(column.values) if one is not None)
    return found


def _declared(
    kind: str, columns: Sequence[_Column], records: Sequence[Movement], pseudonyms: Pseudonyms
) -> MovementColumns:
    taken = _Taken()
    for column in sorted(columns, key=lambda column: column.field.role == "moment"):
        taken.take(column, pseudonyms)
    among = flags_about(kind, {column.field.name for column in columns})
    for place, record in enumerate(_in_turn(records) if among else ()):
        if raised := flags_of(record, among):
            taken.raised[place] += raised
    return MovementColumns(
        kind,
        pseudonyms.movements(kind, _values(records, "movement_ref")),
        _micros(_values(records, "declared_at")),
        taken.entities,
        taken.fields,
        taken.flags(),
    )


def _values(records: Sequence[Movement], name: str) -> Sequence[Any]:
    if isinstance(records, RecordColumns):
        return records.values[name]
    return list(map(attrgetter(name), records))


def _in_turn(records: Sequence[Movement]) -> Iterable[Movement]:
    return records.one_by_one() if isinstance(records, RecordColumns) else records


def _taken(records: Sequence[Movement], places: Sequence[int]) -> Sequence[Movement]:
    if isinstance(records, RecordColumns):
        return records.taken(places)
    return [records[at] for at in places]


def _columns_of(kind: str, records: Sequence[Movement]) -> list[_Column]:
    """Of the fields that carry a role and are given by any record."""
    if not records:
        return []
    columns: Iterable[Sequence[Any] | None]
    if isinstance(records, RecordColumns):
        columns = map(records.values.get, RECORDS[kind].__struct_fields__)
    else:
        columns = zip(*map(astuple, records), strict=True)
    return [
        _Column(field, values)
        for field, values in zip(fields_by_place(kind), columns, strict=True)
        if field is not None and values is not None and values.count(None) < len(values)
    ]


class _Taken:
    """What becomes of the fields of many records, by their role."""

    def __init__(self) -> None:
        self.entities: dict[str, Sequence[str | None]] = {}
        self.fields: dict[str, Sequence[bool | int | float | str | None]] = {}
        self.failed: dict[int, list[str]] = defaultdict(list)
        """By place, of the few in which something is wrong."""
        self.raised: dict[int, list[str]] = defaultdict(list)
        self.doubts: dict[int, list[str]] = defaultdict(list)

    def flags(self) -> dict[int, tuple[str, ...]]:
        """Of each record that has any, in their order."""
        parts = (self.failed, self.raised, self.doubts)
        return {
            place: tuple(flag for part in parts for flag in part.get(place, ()))
            for place in sorted(set().union(*parts))
        }

    def take(self, column: _Column, pseudonyms: Pseudonyms) -> None:
        field, values = column
        if field.role == "identifier":
            self._identify(field, values, pseudonyms)
        elif field.role in AS_IT_IS:
            self.fields[field.name] = values
            if field.check is not None:
                texts = set(values) - {None}
                self._note(field, values, {t: failures(None, field.check, t) for t in texts})
        elif field.role == "moment":
            self.fields[field.name] = _micros(values)
            for place, at in enumerate(values):
                if at is not None and at.tzinfo is FIRST_OF_TWO:
                    self.doubts[place].append(f"time_ambiguous:{field.name}")

    def _identify(self, field: Field, texts: Sequence[Any], pseudonyms: Pseudonyms) -> None:
        if field.namespace is None:
            return
        identified = {
            text: pseudonyms.identified(field.namespace, field.check, text)
            for text in set(texts) - {None}
        }
        entity_of = {text: one.entity for text, one in identified.items()}
        self.entities[field.name] = [entity_of.get(text) for text in texts]
        self._note(field, texts, {text: one.failed for text, one in identified.items()})

    def _note(
        self, field: Field, texts: Sequence[Any], failed: Mapping[str, tuple[str, ...]]
    ) -> None:
        if not any(failed.values()):
            return
        for place, text in enumerate(texts):
            for one in failed.get(text, ()):
                self.failed[place].append(f"{one}:{field.name}")


def _micros(instants: Sequence[Any]) -> list[Any]:
    """Whole batches are of few instants, or of as many as rows: each is computed once."""
    known = {at: to_micros(at) for at in set(instants) - {None}}
    return list(map(known.get, instants))
