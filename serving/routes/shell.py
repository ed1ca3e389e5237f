"""What every route has in common: who may ask, what a body may be, how a refusal looks."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from serving import logs
from serving.auth.access import NEEDED, SANDBOX, SANDBOXED, Client, require
from serving.door import IN_PACE
from serving.load import Arriving
from serving.metrics import Counters
from serving.pace import Pace, credential_in
from serving.problems import MEDIA_TYPE, RequestRefused
from serving.started import Started
from serving.strict_json import MAX_BODY_BYTES

if TYPE_CHECKING:  # it imports what scores: seconds and memory that only a worker needs
    from serving.state import ServingState

logger = logging.getLogger("foreland.serving")

MOST_HEADERS, MOST_HEADER_BYTES, MOST_URI_BYTES = 100, 32_768, 8_192
"""A token is the longest header that anybody needs, a reference the longest part of a path."""

Handler = Callable[[Request], Awaitable[Response]]
BODY_SECONDS = 4.0
PROMPT_SECONDS = 0.1
"""Within which a body is expected; one that takes longer is slow (``serving.load.Arriving``)."""
ClientHandler = Callable[[Request, Client], Awaitable[Response]]


class Methods:
    """One path: its handlers by method, 405 for the others, a problem document for every refusal.

    Refusals are answered here rather than by Starlette's handlers, which would raise again.

    Args:
        path: as it is declared, for the log; never as it was asked for.
    """

    def __init__(self, path: str, **handlers: Handler) -> None:
        self._path = path
        self._handlers: Mapping[str, Handler] = handlers
        self._names = {method: f"{method} {path}" for method in handlers}
        self._allowed = ", ".join(sorted(handlers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        request = Request(scope, receive)
        request_id = logs.request_id_of(scope["headers"])
        logs.REQUEST_ID.set(request_id)
        try:
            response, code = await self._handle(request), None
        except ClientDisconnect:
            return
        except Exception as exc:
            response, code = _problem(request, exc)
        response.raw_headers.append((logs.HEADER, request_id.encode()))
        await response(scope, receive, send)
        request.app.state.request_log.note(
            self._names.get(request.method, self._path),
            response.status_code,
            code,
            time.monotonic() - began,
        )

    async def _handle(self, request: Request) -> Response:
        _check_head(request.scope)
        handler = self._handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            raise RequestRefused(
                "method_not_allowed",
                f"this path takes {self._allowed}",
                headers={"Allow": self._allowed},
            )
        return await handler(request)


class _AnyText(Convertor[str]):
    """The rest of a path, line breaks in it too: ``path`` stops at the first."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("text", _AnyText())


def route(path: str, **handlers: Handler) -> Route:
    """A path and what answers there, by method; ``{name:text}`` takes the rest of it."""
    return Route(path, Methods(path, **handlers))


def _check_head(scope: Scope) -> None:
    """
    Raises:
        RequestRefused: ``headers_too_large`` or ``uri_too_long``.
    """
    headers = scope["headers"]
    size = sum(map(len, chain.from_iterable(headers)))
    if len(headers) > MOST_HEADERS or size > MOST_HEADER_BYTES:
        raise RequestRefused(
            "headers_too_large",
            f"a request has at most {MOST_HEADERS} headers of {MOST_HEADER_BYTES} bytes together",
        )
    if len(scope["raw_path"] or b"") + len(scope["query_string"]) > MOST_URI_BYTES:
        raise RequestRefused(
            "uri_too_long", f"path and query have at most {MOST_URI_BYTES} bytes together"
        )


def for_clients(operation: str, handler: ClientHandler, *, browser: bool = False) -> Handler:
    """The operation for whoever holds one of its scopes, within its quota, while there is room; a
    score within the pace as well, where the door has not counted it.

    A browser may show its credential as a password (HTTP Basic) where that is said.

    Of a sandboxed operation the handler asks for them itself once it knows that the reference is
    a real one (``required``).
    """
    any_of, paced = NEEDED[operation], operation == "score"
    if operation in SANDBOXED:
        any_of = (*any_of, SANDBOX)

    async def admitted(request: Request) -> Response:
        state = state_of(request)
        try:
            client = await state.gate.admit(request.scope, any_of, browser=browser)
            state.places.check()
        except RequestRefused:
            if request.scope.get(IN_PACE):
                state.pace.give_back()
            raise
        with state.places:
            began = time.monotonic()
            state.quotas.take(client, began)
            if paced:
                _keep_pace(state.pace, request.scope, client)
            response = await handler(request, client)
            took = counters_of(request).duration_of(operation)
            took.observe(time.monotonic() - began)
            return response

    return admitted


def _keep_pace(pace: Pace, scope: Scope, client: Client) -> None:
    sent = credential_in(scope["headers"])
    pace.admitted(sent, client)
    if not scope.get(IN_PACE) and not pace.take(sent):
        raise pace.exceeded()


