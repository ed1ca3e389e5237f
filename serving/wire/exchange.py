"""What a partner's events are answered with."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from serving.problems import RecordError


class EventReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event of a partner."""

    id: Annotated[
        str | None, Meta(description="As sent; null when it could not be read from the event.")
    ]
    status: Annotated[
        Literal["accepted", "duplicate", "rejected"],
        Meta(
            description="accepted: on disk now; duplicate: the same came before; rejected: not "
            "kept, see errors."
        ),
    ]
    errors: Annotated[tuple[RecordError, ...], Meta(description="Why it was rejected.")] = ()


class EventsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt for each event, in the order sent."""

    events: Annotated[
        tuple[EventReceipt, ...], Meta(description="One for each event, in the order sent.")
    ]
    clock_ahead_seconds: Annotated[
        float | None,
        Meta(
            description="How far the sender's clock is ahead of ours (behind: negative), when it "
            "differs by more than five minutes; of the request's Date, or else of the latest time "
            "among its events. Null when it does not."
        ),
    ] = None
