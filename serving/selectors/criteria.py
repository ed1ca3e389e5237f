"""What a selector asks of a movement, as keys: it matches when the movement has all of them.

A key is a text: an entity as the ledger names it (``vehicle:`` and its pseudonym), a declared field
and its value (``origin_country=EC``), or how a commodity code begins (``commodity_code=0803*``).
"""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast, get_args, get_type_hints

import msgspec

from features.errors import ForelandError
from features.identifiers import is_placeholder
from features.ledger import MovementDeclared
from features.movement_columns import MovementColumns
from features.pseudonyms import Pseudonyms
from features.records import KINDS, RECORDS, Field, Namespace, declared_fields
from features.records.persons import is_person_data

NAMESPACES = get_args(Namespace)
COMMODITY = "commodity_code"
SHORTEST_PREFIX = 2
"""Digits: a chapter of the tariff."""
_PREFIX = re.compile(r"([0-9]{2,10})\*")
_SWITCH = {"yes": True, "no": False}


class CriterionRefused(ForelandError):
    """What is asked of a movement cannot be."""


def keys_of(declared: MovementDeclared) -> set[str]:
    """Every key that the movement has."""
    keys = set(declared.entities.values())
    for named in declared.references.values():  # further containers, the means of transport
        keys.update(named)
    for name, value in declared.fields.items():
        if value.__class__ is str:
            keys.add(f"{name}={value}")
        elif value.__class__ is bool:
            keys.add(f"{name}=yes" if value else f"{name}=no")
    for code in _commodities(declared):
        keys.add(f"{COMMODITY}={code}")
        keys.update(f"{COMMODITY}={code[:end]}*" for end in range(SHORTEST_PREFIX, len(code) + 1))
    return keys


def places_with(keys: Container[str], movements: MovementColumns) -> set[int]:
    """Where the movements are that have any of these keys."""
    found: set[int] = set()
    for column in movements.entities.values():
        found |= _places(column, {text for text in set(column) if text in keys})
    for name, values in movements.fields.items():
        held = {value for value in set(values) if _has_any(keys, name, value)}
        found |= _places(values, held)
    return found


def _places(column: Sequence[Any], held: set[Any]) -> set[int]:
    return {at for at, value in enumerate(column) if value in held} if held else set()


def _has_any(keys: Container[str], name: str, value: Any) -> bool:
    if value.__class__ not in (str, bool) and name != COMMODITY:
        return False
    only = MovementDeclared(kind="", movement="", declared_at=0, fields={name: value})
    return value is not None and any(key in keys for key in keys_of(only))


def _commodities(declared: MovementDeclared) -> Iterator[str]:
    """Of the movement and of each of its goods items."""
    if (code := declared.fields.get(COMMODITY)) is not None:
        yield str(code)
    for item in declared.details.get("items", ()):
        if (code := item.get(COMMODITY)) is not None:
            yield str(code)


def read_criterion(text: str, pseudonyms: Pseudonyms) -> tuple[str, frozenset[str]]:
    """Its key, and the kinds of movement that can have it; an identifier is replaced at once.

    Args:
        text: ``namespace: IDENTIFIER``, ``field = value`` or ``commodity_code = PREFIX*``.

    Raises:
        CriterionRefused: an unknown namespace or field, a value that the field never has, a
            placeholder. It names no identifier.
    """
    before, separator, after = _split(text)
    name, value = before.strip(), after.strip()
    if is_person_data(name):
        raise CriterionRefused(
            f"{name} is a natural person's data, which is never taken in; select by what moves"
        )
    if separator == ":":
        return _entity(name, value, pseudonyms), frozenset(KINDS)
    return _field(name, value)


def tags_of(text: str, pseudonyms: Pseudonyms) -> Mapping[str, str]:
    """Partnership to the tag of the identifier in a criterion that was read; empty for a field."""
    before, separator, after = _split(text)
    if separator != ":":
        return {}
    return pseudonyms.tags(cast(Namespace, before.strip()), after.strip())


def _split(text: str) -> tuple[str, str, str]:
    found = re.search("[:=]", text)
    if found is None:
        raise CriterionRefused(
            "a criterion is `namespace: IDENTIFIER` or `field = value`, and one has neither a "
            "colon nor an equals sign"
        )
    return text[: found.start()], found.group(), text[found.end() :]


def _entity(namespace: str, identifier: str, pseudonyms: Pseudonyms) -> str:
    if namespace not in NAMESPACES:
        raise CriterionRefused(
            f"{namespace!r} is no namespace of identifiers; use one of {', '.join(NAMESPACES)}"
        )
    known = cast(Namespace, namespace)
    if is_placeholder(known, identifier):
        raise CriterionRefused(
            f"the identifier of the {namespace} is a placeholder, which stands for nobody; give a "
            "real one"
        )
    return pseudonyms.entity(known, identifier)


def _field(name: str, value: str) -> tuple[str, frozenset[str]]:
    kinds = [kind for kind in KINDS if name in _selectable(kind)]
    if not kinds:
        known = sorted({field for kind in KINDS for field in _selectable(kind)})
        raise CriterionRefused(
            f"{name!r} is no declared field with categories; use one of {', '.join(known)}"
        )
    if name == COMMODITY and _PREFIX.fullmatch(value):
        return f"{name}={value}", frozenset(kinds)
    having = frozenset(kind for kind in kinds if _can_be(kind, name, value))
    if not having:
        raise CriterionRefused(
            f"{name} is never {value!r}; give a value as declarations have it"
            + (", or two to ten digits and * for how it begins" if name == COMMODITY else "")
        )
    return f"{name}={value}", having


def _can_be(kind: str, name: str, value: str) -> bool:
    field, hint = _selectable(kind)[name]
    if field.role == "switch":
        return value in _SWITCH
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError:
        return False
    return True


@cache
def _selectable(kind: str) -> dict[str, tuple[Field, Any]]:
    """Fields that are equal to something: categories and switches, with their types."""
    hints = get_type_hints(RECORDS[kind], include_extras=True)
    return {
        field.name: (field, hints[field.name])
        for field in declared_fields(kind)
        if field.role in ("category", "switch")
    }
