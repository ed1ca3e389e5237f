"""What the fields of a record take, asked of the record itself: times, texts, numbers, lists."""

from functools import cache
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import inspect

from features.records import RECORDS
from features.records.kinds import moments_of
from features.records.movement import Instant

KNOWN_AT = "known_at"
"""When a row could first be known: a field of an outcome, and of a file of movements."""

Shape = Literal["value", "list", "object"]

_PLAIN_ROLES = frozenset({"category", "measure", "switch", "moment"})
"""Roles of the fields that name nobody."""
_REFERENCES = frozenset({"movement_ref", "event_id", "corrects"})
_LISTS = (
    inspect.ListType,
    inspect.VarTupleType,
    inspect.TupleType,
    inspect.SetType,
    inspect.FrozenSetType,
)
_OBJECTS = (inspect.StructType, inspect.DictType)


def mappable(record: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that a column can feed."""
    names = tuple(name for name in record.__struct_fields__ if name != "attributes")
    return names if KNOWN_AT in names else (*names, KNOWN_AT)


@cache
def hints(record: type[msgspec.Struct]) -> dict[str, Any]:
    """Field to its type, with its bounds."""
    return {KNOWN_AT: Annotated[Instant, None], **get_type_hints(record, include_extras=True)}


@cache
def time_fields(record: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a record that hold an instant."""
    found = _fields_of(record, (inspect.DateTimeType,))
    return found if KNOWN_AT in found else (*found, KNOWN_AT)


@cache
def port_local_times(record: type[msgspec.Struct]) -> frozenset[str]:
    """The times that may come as the local time of a port, which the record then resolves."""
    kinds = [kind for kind, of in RECORDS.items() if of is record]
    return frozenset(m.name for kind in kinds for m in moments_of(kind) if m.port is not None)


@cache
def text_fields(record: type[msgspec.Struct]) -> frozenset[str]:
    """The fields whose cells are texts, also when they look like numbers."""
    return frozenset(_fields_of(record, (inspect.StrType, inspect.LiteralType)))


@cache
def measures(record: type[msgspec.Struct]) -> dict[str, str | None]:
    """The fields that hold a number, and its unit."""
    numbers = _fields_of(record, (inspect.FloatType, inspect.IntType))
    return {name: _extra(record, name).get("unit") for name in numbers}


@cache
def private_fields(record: type[msgspec.Struct]) -> frozenset[str]:
    """The fields whose text may name someone."""
    roles = {name: _extra(record, name).get("role") for name in record.__struct_fields__}
    named = {name for name, role in roles.items() if role and role not in _PLAIN_ROLES}
    return frozenset(named | _REFERENCES)


@cache
def identifier_fields(record: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that become pseudonyms, and references to documents."""
    named = {"identifier", "reference"}
    fields = record.__struct_fields__
    return tuple(name for name in fields if _extra(record, name).get("role") in named)


@cache
def is_modelled(record: type[msgspec.Struct], field: str) -> bool:
    """True for what features or keys of history are made of."""
    return _extra(record, field).get("role") in _PLAIN_ROLES | {"identifier"}


@cache
def allowed_words(record: type[msgspec.Struct], field: str) -> tuple[str, ...]:
    """Of a field of fixed words; none for any other."""
    parts = _parts(_types(record)[field]) if field in _types(record) else ()
    literals = (part for part in parts if isinstance(part, inspect.LiteralType))
    return tuple(str(word) for part in literals for word in part.values)


@cache
def names_within(record: type[msgspec.Struct]) -> frozenset[str]:
    """The names of what a row feeds, and of the fields of every object that can lie within it."""
    found = {KNOWN_AT}
    waiting: list[Any] = [inspect.type_info(record)]
    while waiting:
        for part in _parts(waiting.pop()):
            if isinstance(part, inspect.StructType):
                found.update(field.encode_name for field in part.fields)
                waiting += [field.type for field in part.fields]
            elif isinstance(part, inspect.VarTupleType):
                waiting.append(part.item_type)
    return frozenset(found)


@cache
def shapes(record: type[msgspec.Struct]) -> dict[str, Shape]:
    """Field to whether it holds one value, a list, or an object of its own."""
    return {name: _shape(kind) for name, kind in _types(record).items()}


def _shape(kind: Any) -> Shape:
    parts = _parts(kind)
    if any(isinstance(part, _LISTS) for part in parts):
        return "list"
    return "object" if any(isinstance(part, _OBJECTS) for part in parts) else "value"


def _fields_of(record: type[msgspec.Struct], kinds: tuple[Any, ...]) -> tuple[str, ...]:
    """The fields that hold one value of one of these types."""
    return tuple(
        name
        for name, kind in _types(record).items()
        if _shape(kind) == "value" and any(isinstance(part, kinds) for part in _parts(kind))
    )


@cache
def _types(record: type[msgspec.Struct]) -> dict[str, Any]:
    fields = inspect.type_info(record).fields  # type: ignore[attr-defined]
    return {field.name: field.type for field in fields}


def _extra(record: type[msgspec.Struct], field: str) -> dict[str, Any]:
    """What a field says of itself: its role, its unit."""
    return getattr(_types(record).get(field), "extra", None) or {}


def _parts(kind: Any) -> tuple[Any, ...]:
    """The types of a union, bounds and descriptions taken off."""
    if isinstance(kind, inspect.Metadata):
        return _parts(kind.type)
    if isinstance(kind, inspect.UnionType):
        return tuple(part for one in kind.types for part in _parts(one))
    return (kind,)
