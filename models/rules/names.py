"""What a rule may read of a movement, and how each is called in an expression.

A name is ``source.name`` with source and name as the catalogue has them, so that an analyst who
reads a feature in a report or a reason can write it down as it stands:

    declared.gross_mass_kg            a field of the movement, or a feature made of its fields alone
    declared.attribute.tare_kg        an attribute that a mapping named
    history.haulier.finds             what the ledger said of the haulier before the instant
    history.haulier_with_route.movements

Beside the catalogue, ``declared`` has the categories, the moments and the plain details of the
record, which the catalogue knows through their history only. Identifiers are not among them: who
is looked for by name is a selector.
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec

from features.catalogue import Catalogue, Feature, catalogue_for
from features.records import RECORDS, carried_fields, declared_fields

Sort = Literal["number", "switch", "text", "instant", "number or text"]
"""What a name stands for: every number is a double, every instant a timestamp in UTC."""
ATTRIBUTE = "attribute"

_SORT_OF_ROLE: Mapping[str, Sort] = {
    "measure": "number",
    "switch": "switch",
    "category": "text",
    "moment": "instant",
}
_SORT_OF_DETAIL: Mapping[type, Sort] = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.LiteralType: "text",
    msgspec.inspect.IntType: "number",
    msgspec.inspect.FloatType: "number",
    msgspec.inspect.BoolType: "switch",
}


class Name(NamedTuple):
    path: str
    """As an expression has it: ``history.haulier.finds``."""
    sort: Sort
    kept_in: Literal["fields", "details", "attributes", "row"]
    """Part of ``MovementDeclared``, or the feature row."""
    key: str
    """There: a field, or the feature's name in the catalogue."""


@cache
def names_of(kind: str) -> Mapping[str, Name]:
    """Every name but those of attributes, which ``attribute_name`` makes, by path."""
    own = [
        Name(f"declared.{field.name}", _SORT_OF_ROLE[field.role], "fields", field.name)
        for field in declared_fields(kind)
        if field.role in _SORT_OF_ROLE
    ]
    taken = {name.path for name in own}
    features = [_of_feature(feature) for feature in catalogue_for(kind).features]
    found = [*own, *_details(kind), *(name for name in features if name.path not in taken)]
    return {name.path: name for name in found}


@cache
def identifiers_of(kind: str) -> frozenset[str]:
    """Paths that people will try and that no rule reads."""
    return frozenset(f"declared.{f.name}" for f in declared_fields(kind) if f.role == "identifier")


def attribute_name(kind: str, path: str) -> Name | None:
    """The name of an attribute or of a coded attribute's history; None for any other path.

    >>> attribute_name("vehicle", "declared.attribute.tare_kg").key
    'tare_kg'
    """
    source, _, rest = path.partition(".")
    role, _, name = rest.partition(".")
    if role != ATTRIBUTE or not name:
        return None
    if source == "declared" and "." not in name:
        return Name(path, "number or text", "attributes", name)
    known = {_of_feature(feature).path for feature in _features(kind, (name.partition(".")[0],))}
    return Name(path, "number", "row", rest) if path in known else None


def attribute_of(name: Name) -> str | None:
    """Which attribute it is, or is the history of; None for every other name."""
    if name.kept_in == "attributes":
        return name.key
    return name.key.split(".")[1] if name.key.startswith(f"{ATTRIBUTE}.") else None


def catalogue_of(kind: str, names: Collection[Name]) -> Catalogue:
    """The features among the names, in the order of the kind's whole catalogue: what history is
    read by, and no more than that."""
    wanted = {name.key for name in names if name.kept_in == "row"}
    histories = (attribute_of(name) for name in names if name.kept_in == "row")
    coded = tuple(sorted(set(filter(None, histories))))
    return Catalogue(kind, tuple(f for f in _features(kind, coded) if f.name in wanted))


def _features(kind: str, coded_attributes: tuple[str, ...]) -> tuple[Feature, ...]:
    return catalogue_for(kind, dict.fromkeys(coded_attributes, "code")).features


def _of_feature(feature: Feature) -> Name:
    sort: Sort = "switch" if feature.dtype == "switch" else "number"
    return Name(f"{feature.source}.{feature.name}", sort, "row", feature.name)


def _details(kind: str) -> list[Name]:
    """Details that are one text, number or switch; lists and objects are for people."""
    types = {item.name: item.type for item in msgspec.inspect.type_info(RECORDS[kind]).fields}  # type: ignore[attr-defined]
    found = []
    for field in carried_fields(kind):
        sort = _sort_of(types[field.name]) if field.role == "detail" else None
        if sort is not None:
            found.append(Name(f"declared.{field.name}", sort, "details", field.name))
    return found


def _sort_of(kind: Any) -> Sort | None:
    if isinstance(kind, msgspec.inspect.Metadata):
        return _sort_of(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return next((sort for sort in map(_sort_of, kind.types) if sort is not None), None)
    return _SORT_OF_DETAIL.get(type(kind))
