"""OpenAPI 3.1, generated from the types that parse and answer, so that it cannot drift away."""

from collections.abc import Sequence
from functools import cache
from typing import Any, get_args

import msgspec

from features.records import Shipment, Vehicle, Vessel
from serving.auth.access import NEEDED, SCOPES
from serving.problems import MEDIA_TYPE, PROBLEMS, ProblemDocument
from serving.strict_json import MAX_BODY_BYTES, MAX_DEPTH
from serving.vocabulary import HISTORY_MAX_AGE_DAYS, Explain
from serving.wire import (
    AssessmentMessage,
    ModelsAnswer,
    OutcomeMessage,
    OutcomesAnswer,
    Readiness,
)

_TYPES = (
    Vehicle,
    Vessel,
    Shipment,
    AssessmentMessage,
    OutcomeMessage,
    OutcomesAnswer,
    ModelsAnswer,
    Readiness,
    ProblemDocument,
)
_CLIENT_PROBLEMS = (
    "unauthorized",
    "scope_missing",
    "quota_exceeded",
    "overloaded",
    "tokens_unverifiable",
)
_BODY_PROBLEMS = (
    *_CLIENT_PROBLEMS,
    "bad_json",
    "duplicate_key",
    "not_utf8",
    "too_deep",
    "bad_query",
    "body_too_large",
    "unsupported_media_type",
    "record_rejected",
    "method_not_allowed",
    "internal_error",
    "not_recorded",
    "recording_slow",
)

_CREDENTIAL = "credential"
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

MOVEMENT_EXAMPLES: dict[str, dict[str, Any]] = {
    "vehicle": {
        "kind": "vehicle",
        "movement_ref": "GMRA00000001",
        "declared_at": "2026-03-01T09:30:00Z",
        "route_id": "DUN-DVR",
        "haulier_eori": "XX12345678",
        "vehicle_reg": "AB12 CDE",
        "departs_at": "2026-03-01T14:00:00Z",
        "arrives_at": "2026-03-01T15:30:00Z",
        "gross_mass_kg": 18000,
    },
    "vessel": {
        "kind": "vessel",
        "movement_ref": "CALL-2026-0001",
        "declared_at": "2026-03-01T09:30:00Z",
        "craft": "commercial",
        "imo": "9074729",
        "flag": "PA",
        "last_port": "NLRTM",
        "port": "GBFXT",
        "crew_count": 21,
    },
    "shipment": {
        "kind": "shipment",
        "movement_ref": "26GB0000000000001",
        "declared_at": "2026-03-01T09:30:00Z",
        "commodity_code": "080390",
        "origin_country": "EC",
        "consignee_eori": "XX98765432",
        "gross_mass_kg": 21000,
        "net_mass_kg": 19500,
    },
}
OUTCOME_EXAMPLE: dict[str, Any] = {
    "kind": "vehicle",
    "event_id": "EXAM-2026-0001",
    "movement_ref": "GMRA00000001",
    "outcome": "positive",
    "examined_at": "2026-03-01T17:05:00Z",
    "thoroughness": "full",
    "selection_reason": "risk",
    "threat": "tobacco_alcohol",
}


