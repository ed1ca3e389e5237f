"""Bodies of one flat object, however broken, are read or refused as Python's own parser would."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from serving.problems import RequestRefused
from serving.strict_json import parse_strictly

WHOLE = (
    b'{"a":1.5,"b":"x"}',
    b'{"a" : -10, "b":true}',
    b'{"aa":null,"b":1e5}\n',
    b'{"a":"10:20","a":"{[,"}',
    b'{"":"","b":"\xc3\xa9"}',
)
PIECES = st.sampled_from(
    [*(bytes([c]) for c in b'{}[]":,0129.eE+-\\ \t\n\x00\x1f\x7f\xffau'), b"null", b"NaN", b'"b":2']
)
changes = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), PIECES), max_size=3)


def taken_by_hand(body: bytes) -> Any:
    """Python's own parser, which is told of every key and of what is no number."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key came twice")
        return dict(pairs)

    def constant(_: str) -> None:
        raise ValueError("no number of JSON")

    return json.loads(body.decode(), object_pairs_hook=unique, parse_constant=constant)


@given(st.sampled_from(WHOLE), changes)
@example(b'{"a":1,"a":2}', [])
@example(b'{"a":"x","a":"y"}', [])
@example(b'{"a":1e999}', [])
@example(b'{"a":' + b"9" * 5000 + b"}", [])
def test_a_flat_object_is_read_as_python_reads_it(
    whole: bytes, edits: list[tuple[int, int, bytes]]
) -> None:
    body = whole
    for place, removed, piece in edits:
        body = body[:place] + piece + body[place + removed :]
    try:
        expected = taken_by_hand(body)
    except (ValueError, RecursionError):
        expected = ValueError
    try:
        found = parse_strictly(body)
    except RequestRefused:
        found = ValueError
    assert repr(found) == repr(expected)
