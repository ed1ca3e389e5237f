"""What an examination ended in. An examination that found nothing is not proof of clean."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from features.records.movement import Instant, Reference, refuse_odd_times
from features.records.persons import refuse_person_data
from features.records.refusal import Problem, RecordRejected
from features.records.shapes import shape_problem

Result = Literal["positive", "negative", "no_show", "missed", "insufficient_resources", "withdrawn"]
NOT_LABELS: frozenset[str] = frozenset({"no_show", "missed", "insufficient_resources", "withdrawn"})
"""Outcomes that say nothing about risk: never trained on, never counted as clean."""

Thoroughness = Literal["document", "scan", "partial", "full", "unknown"]
SelectionReason = Literal["risk", "random", "rule", "intelligence", "unknown"]
Threat = Literal[
    "class_a_drugs",
    "other_drugs",
    "tobacco_alcohol",
    "firearms",
    "cash",
    "clandestine_entry",
    "small_boat_equipment",
    "counterfeit",
    "fiscal_fraud",
    "other",
]
Concealment = Literal[
    "carried_openly",
    "misdeclared_goods",
    "cover_load",
    "inside_goods",
    "in_packaging",
    "vehicle_structure",
    "trailer_or_container_structure",
    "vessel_structure",
    "tank",
    "other",
]
"""How a find was concealed, in what moved: nothing here is about a person (docs/glossary.md)."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One outcome of one movement, as an agency's system sends it."""

    event_id: Annotated[
        Reference, Meta(description="The sender's id of this message; sending it twice is safe.")
    ]
    movement_ref: Annotated[Reference, Meta(description="Which movement was examined.")]
    outcome: Annotated[
        Result, Meta(description="positive, negative, or one of the four that are not labels.")
    ]
    examined_at: Annotated[Instant, Meta(description="When the examination ended.")]
    known_at: Annotated[
        Instant | None,
        Meta(description="When the result was known; files only, live messages are stamped."),
    ] = None
    thoroughness: Annotated[Thoroughness, Meta(description="How deep the officer looked.")] = (
        "unknown"
    )
    selection_reason: Annotated[
        SelectionReason, Meta(description="Why it was examined, as the agency knows it.")
    ] = "unknown"
    threat: Annotated[Threat | None, Meta(description="What a positive outcome found.")] = None
    concealment: Annotated[
        Concealment | None, Meta(description="How what a positive outcome found was concealed.")
    ] = None
    corrects: Annotated[
        Reference | None,
        Meta(
            description="The event_id of an earlier message that this one replaces; with outcome "
            "withdrawn it takes it back. The order of arrival does not matter."
        ),
    ] = None


def read_outcome(row: Mapping[str, Any]) -> Outcome:
    """One outcome from a mapping of field names to values; text times are accepted.

    Raises:
        RecordRejected: for a wrong shape, or a threat or a concealment without a find.
    """
    outcome_at_the_edge(row)
    try:
        outcome = msgspec.convert(row, Outcome, strict=False)
    except msgspec.ValidationError as exc:
        raise RecordRejected((shape_problem(exc, Outcome),)) from exc
    check_outcome(outcome)
    return outcome


def outcome_at_the_edge(row: Mapping[str, Any]) -> None:
    """What is refused before the shape is looked at, of a live message as of a row of a file.

    Raises:
        RecordRejected: for a natural person's data, or a time without an offset.
    """
    refuse_person_data(row)
    refuse_odd_times(row, ("examined_at", "known_at"))


def check_outcome(outcome: Outcome) -> None:
    """Raise when the outcome breaks a rule that its shape does not show."""
    problems = [
        Problem(
            f"{name}_without_find",
            f"/{name}",
            f"{name} {value} needs outcome positive, not {outcome.outcome}; "
            "leave it out, or correct the outcome",
        )
        for name, value in (("threat", outcome.threat), ("concealment", outcome.concealment))
        if value is not None and outcome.outcome != "positive"
    ]
    if outcome.corrects == outcome.event_id:
        problems.append(
            Problem(
                "corrects_itself",
                "/corrects",
                "an outcome cannot correct itself; give the event_id of the earlier message",
            )
        )
    if outcome.known_at is not None and outcome.known_at < outcome.examined_at:
        problems.append(
            Problem(
                "known_before_examined",
                "/known_at",
                f"known at {outcome.known_at}, examined at {outcome.examined_at}; correct one",
            )
        )
    if problems:
        raise RecordRejected(tuple(problems))
