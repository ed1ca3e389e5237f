"""What msgspec found wrong with the shape of a record, as a sentence that never holds the value.

msgspec's own text repeats an enumerated value, and writes a pattern as a program does. So only the
place is taken from it, and what belongs there is described from the type that is declared.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from features.records.persons import NO_FIELD, is_harmless
from features.records.refusal import Problem

NOT_BLANK = r"^[^\s](.*[^\s])?$"
END = r"(?!\n)"
"""Follows the `$` of each pattern, which alone also matches before a last line feed."""
AN_INSTANT = "an RFC 3339 time with an offset, such as 2026-03-01T08:30:00Z"

WRITTEN: Mapping[str, str] = {
    r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,199}$": (
        "a code of at most 200 letters, digits, blanks and . _ / - that begins with a letter or "
        "digit"
    ),
    r"^[A-Za-z0-9][A-Za-z0-9 ./-]*$": (
        "text of letters, digits, blanks and . / - that begins with a letter or digit"
    ),
    r"^[A-Z0-9]{1,7}$": "one to seven capital letters or digits",
    r"^[A-Z]{2}$": "two capital letters such as GB",
    r"^[A-Z]{3}$": "three capital letters such as GBP or DAP",
    r"^[A-Z]$": "one capital letter",
    r"^[0-9]{4,10}$": "four to ten digits",
    r"^[0-9]{9}$": "nine digits",
    r"^(IMO ?)?[0-9]{7}$": "seven digits, with or without IMO before them",
    r"^[A-Za-z][A-Za-z0-9_]{0,63}$": "a name of at most 64 letters, digits and _",
    r"^[A-Za-z][A-Za-z0-9_+/-]{1,39}$": "an IANA name such as Europe/London",
    r"^GMR[A-Z][0-9A-Z]{8}$": "GMR, a letter and eight capital letters or digits",
    r"^[0-9]{2}[A-Z]{2}[A-Z0-9]{14}$": (
        "18 characters: two digits, a country and 14 capital letters or digits"
    ),
    r"^[0-9][A-Z]{2}[0-9A-Z()/-]{6,32}$": (
        "a digit, a country and 6 to 32 capital letters, digits and ( ) / -"
    ),
    r"^(GB/[0-9A-Z]{3,4}-[0-9A-Z]{5,28}|GB/[0-9A-Z]{9,12}-[0-9A-Z]{1,23}"
    r"|A:[0-9A-Z]{3}[0-9]{8}|C:[A-Z]{3}[0-9A-Z]{3,30})$": (
        "a master reference such as GB/ABC1-REF01 or A:DHL12345678"
    ),
    r"^[A-Z]{2}[A-Z2-9]{3}$": "a UN/LOCODE such as GBDVR",
    r"^[0-9]{4}$": "four digits",
    r"^[A-Z0-9]{2}$": "two capital letters or digits",
    r"^[A-Z0-9]{3}$": "three capital letters or digits",
    r"^[A-Z0-9]{3,4}$": "three or four capital letters or digits",
    r"^[A-Z]{2}[A-Z0-9]{6}$": "a country and six capital letters or digits",
    r"^[1-9](\.[1-9])?[A-Z]?$": "a hazard class such as 3 or 5.1",
    r"^[A-Z]{2}[^\n]{0,33}$": "a country and at most 33 characters on one line",
    r"^(0|[0-9]{9})$": "nine digits, or 0",
    r"^(0|[0-9]{7})$": "seven digits, or 0",
    r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$": "the score_id of an answer, a UUID",
}
"""Each pattern of a field, without its end, to what it asks for."""


def shape_problem(exc: msgspec.ValidationError, record: type[msgspec.Struct]) -> Problem:
    """
    Args:
        exc: of converting or decoding a message of the type ``record``.
    """
    text, found, path = str(exc).replace(" - at `key` in ", " - at ").rpartition(" - at `$")
    if not found:
        text, path = path, ""
    known = _known_steps(_declared(record), re.findall(r"\w+", path))
    pointer = "".join(f"/{step}" for step, _ in known)
    named = re.search(r"field `(.*)`", text, re.DOTALL)
    if text.startswith("Object contains unknown field") and named is not None:
        shown = named[1] if is_harmless(named[1]) else NO_FIELD
        return Problem("unknown_field", pointer, f"{shown} is no field; correct it or leave it out")
    if text.startswith("Object missing required field") and named is not None:
        return Problem("missing_field", pointer, f"{named[1]} is required; add it")
    wanted = known[-1][1] if known else _declared(record)
    return Problem("bad_value", pointer, f"must be {allowed(wanted)}; correct it")


@cache
def _declared(record: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(record)


def _known_steps(kind: Any, steps: list[str]) -> list[tuple[str, Any]]:
    """As far as the steps lead to something declared, each with its type."""
    known = []
    for step in steps:
        within = None
        for one in _parts(kind):
            if isinstance(one, inspect.StructType):
                within = {field.name: field.type for field in one.fields}.get(step)
            elif isinstance(one, inspect.VarTupleType) and step.isdecimal():
                within = one.item_type
        if within is None:
            break
        known.append((step, within))
        kind = within
    return known


def _parts(kind: Any) -> list[Any]:
    """The types that a value may have, without null and without descriptions."""
    if isinstance(kind, inspect.Metadata):
        return _parts(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [part for one in kind.types for part in _parts(one)]
    return [] if isinstance(kind, inspect.NoneType) else [kind]


def allowed(kind: Any) -> str:
    """What a value of a type looks like: "a whole number from 0 to 999"."""
    return " or ".join(_one_allowed(part) for part in _parts(kind))


def _one_allowed(kind: Any) -> str:
    match kind:
        case inspect.LiteralType():
            return f"one of {', '.join(map(str, kind.values))} (as declared in /openapi.json)"
        case inspect.StrType():
            return _text(kind)
        case inspect.IntType():
            return "a whole number" + _range(kind)
        case inspect.FloatType():
            return "a number" + _range(kind)
        case inspect.BoolType():
            return "true or false"
        case inspect.DateTimeType():
            return AN_INSTANT
        case inspect.DateType():
            return "a day such as 2026-03-01"
        case inspect.VarTupleType():
            return f"a list{_length(kind, 'values')}"
        case inspect.DictType():
            names, values = allowed(kind.key_type), allowed(kind.value_type)
            return f"an object{_length(kind, 'entries')}, each {names} with {values}"
        case _:
            return "an object"


def _text(kind: inspect.StrType) -> str:
    pattern = (kind.pattern or "").removesuffix(END)
    length = _length(kind, "characters")
    if pattern in WRITTEN:
        return WRITTEN[pattern] + (f",{length}" if length else "")
    return f"text{length}" + (" without blanks at its ends" if pattern == NOT_BLANK else "")


def _length(kind: Any, what: str) -> str:
    """Of a text, a list or an object; at least one is not worth a word where there is a most."""
    least, most = kind.min_length or 0, kind.max_length
    if most is None:
        return f" of at least {least} {what}" if least else ""
    return f" of {least} to {most:,} {what}" if least > 1 else f" of at most {most:,} {what}"


def _range(kind: Any) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge:,.16g} to {kind.le:,.16g}"
    limits = (("greater than", kind.gt), ("at least", kind.ge), ("less than", kind.lt))
    said = [
        f"{word} {limit:,.16g}"
        for word, limit in (*limits, ("at most", kind.le))
        if limit is not None
    ]
    return f" {' and '.join(said)}" if said else ""
