"""Rows of a batch read together, as long as none of them is refused.

Everything that a row could be refused for, and whatever is not plain, ends as None: then each is
read by itself, which is the definition and says what is wrong. A flat object of known fields hides
nobody's data, and a time without an offset does not fit its type.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from features.records import RECORDS
from features.records.kinds import break_no_rule
from serving.strict_json import MAX_BODY_BYTES, parse_flat_objects
from serving.wire.movements import ScoreRequest

ROWS_TOGETHER = 256
"""One row that is wrong costs so many a second reading."""

_decode_movements = msgspec.json.Decoder(list[ScoreRequest]).decode
_LISTS: Mapping[str, Any] = {kind: list[record] for kind, record in RECORDS.items()}  # type: ignore[valid-type]


def read_score_requests(rows: Sequence[bytes]) -> list[ScoreRequest] | None:
    """As ``read_score_request`` of each; None unless all are flat objects and none is refused."""
    if any(len(row) > MAX_BODY_BYTES for row in rows):
        return None
    array = b"[" + b",".join(rows) + b"]"
    objects = parse_flat_objects(array, rows)
    if objects is None:
        return None
    try:
        movements = _decode_movements(array)
    except ValueError:  # msgspec.DecodeError is one
        return None
    names = tuple(sorted(set().union(*objects)))
    return movements if break_no_rule(movements, names) else None


def read_flat_rows(
    rows: Sequence[Mapping[str, Any]], names: tuple[str, ...]
) -> list[ScoreRequest] | None:
    """As ``read_flat_row`` of each; None unless all are of one kind and none is refused."""
    kinds = {row.get("kind") for row in rows}
    kind = kinds.pop()
    if kinds or not isinstance(kind, str) or kind not in RECORDS:
        return None
    try:
        movements: list[ScoreRequest] = msgspec.convert(rows, _LISTS[kind])
    except ValueError:
        return None
    return movements if break_no_rule(movements, names) else None
