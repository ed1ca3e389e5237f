"""OpenAPI 3.1, generated from the types that parse and answer, so that it cannot drift away."""

from functools import cache
from typing import Any

import msgspec

from serving.auth.access import NEEDED, SANDBOX, SANDBOXED, SCOPES
from serving.openapi import audit, batch, exchange, happenings, links, reports, scores, standing
from serving.openapi.examples import DECISION_EXAMPLE, MOVEMENT_EXAMPLES, OUTCOME_EXAMPLE
from serving.problems import ProblemDocument
from serving.strict_json import MAX_BODY_BYTES, MAX_DEPTH
from serving.vocabulary import HISTORY_MAX_AGE_DAYS

__all__ = ["DECISION_EXAMPLE", "MOVEMENT_EXAMPLES", "OUTCOME_EXAMPLE", "document"]

_GROUPS = (scores, batch, audit, happenings, exchange, links, reports, standing)
_TYPES = (*(one for group in _GROUPS for one in group.TYPES), ProblemDocument)
_CREDENTIAL = "credential"
_PASSWORD = "password"  # noqa: S105 - the name of a scheme


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
                "securitySchemes": {
                    _CREDENTIAL: _credential_scheme(),
                    _PASSWORD: {
                        "type": "http",
                        "scheme": "basic",
                        "description": "For browsers: the credential as password of any name.",
                    },
                },
            },
        }
    )


def _paths() -> dict[str, Any]:
    return {
        path: {method: {"tags": [group.TAG], **said} for method, said in operations.items()}
        for group in _GROUPS
        for path, operations in group.paths().items()
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
                if operation["operationId"] in SANDBOXED:
                    scopes = (*scopes, SANDBOX)
                each = [[scope] for scope in scopes] or [[]]
                operation["security"] = [{_CREDENTIAL: one} for one in each]
                if operation["operationId"] == "reports":
                    operation["security"].append({_PASSWORD: []})
    return paths
