"""What an officer did with an assessment: neither an examination nor an outcome."""

from collections.abc import Mapping
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
    "false_selector_match",
    "false_rule_match",
    "other_priority",
    "other",
]
"""Why. A short list, so that a board can count; free text would hold names sooner or later."""


FALSE_MATCH: Mapping[str, Literal["selector", "rule"]] = {
    "false_selector_match": "selector",
    "false_rule_match": "rule",
}
"""Reason code to what it dismisses."""
MatchId = Annotated[str, Meta(min_length=1, max_length=70)]


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One decision about one assessment, as an agency's system sends it."""

    event_id: Annotated[
        Reference, Meta(description="The sender's id of this message; sending it twice is safe.")
    ]
    score_id: Annotated[
        str,
        Meta(
            description="Of the assessment that was decided on.",
            pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$(?!\n)",
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
    matches: Annotated[
        tuple[MatchId, ...],
        Meta(
            max_length=100,
            description="Ids of the matches that are dismissed as false; only with the "
            "reason_code false_selector_match or false_rule_match, which without ids dismisses "
            "all of its kind that the assessment shows.",
        ),
    ] = ()


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
    if decision.matches and decision.reason_code not in FALSE_MATCH:
        raise RecordRejected(
            (
                Problem(
                    "matches_without_reason",
                    "/matches",
                    f"matches are dismissed with the reason_code {' or '.join(FALSE_MATCH)}, not "
                    f"{decision.reason_code}; give it, or leave them out",
                ),
            )
        )
