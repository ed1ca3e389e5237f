"""Calls as BentoML's clients make them: a movement under its name, several in a list.

They pass the same gate, quota, checks, scorer and audit as the routes under ``/v1``, and are
refused with the same problem documents.
"""

import asyncio
from typing import Annotated, TypeVar, cast

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from features.records import RecordRejected
from serving.auth.access import Client
from serving.problems import RequestRefused
from serving.routes.batch import answers_to, batch_body
from serving.routes.scores import answered, assessed
from serving.routes.shell import (
    JSON,
    JsonAnswer,
    Methods,
    for_clients,
    json_body,
    media_type_of,
    no_query,
    state_of,
)
from serving.strict_json import MAX_BODY_BYTES, parse_strictly
from serving.vocabulary import Explain
from serving.wire import read_score_request, with_reference
from serving.wire.batch import read_json_rows
from serving.wire.json import rejected, typed
from serving.wire.rows import RowAnswer, SentRow, SentRows

Call = TypeVar("Call", bound=msgspec.Struct)
_decode_arguments = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class ScoreCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One movement; it is read by the parser of ``POST /v1/scores``, from the bytes as sent."""

    movement: Annotated[msgspec.Raw, Meta(description="What POST /v1/scores takes.")]
    explain: Annotated[Explain, Meta(description="Which assessments come with reasons.")] = (
        "referred"
    )


class ScoreBatchCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Movements as ``POST /v1/scores/batch`` takes them, with what it leaves to a query."""

    movements: Annotated[msgspec.Raw, Meta(description="Each as POST /v1/scores takes it.")]
    explain: Annotated[Explain, Meta(description="Which assessments come with reasons.")] = "never"


def read_call(body: bytes, call: type[Call]) -> Call:
    """
    Raises:
        RequestRefused: for JSON that is refused, or arguments that the call does not have.
    """
    parse_strictly(body)
    try:
        read: Call = typed(msgspec.json.Decoder(call).decode, body, call)
    except RecordRejected as exc:
        raise rejected(exc.problems) from exc
    return read


async def _score(request: Request, client: Client) -> Response:
    request.app.state.collector.touch()
    no_query(request)
    call = read_call(await json_body(request, client), ScoreCall)
    movement = read_score_request(bytes(call.movement))
    return answered(*await assessed(request, movement, call.explain, client))


async def _score_batch(request: Request, client: Client) -> Response:
    request.app.state.collector.touch()
    no_query(request)
    media_type_of(request, JSON)
    body = await batch_body(request, client)
    with state_of(request).batches.places:
        rows, explain = await asyncio.to_thread(_read_batch_call, body)
        answers = await answers_to(request, rows, explain, client)
    return JsonAnswer(b"[" + b",".join(map(_document, rows, answers)) + b"]")


def _read_batch_call(body: bytes) -> tuple[SentRows, Explain]:
    """Each movement is read as it was sent, so that a bad one stands alone; what is around them is
    read as strictly.

    Raises:
        RequestRefused: for what is around them, or ``too_many_rows``.
    """
    movements = _movements_in(body)
    around = body.replace(movements, b"[]", 1) if movements else body
    if len(around) > MAX_BODY_BYTES:
        raise RequestRefused(
            "body_too_large", f"a call holds {MAX_BODY_BYTES} bytes at most besides its movements"
        )
    explain = read_call(around, ScoreBatchCall).explain
    return read_json_rows(movements), explain


def _movements_in(body: bytes) -> bytes:
    """As they were sent; empty for a body in which there are none, which cannot be a call."""
    try:
        return bytes(_decode_arguments(body)["movements"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        return b""


def _document(row: SentRow, answer: RowAnswer) -> bytes:
    """The assessment, or the problem document that the movement alone would have got."""
    if isinstance(answer, RequestRefused):
        return answer.document()
    return with_reference(answer.body, cast(str, row.movement_ref))


SCORE = Methods("/score", POST=for_clients("score", _score))
SCORE_BATCH = Methods("/score_batch", POST=for_clients("score_batch", _score_batch))
