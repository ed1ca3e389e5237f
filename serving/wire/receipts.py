"""Events about movements: one or many in a body, and a receipt for each."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from features.records import Problem, RecordRejected
from serving.problems import RecordError, record_errors
from serving.strict_json import parse_strictly
from serving.wire.json import each_of, rejected

M = TypeVar("M")


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event that was sent."""

    event_id: Annotated[
        str | None, Meta(description="As sent; null when it could not be read from the item.")
    ]
    status: Annotated[
        Literal["accepted", "duplicate", "rejected"],
        Meta(
            description="accepted: recorded now; duplicate: the same was recorded before; "
            "rejected: not recorded, see errors."
        ),
    ]
    position: Annotated[
        int | None,
        Meta(
            description="Position of the event in the ledger: a score whose ledger_position is at "
            "least this has seen it. Null when rejected, and for a sandbox reference."
        ),
    ]
    errors: Annotated[tuple[RecordError, ...], Meta(description="Every broken rule.")] = ()


class Sent(NamedTuple, Generic[M]):
    items: list[M | Receipt]
    """In the order sent; a receipt stands for one that is rejected already."""
    alone: bool
    """True for a single object, which is refused as a whole request."""


def read_each(body: bytes, read: Callable[[Any, bytes], M]) -> Sent[M]:
    """The events of an array or a single one.

    Args:
        read: makes a message of one item, given parsed and as it was sent; raises
            ``RecordRejected``.

    Raises:
        RequestRefused: for JSON that is refused; for a single object also when it is rejected.
    """
    rows = parse_strictly(body)
    if not isinstance(rows, list):
        try:
            return Sent([read(rows, body)], alone=True)
        except RecordRejected as exc:
            raise rejected(exc.problems) from exc
    each = enumerate(zip(rows, each_of(body), strict=True))
    return Sent(
        [_read_or_receipt(read, index, row, raw) for index, (row, raw) in each], alone=False
    )


def _read_or_receipt(
    read: Callable[[Any, bytes], M], index: int, row: Any, raw: bytes
) -> M | Receipt:
    try:
        return read(row, raw)
    except RecordRejected as exc:
        event_id = row.get("event_id") if isinstance(row, dict) else None
        return rejected_receipt(
            event_id if isinstance(event_id, str) else None, exc.problems, f"/{index}"
        )


def rejected_receipt(event_id: str | None, problems: tuple[Problem, ...], prefix: str) -> Receipt:
    errors = record_errors(problems, prefix)
    return Receipt(event_id=event_id, status="rejected", position=None, errors=errors)
