"""Whole servers killed under load: clients send again until they are answered, as clients do.

One record for each movement, and whoever asks twice hears the same bytes twice.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.force.conftest import NewHome
from tests.force.promises import broken_promises
from tests.force.recording import Acknowledged, score_request
from tests.integration.small_border import Server, as_json, client

CLIENTS = 8
PATIENCE_SECONDS = 60.0


class Restarted:
    """A server that is killed and started again under its clients."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._server = Server(home)
        self._server.wait_until_ready()

    @property
    def url(self) -> str:
        return self._server.url

    def kill_and_start(self, *options: str) -> None:
        self._server.kill()
        self._server = Server(self._home, *options)
        self._server.wait_until_ready()

    def stop(self) -> None:
        self._server.kill()


@contextmanager
def restarted(home: Path) -> Iterator[Restarted]:
    server = Restarted(home)
    try:
        yield server
    finally:
        server.stop()


class Clients:
    """Post each number until it is answered."""

    def __init__(self, server: Restarted, numbers: list[int]) -> None:
        self._server = server
        self._waiting = iter(numbers)
        self._lock = threading.Lock()
        self.heard: list[Acknowledged] = []
        self.sent_again = 0

    def run(self) -> None:
        while True:
            with self._lock:
                number = next(self._waiting, None)
            if number is None:
                return
            self._post(number)

    def _post(self, number: int) -> None:
        request, end = score_request(number), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                with client(self._server.url) as asking:
                    answer = asking.post("/v1/scores", json=request)
            except httpx.TransportError:
                self.sent_again += 1
                time.sleep(0.05)
                continue
            digest = sha256(answer.content).hexdigest()
            score_id = as_json(answer)["score_id"]
            self.heard.append(Acknowledged(number, answer.status_code, score_id, digest))
            return
        raise AssertionError(f"request {number} was not answered in {PATIENCE_SECONDS:g} s")


def numbers_with_duplicates(requests: int, seed: int) -> list[int]:
    """Of 1,000: 875 numbers, a fifth of which stand for an earlier request, and 125 once more."""
    random, once = Random(seed), requests * 7 // 8
    numbers = [*range(once), *random.sample(range(once), requests - once)]
    random.shuffle(numbers)
    distinct = {score_request(number)["movement_ref"] for number in numbers}
    assert len(distinct) == pytest.approx(0.7 * requests, rel=0.01)
    return numbers


def kill_under_load(home: Path, *, requests: int, kills: int) -> Clients:
    with restarted(home) as server, ThreadPoolExecutor(CLIENTS) as pool:
        clients = Clients(server, numbers_with_duplicates(requests, seed=kills))
        futures = [pool.submit(clients.run) for _ in range(CLIENTS)]
        for kill in range(1, kills + 1):
            while len(clients.heard) < kill * requests / (kills + 1):
                assert not any(future.done() and future.exception() for future in futures)
                time.sleep(0.005)
            server.kill_and_start("--workers", str(1 + kill % 2))
        for future in futures:
            future.result()
    assert len(clients.heard) == requests
    return clients


def check(home: Path, clients: Clients, *, kills: int) -> None:
    assert broken_promises(home, clients.heard) == []
    assert clients.sent_again >= kills  # the kills did hit requests under way


def test_killed_servers_answer_each_movement_once_and_the_same(new_home: NewHome) -> None:
    home = new_home()
    check(home, kill_under_load(home, requests=200, kills=1), kills=1)


@pytest.mark.slow
def test_fifty_killed_servers_answer_ten_thousand_requests_once_and_the_same(
    new_home: NewHome,
) -> None:
    home = new_home()
    check(home, kill_under_load(home, requests=10_000, kills=50), kills=50)
