"""The load generator against servers of a few lines, whose answers and stalls are known."""

import asyncio
import itertools
import math
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.load_generator import Answer, Offered, http_request, offer, saturate

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
FULL = b"HTTP/1.1 503 Full\r\nRETRY-AFTER: 1\r\ncontent-length: 0\r\n\r\n"

Handler = Callable[[int], Awaitable[bytes]]


class Talk(asyncio.Protocol):
    """One connection of a server that answers the n-th request of all with ``answer(n)``."""

    def __init__(self, answer: Handler, numbers: Iterator[int]) -> None:
        self._answer, self._numbers = answer, numbers
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._say(next(self._numbers)))
        self._tasks.add(task)

    async def _say(self, number: int) -> None:
        said = await self._answer(number)
        if said:
            self._transport.write(said)
        else:
            self._transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        for task in self._tasks:
            task.cancel()


@contextmanager
def served(answer: Handler) -> Iterator[str]:
    loop, numbers = asyncio.new_event_loop(), itertools.count()
    listening = loop.create_server(lambda: Talk(answer, numbers), "127.0.0.1", 0)
    server = loop.run_until_complete(listening)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(server.wait_closed(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def gets() -> Iterator[bytes]:
    return itertools.repeat(http_request("/"))


def test_every_request_is_sent_and_its_answer_told() -> None:
    async def every_third_is_full(number: int) -> bytes:
        return FULL if number % 3 == 0 else OK

    with served(every_third_is_full) as url:
        offered = offer(url, gets(), per_second=300, seconds=0.5)
    assert offered.statuses() == {200: 100, 503: 50}
    assert sorted(answer.number for answer in offered.answers) == list(range(150))
    assert {(answer.status, answer.may_retry) for answer in offered.answers} == {
        (200, False),
        (503, True),
    }
    assert offered.answered_per_second() == 200
    assert all(a.due_seconds == a.number / 300 and a.seconds > 0 for a in offered.answers)


def test_a_stall_counts_for_all_that_were_due_meanwhile() -> None:
    """One answer blocks everything for 0.4 s: 40 requests are late, not one."""
    lock = asyncio.Lock()

    async def stalls_once(number: int) -> bytes:
        async with lock:
            if number == 10:
                await asyncio.sleep(0.4)
        return OK

    with served(stalls_once) as url:
        offered = offer(url, gets(), per_second=100, seconds=1.0)
    late = [answer for answer in offered.answers if answer.seconds > 0.1]
    assert 25 <= len(late) <= 50
    assert offered.percentile(100) >= 0.4
    by_number = sorted(late, key=lambda answer: answer.number)
    assert by_number[0].seconds > by_number[-1].seconds  # the later it was due, the less it waited


def test_what_has_no_answer_says_why() -> None:
    async def hangs_up_then_hangs(number: int) -> bytes:
        if number == 0:
            return b""
        await asyncio.sleep(60)
        return OK

    with served(hangs_up_then_hangs) as url:
        offered = offer(
            url, gets(), per_second=40, seconds=0.1, most_connections=2, patience_seconds=0.3
        )
        address = url
    assert offered.statuses() == {0: 4}
    assert offered.problems()["connection lost"] == 1
    assert offered.problems()["patience at its end"] + offered.problems()["no connection free"] == 3
    offered = offer(address, gets(), per_second=10, seconds=0.1)
    assert offered.problems() == {"not connected: ConnectionRefusedError": 1}


def test_saturating_keeps_every_connection_busy() -> None:
    async def takes_a_hundredth_of_a_second(_: int) -> bytes:
        await asyncio.sleep(0.01)
        return OK

    with served(takes_a_hundredth_of_a_second) as url:
        reached = saturate(url, gets(), connections=4, seconds=0.5)
    assert set(reached.statuses()) == {200}
    assert 100 < reached.per_second <= 400


def test_percentiles_are_times_that_occurred() -> None:
    answers = [
        Answer(n, 0.0, float(n), n / 10, 200 if n < 100 else 503, False, "") for n in range(1, 101)
    ]
    offered = Offered(10.0, 10.0, answers)
    assert (offered.percentile(50), offered.percentile(100)) == (50.0, 100.0)
    assert (offered.percentile(99, 200), offered.percentile(1, 503)) == (99.0, 100.0)
    assert math.isnan(offered.percentile(50, 404))
    assert (offered.late(50), offered.late(100)) == (5.0, 10.0)
    assert offered.summary()["milliseconds"]["200"]["p50"] == pytest.approx(50_000)
