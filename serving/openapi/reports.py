"""The operation that shows a file of the governance site."""

from typing import Any

from serving.openapi.parts import CLIENT_PROBLEMS, problem_responses

TAG = "Reports to the board"
TYPES = ()
LONGEST_PATH = 600
"""Six parts of a hundred characters."""
MEDIA_TYPES = (
    "text/html",
    "text/css",
    "text/csv",
    "application/json",
    "text/markdown",
    "application/toml",
    "text/plain",
    "image/svg+xml",
    "image/png",
    "application/zip",
)
"""All but pages are downloads."""


def paths() -> dict[str, Any]:
    return {"/reports/{path}": {"get": _report()}}


def _report() -> dict[str, Any]:
    problems = ("bad_query", "not_recorded", "recording_slow", "no_such_route", "too_many_attempts")
    answers = problem_responses(
        (*CLIENT_PROBLEMS, *problems, "method_not_allowed", "internal_error")
    )
    return {
        "operationId": "reports",
        "summary": "A page or a download of the governance site",
        "description": (
            "`/reports/` is the list of periods. A browser logs in with HTTP Basic: any name, and "
            "an API key or token with the scope `report.read` as the password; then a refusal is "
            "a page too. Every view is recorded."
        ),
        "parameters": [
            {
                "name": "path",
                "in": "path",
                "required": True,
                "description": "Below the site; it may hold slashes, sent as they are.",
                "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_PATH},
                "example": "2026-03/index.html",
            }
        ],
        "responses": {
            "200": {
                "description": "The file",
                "content": {media_type: {} for media_type in MEDIA_TYPES},
            },
            **answers,
        },
    }
