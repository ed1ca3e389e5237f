"""The door before HTTP is parsed, given bytes as a socket gives them."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

import serving.http_times
from serving.auth.access import Client
from serving.door import IN_PACE
from serving.http_door import DoorProtocol, whole_request
from serving.load import Places
from serving.metrics import Counters
from serving.pace import Pace

SENT = b"POST /v1/scores HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.aborted = False
        self.waiting = 0

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def close(self) -> None:
        self.closed = True

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002
        return default

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Connection:
    """One, to a worker with a single place, and a pace of which two scores may come at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app = Starlette()
        self.places = Places(1)
        self.app.state.serving = SimpleNamespace(places=self.places, pace=Pace(4))
        self.app.state.counters = Counters()
        self.app.state.request_log = SimpleNamespace(note=lambda *said: self.noted.append(said))
        self.noted: list[tuple[Any, ...]] = []
        self.let_in: list[Any] = []
        """Of each request that was: whether the pace had counted it."""
        self.answering = asyncio.Event()
        self.transport = Transport()
        monkeypatch.setattr(DoorProtocol, "guarded", self.app, raising=False)
        config = Config(self._inner, interface="asgi3", lifespan="off", log_config=None)
        config.load()
        self.protocol = DoorProtocol(config, ServerState(), {})
        self.protocol.connection_made(self.transport)

    async def _inner(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        self.let_in.append(scope.get(IN_PACE))
        await self.answering.wait()
        headers = [(b"content-length", b"6")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"let in"})

    async def sent(self, data: bytes) -> bytes:
        """What comes back by the next turns of the loop."""
        before = len(self.transport.written)
        self.protocol.data_received(data)
        for _ in range(5):
            await asyncio.sleep(0)
        return self.transport.written[before:]


