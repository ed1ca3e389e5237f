"""Rows of a batch read together, as long as none of them is refused.

Everything that a row could be refused for, and whatever is not plain, ends as None: then each is
read by itself, which is the definition and says what is wrong. A flat object of known fields hides
nobody's data, and a time without an offset does not fit its type.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, get_type_hints

import msgspec

from features.records import RECORDS, Movement
from features.records.columns import RecordColumns
from features.records.kinds import break_no_rule
from serving.strict_json import MAX_BODY_BYTES, parse_flat_objects
from serving.wire.movements import ScoreRequest
from serving.wire.rows import PlainRows

ROWS_TOGETHER = 256
"""One row that is wrong costs so many a second reading."""

_decode_movements = msgspec.json.Decoder(list[ScoreRequest]).decode


def read_score_requests(rows: Sequence[bytes]) -> list[PlainRows] | None:
    """As ``read_score_request`` of each, by kind; None unless all are flat objects and none is
    refused."""
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
    if not break_no_rule(movements, names):
        return None
    places: dict[type[Movement], list[int]] = defaultdict(list)
    for place, movement in enumerate(movements):
        places[type(movement)].append(place)
    return [
        PlainRows(of_kind, RecordColumns.of([movements[place] for place in of_kind], names))
        for of_kind in places.values()
    ]


class FlatColumns:
    """Reads rows that are of one kind and flat, some at a time, as ``read_flat_row`` reads each.

    Args:
        names: of the columns: no other field is given.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._known: dict[str, dict[Any, Any]] = defaultdict(dict)
        """Texts that came before, to what they mean: most columns repeat a few."""

    def read(self, values: Mapping[str, Sequence[Any]]) -> RecordColumns | None:
        """None unless all are of one kind and none is refused.

        Args:
            values: as Python has them, by name; None is missing.
        """
        kinds = set(values.get("kind", ()))
        kind = kinds.pop() if len(kinds) == 1 else None
        if not isinstance(kind, str) or kind not in RECORDS:
            return None
        given = {
            name: column
            for name, column in values.items()
            if name != "kind" and any(value is not None for value in column)
        }
        types = _types_of(kind)
        if not given.keys() >= _NEEDED or not types.keys() >= given.keys():
            return None
        try:
            found = {name: self._converted(name, types[name], of) for name, of in given.items()}
        except ValueError:  # msgspec.ValidationError is one
            return None
        records = RecordColumns(kind, found)
        return records if records.break_no_rule(self._names) else None

    def _converted(self, name: str, kind: Any, column: Sequence[Any]) -> list[Any]:
        if not {str, NoneType} >= set(map(type, column)):
            converted: list[Any] = msgspec.convert(column, kind)
            return converted
        known = self._known[name]
        unseen = list(set(column) - known.keys())
        known.update(zip(unseen, msgspec.convert(unseen, kind), strict=True))
        return list(map(known.__getitem__, column))


_NEEDED = frozenset({"movement_ref", "declared_at"})


@cache
def _types_of(kind: str) -> Mapping[str, Any]:
    """Of a column of each field."""
    hints = get_type_hints(RECORDS[kind], include_extras=True)
    return {name: list[hint] for name, hint in hints.items()}  # type: ignore[valid-type]
