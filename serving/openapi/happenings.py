"""The operations on what happened to movements afterwards."""

from typing import Any

import msgspec

from features.records.decision import Decision
from serving.openapi.examples import DECISION_EXAMPLE, OUTCOME_EXAMPLE
from serving.openapi.parts import (
    BODY_PROBLEMS,
    CLIENT_PROBLEMS,
    KIND_QUERY,
    movement_ref,
    reference,
    responses,
)
from serving.wire import CancellationReceipt, DecisionsAnswer, OutcomeMessage, OutcomesAnswer

TAG = "What happened afterwards"
TYPES = (OutcomeMessage, OutcomesAnswer, Decision, DecisionsAnswer, CancellationReceipt)


def paths() -> dict[str, Any]:
    return {
        "/v1/outcomes": {"post": _outcomes()},
        "/v1/decisions": {"post": _decisions()},
        "/v1/movements/{movement_ref}": {"delete": _cancel()},
    }


def _outcomes() -> dict[str, Any]:
    return {
        "operationId": "outcomes",
        "summary": "Record what examinations ended in",
        "description": (
            "On disk before it is answered; the next score sees it. An event id sent again with "
            "the same content is a duplicate. Of an array each item is taken or rejected alone."
        ),
        **_one_or_many(OutcomeMessage, OUTCOME_EXAMPLE, OutcomesAnswer, "event_conflict"),
    }


def _decisions() -> dict[str, Any]:
    codes = ("event_conflict", "no_such_score")
    return {
        "operationId": "decisions",
        "summary": "Record what officers did with assessments",
        "description": (
            "About an assessment of the own agency, never about an officer: no name, no number. "
            "Of several decisions about one assessment the last one counts. Otherwise as outcomes."
        ),
        **_one_or_many(Decision, DECISION_EXAMPLE, DecisionsAnswer, *codes),
    }


def _cancel() -> dict[str, Any]:
    return {
        "operationId": "cancel",
        "summary": "A movement will not take place",
        "description": (
            "It counts no more in any history; its assessments stay. Only what was scored for the "
            "own agency can be cancelled, and a higher version scored later counts again."
        ),
        "parameters": [movement_ref("path"), KIND_QUERY],
        "responses": responses(
            CancellationReceipt,
            "It is cancelled",
            (
                *CLIENT_PROBLEMS,
                "bad_query",
                "no_such_movement",
                "no_such_sandbox_reference",
                "method_not_allowed",
                "internal_error",
                "not_recorded",
                "recording_slow",
            ),
        ),
    }


def _one_or_many(
    message: type[msgspec.Struct],
    example: dict[str, Any],
    answer: type[msgspec.Struct],
    *codes: str,
) -> dict[str, Any]:
    one = reference(message.__name__)
    body = {
        "schema": {"oneOf": [one, {"type": "array", "items": one}]},
        "examples": {"one": {"value": example}, "many": {"value": [example]}},
    }
    return {
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": responses(answer, "One receipt for each, as sent", (*BODY_PROBLEMS, *codes)),
    }
