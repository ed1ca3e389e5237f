"""Decisions and cancellations: taken once, by whom they concern, and what they change."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.ledger import DecisionTaken, MovementCancelled, open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.auth import key_store
from serving.auth.access import SCOPES, Client
from serving.auth.api_keys import new_key
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.state import ServingState
from tests.app_client import AppClient, refused_with

VEHICLE = MOVEMENT_EXAMPLES["vehicle"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}")
    open_ledger(made.ledger).close()
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def payloads(settings: Settings) -> list[object]:
    with closing(open_ledger(settings.ledger)) as ledger:
        return [event.payload for event in ledger.tail(0)]


def scored(client: AppClient, **changes: Any) -> str:
    score_id: str = client.post("/v1/scores", json={**VEHICLE, **changes}).json()["score_id"]
    return score_id


def decision(score_id: str, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return {
        "event_id": "D-1",
        "score_id": score_id,
        "decision": "referred",
        "decided_at": now,
        **changes,
    }


def test_a_decision_is_recorded_once_about_the_movement_that_was_scored(
    client: AppClient, settings: Settings
) -> None:
    sent = decision(scored(client), decision="overridden", reason_code="local_knowledge")
    first, again = (client.post("/v1/decisions", json=sent).json() for _ in range(2))
    assert first["decisions"][0] == {
        "event_id": "D-1",
        "status": "accepted",
        "position": 2,
        "errors": [],
    }
    assert again["decisions"][0] == {**first["decisions"][0], "status": "duplicate"}
    movement, taken = payloads(settings)
    assert isinstance(taken, DecisionTaken)
    assert taken.movement == movement.movement  # type: ignore[attr-defined]
    assert (taken.kind, taken.decision, taken.reason_code) == (
        "vehicle",
        "overridden",
        "local_knowledge",
    )
    assert taken.score_id == sent["score_id"]
    changed = client.post("/v1/decisions", json={**sent, "decision": "released"})
    refused_with(changed, "event_conflict")


def test_of_many_decisions_each_stands_for_itself(client: AppClient) -> None:
    score_id = scored(client)
    long_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    answer = client.post(
        "/v1/decisions",
        json=[
            decision(score_id),
            decision("00000000-0000-7000-8000-000000000000", event_id="D-2"),
            decision(score_id, event_id="D-3", decided_at=long_ago),
            decision(score_id, event_id="D-4", decision="overridden"),
            decision(score_id, event_id="D-5", officer_name="A. Person"),
            decision(score_id, event_id="D-6", decision="released"),
        ],
    ).json()["decisions"]
    said = [receipt["errors"][0]["code"] if receipt["errors"] else "" for receipt in answer]
    assert said == [
        "",
        "no_such_score",
        "decided_before_assessed",
        "override_without_reason",
        "unknown_field",
        "",
    ]
    assert [receipt["position"] for receipt in answer] == [2, None, None, None, None, 3]
    assert answer[1]["errors"][0]["pointer"] == "/1/score_id"


def test_a_single_decision_that_is_rejected_is_a_problem(client: AppClient) -> None:
    unknown = "00000000-0000-7000-8000-000000000000"
    refused_with(client.post("/v1/decisions", json=decision(unknown)), "no_such_score")
    long_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    early = client.post("/v1/decisions", json=decision(scored(client), decided_at=long_ago))
    (error,) = refused_with(early, "record_rejected")["errors"]
    assert (error["code"], error["pointer"]) == ("decided_before_assessed", "/decided_at")


def test_a_cancelled_movement_counts_no_more_until_a_higher_version(
    client: AppClient, settings: Settings
) -> None:
    scored(client)
    scored(client, version=2)
    path = f"/v1/movements/{VEHICLE['movement_ref']}?kind=vehicle"
    receipt = client.request("DELETE", path).json()
    assert receipt == {
        "kind": "vehicle",
        "movement_ref": VEHICLE["movement_ref"],
        "up_to_version": 2,
        "status": "accepted",
        "position": 3,
    }
    assert client.request("DELETE", path).json() == {
        **receipt,
        "status": "duplicate",
        "position": None,
    }
    cancelled = payloads(settings)[-1]
    assert isinstance(cancelled, MovementCancelled)
    assert cancelled.up_to_version == 2
    scored(client, version=3)
    assert client.request("DELETE", path).json()["up_to_version"] == 3
    wrong_kind = f"/v1/movements/{VEHICLE['movement_ref']}?kind=vessel"
    refused_with(client.request("DELETE", wrong_kind), "no_such_movement")


def test_a_reference_with_a_slash_can_be_cancelled(client: AppClient) -> None:
    scored(client, movement_ref="A/B 7")
    receipt = client.request("DELETE", "/v1/movements/A%2FB%207?kind=vehicle")
    assert receipt.json()["movement_ref"] == "A/B 7"


def test_the_assessments_of_a_movement_come_as_they_were_given_newest_first(
    client: AppClient,
) -> None:
    first = client.post("/v1/scores", json=VEHICLE)
    second = client.post("/v1/scores", json={**VEHICLE, "version": 2})
    client.post("/v1/scores", json={**VEHICLE, "movement_ref": "ANOTHER"})
    found = client.get(f"/v1/scores?kind=vehicle&movement_ref={VEHICLE['movement_ref']}")
    assert found.content == b'{"assessments":[' + second.content + b"," + first.content + b"]}"
    none = client.get(f"/v1/scores?kind=vessel&movement_ref={VEHICLE['movement_ref']}")
    assert none.json() == {"assessments": []}


def test_another_agency_can_neither_decide_nor_cancel_nor_see(
    client: AppClient, settings: Settings
) -> None:
    def key_of(name: str) -> str:
        owner = Client(name, name, frozenset(SCOPES))
        key, stored = new_key(owner, created_at=time.time_ns() // 1_000)
        with closing(open_ledger(settings.ledger)) as ledger:
            key_store.add(ledger, stored)
        return key

    border, customs = key_of("border"), key_of("customs")
    time.sleep(0.3)
    score_id = client.post("/v1/scores", json=VEHICLE, credential=border).json()["score_id"]
    theirs = client.post("/v1/decisions", json=decision(score_id), credential=customs)
    refused_with(theirs, "no_such_score")
    path = f"/v1/movements/{VEHICLE['movement_ref']}?kind=vehicle"
    headers = {"Authorization": f"Bearer {customs}"}
    refused_with(client.request("DELETE", path, headers=headers), "no_such_movement")
    found = f"/v1/scores?kind=vehicle&movement_ref={VEHICLE['movement_ref']}"
    assert client.get(found, customs).json() == {"assessments": []}
    assert len(client.get(found, border).json()["assessments"]) == 1
    ours = client.post("/v1/decisions", json=decision(score_id), credential=border)
    assert ours.json()["decisions"][0]["status"] == "accepted"
