"""Events of a ledger as Arrow record batches, for whoever reads millions of them.

The payload stays the JSON that was sealed; ``type``, ``kind`` and ``movement`` are taken out of
it, so that a reader can choose before it parses.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa

from features.ledger.rows import Kept, body_of

ROWS = 65_536
"""Of a batch, at most."""

_INSTANT: pa.DataType = pa.timestamp("us", tz="UTC")
_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("position", pa.int64(), nullable=False),
    pa.field("source", pa.string(), nullable=False),
    pa.field("event_id", pa.string(), nullable=False),
    pa.field("occurred_at", _INSTANT, nullable=False),
    pa.field("available_at", _INSTANT, nullable=False),
    pa.field("backfill", pa.bool_(), nullable=False),
    pa.field("type", pa.string()),  # null when the event is erased
    pa.field("kind", pa.string()),
    pa.field("movement", pa.string()),
    pa.field("payload", pa.binary()),
]
SCHEMA = pa.schema(_FIELDS)


class _Outline(msgspec.Struct, frozen=True):
    type: str | None = None
    kind: str | None = None
    movement: str | None = None


_outline = msgspec.json.Decoder(_Outline).decode
_ERASED = _Outline()


def batches(rows: Iterable[Kept], size: int = ROWS) -> Iterator[pa.RecordBatch]:
    """Record batches of ``SCHEMA``, in the order of ``rows``; none when there are no rows."""
    rows = iter(rows)
    while chunk := list(islice(rows, size)):
        bodies = [body_of(row) or None for row in chunk]
        outlines = [_ERASED if body is None else _outline(body) for body in bodies]
        positions, sources, event_ids, occurred, available, backfill = list(
            zip(*(row[:6] for row in chunk), strict=True)
        )
        columns: list[pa.Array[Any]] = [
            pa.array(positions, pa.int64()),
            pa.array(sources, pa.string()),
            pa.array(event_ids, pa.string()),
            pa.array(occurred, pa.int64()).cast(_INSTANT),
            pa.array(available, pa.int64()).cast(_INSTANT),
            pa.array([bool(one) for one in backfill], pa.bool_()),
            pa.array([one.type for one in outlines], pa.string()),
            pa.array([one.kind for one in outlines], pa.string()),
            pa.array([one.movement for one in outlines], pa.string()),
            pa.array(bodies, pa.binary()),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
