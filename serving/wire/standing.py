"""How the service stands: what serves each kind, and how far history goes."""

from typing import Annotated

import msgspec
from msgspec import Meta

from serving.vocabulary import Kind
from serving.wire.assessment import ModelIdentity


class ServedModel(msgspec.Struct, frozen=True, kw_only=True):
    """What serves one kind now."""

    kind: Annotated[Kind, Meta(description="Kind of movement.")]
    model: Annotated[
        ModelIdentity | None, Meta(description="Null: every answer is unassessed for this kind.")
    ]
    thresholds: Annotated[
        dict[str, float],
        Meta(description="From this probability up the band is high, or medium; else low."),
    ]
    approvers: Annotated[
        tuple[str, ...], Meta(description="Who approved it; attributed, not authenticated.")
    ]
    promoted_at: Annotated[str | None, Meta(description="RFC 3339, UTC.")]
    problem: Annotated[
        str | None, Meta(description="Why the promoted bundle is not the one that serves.")
    ]
    suspended: Annotated[
        str | None,
        Meta(description="Why no model may speak, so that every answer is unassessed; else null."),
    ]
    newest_event_at: Annotated[
        str | None, Meta(description="RFC 3339, UTC: the newest event history has for this kind.")
    ]


HistoryPosition = Annotated[
    int, Meta(description="The last event of the ledger that this worker's history has heard.")
]
LedgerPosition = Annotated[
    int, Meta(description="The last event of the ledger, or the last that could be read.")
]
HistoryLag = Annotated[
    float,
    Meta(
        description="Age in seconds of the first event that history has not heard; 0 when there is "
        "none. When the ledger cannot be read: since it last could."
    ),
]


class ModelsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What serves each kind now, and up to where this worker's history goes."""

    models: Annotated[tuple[ServedModel, ...], Meta(description="One per kind.")]
    history_position: HistoryPosition
    ledger_position: LedgerPosition
    history_lag_seconds: HistoryLag


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The service can answer; what it would flag as degraded is in ``problems``."""

    ready: Annotated[bool, Meta(description="Always true here; a 503 says not ready.")]
    problems: Annotated[
        tuple[str, ...], Meta(description="What makes answers degraded or unassessed now.")
    ]
    history_position: HistoryPosition
    ledger_position: LedgerPosition
    history_lag_seconds: HistoryLag
