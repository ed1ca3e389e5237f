"""JSON as RFC 8259 means it, and nothing more: what is ambiguous or hostile is refused.

msgspec, which reads the records, takes the last of two equal keys and has no limit of depth;
this pass in front of it refuses both, so that no two parsers can read one body differently.
Whatever msgspec takes of the rest, Python's own parser takes too, and to the same values.
"""

import json
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any, NoReturn

import msgspec

from serving.problems import RequestRefused

MAX_BODY_BYTES = 1 << 20
MAX_DEPTH = 16

# Possessive, and matching an unfinished string too, so that the scan is linear on hostile input.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = frozenset(b"[{")


def parse_strictly(body: bytes) -> Any:
    """The body as plain Python values, objects as dict.

    Raises:
        RequestRefused: ``not_utf8``, ``too_deep``, ``duplicate_key`` or ``bad_json``.
    """
    brackets = body.count(b"[") + body.count(b"{")
    if brackets == 1 and b"\\" not in body:
        row = _flat_object(body)
        if row is not None:
            return row
    return _parse(body, deep=brackets > MAX_DEPTH)


def _flat_object(body: bytes) -> dict[str, Any] | None:
    """An object that holds no other, as msgspec reads it in a third of the time; None when it is
    refused, and ``_parse`` says why.

    Without escapes, quotes do nothing but begin and end a string: as long as no key came twice,
    there are two for each key and two for each text.
    """
    try:
        row = _decode_object(body)
    except ValueError:  # msgspec.DecodeError is one
        return None
    strings = len(row) + list(map(type, row.values())).count(str)
    return row if body.count(b'"') == 2 * strings else None


def parse_flat_objects(array: bytes, items: Sequence[bytes]) -> list[dict[str, Any]] | None:
    """Each item as ``parse_strictly`` gives it; None unless all are flat objects and taken.

    Args:
        array: of the items, with one comma between each and the next.
    """
    # One brace each, and it comes first: where there are as many objects none ends in another.
    if array.count(b"{") != len(items) or array.count(b"[") != 1 or b"\\" in array:
        return None
    if not all(item.startswith(b"{") for item in items):
        return None
    try:
        rows = _decode_objects(array)
    except ValueError:
        return None
    texts = list(map(type, chain.from_iterable(row.values() for row in rows))).count(str)
    strings = sum(map(len, rows)) + texts  # as of one: none has more than its quotes say
    return rows if len(rows) == len(items) and array.count(b'"') == 2 * strings else None


def _parse(body: bytes, *, deep: bool) -> Any:
    try:
        text = body.decode()
    except UnicodeDecodeError as exc:
        raise RequestRefused(
            "not_utf8", f"byte {exc.start} of the body is not UTF-8; send JSON encoded as UTF-8"
        ) from exc
    if deep:
        _refuse_depth(body)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        raise RequestRefused(
            "bad_json", f"{exc.msg.lower()} at line {exc.lineno}, column {exc.colno}"
        ) from exc
    except ValueError as exc:  # an integer of thousands of digits
        raise RequestRefused("bad_json", "a number has too many digits") from exc


def _refuse_depth(body: bytes) -> None:
    depth = 0
    for bracket in _STRING.sub(b"", body).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in _OPENING else -1
        if depth > MAX_DEPTH:
            raise RequestRefused("too_deep", f"values are nested deeper than {MAX_DEPTH} levels")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RequestRefused("duplicate_key", "an object has one key twice; keep one of them")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise RequestRefused("bad_json", f"{name} is not JSON; leave the field out when it is missing")


_decode_objects = msgspec.json.Decoder(list[dict[str, Any]]).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