@cache
def document() -> bytes:
    """The OpenAPI document as JSON."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Foreland",
                "version": "1",
                "description": (
                    "Scores for vehicles, vessels and shipments. An assessment advises; an "
                    f"officer decides. Bodies: JSON in UTF-8, at most {MAX_BODY_BYTES} bytes and "
                    f"{MAX_DEPTH} levels, no duplicate keys, no unknown fields, no NaN. History "
                    f"older than {HISTORY_MAX_AGE_DAYS} days makes an answer degraded."
                ),
            },
            "paths": _with_access(_paths()),
            "components": {
                "schemas": schemas,
                "securitySchemes": {_CREDENTIAL: _credential_scheme()},
            },
        }
    )


def _paths() -> dict[str, Any]:
    return {
        "/v1/scores": {"post": _score()},
        "/v1/scores/{score_id}": {"get": _stored_score()},
        "/v1/outcomes": {"post": _outcomes()},
        "/v1/models": {
            "get": _get(
                "models",
                "What serves each kind now",
                ModelsAnswer,
                ("bad_query", *_CLIENT_PROBLEMS),
            )
        },
        "/readyz": {
            "get": _get("ready", "Whether answers can be given", Readiness, ("not_ready",))
        },
        "/livez": {
            "get": {
                "operationId": "alive",
                "summary": "Whether the process answers at all",
                "responses": {"200": {"description": "Alive", "content": {"text/plain": {}}}},
            }
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Counters in the Prometheus text format; here while the API is open",
                "responses": {"200": {"description": "Counters", "content": {"text/plain": {}}}},
            }
        },
    }


def _credential_scheme() -> dict[str, str]:
    scopes = "; ".join(f"`{scope}`: the client may {may}" for scope, may in SCOPES.items())
    return {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "`Authorization: Bearer` with an API key, or with an access token (JWT) that the "
            "client got from the authorization server by the OAuth2 client-credentials grant. "
            f"Scopes: {scopes}."
        ),
    }


def _with_access(paths: dict[str, Any]) -> dict[str, Any]:
    """Each operation with the scopes, any one of which opens it."""
    for operations in paths.values():
        for operation in operations.values():
            scopes = NEEDED.get(operation["operationId"])
            if scopes is not None:
                each = [[scope] for scope in scopes] or [[]]
                operation["security"] = [{_CREDENTIAL: one} for one in each]
    return paths


def _score() -> dict[str, Any]:
    kinds = list(MOVEMENT_EXAMPLES)
    references = [_reference(record.__name__) for record in (Vehicle, Vessel, Shipment)]
    body = {
        "schema": {
            "oneOf": references,
            "discriminator": {
                "propertyName": "kind",
                "mapping": {kind: ref["$ref"] for kind, ref in zip(kinds, references, strict=True)},
            },
        },
        "examples": {kind: {"value": value} for kind, value in MOVEMENT_EXAMPLES.items()},
    }
    explain = {
        "name": "explain",
        "in": "query",
        "description": "For which bands to give reasons: high and medium (referred), all, none.",
        "schema": {"type": "string", "enum": list(get_args(Explain)), "default": "referred"},
    }
    return {
        "operationId": "score",
        "summary": "Assess one movement",
        "description": (
            "The answer is on disk before it is sent. The same version of a movement sent again "
            "gets the recorded answer, byte for byte, with `Idempotent-Replayed: true`."
        ),
        "parameters": [explain],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": _responses(
            AssessmentMessage, "The assessment", (*_BODY_PROBLEMS, "movement_conflict")
        ),
    }


def _stored_score() -> dict[str, Any]:
    score_id = {
        "name": "score_id",
        "in": "path",
        "required": True,
        "description": "From the assessment.",
        "schema": {"type": "string"},
    }
    return {
        "operationId": "stored_score",
        "summary": "The assessment as recorded, with `movement_ref` null",
        "parameters": [score_id],
        "responses": _responses(
            AssessmentMessage,
            "The assessment",
            (
                *_CLIENT_PROBLEMS,
                "bad_query",
                "no_such_score",
                "erased",
                "method_not_allowed",
                "internal_error",
            ),
        ),
    }


def _outcomes() -> dict[str, Any]:
    one = _reference("OutcomeMessage")
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
        "responses": _responses(
            OutcomesAnswer, "One receipt per outcome", (*_BODY_PROBLEMS, "event_conflict")
        ),
    }


def _get(
    operation: str,
    summary: str,
    answer: type[msgspec.Struct],
    codes: Sequence[str] = ("bad_query",),
) -> dict[str, Any]:
    codes = (*codes, "method_not_allowed", "internal_error")
    return {
        "operationId": operation,
        "summary": summary,
        "responses": _responses(answer, summary, codes),
    }


def _responses(
    answer: type[msgspec.Struct], description: str, codes: Sequence[str]
) -> dict[str, Any]:
    content = {"application/json": {"schema": _reference(answer.__name__)}}
    responses: dict[str, Any] = {"200": {"description": description, "content": content}}
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    for status, same in sorted(by_status.items()):
        responses[str(status)] = {
            "description": "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in same),
            "content": {MEDIA_TYPE: {"schema": _reference("ProblemDocument")}},
        }
        if (headers := _HEADERS.get(status)) is not None:
            responses[str(status)]["headers"] = headers
    return responses


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
