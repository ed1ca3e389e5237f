"""Scores: one movement in, its recorded assessment out; and what was recorded before."""

from typing import cast, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.auth.access import Client
from serving.problems import RequestRefused
from serving.routes.shell import (
    Methods,
    counters_of,
    for_clients,
    json_answer,
    json_body,
    no_query,
    query,
    state_of,
)
from serving.vocabulary import Explain
from serving.wire import read_score_request


async def _score(request: Request, client: Client) -> Response:
    request.app.state.collector.touch()
    explain = _explain(request)
    movement = read_score_request(await json_body(request))
    answer = await state_of(request).scoring.score(movement, explain, client)
    counters = counters_of(request)
    if answer.replayed:
        counters.replays.labels(answer.kind).inc()
    else:
        counters.scores.labels(answer.kind, answer.band, answer.status).inc()
    headers = {"Location": f"/v1/scores/{answer.score_id}", "Cache-Control": "no-store"}
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(answer.body, media_type="application/json", headers=headers)


async def _stored_score(request: Request, client: Client) -> Response:
    no_query(request)
    body = state_of(request).scoring.stored(request.path_params["score_id"], client)
    if body is None:
        raise RequestRefused("no_such_score", "no assessment is recorded under this id")
    return json_answer(body)


def _explain(request: Request) -> Explain:
    if not request.scope["query_string"]:
        return "referred"
    asked = query(request, "explain").get("explain", "referred")
    if asked not in get_args(Explain):
        raise RequestRefused(
            "bad_query", f"explain is one of {', '.join(get_args(Explain))}, not {asked[:70]!r}"
        )
    return cast(Explain, asked)


ROUTES = [
    Route("/v1/scores", Methods(POST=for_clients("score", _score))),
    Route("/v1/scores/{score_id}", Methods(GET=for_clients("stored_score", _stored_score))),
]
