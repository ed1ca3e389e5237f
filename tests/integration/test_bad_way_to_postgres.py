"""A bad way to a real PostgreSQL: slow, cut, refused, garbled, flapping. Never a silent low, every
answer in bounded time, and it goes on by itself."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from features.ledger import open_ledger, postgres
from serving import writer
from serving.app import create_app
from serving.audit import read_assessments
from serving.auth.keyring import PATIENCE_SECONDS
from serving.metrics import Counters
from serving.recording import LONGEST_COMMIT_SECONDS
from serving.state import ServingState
from tests.app_client import AppClient
from tests.faulty_way import FaultyWay, How, faulty_way
from tests.postgres import new_database
from tests.served_home import healthy_home, vehicle

LONGEST_ANSWER_SECONDS = PATIENCE_SECONDS + LONGEST_COMMIT_SECONDS + 2.0
"""A look for API keys, 0.1 s for what is new, one commit, and the noise of the machine."""
RECOVERED_SECONDS = 15.0


@pytest.fixture
def direct(postgres_server: str) -> str:
    return new_database(postgres_server)


@pytest.fixture
def way(direct: str) -> Iterator[FaultyWay]:
    (folder,) = parse_qs(urlsplit(direct).query)["host"]
    with faulty_way(Path(folder) / ".s.PGSQL.5432") as opened:
        yield opened


@pytest.fixture
def client(
    home: Path, direct: str, way: FaultyWay, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AppClient]:
    """Of a service that gives up sooner than it does outside of tests."""
    for name in ("COMMIT_SECONDS", "LOOKUP_SECONDS", "READ_SECONDS"):
        monkeypatch.setattr(postgres, name, 1.5)
    monkeypatch.setattr(writer, "LONGEST_PAUSE_SECONDS", 0.5)
    parts = urlsplit(direct)
    url = f"postgresql://{parts.username}@127.0.0.1:{way.port}{parts.path}?connect_timeout=2"
    settings = healthy_home(home, url)
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    way.how = "open"
    opened.close()


def asked(client: AppClient, number: int, **changes: Any) -> dict[str, Any]:
    """What the service says, which came in time and is no silent low: ``status`` is that of HTTP
    when it refused."""
    began = time.monotonic()
    response = client.post("/v1/scores", json=vehicle(number, **changes))
    assert time.monotonic() - began < LONGEST_ANSWER_SECONDS
    said: dict[str, Any] = response.json()
    if response.status_code == 200:
        assert said["status"] == "scored" or said["band"] != "low"
    else:
        assert response.status_code == 503
        assert said["code"] in ("recording_slow", "not_recorded", "ledger_unreadable")
    return said


def until_scored(client: AppClient, number: int) -> None:
    end, version = time.monotonic() + RECOVERED_SECONDS, 0
    while time.monotonic() < end:
        version += 1
        said = asked(client, number, version=version)
        if said["status"] == "scored":
            assert said["band"] == "low"
            return
        time.sleep(0.1)
    raise AssertionError(f"it does not recover: {said}")


@pytest.mark.parametrize("how", ["cut", "refused", "garbled"])
def test_postgres_out_of_reach_is_answered_in_time_and_found_again(
    client: AppClient, way: FaultyWay, direct: str, how: How
) -> None:
    assert asked(client, 1)["status"] == "scored"
    way.how = how
    if how == "refused":
        way.drop_all()
    met = [asked(client, number) for number in range(2, 5)]
    assert {said["status"] for said in met} == {503}
    assert client.get("/readyz").status_code == 503
    way.how = "open"
    until_scored(client, 5)
    answers = [asked(client, number) for number in range(2, 5)]  # sent again
    assert {said["status"] for said in answers} == {"scored"}
    recorded = read_assessments(direct)
    assert {said["score_id"] for said in answers} <= set(recorded["score_id"])
    with closing(open_ledger(direct)) as ledger:
        ledger.verify()


def test_postgres_that_is_slow_degrades_what_it_does_not_stop(
    client: AppClient, way: FaultyWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One statement asks for news and a dozen record: patience with the first ends long before.
    monkeypatch.setattr("serving.following.PATIENCE_SECONDS", 0.04)
    way.how, way.delay_seconds = "slow", 0.03
    said = asked(client, 1)
    assert said["status"] == "degraded"
    assert said["degraded_reasons"][0].startswith("history_lags: ")
    way.delay_seconds = 1.0
    assert asked(client, 2)["code"] in ("recording_slow", "not_recorded")
    way.how = "open"
    until_scored(client, 3)


def test_postgres_that_flaps_is_followed_up_and_down(client: AppClient, way: FaultyWay) -> None:
    for number in range(1, 4):
        way.how = "refused"
        way.drop_all()
        asked(client, number)
        way.how = "open"
        until_scored(client, 10 + number)
