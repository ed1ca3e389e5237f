"""The sandbox: every answer on demand, and nothing of it anywhere."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from features.ledger import open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.audit import read_assessments
from serving.auth import key_store
from serving.auth.access import Client
from serving.auth.api_keys import new_key
from serving.metrics import Counters
from serving.openapi import DECISION_EXAMPLE, MOVEMENT_EXAMPLES, OUTCOME_EXAMPLE
from serving.problems import PROBLEMS
from serving.sandbox import ANSWERS, PREFIX, REFERENCES, reference_of_code
from serving.state import ServingState
from tests.app_client import AppClient, bearer, refused_with

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
    with closing(open_ledger(settings.ledger)) as ledger:
        recorded = [event.event_id for event in ledger.tail(0)]
    assert recorded == []
    assert read_assessments(settings.ledger).empty


def key_of(settings: Settings, *scopes: str) -> str:
    owner = Client("-".join(scopes), "border", frozenset(scopes))
    key, stored = new_key(owner, created_at=time.time_ns() // 1_000)
    with closing(open_ledger(settings.ledger)) as ledger:
        key_store.add(ledger, stored)
    time.sleep(0.3)
    return key


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_can_be_had_and_is_told_again(client: AppClient, name: str) -> None:
    reference = PREFIX + name
    first, again = (
        client.post("/v1/scores", json={**VEHICLE, "movement_ref": reference}) for _ in range(2)
    )
    assert first.content == again.content
    answer = first.json()
    expected = ANSWERS[name]
    assert (answer["status"], answer["band"]) == (expected.status, expected.band)
    assert answer["sandbox"] is True
    assert answer["movement_ref"] == reference
    assert (answer["probability"] is None) == (name == "UNASSESSED")
    stored = client.get(f"/v1/scores/{answer['score_id']}").json()
    assert stored == {**answer, "movement_ref": None}
    listed = client.get(f"/v1/scores?kind=vehicle&movement_ref={reference}")
    assert listed.json() == {"assessments": [answer]}


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_problem_can_be_had(client: AppClient, code: str) -> None:
    reference = reference_of_code(code)
    document = refused_with(
        client.post("/v1/scores", json={**VEHICLE, "movement_ref": reference}), code
    )
    assert document["detail"].startswith("made up for the sandbox")


def test_a_real_answer_says_that_it_is_none_of_the_sandbox() -> None:
    assert all(reference.startswith(PREFIX) for reference in REFERENCES)
    assert len(REFERENCES) == len(ANSWERS) + len(PROBLEMS)


@pytest.mark.parametrize("reference", ["SANDBOX-", "SANDBOX-NONE", "sandbox-high", "Sandbox-x"])
def test_what_looks_reserved_is_never_recorded(client: AppClient, reference: str) -> None:
    sent = {**VEHICLE, "movement_ref": reference}
    refused_with(client.post("/v1/scores", json=sent), "no_such_sandbox_reference")


def test_events_about_the_sandbox_are_accepted_and_recorded_nowhere(client: AppClient) -> None:
    high = {**VEHICLE, "movement_ref": "SANDBOX-HIGH"}
    score_id = client.post("/v1/scores", json=high).json()["score_id"]
    outcome = {**OUTCOME_EXAMPLE, "movement_ref": "SANDBOX-HIGH"}
    decision = {**DECISION_EXAMPLE, "score_id": score_id}
    for path, sent, answer in (
        ("/v1/outcomes", outcome, "outcomes"),
        ("/v1/decisions", decision, "decisions"),
    ):
        (receipt,) = client.post(path, json=sent).json()[answer]
        assert (receipt["status"], receipt["position"]) == ("accepted", None)
    cancelled = client.request("DELETE", "/v1/movements/SANDBOX-HIGH?kind=vehicle").json()
    assert (cancelled["status"], cancelled["position"]) == ("accepted", None)


def test_the_scope_sandbox_opens_the_sandbox_and_nothing_else(
    client: AppClient, settings: Settings
) -> None:
    playing, working = key_of(settings, "sandbox"), key_of(settings, "score.write")
    high = {**VEHICLE, "movement_ref": "SANDBOX-HIGH"}
    assert client.post("/v1/scores", json=high, credential=playing).status_code == 200
    refused_with(client.post("/v1/scores", json=high, credential=working), "scope_missing")
    refused_with(client.post("/v1/scores", json=VEHICLE, credential=playing), "scope_missing")
    one = {**OUTCOME_EXAMPLE, "movement_ref": "SANDBOX-HIGH"}
    both = [one, OUTCOME_EXAMPLE]
    assert client.post("/v1/outcomes", json=one, credential=playing).status_code == 200
    refused_with(client.post("/v1/outcomes", json=both, credential=playing), "scope_missing")
    path = "/v1/movements/GMRA00000001?kind=vehicle"
    refused_with(client.request("DELETE", path, headers=bearer(playing)), "scope_missing")
    refused_with(client.get("/v1/scores/1", playing), "scope_missing")


def test_an_event_about_the_sandbox_needs_its_scope(client: AppClient, settings: Settings) -> None:
    working = key_of(settings, "outcome.write")
    outcome = {**OUTCOME_EXAMPLE, "movement_ref": "SANDBOX-HIGH"}
    refused = client.post("/v1/outcomes", json=outcome, credential=working)
    (error,) = refused_with(refused, "record_rejected")["errors"]
    assert error["code"] == "reserved_reference"
