"""The operation on many movements at once."""

from typing import Any

from serving.openapi.examples import MOVEMENT_EXAMPLES
from serving.openapi.parts import BODY_PROBLEMS, MOVEMENT, explain_query, reference, responses
from serving.wire.batch import MAX_BATCH_BYTES, MAX_EXPLAINED_ROWS, MAX_ROWS, BatchAnswer, BatchRow

TAG = "Scores"
TYPES = (BatchAnswer, BatchRow)
NDJSON, ARROW = "application/x-ndjson", "application/vnd.apache.arrow.stream"
_STREAM = {"schema": {"type": "string", "format": "binary"}}
_ONE_ROW_ONLY = {"duplicate_key", "record_rejected", "not_recorded", "recording_slow"}
"""Problems that one row has and the batch has not."""


def paths() -> dict[str, Any]:
    return {"/v1/scores/batch": {"post": _score_batch()}}


def _score_batch() -> dict[str, Any]:
    codes = [code for code in BODY_PROBLEMS if code not in _ONE_ROW_ONLY]
    described = responses(
        BatchAnswer,
        "One result per row",
        (*codes, "bad_arrow", "bad_columns", "too_many_rows", "not_acceptable"),
    )
    described["200"]["content"] |= {
        NDJSON: {"schema": reference(BatchRow.__name__)},
        ARROW: _STREAM,
    }
    return {
        "operationId": "score_batch",
        "summary": "Assess many movements",
        "description": (
            f"At most {MAX_ROWS} rows and {MAX_BATCH_BYTES} bytes, of any kinds, each row as for "
            "`POST /v1/scores` and answered as there; a row that is refused does not stop the "
            "others. All rows are assessed from one instant and do not see each other. The type "
            "of the answer is the first that `Accept` names, or that of the request; of NDJSON "
            "each line is one row or one result; Arrow has a column for each flat field."
        ),
        "parameters": [
            explain_query("never", f"; with any but `never` at most {MAX_EXPLAINED_ROWS} rows")
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": MOVEMENT, "maxItems": MAX_ROWS},
                    "examples": {"one of each": {"value": list(MOVEMENT_EXAMPLES.values())}},
                },
                NDJSON: {"schema": MOVEMENT},
                ARROW: _STREAM,
            },
        },
        "responses": described,
    }
