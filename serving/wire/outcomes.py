"""Outcomes as they are sent, one or many, and the receipt of each."""

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from features.records import Outcome, Problem, RecordRejected, check_outcome
from features.records.outcome import outcome_at_the_edge
from serving.problems import RecordError, record_errors
from serving.strict_json import parse_strictly
from serving.vocabulary import Kind
from serving.wire.json import each_of, rejected, typed


class OutcomeMessage(Outcome, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one examination ended in, for one movement."""

    kind: Annotated[Kind, Meta(description="The kind of the movement that was examined.")]


class OutcomeReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one outcome that was sent."""

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
        int | None, Meta(description="Position of the event in the ledger; null when rejected.")
    ]
    errors: Annotated[tuple[RecordError, ...], Meta(description="Every broken rule.")] = ()


class OutcomesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt per outcome, in the order sent."""

    outcomes: Annotated[
        tuple[OutcomeReceipt, ...], Meta(description="One per outcome, in the order sent.")
    ]


_decode_outcome = msgspec.json.Decoder(OutcomeMessage).decode


class SentOutcomes(NamedTuple):
    items: list[OutcomeMessage | OutcomeReceipt]
    """In the order sent; a receipt stands for one that is rejected already."""
    alone: bool
    """True for a single object, which is refused as a whole request."""


def read_outcomes(body: bytes) -> SentOutcomes:
    """The outcomes of an array or a single one.

    Raises:
        RequestRefused: for JSON that is refused; for a single object also when it is rejected.
    """
    rows = parse_strictly(body)
    if not isinstance(rows, list):
        try:
            return SentOutcomes([_read_outcome(rows, body)], alone=True)
        except RecordRejected as exc:
            raise rejected(exc.problems) from exc
    items = [
        _outcome_or_receipt(index, row, raw)
        for index, (row, raw) in enumerate(zip(rows, each_of(body), strict=True))
    ]
    return SentOutcomes(items, alone=False)


def _outcome_or_receipt(index: int, row: Any, raw: bytes) -> OutcomeMessage | OutcomeReceipt:
    try:
        return _read_outcome(row, raw)
    except RecordRejected as exc:
        event_id = row.get("event_id") if isinstance(row, dict) else None
        return rejected_receipt(
            event_id if isinstance(event_id, str) else None, exc.problems, f"/{index}"
        )


def _read_outcome(row: Any, raw: bytes) -> OutcomeMessage:
    if isinstance(row, dict):
        outcome_at_the_edge(row)
    outcome: OutcomeMessage = typed(_decode_outcome, raw, OutcomeMessage)
    check_outcome(outcome)
    if outcome.known_at is not None:
        raise RecordRejected(
            (
                Problem(
                    "known_at_in_live_message",
                    "/known_at",
                    "a live outcome is stamped on arrival; leave known_at out, or ingest a file",
                ),
            )
        )
    return outcome


def rejected_receipt(
    event_id: str | None, problems: tuple[Problem, ...], prefix: str
) -> OutcomeReceipt:
    errors = record_errors(problems, prefix)
    return OutcomeReceipt(event_id=event_id, status="rejected", position=None, errors=errors)
