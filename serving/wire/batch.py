"""A batch: many score requests in one body, each read as if it had come alone."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, cast

import msgspec
from msgspec import Meta

from features.records import Problem
from serving.problems import RecordError, RequestRefused, record_errors
from serving.strict_json import MAX_BODY_BYTES, MAX_DEPTH
from serving.wire.assessment import AssessmentMessage, with_reference
from serving.wire.json import each_of, encode
from serving.wire.movements import read_score_request
from serving.wire.rows import (
    Answers,
    PlainRows,
    RejectedRow,
    RowAnswer,
    SentRow,
    SentRows,
    joined,
)
from serving.wire.together import ROWS_TOGETHER, read_score_requests

MAX_BATCH_BYTES = 16 << 20
MAX_ROWS = 10_000
MAX_EXPLAINED_ROWS = 256
"""Reasons cost up to 90 times what a probability costs, and a degraded row is always referred."""
_MOST_COMMAS = 2_000_000
"""No record has as many in 16 MiB; an array of millions of items would fill the memory before its
rows are counted."""

RowStatus = Literal[
    "scored", "degraded", "unassessed", "rejected", "conflict", "erased", "not_recorded"
]


class BatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row of a batch."""

    index: Annotated[int, Meta(description="Place of the row in what was sent, from 0.", ge=0)]
    movement_ref: Annotated[
        str | None, Meta(description="As sent; null when it could not be read from the row.")
    ]
    status: Annotated[
        RowStatus,
        Meta(
            description="scored, degraded, unassessed: as in the assessment. Without one: rejected "
            "(breaks a rule, see errors); conflict (this version was scored with another "
            "content); erased (retention has erased the assessment); not_recorded (send the row "
            "again)."
        ),
    ]
    replayed: Annotated[
        bool,
        Meta(description="True when the row was scored before; the assessment is the one then."),
    ] = False
    assessment: Annotated[
        AssessmentMessage | None,
        Meta(description="What `POST /v1/scores` would have answered; null when there is none."),
    ] = None
    errors: Annotated[
        tuple[RecordError, ...], Meta(description="Why there is no assessment; pointers in the row")
    ] = ()


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One result per row, in the order sent."""

    results: Annotated[
        tuple[BatchRow, ...], Meta(description="One per row, in the order they were sent.")
    ]


_STATUSES: Mapping[str, RowStatus] = {
    "movement_conflict": "conflict",
    "erased": "erased",
    "not_recorded": "not_recorded",
    "recording_slow": "not_recorded",
}
"""Of a row by the code of its refusal; all others are rejected."""


def as_json(rows: SentRows, answers: Answers) -> bytes:
    """
    Args:
        answers: one for each row.
    """
    return b'{"results":[' + b",".join(_results(rows, answers)) + b"]}"


def as_json_lines(rows: SentRows, answers: Answers) -> bytes:
    """As ``as_json``, a line each."""
    return b"".join(result + b"\n" for result in _results(rows, answers))


def _results(rows: SentRows, answers: Answers) -> list[bytes]:
    """A ``BatchRow`` of each row, in their order."""
    found = [b""] * len(rows)
    for at, answer in answers.apart.items():
        found[at] = encode(_result(at, rows.references[at], answer))
    for together in answers.together:
        references = [cast(str, rows.references[at]) for at in together.places]
        for at, result in zip(together.places, together.in_json(references), strict=True):
            found[at] = result
    return found


def _result(index: int, reference: str | None, answer: RowAnswer) -> BatchRow:
    if isinstance(answer, RequestRefused):
        return refused_row(index, reference, answer)
    movement_ref = cast(str, reference)  # whatever was answered has one
    return BatchRow(
        index=index,
        movement_ref=movement_ref,
        status=answer.status,
        replayed=answer.replayed,
        # JSON already, so it enters the row as it is
        assessment=cast(AssessmentMessage, msgspec.Raw(with_reference(answer.body, movement_ref))),
    )


def refused_row(index: int, movement_ref: str | None, refusal: RequestRefused) -> BatchRow:
    problems = refusal.errors or (Problem(refusal.code, "", str(refusal)),)
    return BatchRow(
        index=index,
        movement_ref=movement_ref,
        status=_STATUSES.get(refusal.code, "rejected"),
        errors=record_errors(problems),
    )


def read_json_rows(body: bytes) -> SentRows:
    """The rows of a JSON array.

    What stands between the items is checked here and each item by ``read_score_request``, so that
    nothing is taken which a strict reading of the whole array would refuse.

    Raises:
        RequestRefused: ``bad_json``, ``too_deep`` or ``too_many_rows``, of the body as a whole.
    """
    if body.count(b",") > _MOST_COMMAS:
        check_row_count(_MOST_COMMAS)
    try:
        items = each_of(body)
    except RecursionError as exc:
        raise RequestRefused("too_deep", f"rows are nested deeper than {MAX_DEPTH} levels") from exc
    except msgspec.ValidationError as exc:
        raise RequestRefused("bad_json", "a batch is one JSON array of movements") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise RequestRefused("bad_json", "the array of movements is not valid JSON") from exc
    check_row_count(len(items))
    return _read_rows(items)


def read_json_lines(body: bytes) -> SentRows:
    """The rows of newline-delimited JSON, a line each; an empty line is a rejected row.

    Raises:
        RequestRefused: ``too_many_rows``.
    """
    ended = body.removesuffix(b"\n")
    check_row_count(ended.count(b"\n") + bool(ended))
    return _read_rows(ended.split(b"\n") if ended else [])


def check_row_count(rows: int, *, explained: bool = False) -> None:
    most = MAX_EXPLAINED_ROWS if explained else MAX_ROWS
    if rows > most:
        reasons = " with reasons (see explain)" if explained else ""
        raise RequestRefused(
            "too_many_rows", f"a batch holds at most {most:,} rows{reasons}; send several"
        )


def _read_rows(rows: Sequence[bytes]) -> SentRows:
    apart: dict[int, SentRow] = {}
    plain: list[PlainRows] = []
    for start in range(0, len(rows), ROWS_TOGETHER):
        part = rows[start : start + ROWS_TOGETHER]
        together = read_score_requests(part)
        if together is None:
            apart.update(enumerate(map(_read_row, part), start))
        else:
            plain += (PlainRows([start + at for at in ats], of) for ats, of in together)
    return SentRows(len(rows), apart, joined(plain))


def _read_row(row: bytes) -> SentRow:
    try:
        if len(row) > MAX_BODY_BYTES:
            raise RequestRefused("body_too_large", f"a row holds at most {MAX_BODY_BYTES} bytes")
        return read_score_request(row)
    except RequestRefused as exc:
        # Of JSON that is refused it is not clear what it says.
        return RejectedRow(_reference_in(row) if exc.errors else None, exc.kept())


class _Referenced(msgspec.Struct):
    movement_ref: str


_decode_referenced = msgspec.json.Decoder(_Referenced).decode


def _reference_in(row: bytes) -> str | None:
    try:
        return _decode_referenced(row).movement_ref
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