def required(client: Client, operation: str) -> None:
    """
    Raises:
        RequestRefused: ``scope_missing`` for a client that may use the sandbox alone.
    """
    require(client, *NEEDED[operation])


JSON = "application/json"


async def json_body(request: Request, client: Client) -> bytes:
    media_type_of(request, JSON)
    return await body_of(request, client)


def media_type_of(request: Request, *taken: str) -> str:
    """The type of the body, one of those that are taken here.

    Raises:
        RequestRefused: ``unsupported_media_type``, also for a body that is encoded.
    """
    sent: Iterable[tuple[bytes, bytes]] = reversed(request.scope["headers"])
    headers = dict(sent)  # of two that are the same, the first
    sent_as = headers.get(b"content-type", b"").decode("latin-1")
    media_type = sent_as.partition(";")[0].strip().lower()
    if media_type not in taken:
        raise RequestRefused(
            "unsupported_media_type",
            f"send Content-Type: {' or '.join(taken)}, which this body does not say it is",
        )
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").lower()
    if encoding != "identity":
        raise RequestRefused(
            "unsupported_media_type", "send the body as it is, without a Content-Encoding"
        )
    return media_type


async def body_of(
    request: Request,
    client: Client,
    most_bytes: int = MAX_BODY_BYTES,
    arriving: Arriving | None = None,
) -> bytes:
    """
    Args:
        arriving: what it counts among while it is slow; by default all but batches.

    Raises:
        RequestRefused: ``body_too_large``, ``body_too_slow``, or ``quota_exceeded`` for one of
            many that are slow.
    """
    reading = Started(_read(request.receive, most_bytes))
    if reading.ended:  # it came with the head, as nearly every one does
        return reading.result
    arrival = asyncio.ensure_future(reading)
    try:
        here, _ = await asyncio.wait([arrival], timeout=PROMPT_SECONDS)
        if not here:
            with (arriving or state_of(request).arriving).one(client):
                here, _ = await asyncio.wait([arrival], timeout=BODY_SECONDS - PROMPT_SECONDS)
        if here:
            return arrival.result()
    finally:
        arrival.cancel()
    raise RequestRefused(
        "body_too_slow",
        f"the body did not arrive within {BODY_SECONDS:g} s; send it again, in one go",
        headers={"Connection": "close"},
    )


async def _read(receive: Receive, most_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size, more = size + len(chunks[-1]), message.get("more_body", False)
        if size > most_bytes:
            raise RequestRefused(
                "body_too_large", f"a body holds at most {most_bytes} bytes; send less"
            )
    return b"".join(chunks)


def no_query(request: Request) -> None:
    if request.scope["query_string"]:
        query(request)


def query(request: Request, *known: str) -> dict[str, str]:
    given = request.query_params.multi_items()
    values = dict(given)
    if set(values).difference(known):
        taken = f"takes {' and '.join(known)}, and no other" if known else "takes no"
        raise RequestRefused("bad_query", f"this path {taken} query parameter; leave it out")
    if len(values) < len(given):
        raise RequestRefused("bad_query", "a query parameter is given twice; keep one")
    return values


class JsonAnswer(Response):
    """As Starlette would make it, but for looking up what is known."""

    def __init__(self, body: bytes, *more: tuple[bytes, bytes]) -> None:
        self.status_code, self.body, self.background = 200, body, None
        size = (b"content-length", b"%d" % len(body))
        self.raw_headers = [*_OF_JSON, size, *more]


_OF_JSON = ((b"cache-control", b"no-store"), (b"content-type", JSON.encode()))


def _failure(exc: Exception) -> RequestRefused:
    """What a client is told of a fault, which is logged by type and place only: a message may
    quote what a client sent."""
    logger.error("request_failed", extra={"fields": logs.without_values(exc)})
    from features.ledger import LedgerError  # only a worker gets here, which has it already

    if isinstance(exc, LedgerError):
        return RequestRefused(
            "ledger_unreadable",
            "what is recorded cannot be read at present; send the same request again",
            headers={"Retry-After": "1"},
        )
    return RequestRefused("internal_error", "the fault is logged; try again later")


def _problem(request: Request, exc: Exception) -> tuple[Response, str]:
    """What is answered, and its code. No frame that the exception has passed may keep it under a
    name: frame and exception would keep each other, and all that the request was."""
    refused = exc if isinstance(exc, RequestRefused) else _failure(exc)
    counters_of(request).problems.labels(refused.code).inc()
    response = Response(
        refused.document(),
        status_code=refused.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **refused.headers},
    )
    return response, refused.code


def state_of(request: Request) -> "ServingState":
    state: ServingState = request.app.state.serving
    return state


def counters_of(request: Request) -> Counters:
    counters: Counters = request.app.state.counters
    return counters
