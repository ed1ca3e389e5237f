"""The door, asked as a server asks it."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import msgspec
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from serving import logs
from serving.door import IN_PACE, Door
from serving.load import Places
from serving.metrics import Counters
from serving.pace import Pace

REQUEST_ID = b"4bf92f3577b34da6a3ce929d0e0e4736"


class Asked:
    """A door of as many places, and what is behind it."""

    def __init__(self, places: int) -> None:
        self.app = Starlette()
        self.places = Places(places)
        self.app.state.serving = SimpleNamespace(places=self.places, pace=Pace(1))
        self.app.state.counters = Counters()
        self.noted: list[tuple[Any, ...]] = []
        self.app.state.request_log = SimpleNamespace(note=lambda *said: self.noted.append(said))
        self.let_in: list[str] = []
        self._door = Door(self._inner, self.app)

    async def _inner(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        self.let_in.append(scope["path"])

    def ask(self, path: str, **counted: bool) -> list[Message]:
        """Fails when anything of the request is read beyond its head."""
        said: list[Message] = []

        async def receive() -> Message:
            raise AssertionError("the body was read")

        async def send(message: Message) -> None:
            said.append(message)

        scope = {"type": "http", "path": path, "headers": [(logs.HEADER, REQUEST_ID)], **counted}
        asyncio.run(self._door(cast(Any, scope), receive, send))
        return said


def test_while_there_is_room_everything_is_let_in() -> None:
    asked = Asked(1)
    assert asked.ask("/v1/scores") == []
    assert asked.let_in == ["/v1/scores"]


def test_without_room_a_client_is_refused_before_anything_is_read() -> None:
    asked = Asked(1)
    with asked.places:
        start, body = asked.ask("/v1/scores")
    assert asked.let_in == []
    assert start["status"] == 503
    headers = dict(start["headers"])
    assert headers[b"retry-after"] == b"1"
    assert headers[b"x-request-id"] == REQUEST_ID
    assert headers[b"content-type"] == b"application/problem+json"
    assert int(headers[b"content-length"]) == len(body["body"])
    problem = msgspec.json.decode(body["body"])
    assert problem["code"] == "overloaded"
    assert problem["instance"] == f"urn:foreland:request:{REQUEST_ID.decode()}"
    counted = asked.app.state.counters.problems.labels("overloaded")
    assert counted._value.get() == 1
    ((route, status, code, _),) = asked.noted
    assert (route, status, code) == ("/v1/", 503, "overloaded")


def test_what_comes_beyond_the_pace_is_refused_too() -> None:
    asked = Asked(1)
    assert asked.ask("/v1/scores", **{IN_PACE: True}) == []
    start, body = asked.ask("/v1/scores", **{IN_PACE: False})
    assert asked.let_in == ["/v1/scores"]
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"1")
    assert msgspec.json.decode(body["body"])["code"] == "overloaded"


def test_probes_and_pages_are_let_in_all_the_same() -> None:
    asked = Asked(1)
    with asked.places:
        for path in ("/livez", "/readyz", "/docs", "/openapi.json"):
            asked.ask(path)
    assert asked.let_in == ["/livez", "/readyz", "/docs", "/openapi.json"]
