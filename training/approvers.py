"""What one person decided alone about what serves: an event, signed where there is a key."""

from typing import TypeVar

from features.approvers import Approver, signed_by
from features.clock import Micros, now_micros
from features.ledger import ChallengerNamed, Event, Ledger, ModelRolledBack

S = TypeVar("S", ModelRolledBack, ChallengerNamed)

SOURCE = "promotion"
"""Of every event about what serves."""


def record(ledger: Ledger, approver: Approver, payload: S, what: str) -> Micros:
    """Append what one person decided alone, signed if there is a key; when it became known.

    Args:
        what: ``rollback`` or ``challenger``, as the event's name begins.
    """
    now = now_micros()
    event = Event(
        source=SOURCE,
        event_id=f"{what}:{payload.kind}:{payload.version}:{now}",
        occurred_at=now,
        payload=signed_by(approver, payload, now),
    )
    (stamp,) = ledger.append([event])
    return stamp.available_at
