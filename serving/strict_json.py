"""JSON as RFC 8259 means it, and nothing more: what is ambiguous or hostile is refused.

msgspec, which reads the records, takes the last of two equal keys and has no limit of depth;
this pass in front of it refuses both, so that no two parsers can read one body differently.
"""

import json
import re
from typing import Any, NoReturn

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
    try:
        text = body.decode()
    except UnicodeDecodeError as exc:
        raise RequestRefused(
            "not_utf8", f"byte {exc.start} of the body is not UTF-8; send JSON encoded as UTF-8"
        ) from exc
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
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


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
