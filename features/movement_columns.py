"""Movements that are kept as columns: what many have in common is said once, and no object made.

Whoever wants one of them as the ledger keeps it gets one; the columns hold the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Literal, overload

from features.clock import Micros
from features.ledger.events import MovementDeclared

Source = Literal["entities", "fields", "attributes"]


class MovementColumns(Sequence[MovementDeclared]):
    """Movements of one kind, in their first version, that say nothing but entities and fields.

    Args:
        movements: pseudonyms.
        declared_at: of each.
        entities, fields: of each movement by the name of the field; None where it was not given.
        flags: by place, of those that have any.
    """

    __slots__ = ("declared_at", "entities", "fields", "flags", "kind", "movements")

    def __init__(
        self,
        kind: str,
        movements: Sequence[str],
        declared_at: Sequence[Micros],
        entities: Mapping[str, Sequence[str | None]],
        fields: Mapping[str, Sequence[bool | int | float | str | None]],
        flags: Mapping[int, tuple[str, ...]],
    ) -> None:
        self.kind = kind
        self.movements = movements
        self.declared_at = declared_at
        self.entities = entities
        self.fields = fields
        self.flags = flags

    def __len__(self) -> int:
        return len(self.movements)

    @overload
    def __getitem__(self, at: int) -> MovementDeclared: ...
    @overload
    def __getitem__(self, at: slice) -> "MovementColumns": ...
    def __getitem__(self, at: int | slice) -> "MovementDeclared | MovementColumns":
        if isinstance(at, slice):
            return self.taken(range(len(self))[at])
        return MovementDeclared(
            kind=self.kind,
            movement=self.movements[at],
            declared_at=self.declared_at[at],
            entities=_given(self.entities, at),
            fields=_given(self.fields, at),
            flags=self.flags.get(range(len(self))[at], ()),
        )

    def taken(self, places: Sequence[int]) -> "MovementColumns":
        """Those at some places, in that order."""
        flags = ((new, self.flags.get(old)) for new, old in enumerate(places)) if self.flags else ()
        return MovementColumns(
            self.kind,
            [self.movements[at] for at in places],
            [self.declared_at[at] for at in places],
            {name: [column[at] for at in places] for name, column in self.entities.items()},
            {name: [column[at] for at in places] for name, column in self.fields.items()},
            {at: of_one for at, of_one in flags if of_one},
        )


def _given(columns: Mapping[str, Sequence[Any]], at: int) -> dict[str, Any]:
    values = ((name, column[at]) for name, column in columns.items())
    return {name: value for name, value in values if value is not None}


def values_of(movements: Iterable[MovementDeclared], source: Source, name: str) -> Sequence[Any]:
    """What each says under a name; None where it was not given."""
    if isinstance(movements, MovementColumns):
        columns: Mapping[str, Sequence[Any]] = getattr(movements, source, {})
        return columns.get(name) or [None] * len(movements)
    return [given.get(name) for given in map(attrgetter(source), movements)]


def names_given(movements: Sequence[MovementDeclared]) -> frozenset[str]:
    """Every name under which any of them says something; most fields of most movements are not
    given, and what nobody gives is looked for once and not in each."""
    if isinstance(movements, MovementColumns):
        return frozenset({*movements.entities, *movements.fields})
    found: set[str] = set()
    for part in map(attrgetter, ("fields", "entities", "attributes", "details", "references")):
        found.update(*filter(None, map(part, movements)))
    return frozenset(found)
