"""What the descriptions of all operations are made of."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import msgspec

from features.records import RECORDS
from serving.openapi.examples import MOVEMENT_EXAMPLES
from serving.problems import MEDIA_TYPE, PROBLEMS
from serving.vocabulary import LONGEST_REFERENCE, Explain, Kind

CLIENT_PROBLEMS = (
    "headers_too_large",
    "uri_too_long",
    "unauthorized",
    "scope_missing",
    "quota_exceeded",
    "overloaded",
    "tokens_unverifiable",
    "ledger_unreadable",
)
BODY_PROBLEMS = (
    *CLIENT_PROBLEMS,
    "bad_json",
    "duplicate_key",
    "not_utf8",
    "too_deep",
    "bad_query",
    "body_too_slow",
    "body_too_large",
    "unsupported_media_type",
    "record_rejected",
    "method_not_allowed",
    "internal_error",
    "not_recorded",
    "recording_slow",
)

KIND_QUERY = {
    "name": "kind",
    "in": "query",
    "required": True,
    "description": "The kind of the movement.",
    "schema": {"type": "string", "enum": list(get_args(Kind))},
}
_RECORDS = {
    kind: {"$ref": f"#/components/schemas/{record.__name__}"} for kind, record in RECORDS.items()
}
MOVEMENT = {
    "oneOf": list(_RECORDS.values()),
    "discriminator": {
        "propertyName": "kind",
        "mapping": {kind: record["$ref"] for kind, record in _RECORDS.items()},
    },
}
SCORE_ID = {
    "name": "score_id",
    "in": "path",
    "required": True,
    "description": "From the assessment.",
    "schema": {"type": "string"},
}


def movement_ref(where: Literal["path", "query"]) -> dict[str, Any]:
    """The client's own reference as a parameter."""
    return {
        "name": "movement_ref",
        "in": where,
        "required": True,
        "description": "As it was sent for scoring; encode it for a URL.",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_REFERENCE},
        "example": MOVEMENT_EXAMPLES["vehicle"]["movement_ref"],
    }


_CHALLENGE = {
    "WWW-Authenticate": {
        "description": "`Bearer`; for 403 with error insufficient_scope.",
        "schema": {"type": "string"},
    }
}
_WAIT = {
    "Retry-After": {
        "description": "Seconds after which to send it again.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
_HEADERS = {401: _CHALLENGE, 403: _CHALLENGE, 429: _WAIT, 503: _WAIT}


def get(
    operation: str,
    summary: str,
    answer: type[msgspec.Struct],
    codes: Sequence[str] = ("bad_query",),
) -> dict[str, Any]:
    codes = (*codes, "method_not_allowed", "internal_error")
    return {
        "operationId": operation,
        "summary": summary,
        "responses": responses(answer, summary, codes),
    }


def problem_responses(codes: Sequence[str]) -> dict[str, Any]:
    """Status to the problems that have it."""
    answers: dict[str, Any] = {}
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    for status, same in sorted(by_status.items()):
        answers[str(status)] = {
            "description": "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in same),
            "content": {MEDIA_TYPE: {"schema": reference("ProblemDocument")}},
        }
        if (headers := _HEADERS.get(status)) is not None:
            answers[str(status)]["headers"] = headers
    return answers


def responses(
    answer: type[msgspec.Struct], description: str, codes: Sequence[str]
) -> dict[str, Any]:
    content = {"application/json": {"schema": reference(answer.__name__)}}
    answers: dict[str, Any] = {"200": {"description": description, "content": content}}
    return answers | problem_responses(codes)


def explain_query(unless_asked: Explain, limit: str = "") -> dict[str, Any]:
    return {
        "name": "explain",
        "in": "query",
        "description": (
            f"For which bands to give reasons: high and medium (referred), all, none{limit}."
        ),
        "schema": {"type": "string", "enum": list(get_args(Explain)), "default": unless_asked},
    }


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
