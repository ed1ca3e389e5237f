"""The door once more, before HTTP is parsed: what finds no room, or comes beyond the pace, costs a
look at its bytes.

Behind a parser, a task and an event a refusal takes twice as long, and under overload there are
more refusals than answers, on the core that answers.
"""

import re
import time
from collections.abc import Iterable
from contextvars import copy_context
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, cast

from starlette.applications import Starlette
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from serving import logs
from serving.door import FOR_CLIENTS, IN_PACE, SCORES
from serving.http_times import TimedProtocol
from serving.pace import credential_in
from serving.problems import MEDIA_TYPE, RequestRefused

if TYPE_CHECKING:  # it imports what scores: seconds and memory that only a worker needs
    from serving.state import ServingState

_FIRST_LINE = re.compile(rb"(?:GET|POST|DELETE) %b[!-~]* HTTP/1\.1\r\n" % FOR_CLIENTS.encode())
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n")
_REQUEST_ID = re.compile(rb"\r\n%b:[ \t]*([!-~]+)[ \t]*\r\n" % logs.HEADER)
_GOES_ON = b"\r\nconnection: keep-alive\r\n"
_LEFT_TO_THE_PARSER = re.compile(rb"\r\n(?:transfer-encoding:|expect:|[ \t])")
"""Headers by which more may belong to a request than its length says, or the connection ends."""
_BLANK = "0" * 32
_ASKS_FOR_A_SCORE = (f"POST {SCORES} ".encode(), f"POST {SCORES}?".encode())


def guard(app: Starlette) -> None:
    """Have uvicorn put this door before an application, wherever it is told no protocol."""
    DoorProtocol.guarded = app
    HTTP_PROTOCOLS["auto"] = f"{DoorProtocol.__module__}:{DoorProtocol.__name__}"


class DoorProtocol(TimedProtocol):
    """uvicorn's protocol of one connection. Between two requests, while there is no room, bytes
    that are one whole request of a client are refused, and so are those for a score beyond the
    pace; everything else goes to the parser."""

    guarded: ClassVar[Starlette]
    _between_requests = True

    def data_received(self, data: bytes) -> None:
        refused = self._no_room(data)
        head = None if refused is None else self._alone_in(data)
        if refused is None or head is None:
            super().data_received(data)
        else:
            self._turn_away(refused, head)

    def on_message_begin(self) -> None:
        self._between_requests = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A score counts here, so that of all that come in one turn of the event loop, before any
        of them is worked on, no more are let in than may come."""
        super().on_headers_complete()
        scope, serving = self.scope, self._serving()
        if serving is not None and scope.get("path") == SCORES and scope["method"] == "POST":
            asked = cast(dict[str, Any], scope)
            sent = credential_in(scope["headers"])
            asked[IN_PACE] = serving.places.refusal() is None and serving.pace.take(sent)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._between_requests = True

    def _serving(self) -> "ServingState | None":
        return getattr(self.guarded.state, "serving", None)

    def _no_room(self, data: bytes) -> RequestRefused | None:
        serving = self._serving()
        if serving is None:
            return None
        refused = serving.places.refusal()
        if refused is None and data.startswith(_ASKS_FOR_A_SCORE):
            refused = serving.pace.refusal(data)
        return refused

    def _alone_in(self, data: bytes) -> bytes | None:
        """Head of the one request that these bytes are, while nothing else is under way and the
        client takes what it is sent; else None."""
        answered = self.cycle is None or self.cycle.response_complete
        if not answered or not self._between_requests:
            return None
        if self.flow.write_paused or self.transport.is_closing():
            return None
        return whole_request(data)

    def _turn_away(self, refused: RequestRefused, head: bytes) -> None:
        began, state = time.monotonic(), self.guarded.state
        self.head_came()
        self._unset_keepalive_if_required()
        sent = _REQUEST_ID.search(head)
        request_id = logs.request_id_of([(logs.HEADER, sent[1])] if sent else [])
        self.transport.write(_answer(refused, request_id, self.server_state.default_headers))
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        state.counters.problems_of(refused.code).inc()
        outer = logs.REQUEST_ID.set(request_id)
        state.request_log.note(FOR_CLIENTS, refused.status, refused.code, time.monotonic() - began)
        logs.REQUEST_ID.reset(outer)


def whole_request(data: bytes) -> bytes | None:
    """The head, in lower case, of bytes that are one whole request of a client and no more; None
    when they are not, or when only a parser can tell.

    >>> whole_request(b"POST /v1/scores HTTP/1.1\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
    b'post /v1/scores http/1.1\\r\\ncontent-length: 2\\r\\n'
    >>> whole_request(b"POST /v1/scores HTTP/1.1\\r\\nContent-Length: 2\\r\\n\\r\\n{") is None
    True
    """
    head, end, body = data.partition(b"\r\n\r\n")
    if not end or _FIRST_LINE.match(head) is None:
        return None
    head = head.lower() + b"\r\n"
    if _LEFT_TO_THE_PARSER.search(head) is not None:
        return None
    if head.count(b"\r\nconnection:") != head.count(_GOES_ON):
        return None
    lengths = _LENGTH.findall(head)
    if len(lengths) != head.count(b"content-length") or len(lengths) > 1:
        return None
    return head if len(body) == (int(lengths[0]) if lengths else 0) else None


def _answer(
    refused: RequestRefused, request_id: str, default_headers: Iterable[tuple[bytes, bytes]]
) -> bytes:
    head, before, after = _around_its_id(refused)
    its_id = request_id.encode()
    body = before + its_id + after
    own = b"content-length: %d\r\n%b: %b\r\n\r\n" % (len(body), logs.HEADER, its_id)
    return b"".join((head, _lines(tuple(default_headers)), own, body))


@lru_cache(4)
def _around_its_id(refused: RequestRefused) -> tuple[bytes, bytes, bytes]:
    """Of an answer: the head, and the body before and after the id of the request."""
    context = copy_context()
    context.run(logs.REQUEST_ID.set, _BLANK)
    before, after = context.run(refused.document).split(_BLANK.encode())
    said = {"content-type": MEDIA_TYPE, "cache-control": "no-store", **refused.headers}
    headers = [(name.lower().encode(), value.encode()) for name, value in said.items()]
    return STATUS_LINE[refused.status] + _lines(tuple(headers)), before, after


@lru_cache(8)
def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)
