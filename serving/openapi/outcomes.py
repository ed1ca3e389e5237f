"""The operations on what happened to movements afterwards."""

from typing import Any

from serving.openapi.examples import OUTCOME_EXAMPLE
from serving.openapi.parts import BODY_PROBLEMS, reference, responses
from serving.wire import OutcomeMessage, OutcomesAnswer

TYPES = (OutcomeMessage, OutcomesAnswer)


def paths() -> dict[str, Any]:
    return {"/v1/outcomes": {"post": _outcomes()}}


def _outcomes() -> dict[str, Any]:
    one = reference("OutcomeMessage")
    body = {
        "schema": {"oneOf": [one, {"type": "array", "items": one}]},
        "examples": {"one": {"value": OUTCOME_EXAMPLE}, "many": {"value": [OUTCOME_EXAMPLE]}},
    }
    return {
        "operationId": "outcomes",
        "summary": "Record what examinations ended in",
        "description": (
            "On disk before it is answered; the next score sees it. An event id sent again with "
            "the same content is a duplicate. Of an array each item is taken or rejected alone."
        ),
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": responses(
            OutcomesAnswer, "One receipt per outcome", (*BODY_PROBLEMS, "event_conflict")
        ),
    }
