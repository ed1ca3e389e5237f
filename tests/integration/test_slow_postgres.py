"""PostgreSQL that stands still: answers say so or are refused, in bounded time, and it goes on."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from serving.app import create_app
from serving.metrics import Counters
from serving.state import ServingState
from tests.app_client import AppClient
from tests.postgres import backends, new_database, postmaster
from tests.served_home import healthy_home, vehicle


@pytest.fixture
def url(postgres_server: str) -> str:
    return new_database(postgres_server)


@pytest.fixture
def client(home: Path, url: str) -> Iterator[AppClient]:
    settings = healthy_home(home, url)
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


@contextmanager
def stopped(url: str) -> Iterator[None]:
    """What serves this database, and what would serve a new connection to it."""
    pids = [postmaster(url), *backends(url)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def test_postgres_that_stands_still_is_not_waited_for(client: AppClient, url: str) -> None:
    assert client.post("/v1/scores", json=vehicle(1)).json()["band"] == "low"
    with stopped(url):
        began = time.monotonic()
        refused = client.post("/v1/scores", json=vehicle(2))
        ready = client.get("/readyz")
        assert time.monotonic() - began < 10
        assert (refused.status_code, refused.json()["code"]) == (503, "recording_slow")
        behind = ("history_lags: ", "ledger_unreadable: ")  # the second once a read has given up
        assert any(one.startswith(behind) for one in ready.json()["problems"])
    answer = until_scored(client, 2)
    assert (answer["status"], answer["band"]) == ("scored", "low")


def test_postgres_that_drops_connections_is_found_again(client: AppClient, url: str) -> None:
    for number in range(1, 4):  # again and again
        for pid in backends(url):
            os.kill(pid, signal.SIGTERM)
        answer = client.post("/v1/scores", json=vehicle(number))
        if answer.status_code == 200:
            assert answer.json()["band"] != "low"
            assert answer.json()["degraded_reasons"][0].startswith("ledger_unreadable: ")
        else:
            assert answer.json()["code"] == "not_recorded"
        assert until_scored(client, 10 + number)["band"] == "low"


def until_scored(client: AppClient, number: int) -> dict[str, object]:
    """The answer of the first version that is not degraded, within ten seconds."""
    end, version = time.monotonic() + 10, 0
    while time.monotonic() < end:
        version += 1
        response = client.post("/v1/scores", json=vehicle(number, version=version))
        if response.status_code == 200 and response.json()["status"] == "scored":
            found: dict[str, object] = response.json()
            return found
        time.sleep(0.1)
    raise AssertionError(f"it does not recover: {response.text}")
