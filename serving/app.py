"""The HTTP routes: parse strictly, ask the worker's state, answer or refuse with a code."""

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast, get_args

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from serving.auth.access import NEEDED, Client
from serving.collection import IdleCollector
from serving.metrics import Counters
from serving.metrics_port import MetricsPort, metrics_port
from serving.openapi import document
from serving.problems import MEDIA_TYPE, RequestRefused
from serving.strict_json import MAX_BODY_BYTES
from serving.vocabulary import Explain
from serving.wire import encode, read_outcomes, read_score_request

if TYPE_CHECKING:  # it imports what scores: seconds and memory that only a worker needs
    from serving.state import ServingState

logger = logging.getLogger("foreland.serving")

HOUSEKEEPING_SECONDS = 1.0
"""How long a promotion takes to be noticed."""

Handler = Callable[[Request], Awaitable[Response]]
ClientHandler = Callable[[Request, Client], Awaitable[Response]]


def create_app(
    open_state: "Callable[[], ServingState]",
    *,
    counters: Counters,
    owns_process: bool = False,
) -> Starlette:
    """The application; ``open_state`` runs when it starts, in the process that serves.

    With ``owns_process`` nothing else lives in the process, and garbage is collected between
    requests rather than during them.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        state = open_state()
        collector = IdleCollector()
        app.state.serving, app.state.counters, app.state.collector = state, counters, collector
        if owns_process:
            collector.start()
        port = metrics_port(state.settings, counters.exposition)
        chores = [
            asyncio.create_task(_keep_house(state, collector, counters, port)),
            asyncio.create_task(state.gate.keep_current()),
        ]
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            await asyncio.to_thread(port.close)
            await asyncio.to_thread(state.close)

    return Starlette(routes=_routes(), lifespan=lifespan)


def _routes() -> list[Route]:
    return [
        Route("/v1/scores", Methods(POST=_for_clients("score", _score))),
        Route("/v1/scores/{score_id}", Methods(GET=_for_clients("stored_score", _stored_score))),
        Route("/v1/outcomes", Methods(POST=_for_clients("outcomes", _outcomes))),
        Route("/v1/models", Methods(GET=_for_clients("models", _models))),
        Route("/livez", Methods(GET=_livez)),
        Route("/readyz", Methods(GET=_readyz)),
        Route("/metrics", Methods(GET=_metrics)),
        Route("/openapi.json", Methods(GET=_openapi)),
        Route("/{path:path}", _nothing_here),
    ]


async def _keep_house(
    state: "ServingState", collector: IdleCollector, counters: Counters, port: MetricsPort
) -> None:
    while True:
        await asyncio.to_thread(port.try_to_open)
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
        try:
            await state.bundles.refresh()
        except Exception:  # a bundle must never end the watch for the next one
            logger.exception("looking for promoted bundles failed")
        try:
            counters.show_lag(*state.tend())
        except Exception:
            logger.exception("following the ledger failed")
        collector.tick()


class Methods:
    """One path: its handlers by method, 405 for the others, a problem document for every refusal.

    Refusals are answered here rather than by Starlette's handlers, which would raise again.
    """

    def __init__(self, **handlers: Handler) -> None:
        self._handlers: Mapping[str, Handler] = handlers
        self._allowed = ", ".join(sorted(handlers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        handler = self._handlers.get("GET" if request.method == "HEAD" else request.method)
        try:
            if handler is None:
                raise RequestRefused(
                    "method_not_allowed",
                    f"this path takes {self._allowed}, not {request.method}",
                    headers={"Allow": self._allowed},
                )
            response = await handler(request)
        except RequestRefused as exc:
            response = _problem(request, exc)
        except ClientDisconnect:
            return
        except Exception as exc:
            _log_without_values(exc)
            failure = RequestRefused("internal_error", "the fault is logged; try again later")
            response = _problem(request, failure)
        await response(scope, receive, send)


def _for_clients(operation: str, handler: ClientHandler) -> Handler:
    """The operation for whoever holds one of its scopes, within its quota, while there is room."""
    any_of = NEEDED[operation]

    async def admitted(request: Request) -> Response:
        state = _state(request)
        client = await state.gate.admit(request.scope, any_of)
        with state.places.one():
            state.quotas.take(client, time.monotonic())
            return await handler(request, client)

    return admitted


async def _score(request: Request, client: Client) -> Response:
    request.app.state.collector.touch()
    explain = _explain(request)
    movement = read_score_request(await _json_body(request))
    answer = await _state(request).score(movement, explain, client)
    counters = _counters(request)
    if answer.replayed:
        counters.replays.labels(answer.kind).inc()
    else:
        counters.scores.labels(answer.kind, answer.band, answer.status).inc()
    headers = {"Location": f"/v1/scores/{answer.score_id}", "Cache-Control": "no-store"}
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(answer.body, media_type="application/json", headers=headers)


async def _stored_score(request: Request, client: Client) -> Response:
    _no_query(request)
    body = _state(request).stored(request.path_params["score_id"], client)
    if body is None:
        raise RequestRefused("no_such_score", "no assessment is recorded under this id")
    return _json(body)


async def _outcomes(request: Request, client: Client) -> Response:
    request.app.state.collector.touch()
    _no_query(request)
    sent = read_outcomes(await _json_body(request))
    answer = await _state(request).record_outcomes(sent.items, client)
    for receipt in answer.outcomes:
        _counters(request).outcomes.labels(receipt.status).inc()
    if sent.alone and answer.outcomes[0].status == "rejected":
        raise RequestRefused("event_conflict", answer.outcomes[0].errors[0].message)
    return _json(encode(answer))


async def _models(request: Request, _: Client) -> Response:
    _no_query(request)
    return _json(encode(_state(request).served()))


async def _livez(_: Request) -> Response:
    return Response(b"alive\n", media_type="text/plain")


async def _readyz(request: Request) -> Response:
    return _json(encode(_state(request).readiness()))


async def _metrics(request: Request) -> Response:
    if not _state(request).gate.is_open():  # then it has a port of its own
        return await _nowhere(request)
    text = await asyncio.to_thread(_counters(request).exposition)
    return Response(text, media_type="text/plain; version=0.0.4")


async def _openapi(_: Request) -> Response:
    return _json(document())


async def _nowhere(_: Request) -> Response:
    raise RequestRefused("no_such_route", "nothing is here; /openapi.json lists every path")


_ANY = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
_nothing_here = Methods(**dict.fromkeys(_ANY, _nowhere))


async def _json_body(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestRefused(
            "unsupported_media_type",
            f"send Content-Type: application/json, not {media_type[:100] or 'none'}",
        )
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise RequestRefused(
            "unsupported_media_type", f"send the body as it is, not {encoding[:100]}"
        )
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise RequestRefused(
                "body_too_large", f"a body holds at most {MAX_BODY_BYTES} bytes; send less"
            )
    return bytes(body)


def _explain(request: Request) -> Explain:
    if not request.scope["query_string"]:
        return "referred"
    asked = _query(request, "explain").get("explain", "referred")
    if asked not in get_args(Explain):
        raise RequestRefused(
            "bad_query", f"explain is one of {', '.join(get_args(Explain))}, not {asked[:70]!r}"
        )
    return cast(Explain, asked)


def _no_query(request: Request) -> None:
    if request.scope["query_string"]:
        _query(request)


def _query(request: Request, *known: str) -> dict[str, str]:
    given = request.query_params.multi_items()
    values = dict(given)
    if unknown := sorted(set(values).difference(known)):
        raise RequestRefused("bad_query", f"there is no query parameter {unknown[0][:70]!r} here")
    if len(values) < len(given):
        raise RequestRefused("bad_query", "a query parameter is given twice; keep one")
    return values


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def _problem(request: Request, refused: RequestRefused) -> Response:
    _counters(request).problems.labels(refused.code).inc()
    return Response(
        refused.document(),
        status_code=refused.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **refused.headers},
    )


def _state(request: Request) -> "ServingState":
    state: ServingState = request.app.state.serving
    return state


def _counters(request: Request) -> Counters:
    counters: Counters = request.app.state.counters
    return counters


def _log_without_values(exc: Exception) -> None:
    """Type and place only: a message may quote what a client sent."""
    where = "".join(traceback.format_tb(exc.__traceback__))
    logger.error("%s while answering a request\n%s", type(exc).__name__, where)
