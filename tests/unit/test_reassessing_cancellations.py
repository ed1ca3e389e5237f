"""Advice that a consignment gave its carrier is taken back when the consignment is cancelled."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.settings import Settings
from serving.exchange.outbox import Outbox
from serving.exchange.outgoing import Notifier
from serving.exchange.partners import Subscriber
from tests.app_client import AppClient
from tests.assessed_again import (
    ABOARD,
    about,
    check_whole,
    events,
    home_of_low_vehicles,
    on_its_way,
    quiet,
    score,
    serving,
    tick,
)
from tests.exchanges import KEY
from tests.served_home import shipment, vehicle


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    quiet(monkeypatch)
    return home_of_low_vehicles(home)


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    with serving(settings) as opened:
        yield opened


def cancelled(client: AppClient, number: int) -> None:
    reference = shipment(number)["movement_ref"]
    response = client.request("DELETE", f"/v1/movements/{reference}?kind=shipment")
    assert response.json()["status"] == "accepted", response.text


def advice(answer: dict[str, Any]) -> tuple[bool, str]:
    return answer["selection"]["referred"], answer["selection"]["reason"]


NAMED = pytest.mark.parametrize(
    ("carrier", "cargo"),
    [({}, ABOARD), ({"consignments": [shipment(1)["movement_ref"]]}, {})],
    ids=["named by the consignment", "listed by the carrier"],
)


@NAMED
def test_the_carrier_is_as_it_was_before(
    client: AppClient, settings: Settings, carrier: dict[str, Any], cargo: dict[str, Any]
) -> None:
    score(client, on_its_way(1, **carrier))
    score(client, shipment(1, **cargo))
    tick(client)
    assert advice(about(client)[0]) == (True, "risk")
    cancelled(client, 1)
    tick(client)
    back, referred, first = about(client)
    assert (back["assessment_number"], back["because"]) == (3, "cancellation")
    assert advice(back) == advice(first) == (False, "none")
    assert back["consignments"] is None
    assert (back["band"], back["probability"]) == (first["band"], first["probability"])
    assert advice(referred) == (True, "risk")  # it stays in the log as it was given
    event = events(settings)[-1]
    assert (event.because, event.assessment) == ("cancellation", 3)
    assert set(event.changed) == {"selection", "consignments"}
    tick(client)
    assert len(about(client)) == 3
    page = client.get(f"/v1/scores/{back['score_id']}/page").text
    assert "a consignment that was on board is cancelled" in page
    check_whole(settings)
    told = [one["data"] for one in notices(settings)]
    assert [one["because"] for one in told] == ["consignment", "cancellation"]
    assert (told[1]["score_id"], told[1]["first_score_id"]) == (back["score_id"], first["score_id"])


def notices(settings: Settings) -> list[dict[str, Any]]:
    """What a client that subscribed is sent."""
    notifier = Notifier("border-force", Subscriber(name="news", agency="local", url="https://x"))
    with Outbox(settings.ledger) as outbox:
        return [json.loads(one.body) for one in outbox.batch(notifier, KEY, 0).events]


def test_the_carrier_that_a_consignment_leaves_is_as_it_was_before(
    client: AppClient, settings: Settings
) -> None:
    other = vehicle(2)["movement_ref"]
    score(client, on_its_way(1))
    score(client, on_its_way(2))
    score(client, shipment(1, **ABOARD))
    tick(client)
    assert advice(about(client)[0]) == (True, "risk")
    moved = {"carried_by": {"kind": "vehicle", "movement_ref": other}, "version": 2}
    score(client, shipment(1, **moved))
    tick(client)
    back, _, first = about(client)
    assert (back["assessment_number"], back["because"]) == (3, "consignment")
    assert advice(back) == advice(first) == (False, "none")
    assert back["consignments"] is None
    taken_on, _ = about(client, other)
    assert advice(taken_on) == (True, "risk")
    score(client, shipment(1, **moved | {"version": 3}))
    tick(client)
    assert (len(about(client)), len(about(client, other))) == (3, 3)  # told once that it is gone
    check_whole(settings)


def test_another_consignment_keeps_its_advice(client: AppClient) -> None:
    score(client, on_its_way(1))
    score(client, shipment(1, **ABOARD))
    other = score(client, shipment(2, **ABOARD))
    tick(client)
    cancelled(client, 1)
    tick(client)
    last = about(client)[0]
    assert (last["assessment_number"], last["because"]) == (3, "cancellation")
    assert last["consignments"]["known"] == 1
    assert last["consignments"]["highest"]["score_id"] == other["score_id"]
    assert advice(last) == (True, "risk")


def test_one_that_the_carrier_was_never_told_of_changes_nothing(
    client: AppClient, settings: Settings
) -> None:
    score(client, shipment(1, **ABOARD))
    cancelled(client, 1)
    score(client, on_its_way(1))
    tick(client)
    assert len(about(client)) == 1
    assert not events(settings)


def test_a_worker_that_begins_later_finds_it_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.reassessing.turns.HELD_MICROS", 0)  # nobody waits for a turn
    with serving(settings) as client:
        score(client, on_its_way(1))
        score(client, shipment(1, **ABOARD))
        tick(client)
        cancelled(client, 1)
    for _ in range(2):
        with serving(settings) as client:
            tick(client)
            assert [one["because"] for one in about(client)] == [
                "cancellation",
                "consignment",
                None,
            ]
    check_whole(settings)
