"""What a worker says on standard error: one JSON object a line, under the id of its request.

No line holds an identifier, a body or a path: an exception is told by its type and place, because
its message may quote what a client sent.
"""

import logging
import random
import re
import sys
import traceback
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

NAME = "foreland"
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that is being answered; None outside of one."""
HEADER = b"x-request-id"
_at_random = random.Random()
"""Seeded by the system once: the id of a request is no secret."""
_TAKEN = re.compile(rb"[0-9a-fA-F]{16,64}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""Hexadecimal or a UUID: what a client makes at random, and no number plate."""


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The client's own id when it is one, else a new one.

    >>> request_id_of([(b"x-request-id", b"4bf92f3577b34da6a3ce929d0e0e4736")])
    '4bf92f3577b34da6a3ce929d0e0e4736'
    >>> len(request_id_of([(b"x-request-id", b"AB12 CDE")]))
    32
    """
    for name, value in headers:
        if name == HEADER and _TAKEN.fullmatch(value):
            return value.decode()
    return f"{_at_random.getrandbits(128):032x}"


def instance() -> str | None:
    """The request as a URI, for a problem document (RFC 9457, section 3.1.5)."""
    request_id = REQUEST_ID.get()
    return None if request_id is None else f"urn:foreland:request:{request_id}"


class JsonLines(logging.Formatter):
    """``time``, ``level``, ``event``, ``worker``, ``request_id``, and what ``extra`` has under
    ``fields``.
    """

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "worker": record.process,
        }
        request_id = REQUEST_ID.get()
        if request_id is not None:
            said["request_id"] = request_id
        said |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            said |= without_values(record.exc_info[1])
        return msgspec.json.encode(said).decode()


def without_values(exc: BaseException) -> dict[str, Any]:
    """Type and places of an exception."""
    frames = traceback.extract_tb(exc.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"exception": type(exc).__name__, "places": places}


def start() -> None:
    """From here on everything of ours goes to standard error as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    ours = logging.getLogger(NAME)
    ours.handlers = [handler]
    ours.setLevel(logging.INFO)
    ours.propagate = False
