"""What the fields of a record take, asked of the record itself: times, texts, numbers, lists."""

from functools import cache
from typing import Annotated, Any, Literal, get_type_hints

import msgspec

from features.records import RECORDS, Field, Movement, Outcome, declared_fields
from features.records.movement import Instant

KNOWN_AT = "known_at"
"""When a row could first be known: a field of an outcome, and of a file of movements."""

Shape = Literal["value", "list", "object"]


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
    if record is Outcome:
        return ("examined_at", KNOWN_AT)
    moments = (field.name for field in _declared(record) if field.role == "moment")
    return ("declared_at", *moments, KNOWN_AT)


@cache
def text_fields(record: type[msgspec.Struct]) -> frozenset[str]:
    """The fields whose cells are codes, also when they look like numbers."""
    if record is Outcome:
        return frozenset(Outcome.__struct_fields__)
    roles = ("identifier", "category", "reference")
    coded = (field.name for field in _declared(record) if field.role in roles)
    return frozenset(("movement_ref", *coded))


@cache
def measures(record: type[msgspec.Struct]) -> dict[str, str | None]:
    """Number to its unit."""
    return {field.name: field.unit for field in _declared(record) if field.role == "measure"}


@cache
def private_fields(record: type[msgspec.Struct]) -> frozenset[str]:
    """The fields whose text may name someone: no message, list or log may quote it."""
    roles = ("identifier", "reference", "detail")
    named = (field.name for field in _declared(record) if field.role in roles)
    return frozenset(("movement_ref", "event_id", "corrects", *named))


def allowed_words(record: type[msgspec.Struct], field: str) -> tuple[str, ...]:
    """Of a field of fixed words; none for any other."""
    kind = next(f.type for f in _fields(record) if f.name == field)
    literals = (p for p in _parts(kind) if isinstance(p, msgspec.inspect.LiteralType))
    return tuple(str(word) for part in literals for word in part.values)


@cache
def shapes(record: type[msgspec.Struct]) -> dict[str, Shape]:
    """Field to whether it holds one value, a list, or an object of its own."""
    return {field.name: _shape(field.type) for field in _fields(record)}


def _shape(kind: Any) -> Shape:
    parts = _parts(kind)
    if any(isinstance(part, _LISTS) for part in parts):
        return "list"
    return "object" if any(isinstance(part, _OBJECTS) for part in parts) else "value"


@cache
def _fields(record: type[msgspec.Struct]) -> tuple[Any, ...]:
    return tuple(msgspec.inspect.type_info(record).fields)  # type: ignore[attr-defined]


def _parts(kind: Any) -> tuple[Any, ...]:
    """The types of a union, bounds and descriptions taken off."""
    if isinstance(kind, msgspec.inspect.Metadata):
        return _parts(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return tuple(part for one in kind.types for part in _parts(one))
    return (kind,)


_LISTS = (
    msgspec.inspect.ListType,
    msgspec.inspect.VarTupleType,
    msgspec.inspect.TupleType,
    msgspec.inspect.SetType,
    msgspec.inspect.FrozenSetType,
)
_OBJECTS = (msgspec.inspect.StructType, msgspec.inspect.DictType)


def _declared(record: type[msgspec.Struct]) -> tuple[Field, ...]:
    if not issubclass(record, Movement):
        return ()
    return declared_fields(next(kind for kind, of in RECORDS.items() if of is record))
