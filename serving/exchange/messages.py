"""What the data of each type of event is. A new field is a new version of the type.

Identifiers stand in ``entities`` as tags of the partnership, by the field they were declared in;
a subject, a message and an alert are named by tags too. Nothing here is a pseudonym of ours.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from features.ledger.events import LAST_VERSION
from features.records.outcome import Result, Thoroughness, Threat
from serving.vocabulary import Band, Kind, Status

PREFIX = "uk.gov.foreland."
MOST_ENTITIES, MOST_FIELDS = 50, 200

Tag = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Instant = Annotated[datetime, Meta(tz=True)]
Version = Annotated[int, Meta(ge=1, le=LAST_VERSION)]
Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
Entities = Annotated[dict[Name, Tag], Meta(max_length=MOST_ENTITIES)]
Text = Annotated[str, Meta(max_length=200)]
Probability = Annotated[float, Meta(ge=0, le=1)]


class MovementTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a movement. Its fields are categories, measures and switches as declared;
    moments among them are microseconds since 1970."""

    kind: Kind
    version: Version
    declared_at: Instant
    entities: Entities
    fields: Annotated[dict[Name, bool | int | float | Text], Meta(max_length=MOST_FIELDS)]


class CancellationTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A movement will not take place; its versions up to this one count no more."""

    kind: Kind
    cancelled_at: Instant
    up_to_version: Version


class OutcomeTold(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What an examination ended in, with the entities of the movement as they were known then;
    none when the outcome came before its movement."""

    kind: Kind
    message: Tag
    corrects: Tag | None = None
    """The ``message`` that this one replaces; ``withdrawn`` in its place takes it back."""
    examined_at: Instant
    outcome: Result
    thoroughness: Thoroughness
    threat: Threat | None = None
    entities: Entities


class AssessmentTold(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How a movement was assessed; no reasons, which quote what was declared."""

    kind: Kind
    version: Version
    as_of: Instant
    band: Band
    status: Status
    probability: Probability | None = None
    entities: Entities


class AlertTold(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """An approved selector: look out for an entity, from ``starts`` until ``expires`` (excluded).
    A combination names several, and is met by a movement with all of them."""

    entities: Entities
    threat: Threat | None = None
    reason: Text
    starts: Instant
    expires: Instant


class AlertWithdrawn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The alert with this subject ends, whenever it would have."""

    withdrawn_at: Instant


Message = (
    MovementTold | CancellationTold | OutcomeTold | AssessmentTold | AlertTold | AlertWithdrawn
)
TYPES: Mapping[str, type[Message]] = {
    PREFIX + "movement.declared.v1": MovementTold,
    PREFIX + "movement.cancelled.v1": CancellationTold,
    PREFIX + "outcome.recorded.v1": OutcomeTold,
    PREFIX + "assessment.made.v1": AssessmentTold,
    PREFIX + "assessment.changed.v1": AssessmentTold,
    PREFIX + "alert.raised.v1": AlertTold,
    PREFIX + "alert.withdrawn.v1": AlertWithdrawn,
}


def message_of(event_type: str, data: Any) -> Message:
    """
    Raises:
        KeyError: there is no such type.
        msgspec.ValidationError: the data is not what the type says.
    """
    message: Message = msgspec.convert(data, TYPES[event_type])
    return message
