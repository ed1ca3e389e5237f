"""In front of everything else: what finds no room, or comes beyond the pace, is turned away at next
to no cost.

Under overload there are more refusals than answers, so that what a refusal costs is taken from the
answers: no routing, no credential, no body, nothing that waits.
"""

import time

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import logs
from serving.problems import MEDIA_TYPE, RequestRefused

FOR_CLIENTS = "/v1/"
"""What all paths begin with that are for clients; pages and probes are always answered."""
SCORES = "/v1/scores"
IN_PACE = "foreland.in_pace"
"""In the scope of a request for a score: whether the pace has counted it. False for one that came
beyond the pace; not there when nobody has asked yet."""


class Door:
    """
    Args:
        inner: answers what is let in.
        app: the application whose state says whether there is room, and keeps the pace.
    """

    def __init__(self, inner: ASGIApp, app: Starlette) -> None:
        self._inner = inner
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(FOR_CLIENTS):
            try:
                self._check(scope)
            except RequestRefused as exc:
                await self._turn_away(exc, scope, send)
                return
        await self._inner(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        """
        Raises:
            RequestRefused: ``overloaded``.
        """
        serving = self._app.state.serving
        serving.places.check()
        if scope.get(IN_PACE) is False:
            raise serving.pace.exceeded()

    async def _turn_away(self, refused: RequestRefused, scope: Scope, send: Send) -> None:
        began = time.monotonic()
        request_id = logs.request_id_of(scope["headers"])
        logs.REQUEST_ID.set(request_id)
        self._app.state.counters.problems.labels(refused.code).inc()
        body = refused.document()
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (logs.HEADER, request_id.encode()),
            *((name.lower().encode(), value.encode()) for name, value in refused.headers.items()),
        ]
        await send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        seconds = time.monotonic() - began
        self._app.state.request_log.note(FOR_CLIENTS, refused.status, refused.code, seconds)
