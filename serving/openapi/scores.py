"""The operations on scores."""

from collections.abc import Sequence
from typing import Any

from features.records import Shipment, Vehicle, Vessel
from serving.idempotency import KEY_PATTERN
from serving.openapi.examples import MOVEMENT_EXAMPLES
from serving.openapi.parts import (
    BODY_PROBLEMS,
    CLIENT_PROBLEMS,
    KIND_QUERY,
    MOVEMENT,
    SCORE_ID,
    explain_query,
    movement_ref,
    responses,
)
from serving.wire import AssessmentMessage, AssessmentsAnswer

TAG = "Scores"
TYPES = (Vehicle, Vessel, Shipment, AssessmentMessage, AssessmentsAnswer)


def paths() -> dict[str, Any]:
    return {
        "/v1/scores": {"post": _score(), "get": _scores_of_movement()},
        "/v1/scores/{score_id}": {"get": _stored_score()},
        "/v1/scores/{score_id}/page": {"get": _score_page()},
    }


def _score() -> dict[str, Any]:
    examples = {kind: {"value": value} for kind, value in MOVEMENT_EXAMPLES.items()}
    body = {"schema": MOVEMENT, "examples": examples}
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": (
            "Visible ASCII such as a UUID, with or without quotation marks. Not needed: "
            "`movement_ref` and `version` identify a request. With a key, its use for another "
            "movement or version is refused."
        ),
        "schema": {"type": "string", "pattern": f"^({KEY_PATTERN})$"},
    }
    return {
        "operationId": "score",
        "summary": "Assess one movement",
        "description": (
            "The answer is on disk before it is sent. The same version of a movement sent again "
            "gets the recorded answer, byte for byte, with `Idempotent-Replayed: true`."
        ),
        "parameters": [explain_query("referred"), key],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": _with_link(
            AssessmentMessage,
            "The assessment",
            (
                *BODY_PROBLEMS,
                "bad_idempotency_key",
                "movement_conflict",
                "idempotency_key_in_use",
                "idempotency_key_reused",
                "no_such_sandbox_reference",
            ),
        ),
    }


def _with_link(
    answer: type[AssessmentMessage], description: str, codes: Sequence[str]
) -> dict[str, Any]:
    answers = responses(answer, description, codes)
    answers["200"]["headers"] = {
        "Link": {
            "description": (
                'With `rel="latest-version"`: the last assessment of the movement, when this one '
                "was given before it. Not there otherwise."
            ),
            "schema": {"type": "string"},
        }
    }
    return answers


_STORED_PROBLEMS = (
    *CLIENT_PROBLEMS,
    "bad_query",
    "no_such_score",
    "erased",
    "method_not_allowed",
    "internal_error",
)


def _stored_score() -> dict[str, Any]:
    return {
        "operationId": "stored_score",
        "summary": "The assessment as recorded, with `movement_ref` null",
        "parameters": [SCORE_ID],
        "responses": _with_link(AssessmentMessage, "The assessment", _STORED_PROBLEMS),
    }


def _score_page() -> dict[str, Any]:
    answers = responses(AssessmentMessage, "The page", _STORED_PROBLEMS)
    answers["200"]["content"] = {"text/html": {"schema": {"type": "string"}}}
    return {
        "operationId": "score_page",
        "summary": "The recorded assessment as a page that an officer reads",
        "description": "One self-contained document: no script, nothing fetched; fit to print.",
        "parameters": [SCORE_ID],
        "responses": answers,
    }


def _scores_of_movement() -> dict[str, Any]:
    return {
        "operationId": "scores_of_movement",
        "summary": "Every assessment that the agency had of one movement",
        "description": "An empty list when there is none; what retention has erased is left out.",
        "parameters": [movement_ref("query"), KIND_QUERY],
        "responses": responses(
            AssessmentsAnswer,
            "The assessments, the newest first",
            (*CLIENT_PROBLEMS, "bad_query", "no_such_sandbox_reference", "internal_error"),
        ),
    }
