"""How the service stands: probes, metrics, what serves, and the description of the API."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from serving.auth.access import Client
from serving.openapi import document
from serving.problems import RequestRefused
from serving.routes.shell import (
    JsonAnswer,
    counters_of,
    for_clients,
    no_query,
    route,
    state_of,
)
from serving.wire import encode


async def _models(request: Request, _: Client) -> Response:
    no_query(request)
    return JsonAnswer(encode(await state_of(request).served()))


async def _livez(_: Request) -> Response:
    return Response(b"alive\n", media_type="text/plain")


async def _readyz(request: Request) -> Response:
    return JsonAnswer(encode(await state_of(request).readiness()))


async def _metrics(request: Request) -> Response:
    if not await state_of(request).gate.is_open():  # then it has a port of its own
        return await _nowhere(request)
    text = await asyncio.to_thread(counters_of(request).exposition)
    return Response(text, media_type="text/plain; version=0.0.4")


async def _openapi(_: Request) -> Response:
    return JsonAnswer(document())


async def _nowhere(_: Request) -> Response:
    raise RequestRefused("no_such_route", "nothing is here; /openapi.json lists every path")


_ANY = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


ROUTES = [
    route("/v1/models", GET=for_clients("models", _models)),
    route("/livez", GET=_livez),
    route("/readyz", GET=_readyz),
    route("/metrics", GET=_metrics),
    route("/openapi.json", GET=_openapi),
]
NOTHING_HERE = route("/{path:text}", **dict.fromkeys(_ANY, _nowhere))
