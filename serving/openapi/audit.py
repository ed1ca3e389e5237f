"""The operation that proves what was recorded."""

from typing import Any

from serving.openapi.parts import CLIENT_PROBLEMS, SCORE_ID, responses
from serving.wire.proof import ProofMessage

TAG = "Scores"
TYPES = (ProofMessage,)


def paths() -> dict[str, Any]:
    return {"/v1/audit/{score_id}/proof": {"get": _proof()}}


def _proof() -> dict[str, Any]:
    return {
        "operationId": "proof",
        "summary": "The record of an assessment, its place in the chain, and its head",
        "description": (
            "Whoever holds the service's public audit key can verify it without the service; "
            "docs/verify_audit.py does. That the proof was read is recorded. Pending until a head "
            "is made, which takes some minutes at most."
        ),
        "parameters": [SCORE_ID],
        "responses": responses(
            ProofMessage,
            "The proof",
            (
                *CLIENT_PROBLEMS,
                "bad_query",
                "no_such_score",
                "method_not_allowed",
                "internal_error",
                "not_recorded",
                "recording_slow",
                "ledger_unreadable",
            ),
        ),
    }