def in_a_loop(scenario: Callable[[Connection], Any], patch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        await scenario(Connection(patch))

    asyncio.run(run())


def test_a_whole_request_without_room_is_refused_as_behind_the_door(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(one: Connection) -> None:
        named = SENT.replace(b"\r\n\r\n", b"\r\nX-Request-ID: 4BF92F3577B34DA6\r\n\r\n")
        with one.places:
            answer = await one.sent(named)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        assert headers[b"retry-after"] == b"1"
        assert headers[b"cache-control"] == b"no-store"
        assert headers[b"content-type"] == b"application/problem+json"
        assert int(headers[b"content-length"]) == len(body)
        assert headers[b"x-request-id"] == b"4bf92f3577b34da6"
        problem = msgspec.json.decode(body)
        assert problem["code"] == "overloaded"
        assert problem["instance"] == "urn:foreland:request:4bf92f3577b34da6"
        ((route, status, code, _),) = one.noted
        assert (route, status, code) == ("/v1/", 503, "overloaded")
        assert one.app.state.counters.problems.labels("overloaded")._value.get() == 1
        one.answering.set()
        assert (await one.sent(SENT)).endswith(b"let in"), "there is room again"

    in_a_loop(scenario, monkeypatch)


@pytest.mark.parametrize(
    "sent",
    [
        SENT[:-1],  # the rest of the body is to come
        SENT + SENT,  # two of them
        SENT.replace(b"/v1/", b"/docs"),
        SENT.replace(b"HTTP/1.1", b"HTTP/1.0"),
        SENT.replace(b"Host: x", b"Connection: close"),
        SENT.replace(b"Host: x", b"Connection: keep-alive\r\nConnection: close"),
        SENT.replace(b"Host: x", b"Expect: 100-continue"),
        SENT.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked"),
        SENT.replace(b"Content-Length: 2", b"Content-Length: 2\r\nContent-Length: 3"),
        SENT.replace(b"Content-Length: 2", b"Content-Length : 2"),
        SENT.replace(b"Content-Length: 2", b"Content-Length: +2"),
        SENT.replace(b"Host: x", b"Host: x\r\n folded: 1"),
        b"\r\n" + SENT,
    ],
)
def test_what_only_a_parser_can_tell_is_left_to_it(sent: bytes) -> None:
    assert whole_request(SENT) is not None
    assert whole_request(SENT.replace(b"Host: x", b"Connection: keep-alive")) is not None
    assert whole_request(sent) is None


def test_of_scores_no_more_are_let_in_than_the_pace_has(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(one: Connection) -> None:
        one.answering.set()
        answers = [await one.sent(SENT) for _ in range(4)]
        assert [answer.endswith(b"let in") for answer in answers] == [True, True, False, False]
        assert answers[2].startswith(b"HTTP/1.1 503 ")
        assert b'"detail":"4 scores a second are taken on; send this one again"' in answers[2]
        assert one.let_in == [True, True]
        assert [code for _, _, code, _ in one.noted] == ["overloaded"] * 2

    in_a_loop(scenario, monkeypatch)


def test_beyond_the_pace_a_client_with_a_share_left_is_let_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(one: Connection) -> None:
        one.answering.set()
        port, air = (
            SENT.replace(b"Host: x", b"Host: x\r\nAuthorization: Bearer " + key)
            for key in (b"port-key", b"air-key")
        )
        for key in ("port", "air"):
            client = Client(key, "border", frozenset())
            one.app.state.serving.pace.admitted(f"Bearer {key}-key".encode(), client)
        answers = [await one.sent(of) for of in (port, port, port, air, air)]
        let_in = [answer.endswith(b"let in") for answer in answers]
        assert let_in == [True, True, False, True, False]
        assert one.let_in == [True] * 3, "counted where HTTP is parsed too"

    in_a_loop(scenario, monkeypatch)


def test_scores_of_one_turn_are_counted_before_any_is_worked_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three in one go, which only a parser can tell apart: the third is beyond the pace."""

    async def scenario(one: Connection) -> None:
        one.answering.set()
        await one.sent(SENT * 3)
        assert one.let_in == [True, True, False], "the door behind HTTP refuses the last"

    in_a_loop(scenario, monkeypatch)


def test_beyond_the_pace_everything_but_scores_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(one: Connection) -> None:
        one.answering.set()
        await one.sent(SENT)
        await one.sent(SENT)
        for line in (b"GET /v1/scores/x", b"POST /v1/outcomes", b"POST /v1/scores/batch"):
            other = SENT.replace(b"POST /v1/scores", line)
            assert (await one.sent(other)).endswith(b"let in"), line
        assert one.let_in == [True, True, None, None, None]
        assert (await one.sent(SENT)).startswith(b"HTTP/1.1 503 ")

    in_a_loop(scenario, monkeypatch)


def test_nothing_overtakes_an_answer_that_is_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(one: Connection) -> None:
        assert await one.sent(SENT) == b""
        with one.places:
            assert await one.sent(SENT) == b"", "it waits for the answer before it"
        one.answering.set()
        assert (await one.sent(b"")).count(b"let in") == 2

    in_a_loop(scenario, monkeypatch)


def test_the_rest_of_a_request_is_never_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(one: Connection) -> None:
        one.answering.set()
        whole = SENT.replace(b"Content-Length: 2", b"Content-Length: %d" % len(SENT))
        await one.sent(whole[:-2])
        with one.places:
            answer = await one.sent(SENT)  # which is its body
        assert answer == b"" or answer.endswith(b"let in")
        assert not one.noted

    in_a_loop(scenario, monkeypatch)


HEAD = SENT.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("before", "data", "closed"),
    [
        (b"", b"", True),
        (b"", HEAD, True),
        (b"", SENT, False),
        (SENT, b"", False),
        (SENT, HEAD, True),
        (b"", HEAD + b"\r\n\r\n", False),  # a body has a limit of its own
    ],
)
def test_a_head_that_does_not_come_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, before: bytes, data: bytes, closed: bool
) -> None:
    monkeypatch.setattr(serving.http_times, "HEAD_SECONDS", 0.02)

    async def scenario(one: Connection) -> None:
        one.answering.set()
        if before:
            assert (await one.sent(before)).endswith(b"let in")
        await one.sent(data)
        await asyncio.sleep(0.05)
        assert one.transport.closed == closed

    in_a_loop(scenario, monkeypatch)


def test_who_is_turned_away_keeps_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.http_times, "HEAD_SECONDS", 0.02)

    async def scenario(one: Connection) -> None:
        with one.places:
            assert (await one.sent(SENT)).startswith(b"HTTP/1.1 503 ")
            await asyncio.sleep(0.05)
        assert not one.transport.closed

    in_a_loop(scenario, monkeypatch)


def test_an_answer_that_is_being_made_is_not_cut_off_by_the_next_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving.http_times, "HEAD_SECONDS", 0.02)

    async def scenario(one: Connection) -> None:
        await one.sent(SENT + HEAD)
        await asyncio.sleep(0.05)
        assert not one.transport.closed
        one.answering.set()
        await asyncio.sleep(0.05)
        assert one.transport.written.endswith(b"let in")
        assert one.transport.closed

    in_a_loop(scenario, monkeypatch)


def test_a_head_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(one: Connection) -> None:
        await one.sent(HEAD)
        for _ in range(4):
            await one.sent(b"\r\nX-Y: " + b"z" * 250_000)
        assert not one.transport.closed
        await one.sent(b"\r\nX-Y: " + b"z" * 50_000)
        assert one.transport.closed

    in_a_loop(scenario, monkeypatch)


@pytest.mark.parametrize(("taken", "aborted"), [(0, True), (65_535, True), (65_536, False)])
def test_an_answer_that_is_not_taken_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, taken: int, aborted: bool
) -> None:
    monkeypatch.setattr(serving.http_times, "TAKEN_SECONDS", 0.05)

    async def scenario(one: Connection) -> None:
        one.transport.waiting = 10**6
        one.protocol.pause_writing()
        await asyncio.sleep(0.01)
        one.transport.waiting -= taken
        await asyncio.sleep(0.07)
        assert one.transport.aborted == aborted
        if not aborted:
            await asyncio.sleep(0.05)
            assert one.transport.aborted, "it is asked again"

    in_a_loop(scenario, monkeypatch)


def test_an_answer_that_was_taken_is_watched_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.http_times, "TAKEN_SECONDS", 0.02)

    async def scenario(one: Connection) -> None:
        one.transport.waiting = 10**6
        one.protocol.pause_writing()
        one.protocol.resume_writing()
        await asyncio.sleep(0.05)
        assert not one.transport.aborted

    in_a_loop(scenario, monkeypatch)


@pytest.mark.parametrize("left", [0, 1])
def test_what_is_left_when_a_connection_is_closed_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """Less than uvicorn would pause for: its own close waits for ever."""
    monkeypatch.setattr(serving.http_times, "TAKEN_SECONDS", 0.02)

    async def scenario(one: Connection) -> None:
        one.answering.set()
        await one.sent(SENT)
        one.transport.waiting = left
        one.protocol.timeout_keep_alive_handler()
        assert one.transport.closed
        await asyncio.sleep(0.05)
        assert one.transport.aborted == bool(left)

    in_a_loop(scenario, monkeypatch)


def test_an_answer_that_ends_the_connection_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving.http_times, "TAKEN_SECONDS", 0.02)

    async def scenario(one: Connection) -> None:
        one.answering.set()
        one.transport.waiting = 100
        monkeypatch.setattr(one.transport, "is_closing", lambda: one.transport.closed)
        await one.sent(SENT.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        assert one.transport.closed
        await asyncio.sleep(0.05)
        assert one.transport.aborted

    in_a_loop(scenario, monkeypatch)
