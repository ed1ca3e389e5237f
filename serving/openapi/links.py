"""The operation that tells who is tied with whom."""

from typing import Any

from features.neighbourhood.bounds import MOST_DEPTH, MOST_ENTITIES
from serving.openapi.parts import CLIENT_PROBLEMS, responses
from serving.wire.links import LinksAnswer

TAG = "Links"
TYPES = (LinksAnswer,)


def paths() -> dict[str, Any]:
    return {"/v1/entities/{key}/links": {"get": _links()}}


def _links() -> dict[str, Any]:
    return {
        "operationId": "links",
        "summary": "Who is tied with an organisation, vehicle, vessel or container, and by what",
        "description": (
            "As it was known before an instant, from the movements and outcomes of all agencies: "
            "entities, counts and times, never a movement, an agency or a person. Bounded; what "
            "was left out is named in `truncated`. That it was read is recorded."
        ),
        "parameters": [
            {
                "name": "key",
                "in": "path",
                "required": True,
                "description": (
                    "namespace:IDENTIFIER, plain as in a movement or as answers give it; encode it "
                    "for a URL."
                ),
                "schema": {"type": "string", "minLength": 1},
                "example": "organisation:GB123456789000",
            },
            _query("as_of", "RFC 3339 with its zone; without it, now.", {"type": "string"}),
            _query("depth", "Steps.", _whole(1, MOST_DEPTH)),
            _query(
                "limit", "Entities at most, beside the one asked about.", _whole(60, MOST_ENTITIES)
            ),
        ],
        "responses": responses(
            LinksAnswer,
            "The neighbourhood",
            (
                *CLIENT_PROBLEMS,
                "bad_query",
                "bad_entity_key",
                "no_such_entity",
                "as_of_in_future",
                "links_behind",
                "method_not_allowed",
                "internal_error",
                "not_recorded",
                "recording_slow",
            ),
        ),
    }


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _whole(default: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most, "default": default}
