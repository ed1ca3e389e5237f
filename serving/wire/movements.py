"""A score request: the movement's record itself, so that what is scored and what training saw are
declared once."""

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec

from features.records import (
    RECORDS,
    RecordRejected,
    Shipment,
    Vehicle,
    Vessel,
    at_the_edge,
    check_movement,
)
from features.records.kinds import moments_of
from features.records.moments import Moment, with_offsets
from features.records.persons import refuse_person_data
from serving.strict_json import parse_strictly
from serving.vocabulary import Kind
from serving.wire.json import rejected, typed

ScoreRequest = Vehicle | Vessel | Shipment
"""One movement; the field ``kind`` says which record it is."""

_decode_movement = msgspec.json.Decoder(ScoreRequest).decode
# Of one record each: msgspec prepares a union anew at every conversion.
_convert = {kind: partial(msgspec.convert, type=record) for kind, record in RECORDS.items()}
_convert_any = partial(msgspec.convert, type=ScoreRequest)


def read_score_request(body: bytes) -> ScoreRequest:
    """
    Raises:
        RequestRefused: for JSON that is refused, or with every rule the record breaks.
    """
    row = parse_strictly(body)
    try:
        movement = _movement(row, body)
        check_movement(movement, row)
    except RecordRejected as exc:
        raise rejected(exc.problems) from exc
    return movement


def read_flat_row(row: Mapping[str, Any], names: tuple[str, ...]) -> ScoreRequest:
    """The same of values that did not come as JSON.

    Args:
        row: fields of some kind, none of them a list or an object, with text, numbers, dates and
            times as Python has them; a time without an offset is local.
        names: of the columns that it is a row of: no other field is given.

    Raises:
        RequestRefused: ``record_rejected``, with every rule the record breaks.
    """
    kind = row.get("kind")
    movement: ScoreRequest
    try:
        if isinstance(kind, str) and kind in RECORDS:
            sent = with_offsets(row, _moments_among(kind, names))
            movement = typed(_convert[kind], sent, RECORDS[kind])
        else:
            movement = typed(_convert_any, row, OfSomeKind)
        check_movement(movement, names)
    except RecordRejected as exc:
        raise rejected(exc.problems) from exc
    return movement


@lru_cache(maxsize=64)  # by the columns of a batch, asked for at each of its rows
def _moments_among(kind: str, names: tuple[str, ...]) -> tuple[Moment, ...]:
    return tuple(moment for moment in moments_of(kind) if moment.name in names)


def _movement(row: Any, body: bytes) -> ScoreRequest:
    """Read from the bytes, or from the row where its local times have become instants."""
    kind = row.get("kind") if isinstance(row, dict) else None
    movement: ScoreRequest
    if isinstance(kind, str) and kind in RECORDS:
        record, sent = RECORDS[kind], at_the_edge(kind, row)
        if sent is row:
            movement = typed(_decode_movement, body, record)
        else:
            typed(msgspec.json.decode, body, record)  # the row was parsed by a laxer hand
            movement = typed(_convert[kind], sent, record)
        return movement
    if isinstance(row, dict):
        refuse_person_data(row)
    movement = typed(_decode_movement, body, OfSomeKind)
    return movement


class OfSomeKind(msgspec.Struct, frozen=True):
    """All that is known of a movement while its kind is not."""

    kind: Kind
