"""What stands of all that a partner said: a pure function of the set of its events.

Neither the order of arrival nor repetition counts. Everything said about one movement or alert has
one subject, and is taken in the order of the partner's own sequence, whenever it came here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from features.clock import to_micros
from features.history.view import Standing, heard_of
from features.ledger import (
    MovementCancelled,
    MovementDeclared,
    OutcomeRecorded,
    PartnerEventReceived,
    Recorded,
)
from serving.exchange.messages import (
    AlertTold,
    AssessmentTold,
    CancellationTold,
    Message,
    MovementTold,
    OutcomeTold,
    message_of,
)


class Told(NamedTuple):
    """One event of a partner, as far as it matters here."""

    sequence: str
    event_id: str
    message: Message


class Subject(NamedTuple):
    """What stands about one movement, or one alert."""

    movement: MovementTold | None = None
    """The version that stands; None before there is one, and when it is cancelled."""
    outcome: OutcomeTold | None = None
    """Whether or not the movement is known here."""
    assessment: AssessmentTold | None = None
    """The last one of the highest version."""
    alert: AlertTold | None = None
    """None once it is withdrawn; whether it has expired is for who asks."""


def told_of(payload: PartnerEventReceived, event_id: str) -> Told:
    message = message_of(payload.event_type, payload.data)
    return Told(payload.sequence, event_id, message)


def standing_of(told: Iterable[Told]) -> Subject:
    """About one subject, by the same rules by which our own movements stand
    (``features.history.view``)."""
    standing = Standing()
    movements: dict[int, MovementTold] = {}
    outcomes: dict[int, OutcomeTold] = {}
    messages = [one.message for one in sorted(told, key=lambda one: one[:2])]
    assessment: AssessmentTold | None = None
    alert: AlertTold | None = None
    withdrawn = False
    for place, message in enumerate(messages):
        if isinstance(message, MovementTold | CancellationTold | OutcomeTold):
            standing.hear(heard_of(_as_ours(message), 0, place))
            if isinstance(message, MovementTold):
                movements[place] = message
            elif isinstance(message, OutcomeTold):
                outcomes[place] = message
        elif isinstance(message, AssessmentTold):
            if assessment is None or _rank(message) >= _rank(assessment):
                assessment = message
        elif isinstance(message, AlertTold):
            alert = message
        else:
            withdrawn = True
    version, verdict = standing.version, standing.verdict
    return Subject(
        None if version is None else movements[version.place],
        None if verdict is None else outcomes[verdict.place],
        assessment,
        None if withdrawn else alert,
    )


def state_of(events: Iterable[Recorded]) -> Mapping[tuple[str, str], Subject]:
    """All that partners said, by partner and subject; whoever holds the same events has the same.

    Args:
        events: of the ledger; others than those of partners are passed over.
    """
    told: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for event in events:
        payload = event.payload
        if isinstance(payload, PartnerEventReceived):
            told[payload.partner, payload.subject].append(told_of(payload, event.event_id))
    return {name: standing_of(told[name]) for name in sorted(told)}


def dump_of(state: Mapping[tuple[str, str], Subject]) -> bytes:
    """To be compared: no clock of ours and no position is in it."""
    rows = [(*name, subject) for name, subject in state.items()]
    return msgspec.json.encode(rows, order="deterministic")


def _rank(assessment: AssessmentTold) -> tuple[int, int]:
    return assessment.version, to_micros(assessment.as_of)


def _as_ours(
    message: MovementTold | CancellationTold | OutcomeTold,
) -> MovementDeclared | MovementCancelled | OutcomeRecorded:
    if isinstance(message, MovementTold):
        return MovementDeclared(
            kind=message.kind,
            movement="",
            version=message.version,
            declared_at=to_micros(message.declared_at),
            entities=dict(message.entities),
            fields=dict(message.fields),
        )
    if isinstance(message, CancellationTold):
        return MovementCancelled(
            kind=message.kind,
            movement="",
            cancelled_at=to_micros(message.cancelled_at),
            up_to_version=message.up_to_version,
        )
    return OutcomeRecorded(
        kind=message.kind,
        movement="",
        examined_at=to_micros(message.examined_at),
        outcome=message.outcome,
        thoroughness=message.thoroughness,
        threat=message.threat,
        concealment=message.concealment or msgspec.UNSET,
        message=message.message,
        corrects=message.corrects,
    )
