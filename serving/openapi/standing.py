"""The operations that tell how the service stands."""

from typing import Any

from serving.openapi.parts import CLIENT_PROBLEMS, get, problem_responses
from serving.wire import ModelsAnswer, Readiness

TAG = "How the service stands"
TYPES = (ModelsAnswer, Readiness)


def paths() -> dict[str, Any]:
    return {
        "/v1/models": {
            "get": get(
                "models",
                "What serves each kind now",
                ModelsAnswer,
                ("bad_query", *CLIENT_PROBLEMS),
            )
        },
        "/readyz": {"get": get("ready", "Whether answers can be given", Readiness, ("not_ready",))},
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
                "responses": {
                    "200": {"description": "Counters", "content": {"text/plain": {}}},
                    **problem_responses(("no_such_route",)),
                },
            }
        },
    }
