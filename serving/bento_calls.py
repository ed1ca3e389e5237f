"""Calls as BentoML's clients make them: a movement under its name, several in a list.

They pass the same gate, quota, checks, scorer and audit as the routes under ``/v1``, and are
refused with the same problem documents.
"""

import asyncio
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from features.records import RecordRejected
from serving.auth.access import Client
from serving.problems import RequestRefused
from serving.routes.scores import answered, assessed
from serving.routes.shell import Methods, for_clients, json_answer, json_body, no_query
from serving.strict_json import parse_strictly
from serving.vocabulary import Explain
from serving.wire import read_score_request
from serving.wire.json import rejected, typed

AT_A_TIME = 32
"""Movements of one call that wait for their commit together, so that they share it."""

Call = TypeVar("Call", bound=msgspec.Struct)


class ScoreCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One movement; it is read by the parser of ``POST /v1/scores``, from the bytes as sent."""

    movement: Annotated[msgspec.Raw, Meta(description="What POST /v1/scores takes.")]
    explain: Annotated[Explain, Meta(description="Which assessments come with reasons.")] = (
        "referred"
    )


class ScoreBatchCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Movements, each answered by itself."""

    movements: Annotated[list[msgspec.Raw], Meta(description="Each as POST /v1/scores takes it.")]
    explain: Annotated[Explain, Meta(description="Which assessments come with reasons.")] = (
        "referred"
    )


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
    call = read_call(await json_body(request), ScoreCall)
    movement = read_score_request(bytes(call.movement))
    return answered(*await assessed(request, movement, call.explain, client))


async def _score_batch(request: Request, client: Client) -> Response:
    request.app.state.collector.touch()
    no_query(request)
    call = read_call(await json_body(request), ScoreBatchCall)
    room = asyncio.Semaphore(AT_A_TIME)

    async def row(sent: msgspec.Raw) -> bytes:
        """The assessment, or the problem document that the movement alone would have got."""
        async with room:
            try:
                movement = read_score_request(bytes(sent))
                body, _ = await assessed(request, movement, call.explain, client)
            except RequestRefused as exc:
                return exc.document()
            return body

    rows = await asyncio.gather(*map(row, call.movements))
    return json_answer(b"[" + b",".join(rows) + b"]")


SCORE = Methods("/score", POST=for_clients("score", _score))
SCORE_BATCH = Methods("/score_batch", POST=for_clients("score", _score_batch))
