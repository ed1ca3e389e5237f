"""What examinations ended in, one or many."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from features.records import Outcome, Problem, RecordRejected, check_outcome
from features.records.outcome import outcome_at_the_edge
from serving.vocabulary import Kind
from serving.wire.json import typed
from serving.wire.receipts import Receipt, Sent, read_each


class OutcomeMessage(Outcome, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one examination ended in, for one movement."""

    kind: Annotated[Kind, Meta(description="The kind of the movement that was examined.")]


class OutcomesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt per outcome, in the order sent."""

    outcomes: Annotated[
        tuple[Receipt, ...], Meta(description="One per outcome, in the order sent.")
    ]


_decode_outcome = msgspec.json.Decoder(OutcomeMessage).decode


def read_outcomes(body: bytes) -> Sent[OutcomeMessage]:
    """The outcomes of an array or a single one; refuses as ``read_each`` does."""
    return read_each(body, _read_outcome)


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
