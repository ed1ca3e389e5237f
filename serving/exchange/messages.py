"""What the data of each type of event is. Once released, a new field is a new version of the type.

Identifiers stand in ``entities`` as tags of the partnership, by the field they were declared in;
a subject, a message and an alert are named by tags too. Nothing here is a pseudonym of ours.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from features.ledger.events import LAST_VERSION
from features.records.outcome import Concealment, Result, Thoroughness, Threat
from serving.vocabulary import Band, Kind, Status

PREFIX = "uk.gov.foreland."
MOST_ENTITIES, MOST_FIELDS = 50, 200

Tag = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Instant = Annotated[datetime, Meta(tz=True)]
Version = Annotated[int, Meta(ge=1, le=LAST_VERSION)]
Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
Entities = Annotated[dict[Name, Tag], Meta(max_length=MOST_ENTITIES)]
_ENTITIES = "Field to the tag of the identifier under the partnership's key."
Text = Annotated[str, Meta(max_length=200)]
Probability = Annotated[float, Meta(ge=0, le=1)]


class MovementTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a movement."""

    kind: Kind
    version: Annotated[Version, Meta(description="The highest one stands.")]
    declared_at: Annotated[Instant, Meta(description="When it was declared.")]
    entities: Annotated[Entities, Meta(description=_ENTITIES)]
    fields: Annotated[
        dict[Name, bool | int | float | Text],
        Meta(
            max_length=MOST_FIELDS,
            description="Categories, measures and switches as declared; moments in microseconds "
            "since 1970.",
        ),
    ]


class CancellationTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A movement will not take place."""

    kind: Kind
    cancelled_at: Annotated[Instant, Meta(description="When it was cancelled.")]
    up_to_version: Annotated[Version, Meta(description="Versions up to this one count no more.")]


class OutcomeTold(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What an examination of a movement ended in."""

    kind: Kind
    message: Annotated[Tag, Meta(description="Names this outcome.")]
    corrects: Annotated[
        Tag | None,
        Meta(description="Message that this one replaces; withdrawn in its place takes it back."),
    ] = None
    examined_at: Annotated[Instant, Meta(description="When the examination ended.")]
    outcome: Annotated[Result, Meta(description="positive, negative, or one that is no label.")]
    thoroughness: Annotated[Thoroughness, Meta(description="How deep the officer looked.")]
    threat: Annotated[Threat | None, Meta(description="What a positive outcome found.")] = None
    concealment: Annotated[
        Concealment | None, Meta(description="How what a positive outcome found was concealed.")
    ] = None
    entities: Annotated[
        Entities, Meta(description=_ENTITIES + " None when it came before its movement.")
    ]


class AssessmentTold(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How a movement was assessed; no reasons, which quote what was declared."""

    kind: Kind
    version: Annotated[Version, Meta(description="Of the movement.")]
    as_of: Annotated[Instant, Meta(description="The instant that it stands for.")]
    band: Annotated[Band, Meta(description="By the sender's thresholds.")]
    status: Annotated[Status, Meta(description="scored, degraded or unassessed.")]
    probability: Annotated[
        Probability | None, Meta(description="Of a find if examined; absent when unassessed.")
    ] = None
    entities: Annotated[Entities, Meta(description=_ENTITIES)]


class AlertTold(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """An approved selector: look out for an entity. It is met by a movement of one of the kinds
    with all of the entities and criteria."""

    entities: Annotated[Entities, Meta(description=_ENTITIES)]
    threat: Annotated[Threat | None, Meta(description="What is expected.")] = None
    kinds: Annotated[tuple[Kind, ...], Meta(description="Of movement; none: all.")] = ()
    criteria: Annotated[
        tuple[Text, ...],
        Meta(
            max_length=10,
            description="What else holds of it: field=value, or commodity_code=0803* for how a "
            "code begins.",
        ),
    ] = ()
    reason: Annotated[
        Text, Meta(description="Why, for an officer; empty where only the contact says it.")
    ]
    starts: Annotated[Instant, Meta(description="The first instant at which it stands.")]
    expires: Annotated[Instant, Meta(description="The first instant at which it does no more.")]


class AlertWithdrawn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The alert with this subject ends, for good."""

    withdrawn_at: Annotated[Instant, Meta(description="When it was withdrawn.")]


class NoticeTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To an agency's own clients: an assessment of theirs was made again."""

    kind: Kind
    version: Annotated[Version, Meta(description="Of the movement.")]
    score_id: Annotated[str, Meta(description="Of the assessment that was made now.")]
    first_score_id: Annotated[
        str | None, Meta(description="Of the one that the client was given when it asked.")
    ]
    assessment: Annotated[int, Meta(ge=2, description="Of this version: 2 for the first again.")]
    because: Annotated[str, Meta(description="What became known, such as an outcome.")]
    changed: Annotated[tuple[str, ...], Meta(description="What differs from the one before.")]
    band: Annotated[Band, Meta(description="As of now.")]
    status: Annotated[Status, Meta(description="scored, degraded or unassessed.")]


Message = (
    MovementTold | CancellationTold | OutcomeTold | AssessmentTold | AlertTold | AlertWithdrawn
)
OUTCOME_RECORDED = PREFIX + "outcome.recorded.v1"
ALERT_RAISED = PREFIX + "alert.raised.v1"
NOTICE_TYPE = PREFIX + "assessment.notice.v1"
"""Of what goes to our own clients, and is taken from nobody."""
TYPES: Mapping[str, type[Message]] = {
    PREFIX + "movement.declared.v1": MovementTold,
    PREFIX + "movement.cancelled.v1": CancellationTold,
    OUTCOME_RECORDED: OutcomeTold,
    PREFIX + "assessment.made.v1": AssessmentTold,
    PREFIX + "assessment.changed.v1": AssessmentTold,
    ALERT_RAISED: AlertTold,
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
