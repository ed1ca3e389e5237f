"""Which keys a movement's history is counted by, and in which space each key lives.

A *role* is what a key is to the movement: its haulier, its route, its haulier on that route. A
*space* is where keys are told apart, and so who shares history with whom:

- identifiers live in their namespace, whatever role and kind they came in: a find on a shipment
  informs the lorry of the same haulier. A movement that names one organisation twice counts once;
- categories and attributes live in their kind: finds per examination differ by kind, and so does
  what a code means (a lorry's goods are often a chapter, a shipment's a code of ten digits), so a
  route's or commodity's rate in one kind says nothing safe about another;
- pairs of two identifiers are shared by the kinds that have them, other pairs are of their kind;
- the kind itself is a key, whose find rate all others are drawn towards;
- a blank text names nothing: all that share it would share one history.

Switches and measures are not counted by: they are features as they are. A commodity is counted
by its code and by its chapter (two digits), so that goods not seen before still have a history.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from features.declared import DERIVED
from features.history.statistics import BRIEF, CATEGORY, FULL, PAIR, Grade
from features.ledger.events import MovementDeclared
from features.movement_columns import Source, values_of
from features.records import KINDS, Field, declared_fields

PRINCIPALS: Mapping[str, tuple[str, ...]] = {
    "vehicle": ("haulier", "vehicle"),
    "vessel": ("imo", "operator"),
    "shipment": ("consignor", "consignee"),
}
"""Entities read in full; the others are read in brief, so that a kind stays near 120 features."""

PAIRS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "vehicle": (("haulier", "route"), ("vehicle", "trailer"), ("consignor", "consignee")),
    "vessel": (("last_port", "port"), ("operator", "port")),
    "shipment": (("consignor", "consignee"), ("consignee", "commodity")),
}
CHAPTER_DIGITS = 2


class Part(NamedTuple):
    """Where one text of a movement is found."""

    source: Source
    field: str
    first: int | None = None
    """Only so many characters from the left."""

    def texts(self, movements: Iterable[MovementDeclared]) -> list[str | None]:
        """None where the text is not given or blank, or where an attribute is a number."""
        source, field, first = self
        found = [value or None for value in values_of(movements, source, field)]
        if source == "attributes":
            found = [value if isinstance(value, str) else None for value in found]
        if first is not None:
            found = [value if value is None else value[:first] for value in found]
        return found


class Role(NamedTuple):
    name: str
    label: str
    """How an officer's sentence calls it."""
    grade: Grade
    space: str
    parts: tuple[Part, ...]
    statistics: tuple[str, ...]

    @property
    def prefix(self) -> str:
        """What makes a key of a text, unlike all keys of other spaces of its grade.

        A pseudonym carries its namespace already.
        """
        return "" if self.grade == "entity" else f"{self.space}|"

    def texts(self, movements: Sequence[MovementDeclared]) -> list[str | None]:
        """The key of each movement within the space; None when not declared."""
        first = self.parts[0].texts(movements)
        if len(self.parts) == 1:
            return first
        second = self.parts[1].texts(movements)
        return [
            None if a is None or b is None else f"{a}|{b}"
            for a, b in zip(first, second, strict=True)
        ]


KeyReader = Callable[[MovementDeclared], str | None]


@lru_cache(maxsize=1024)
def key_reader(role: Role) -> KeyReader:
    """The key of one movement, prefix included: as ``texts``, in one call without lists."""
    prefix, first = role.prefix, role.parts[0]
    if first.source == "attributes":
        return lambda movement: _prefixed(prefix, role.texts((movement,))[0])
    if len(role.parts) == 2:
        return _pair_reader(prefix, *role.parts)
    field, digits = first.field, first.first
    if role.grade == "entity":
        return lambda movement: movement.entities.get(field) or None

    def code(movement: MovementDeclared) -> str | None:
        text: Any = movement.fields.get(field)
        return prefix + text[:digits] if text else None

    return code


def _pair_reader(prefix: str, first: Part, second: Part) -> KeyReader:
    one, other = first.field, second.field
    texts_of_one, texts_of_other = attrgetter(first.source), attrgetter(second.source)

    def both(movement: MovementDeclared) -> str | None:
        a, b = texts_of_one(movement).get(one), texts_of_other(movement).get(other)
        return f"{prefix}{a}|{b}" if a and b else None

    return both


def _prefixed(prefix: str, text: str | None) -> str | None:
    return None if text is None else prefix + text


def short_name(field: str) -> str:
    """
    >>> short_name("haulier_eori"), short_name("route_id"), short_name("flag")
    ('haulier', 'route', 'flag')
    """
    return re.sub(r"_(eori|reg|no|id|code)$", "", field)


def attribute_role(kind: str, name: str) -> Role:
    """History of the value of one coded attribute."""
    role = f"attribute.{name}"
    label = name.replace("_", " ")
    taken = {field.label for field in declared_fields(kind)}
    if label in taken.union(item.group for item in DERIVED[kind]):
        label = f"{label} (attribute)"
    return Role(role, label, "category", f"{kind}.{role}", (Part("attributes", name),), CATEGORY)


def _entity(kind: str, field: Field) -> Role:
    name = short_name(field.name)
    statistics = FULL if name in PRINCIPALS[kind] else BRIEF
    part = Part("entities", field.name)
    return Role(name, field.label, "entity", str(field.namespace), (part,), statistics)


def _categories(kind: str, field: Field) -> list[Role]:
    name = short_name(field.name)
    part = Part("fields", field.name)
    found = [Role(name, field.label, "category", f"{kind}.{name}", (part,), CATEGORY)]
    if name == "commodity":
        chapter = part._replace(first=CHAPTER_DIGITS)
        space = f"{kind}.commodity_chapter"
        label = f"{field.label} chapter"
        found.append(Role("commodity_chapter", label, "category", space, (chapter,), CATEGORY))
    return found


def _pair(kind: str, first: Role, second: Role) -> Role:
    name = f"{first.name}_with_{second.name}"
    shared = first.grade == second.grade == "entity"
    return Role(
        name,
        f"{first.label} with {second.label}",
        "pair",
        name if shared else f"{kind}.{name}",
        first.parts + second.parts,
        PAIR,
    )


@cache
def roles_of(kind: str) -> tuple[Role, ...]:
    """Every role of the kind's own fields: entities, then categories, then pairs."""
    fields = declared_fields(kind)
    entities = [_entity(kind, field) for field in fields if field.role == "identifier"]
    categories = [
        role for field in fields if field.role == "category" for role in _categories(kind, field)
    ]
    by_name = {role.name: role for role in (*entities, *categories)}
    pairs = [_pair(kind, by_name[a], by_name[b]) for a, b in PAIRS[kind]]
    return (*entities, *categories, *pairs)


def kind_key(kind: str) -> str:
    """The kind as a key of grade ``category``: its find rate is what all others start from."""
    return f"{kind}.kind"


@cache
def sharers(space: str) -> Mapping[str, tuple[Role, ...]]:
    """Kind to its roles of one space, for spaces of the records' own fields."""
    found = {kind: tuple(r for r in roles_of(kind) if r.space == space) for kind in KINDS}
    return {kind: roles for kind, roles in found.items() if roles}
