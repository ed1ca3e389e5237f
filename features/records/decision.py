"""What an officer did with an assessment: neither an examination nor an outcome."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from features.records.movement import Instant, Reference, refuse_odd_times
from features.records.persons import refuse_person_data
from features.records.refusal import Problem, RecordRejected

Taken = Literal["referred", "released", "overridden"]
ReasonCode = Literal[
    "agrees_with_assessment",
    "intelligence",
    "local_knowledge",
    "known_operator",
    "documents_satisfactory",
    "declaration_corrected",
    "random_selection",
    "no_capacity",
    "other_priority",
    "other",
]
"""Why. A short list, so that a board can count; free text would hold names sooner or later."""


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One decision about one assessment, as an agency's system sends it."""

    event_id: Annotated[
        Reference, Meta(description="The sender's id of this message; sending it twice is safe.")
    ]
    score_id: Annotated[
        str,
        Meta(
            description="Of the assessment that was decided on.",
            pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        ),
    ]
    decision: Annotated[
        Taken,
        Meta(
            description="referred to an examination; released; or overridden: the officer did the "
            "opposite of what the band advised."
        ),
    ]
    decided_at: Annotated[Instant, Meta(description="When the officer decided.")]
    reason_code: Annotated[ReasonCode | None, Meta(description="Why; required for overridden.")] = (
        None
    )


def decision_at_the_edge(row: dict[str, Any]) -> None:
    """What is refused before the shape is looked at.

    Raises:
        RecordRejected: for a natural person's data, or a time without an offset.
    """
    refuse_person_data(row)
    refuse_odd_times(row, ("decided_at",))


def check_decision(decision: Decision) -> None:
    """Raise when the decision breaks a rule that its shape does not show."""
    if decision.decision == "overridden" and decision.reason_code is None:
        raise RecordRejected(
            (
                Problem(
                    "override_without_reason",
                    "/reason_code",
                    "an override needs a reason_code, and none is given; say why it was overridden",
                ),
            )
        )
