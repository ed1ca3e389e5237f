"""Many records at once on their way into the ledger: what they have in common is done once.

``features.intake.declare`` says what becomes of a record. Its twin here says the same of records
that give plain fields alone, by column; all others are left to it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import astuple

from features.clock import to_micros
from features.identifiers import failures
from features.intake import AS_IT_IS, declare, fields_by_place
from features.ledger.events import MovementDeclared
from features.movement_columns import MovementColumns
from features.pseudonyms import Pseudonyms
from features.records import Field, Movement, flags_of, kind_of
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


def declare_together(movements: Sequence[Movement], pseudonyms: Pseudonyms) -> DeclaredTogether:
    """As ``declare`` of each."""
    if pseudonyms.shares_tags:
        apart = {place: declare(one, pseudonyms) for place, one in enumerate(movements)}
        return DeclaredTogether([], apart)
    places: dict[str, list[int]] = defaultdict(list)
    for place, movement in enumerate(movements):
        places[kind_of(movement)].append(place)
    found = DeclaredTogether([], {})
    for kind, of_kind in places.items():
        _declare_kind(kind, of_kind, movements, pseudonyms, found)
    return found


def _declare_kind(
    kind: str,
    places: list[int],
    movements: Sequence[Movement],
    pseudonyms: Pseudonyms,
    found: DeclaredTogether,
) -> None:
    records = [movements[place] for place in places]
    columns = _columns_of(kind, records)
    apart = _not_plain(columns, records)
    if apart:
        found.apart.update((places[at], declare(records[at], pseudonyms)) for at in sorted(apart))
        plain = [at for at in range(len(places)) if at not in apart]
        places, records = [places[at] for at in plain], [records[at] for at in plain]
        columns = _columns_of(kind, records)
    if records:
        found.columns.append((places, _declared(kind, columns, records, pseudonyms)))


def _not_plain(columns: Sequence[_Column], records: Sequence[Movement]) -> set[int]:
    """Places of records that say more than plain fields, or replace what was said before."""
    found = {place for place, one in enumerate(records) if one.version != 1 or one.attributes}
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
    for place, record in enumerate(records if among else ()):
        if raised := flags_of(record, among):
            taken.raised[place] += raised
    return MovementColumns(
        kind,
        pseudonyms.movements(kind, [record.movement_ref for record in records]),
        _micros([record.declared_at for record in records]),
        taken.entities,
        taken.fields,
        taken.flags(),
    )


def _columns_of(kind: str, movements: Sequence[Movement]) -> list[_Column]:
    """Of the fields that carry a role and are given by any record."""
    if not movements:
        return []
    columns = zip(*map(astuple, movements), strict=True)
    return [
        _Column(field, values)
        for field, values in zip(fields_by_place(kind), columns, strict=True)
        if field is not None and values.count(None) < len(values)
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
