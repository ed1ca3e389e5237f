"""Two replicas, each in a home of its own, on one PostgreSQL: one hears the other, one may die."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx
import pandas as pd
import pytest

from serving.audit import read_assessments
from tests.integration.small_border import (
    Server,
    as_json,
    client,
    make_ledger,
    promote,
    ready,
    vehicle,
)
from tests.postgres import new_database

SHARED = ("keys", "pins")
"""All that replicas have in common beside the ledger."""
HEARD_SECONDS = 10.0
"""A second is promised; here the cores are shared with other tests."""


class Replicas(NamedTuple):
    url: str
    """Of the ledger."""
    first: Server
    second: Server


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Replicas]:
    homes = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    url = make_ledger(homes[0], url=new_database(postgres_server))
    promote(homes[0], url, 1)
    for name in SHARED:
        shutil.copytree(homes[0] / name, homes[1] / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORELAND_LEDGER_URL", url)
        first, second = Server(homes[0]), Server(homes[1])
        with ready(first), ready(second):
            yield Replicas(url, first, second)


def test_postgres_a_replica_hears_what_is_posted_to_the_other(replicas: Replicas) -> None:
    haulier = "XX999999999"
    with client(replicas.first.url) as first, client(replicas.second.url) as second:
        moved = vehicle(100, haulier_eori=haulier)
        before = as_json(first.post("/v1/scores", json=moved))
        outcome = {
            "kind": "vehicle",
            "event_id": "EXAM-100",
            "movement_ref": moved["movement_ref"],
            "outcome": "positive",
            "examined_at": "2026-11-01T10:00:00Z",
            "threat": "tobacco_alcohol",
        }
        (receipt,) = as_json(first.post("/v1/outcomes", json=outcome))["outcomes"]
        assert seconds_until_heard(second, receipt["position"]) <= HEARD_SECONDS
        next_one = vehicle(101, haulier_eori=haulier)
        after = as_json(second.post("/v1/scores?explain=always", json=next_one))
        assert after["ledger_position"] >= receipt["position"]
        assert any("1 find" in reason["sentence"] for reason in after["reasons"])
        assert as_json(second.post("/v1/scores", json=moved)) == before, "one answer a version"
        (again,) = as_json(second.post("/v1/outcomes", json=outcome))["outcomes"]
        assert (again["status"], again["position"]) == ("duplicate", receipt["position"])


def seconds_until_heard(asking: httpx.Client, position: int) -> float:
    """Of an idle replica, from now."""
    start = time.monotonic()
    while as_json(asking.get("/readyz"))["history_position"] < position:
        assert time.monotonic() - start < 30
        time.sleep(0.02)
    return time.monotonic() - start


def given(url: str) -> "pd.Series[str]":
    """Ids of the answers to whoever asked: what was assessed again since is nobody's."""
    frame = read_assessments(url)
    return frame.loc[frame["assessment"] == 1, "score_id"]


def test_postgres_when_one_replica_is_killed_the_other_goes_on_and_nothing_is_lost(
    replicas: Replicas,
) -> None:
    """As a load balancer's clients see it: who was at the dead one asks the other again."""
    acknowledged: list[str] = []
    before = len(given(replicas.url))

    def post_until(last: int, first_number: int) -> int:
        """Answers that came from the second replica after the first one had died."""
        moved_over = 0
        with client(replicas.first.url) as first, client(replicas.second.url) as second:
            for number in range(first_number, last, 4):
                try:
                    response = (second if moved_over else first).post(
                        "/v1/scores", json=vehicle(number)
                    )
                except httpx.TransportError:
                    response = second.post("/v1/scores", json=vehicle(number))
                    moved_over += 1
                acknowledged.append(as_json(response)["score_id"])
        return moved_over

    with ThreadPoolExecutor(4) as pool:
        posting = [pool.submit(post_until, 2_000, 1_000 + part) for part in range(4)]
        while len(acknowledged) < 200:
            assert not any(one.done() for one in posting)
            time.sleep(0.01)
        replicas.first.kill()
        moved_over = [one.result() for one in posting]
    assert all(moved_over), "each client was in the middle of its work"
    assert len(acknowledged) == 1_000
    recorded = given(replicas.url)
    assert set(acknowledged) <= set(recorded)
    assert len(recorded) - before == 1_000, "none is lost, and none is there twice"
