"""An open-loop load of HTTP requests: so many a second, whether or not the answers keep up.

Latency is measured from the moment a request was meant to be sent. A generator that waits for one
answer before it sends the next would hide exactly the stalls that it is there to find (coordinated
omission); here what waits, waits on the clock.

One event loop, bare sockets, one request at a time on each connection; another connection is
opened when none is free. Give it a core of its own.

References:
    G. Tene, "How NOT to measure latency"; B. Schroeder et al., "Open versus closed" (NSDI 2006)
"""

import asyncio
import itertools
import json
import math
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import uvloop

from features.collector import collector_paused

MOST_CONNECTIONS = 1_024
PATIENCE_SECONDS = 10.0
_TICK_SECONDS = 0.001
_LOOK_SECONDS = 0.1
"""Between looks for requests that patience is at its end for."""
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_NO_ANSWER = 0
"""In the place of an HTTP status."""


class Answer(NamedTuple):
    """What became of one request."""

    number: int
    """Its place in the load, from 0."""
    due_seconds: float
    """When it was meant to be sent, since the start of the load."""
    seconds: float
    """From that moment to the last byte of the answer, or to giving up."""
    late_seconds: float
    """Of these, until it was sent: what the generator, and a connection, took."""
    status: int
    """0 when there was no answer."""
    may_retry: bool
    """It had ``Retry-After``."""
    problem: str
    """Why there was no answer; empty when there was one."""


class Offered(NamedTuple):
    """What became of a load."""

    per_second: float
    """The rate that was meant; for ``saturate`` the rate that was reached."""
    seconds: float
    answers: Sequence[Answer]

    def statuses(self) -> Counter[int]:
        """How many answers of each status; 0 stands for none."""
        return Counter(answer.status for answer in self.answers)

    def problems(self) -> Counter[str]:
        """Why there was no answer, how often."""
        return Counter(answer.problem for answer in self.answers if answer.problem)

    def answered_per_second(self, status: int = 200) -> float:
        """Requests of the load that ended in ``status``, a second of the load."""
        return self.statuses()[status] / self.seconds

    def percentile(self, percent: float, *statuses: int) -> float:
        """Seconds within which ``percent`` of the answers with these statuses (all, if none are
        given) came; NaN when there is none. The nearest rank, so a time that did occur."""
        return _percentile(
            percent, (a.seconds for a in self.answers if not statuses or a.status in statuses)
        )

    def late(self, percent: float) -> float:
        """The same of the seconds until requests were sent: what the generator itself took."""
        return _percentile(percent, (a.late_seconds for a in self.answers))

    def summary(self) -> dict[str, Any]:
        """As a benchmark prints it: milliseconds, by status."""
        found = sorted(self.statuses().items())
        return {
            "meant_per_second": round(self.per_second, 1),
            "seconds": round(self.seconds, 1),
            "statuses": {str(status): count for status, count in found},
            "no_answer": dict(self.problems()),
            "milliseconds": {
                str(status): {
                    f"p{percent:g}": round(1e3 * self.percentile(percent, status), 2)
                    for percent in (50, 99, 99.9, 100)
                }
                for status, _ in found
            },
            "late_milliseconds": {
                f"p{percent:g}": round(1e3 * self.late(percent), 2) for percent in (50, 99, 100)
            },
        }


def _percentile(percent: float, times: Iterable[float]) -> float:
    found = sorted(times)
    return found[math.ceil(len(found) * percent / 100) - 1] if found else math.nan


