"""Models are promoted and servers restarted under load, and no client is left without its score.

A deployment has two servers on one ledger, and a client, or a proxy, that sends a request again to
the other one when a connection fails. Sending again is safe: reference and version are its key.
"""

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from serving.audit import read_assessments
from tests.integration.small_border import (
    Server,
    as_json,
    client,
    make_ledger,
    pin,
    promote,
    ready,
    running,
    vehicle,
)

SENDERS = 4
TRIES = 3
PAUSE_SECONDS = 0.02
"""Of each sender after each answer: about a hundred scores a second together."""
HEARD_SECONDS = 10.0
_LOADS = itertools.count(1)
"""Each sends movements of its own."""


class Load:
    """Clients that go on until they are told to stop.

    Args:
        urls: of the servers; a request whose connection fails is sent to the next one.
    """

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self.answered: dict[str, int] = {}
        """Of each movement, the model that scored it."""
        self.score_ids: set[str] = set()
        self.failed: list[str] = []
        self.sent_again = 0
        self._numbers = itertools.count(next(_LOADS) * 1_000_000)
        self._ended = threading.Event()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        with ThreadPoolExecutor(SENDERS) as pool:
            senders = [pool.submit(self._send_until_the_end) for _ in range(SENDERS)]
            try:
                yield
            finally:
                self._ended.set()
            for sender in senders:
                sender.result()

    def wait_for_more(self, count: int = 2 * SENDERS) -> None:
        """Until so many more are answered: those were sent after this was called, save a few."""
        wanted, end = len(self.answered) + count, time.monotonic() + HEARD_SECONDS
        while len(self.answered) < wanted:
            assert time.monotonic() < end, self.failed
            time.sleep(0.01)

    def assert_all_answered_and_recorded(self, url: str) -> None:
        assert self.failed == []
        recorded = read_assessments(url)
        assert not recorded["movement"].duplicated().any()
        assert self.score_ids <= set(recorded["score_id"])

    def _send_until_the_end(self) -> None:
        with ExitStack() as opened:
            servers = [opened.enter_context(client(url)) for url in self.urls]
            while not self._ended.wait(PAUSE_SECONDS):
                self._send(servers, next(self._numbers))

    def _send(self, servers: list[httpx.Client], number: int) -> None:
        """The same bytes at each try."""
        moved = vehicle(number)
        for attempt in range(TRIES):
            try:
                answer = servers[(number + attempt) % len(servers)].post("/v1/scores", json=moved)
            except httpx.TransportError as exc:
                self.sent_again += 1
                problem = type(exc).__name__
                continue
            if answer.status_code == 200:
                said = answer.json()
                self.score_ids.add(said["score_id"])
                self.answered[moved["movement_ref"]] = said["model"]["version"]
                return
            problem = f"{answer.status_code} {answer.text}"
            break
        self.failed.append(f"{moved['movement_ref']}: {problem}")


class Home(NamedTuple):
    path: Path
    url: str
    """Of the ledger."""
    sha256: dict[int, str]
    """Version to the bundle's hash; the last one serves at first."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    path = tmp_path_factory.mktemp("swapped")
    url = make_ledger(path)
    return Home(path, url, {version: promote(path, url, version) for version in (1, 2)})


def swap(home: Home, times: int) -> None:
    with running(home.path) as server, client(server.url) as asking:
        load = Load([server.url])
        with load.under_way():
            for number in range(times):
                load.wait_for_more()
                version = 1 + number % 2
                bundle = home.path / "bundles" / f"vehicle-{version}"
                pin(home.path, bundle, version, home.sha256[version])
                wait_until_served(asking, version)
            load.wait_for_more()
    load.assert_all_answered_and_recorded(home.url)
    assert load.sent_again == 0
    assert set(load.answered.values()) == {1, 2}


def wait_until_served(asking: httpx.Client, version: int) -> None:
    end = time.monotonic() + HEARD_SECONDS
    while time.monotonic() < end:
        served = as_json(asking.get("/v1/models"))["models"]
        if any(one["model"] and one["model"]["version"] == version for one in served):
            return
        time.sleep(0.02)
    raise AssertionError(f"version {version} is not served: {served}")


def restart(home: Home, times: int) -> None:
    """One of the two at a time; the next one only when that one is ready again."""
    with ExitStack() as opened:
        starting = [Server(home.path) for _ in range(2)]
        servers = [opened.enter_context(ready(server)) for server in starting]
        load = Load([server.url for server in servers])
        with load.under_way():
            for number in range(times):
                load.wait_for_more()
                place = number % 2
                assert servers[place].terminate() == 0
                load.wait_for_more()
                servers[place] = opened.enter_context(
                    ready(Server(home.path, port=servers[place].port))
                )
            load.wait_for_more()
    load.assert_all_answered_and_recorded(home.url)
    assert load.sent_again > 0


def test_a_server_is_restarted_under_load(home: Home) -> None:
    restart(home, 1)


@pytest.mark.slow
def test_twenty_models_are_swapped_under_load(home: Home) -> None:
    swap(home, 20)


@pytest.mark.slow
def test_ten_servers_are_restarted_under_load(home: Home) -> None:
    restart(home, 10)
