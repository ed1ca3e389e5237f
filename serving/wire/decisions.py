"""What officers did with assessments, one or many; and that a movement will not take place."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from features.records.decision import Decision, check_decision, decision_at_the_edge
from serving.vocabulary import Kind
from serving.wire.json import typed
from serving.wire.receipts import Receipt, Sent, read_each


class DecisionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt per decision, in the order sent."""

    decisions: Annotated[
        tuple[Receipt, ...], Meta(description="One per decision, in the order sent.")
    ]


class CancellationReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A movement that will not take place: it counts no more in anybody's history."""

    kind: Annotated[Kind, Meta(description="The movement's kind.")]
    movement_ref: Annotated[str, Meta(description="As sent.")]
    up_to_version: Annotated[
        int,
        Meta(
            description="Its versions up to this one are cancelled: the highest that was scored. "
            "A higher version that is declared later counts again.",
            ge=1,
        ),
    ]
    status: Annotated[
        Literal["accepted", "duplicate"],
        Meta(description="duplicate: it was cancelled before."),
    ]
    position: Annotated[
        int | None, Meta(description="Of the cancellation in the ledger; null for the sandbox.")
    ]


_decode_decision = msgspec.json.Decoder(Decision).decode


def read_decisions(body: bytes) -> Sent[Decision]:
    """The decisions of an array or a single one; refuses as ``read_each`` does."""
    return read_each(body, _read_decision)


def _read_decision(row: Any, raw: bytes) -> Decision:
    if isinstance(row, dict):
        decision_at_the_edge(row)
    decision: Decision = typed(_decode_decision, raw, Decision)
    check_decision(decision)
    return decision