def http_request(
    path: str,
    content: Any = None,
    *,
    host: str = "localhost",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes of one request: a GET without ``content``, else a POST of it as JSON.

    >>> http_request("/livez")
    b'GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'
    """
    named = {"Host": host, **(headers or {})}
    body = b""
    if content is not None:
        body = json.dumps(content).encode()
        named |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{'GET' if content is None else 'POST'} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def offer(
    url: str,
    requests: Iterator[bytes],
    *,
    per_second: float,
    seconds: float,
    most_connections: int = MOST_CONNECTIONS,
    connected: int = 0,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Offered:
    """Send ``per_second`` for ``seconds``, evenly, and hear what becomes of each.

    A request that finds ``most_connections`` busy is not sent, and counts as without an answer.
    uvloop accepts one connection in a turn of its loop; ``connected`` keeps that out of the load.

    Args:
        url: of the server, such as ``http://127.0.0.1:8377``.
        requests: each as it goes over the wire (``http_request``); at least as many as are sent.
        connected: how many connections are open when the load begins.
        patience_seconds: after which a request is given up and its connection closed.
    """
    load = _Load(url, requests, most_connections, patience_seconds)
    return uvloop.run(load.offer(per_second, seconds, connected))


def saturate(url: str, requests: Iterator[bytes], *, connections: int, seconds: float) -> Offered:
    """Send on each connection as soon as the answer before is there: what the server can do.

    A closed loop: good for a rate, misleading for latencies.
    """
    load = _Load(url, requests, connections, PATIENCE_SECONDS)
    return uvloop.run(load.saturate(connections, seconds))


class _Load:
    """One load from its start to its end, on one event loop."""

    def __init__(
        self, url: str, requests: Iterator[bytes], most_connections: int, patience_seconds: float
    ) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._requests = requests
        self._most_connections = most_connections
        self._patience_seconds = patience_seconds
        self._numbers = itertools.count()
        self._free: deque[_Connection] = deque()
        self._open: set[_Connection] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._answers: list[Answer] = []
        self._began = 0.0

    async def offer(self, per_second: float, seconds: float, connected: int) -> Offered:
        total = round(per_second * seconds)
        for _ in range(connected):
            self._free.append(await self._connect())
        self._began = time.perf_counter()
        with collector_paused():
            sent, looked = 0, 0.0
            while sent < total:
                now = time.perf_counter() - self._began
                while sent < min(total, math.floor(now * per_second) + 1):
                    self._send(next(self._numbers), sent / per_second)
                    sent += 1
                if now - looked > _LOOK_SECONDS:
                    self._give_up_before(now - self._patience_seconds)
                    looked = now
                await asyncio.sleep(_TICK_SECONDS)
            await self._end(total)
        return Offered(per_second, seconds, self._answers)

    async def saturate(self, connections: int, seconds: float) -> Offered:
        self._began = time.perf_counter()
        with collector_paused():
            await asyncio.gather(*(self._keep_sending(seconds) for _ in range(connections)))
            lasted = time.perf_counter() - self._began
            await self._end(len(self._answers))
        return Offered(len(self._answers) / lasted, lasted, self._answers)

    async def _keep_sending(self, seconds: float) -> None:
        connection = await self._connect()
        while (now := time.perf_counter() - self._began) < seconds:
            answered = asyncio.get_running_loop().create_future()
            connection.send(next(self._numbers), now, next(self._requests), answered)
            await answered
            if connection not in self._open:
                connection = await self._connect()

    def _send(self, number: int, due: float) -> None:
        if self._free:
            self._free.popleft().send(number, due, next(self._requests))
        elif len(self._open) + len(self._connecting) < self._most_connections:
            opening = asyncio.create_task(self._send_anew(number, due, next(self._requests)))
            self._connecting.add(opening)
            opening.add_done_callback(self._connecting.discard)
        else:
            self.heard(number, due, _NO_ANSWER, problem="no connection free")

    async def _send_anew(self, number: int, due: float, request: bytes) -> None:
        try:
            connection = await asyncio.wait_for(self._connect(), self._patience_seconds)
        except (OSError, TimeoutError) as exc:
            self.heard(number, due, _NO_ANSWER, problem=f"not connected: {type(exc).__name__}")
        else:
            connection.send(number, due, request)

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), *self._address)
        self._open.add(connection)
        return connection

    async def _end(self, total: int) -> None:
        """Wait for what is still under way, as long as there is patience; close everything."""
        end = time.perf_counter() + self._patience_seconds
        while len(self._answers) < total and time.perf_counter() < end:
            await asyncio.sleep(_TICK_SECONDS)
        self._give_up_before(math.inf)
        for opening in self._connecting:
            opening.cancel()
        for connection in list(self._open):
            connection.close("ended")

    def _give_up_before(self, due: float) -> None:
        for connection in [one for one in self._open if one.due < due]:
            connection.close("patience at its end")

    def free(self, connection: "_Connection") -> None:
        self._free.append(connection)

    def gone(self, connection: "_Connection") -> None:
        self._open.discard(connection)
        if connection in self._free:
            self._free.remove(connection)

    def heard(
        self,
        number: int,
        due: float,
        status: int,
        *,
        sent: float | None = None,
        may_retry: bool = False,
        problem: str = "",
    ) -> None:
        seconds = time.perf_counter() - self._began - due
        late = seconds if sent is None else sent - self._began - due
        self._answers.append(Answer(number, due, seconds, late, status, may_retry, problem))


class _Connection(asyncio.Protocol):
    """One request under way at a time; an answer has a Content-Length."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._number = 0
        self._sent = math.inf
        self._answered: asyncio.Future[None] | None = None
        self._problem = "connection lost"
        self.due = math.inf
        """Of the request under way; infinite when there is none."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is none by name

    def send(
        self,
        number: int,
        due: float,
        request: bytes,
        answered: "asyncio.Future[None] | None" = None,
    ) -> None:
        assert self._transport is not None
        self._number, self.due, self._answered = number, due, answered
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(_HEAD_END)
        if not end:
            return
        names = head.lower()
        at = names.find(_LENGTH)
        if at < 0:
            self.close("an answer without Content-Length")
        elif len(body) >= int(names[at + len(_LENGTH) :].partition(b"\r\n")[0]):
            self._buffer = b""
            self._settle(int(head[9:12]), may_retry=b"\r\nretry-after:" in names)
            if b"\r\nconnection: close" in names:
                self.close("ended")
            else:
                self._load.free(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._load.gone(self)
        self._settle(_NO_ANSWER, problem=self._problem)

    def close(self, problem: str) -> None:
        self._problem = problem
        self._load.gone(self)
        assert self._transport is not None
        self._transport.abort()

    def _settle(self, status: int, *, may_retry: bool = False, problem: str = "") -> None:
        if self.due == math.inf:
            return
        self._load.heard(
            self._number,
            self.due,
            status,
            sent=self._sent,
            may_retry=may_retry,
            problem=problem,
        )
        self.due = math.inf
        if self._answered is not None:
            self._answered.set_result(None)
