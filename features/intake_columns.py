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
from features.pseudonyms import Pseudonyms
from features.records import Field, Movement, flags_of, kind_of
from features.records.kinds import flags_about
from features.records.moments import FIRST_OF_TWO

_PLAIN = AS_IT_IS | {"identifier", "moment"}


class _Column(NamedTuple):
    field: Field
    values: Sequence[Any]
    """Of each record; None where it was not given."""


def declare_all(movements: Sequence[Movement], pseudonyms: Pseudonyms) -> list[MovementDeclared]:
    """As ``declare`` of each, in their order."""
    if pseudonyms.shares_tags:
        return [declare(movement, pseudonyms) for movement in movements]
    places: dict[str, list[int]] = defaultdict(list)
    for place, movement in enumerate(movements):
        places[kind_of(movement)].append(place)
    found: dict[int, MovementDeclared] = {}
    for kind, of_kind in places.items():
        records = [movements[place] for place in of_kind]
        found.update(zip(of_kind, _of_kind(kind, records, pseudonyms), strict=True))
    return [found[place] for place in range(len(movements))]


def _of_kind(
    kind: str, movements: Sequence[Movement], pseudonyms: Pseudonyms
) -> list[MovementDeclared]:
    columns = _columns_of(kind, movements)
    apart = {
        place
        for column in columns
        if column.field.role not in _PLAIN
        for place, value in enumerate(column.values)
        if value is not None
    }
    taken = _Taken(kind, len(movements))
    for column in sorted(columns, key=lambda column: column.field.role == "moment"):
        taken.take(column, pseudonyms)
    flags = flags_about(kind, {column.field.name for column in columns})
    return [
        declare(movement, pseudonyms)
        if place in apart
        else MovementDeclared(
            kind=kind,
            movement=pseudonyms.movement(kind, movement.movement_ref),
            version=movement.version,
            declared_at=to_micros(movement.declared_at),
            entities=entities,
            fields=fields,
            attributes=movement.attributes,
            flags=(
                *taken.failed.get(place, ()),
                *flags_of(movement, flags),
                *taken.doubts.get(place, ()),
            ),
        )
        for place, (movement, entities, fields) in enumerate(
            zip(movements, taken.entities, taken.fields, strict=True)
        )
    ]


def _columns_of(kind: str, movements: Sequence[Movement]) -> list[_Column]:
    """Of the fields that carry a role and are given by any record."""
    columns = zip(*map(astuple, movements), strict=True)
    return [
        _Column(field, values)
        for field, values in zip(fields_by_place(kind), columns, strict=True)
        if field is not None and values.count(None) < len(values)
    ]


class _Taken:
    """What becomes of the fields of many records, by their role."""

    def __init__(self, kind: str, records: int) -> None:
        self._kind = kind
        self.entities: list[dict[str, str]] = [{} for _ in range(records)]
        self.fields: list[dict[str, bool | int | float | str]] = [{} for _ in range(records)]
        self.failed: dict[int, list[str]] = defaultdict(list)
        """By place, of the few in which something is wrong."""
        self.doubts: dict[int, list[str]] = defaultdict(list)

    def take(self, column: _Column, pseudonyms: Pseudonyms) -> None:
        field, values = column
        if field.role == "identifier":
            self._identify(field, values, pseudonyms)
        elif field.role in AS_IT_IS:
            self._keep(field.name, values)
            if field.check is not None:
                texts = set(values) - {None}
                self._note(field, values, {t: failures(None, field.check, t) for t in texts})
        elif field.role == "moment":
            self._keep(field.name, [at if at is None else to_micros(at) for at in values])
            for place, at in enumerate(values):
                if at is not None and at.tzinfo is FIRST_OF_TWO:
                    self.doubts[place].append(f"time_ambiguous:{field.name}")

    def _keep(self, name: str, values: Sequence[Any]) -> None:
        for fields, value in zip(self.fields, values, strict=True):
            if value is not None:
                fields[name] = value

    def _identify(self, field: Field, texts: Sequence[Any], pseudonyms: Pseudonyms) -> None:
        namespace, name = field.namespace, field.name
        if namespace is None:
            return
        identified = {
            text: pseudonyms.identified(namespace, field.check, text)
            for text in set(texts) - {None}
        }
        entity_of = {text: one.entity for text, one in identified.items()}
        for entities, text in zip(self.entities, texts, strict=True):
            entity = entity_of.get(text)
            if entity is not None:
                entities[name] = entity
        self._note(field, texts, {text: one.failed for text, one in identified.items()})

    def _note(
        self, field: Field, texts: Sequence[Any], failed: Mapping[str, tuple[str, ...]]
    ) -> None:
        if not any(failed.values()):
            return
        for place, text in enumerate(texts):
            for one in failed.get(text, ()):
                self.failed[place].append(f"{one}:{field.name}")
