"""Who may do what, asked of the application as clients ask it."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from features.ledger import open_ledger
from features.settings import Settings
from serving import bento_calls
from serving.app import create_app
from serving.audit import read_assessments, read_one
from serving.auth import key_store
from serving.auth.access import SCOPES, Client
from serving.auth.api_keys import new_key
from serving.auth.key_store import open_keys
from serving.door import IN_PACE
from serving.metrics import Counters
from serving.openapi import DECISION_EXAMPLE, MOVEMENT_EXAMPLES, OUTCOME_EXAMPLE
from serving.state import ServingState
from tests.app_client import AppClient, bearer, refused_with
from tests.issuer import token, trusting

VEHICLE = MOVEMENT_EXAMPLES["vehicle"]
ALL = frozenset(SCOPES)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}")
    open_ledger(made.ledger).close()
    return made


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    with opened(settings) as app:
        yield app


def opened(settings: Settings) -> Any:
    counters = Counters()
    refused = counters.credentials_refused
    state = lambda: ServingState(settings, lambda reason: refused.labels(reason).inc())  # noqa: E731
    return closing(AppClient(create_app(state, counters=counters)))


def key_of(settings: Settings, name: str, agency: str, scopes: frozenset[str] = ALL) -> str:
    key, stored = new_key(Client(name, agency, scopes), created_at=time.time_ns() // 1_000)
    with closing(open_ledger(settings.ledger)) as ledger:
        open_keys(ledger).close()
        key_store.add(ledger, stored)
    return key


def revoke(settings: Settings, name: str) -> None:
    with closing(open_ledger(settings.ledger)) as ledger:
        key_store.revoke(ledger, name, time.time_ns() // 1_000)


def test_without_keys_everything_is_open_and_from_the_first_on_nothing(
    client: AppClient, settings: Settings
) -> None:
    assert client.post("/v1/scores", json=VEHICLE).status_code == 200
    assert client.get("/metrics").status_code == 200
    key = key_of(settings, "port", "border")
    refused = client.post("/v1/scores", json=VEHICLE)
    refused_with(refused, "unauthorized")
    assert refused.headers["www-authenticate"] == "Bearer"
    refused_with(client.get("/metrics"), "no_such_route")
    assert client.post("/v1/scores", json=VEHICLE, credential=key).status_code == 200
    for path in ("/livez", "/readyz", "/openapi.json"):
        assert client.get(path).status_code == 200


def test_a_revoked_key_is_refused_within_a_second_and_nothing_opens_again(
    client: AppClient, settings: Settings
) -> None:
    key = key_of(settings, "port", "border")
    assert client.get("/v1/models", key).status_code == 200
    revoke(settings, "port")
    time.sleep(0.3)
    refused_with(client.get("/v1/models", key), "unauthorized")
    refused_with(client.get("/v1/models"), "unauthorized")


def test_an_open_service_answers_over_loopback_only(client: AppClient) -> None:
    """However it was started: the address that the connection reached is asked, not a header."""
    refused_with(client.request("GET", "http://192.0.2.7/v1/models"), "unauthorized")
    headers = {"Host": "127.0.0.1", "X-Forwarded-For": "127.0.0.1"}
    far = client.request("GET", "http://192.0.2.7/v1/models", headers=headers)
    refused_with(far, "unauthorized")
    assert client.request("GET", "http://[::1]/v1/models").status_code == 200


NO_SCORE = "00000000-0000-7000-8000-000000000000"
OPERATIONS: dict[str, tuple[str, str, Any, Any]] = {
    "score": ("POST", "/v1/scores", VEHICLE, {"score.write"}),
    "score_batch": ("POST", "/v1/scores/batch", [VEHICLE], {"score.write"}),
    "stored_score": ("GET", "/v1/scores/none", None, {"score.write", "audit.read"}),
    "scores_of_movement": (
        "GET",
        "/v1/scores?kind=vehicle&movement_ref=A1",
        None,
        {"score.write", "audit.read"},
    ),
    "cancel": ("DELETE", "/v1/movements/A1?kind=vehicle", None, {"score.write"}),
    "outcomes": ("POST", "/v1/outcomes", OUTCOME_EXAMPLE, {"outcome.write"}),
    "decisions": (
        "POST",
        "/v1/decisions",
        {**DECISION_EXAMPLE, "score_id": NO_SCORE},
        {"decision.write"},
    ),
    "proof": ("GET", "/v1/audit/none/proof", None, {"audit.read"}),
    "models": ("GET", "/v1/models", None, ALL),
    "links": ("GET", "/v1/entities/vehicle%3AAB12CDE/links", None, {"links.read"}),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_scope_opens_its_operations_and_no_other(
    client: AppClient, settings: Settings, operation: str
) -> None:
    method, path, body, opening = OPERATIONS[operation]
    for scope in SCOPES:
        key = key_of(settings, scope, "border", frozenset({scope}))
        headers = {"Authorization": f"Bearer {key}"}
        response = client.request(method, path, json=body, headers=headers)
        if scope in opening:
            assert response.status_code in (200, 404)
        else:
            refused_with(response, "scope_missing")
            assert response.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'


def test_another_agencys_assessment_is_not_there(client: AppClient, settings: Settings) -> None:
    ours, ally = key_of(settings, "port", "border"), key_of(settings, "air", "border")
    theirs = key_of(settings, "vat", "customs")
    location = client.post("/v1/scores", json=VEHICLE, credential=ours).headers["location"]
    assert client.get(location, ally).status_code == 200
    hidden, absent = client.get(location, theirs), client.get("/v1/scores/none", theirs)
    told = refused_with(hidden, "no_such_score")
    assert told == {**absent.json(), "instance": told["instance"]}


def test_two_agencies_that_score_one_movement_learn_nothing_of_each_other(
    client: AppClient, settings: Settings
) -> None:
    """Neither a replay nor a conflict: whoever guesses references must not find out which exist."""
    ours, theirs = key_of(settings, "port", "border"), key_of(settings, "vat", "customs")
    first = client.post("/v1/scores", json=VEHICLE, credential=ours)
    for body in (VEHICLE, {**VEHICLE, "version": 2, "gross_mass_kg": 1}):
        other = client.post("/v1/scores", json=body, credential=theirs)
        assert other.status_code == 200
        assert "idempotent-replayed" not in other.headers
        assert other.json()["score_id"] != first.json()["score_id"]
    changed = client.post("/v1/scores", json={**VEHICLE, "version": 2}, credential=ours)
    assert changed.status_code == 200
    again = client.post("/v1/scores", json=VEHICLE, credential=ours)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    conflict = {**VEHICLE, "gross_mass_kg": 7}
    refused_with(client.post("/v1/scores", json=conflict, credential=ours), "movement_conflict")
    assert len(read_assessments(settings.ledger)) == 4


def test_two_agencies_may_number_their_outcomes_alike(
    client: AppClient, settings: Settings
) -> None:
    """And neither takes back what the other found."""
    ours, theirs = key_of(settings, "port", "border"), key_of(settings, "vat", "customs")
    client.post("/v1/outcomes", json=OUTCOME_EXAMPLE, credential=ours)
    other = {**OUTCOME_EXAMPLE, "outcome": "negative", "threat": None, "concealment": None}
    del other["threat"]
    (receipt,) = client.post("/v1/outcomes", json=other, credential=theirs).json()["outcomes"]
    assert (receipt["status"], receipt["event_id"]) == ("accepted", OUTCOME_EXAMPLE["event_id"])
    withdrawn = {
        **other,
        "event_id": "EXAM-2",
        "outcome": "withdrawn",
        "corrects": OUTCOME_EXAMPLE["event_id"],
    }
    client.post("/v1/outcomes", json=withdrawn, credential=theirs)
    with closing(open_ledger(settings.ledger)) as ledger:
        own, foreign, taking_back = [event.payload for event in ledger.tail(0)]
    assert own.message != foreign.message == taking_back.corrects  # type: ignore[union-attr]


def test_who_asked_is_in_the_audit_table(client: AppClient, settings: Settings) -> None:
    before = client.post("/v1/scores", json=VEHICLE).json()
    key = key_of(settings, "port", "border")
    after = client.post("/v1/scores", json=VEHICLE, credential=key).json()
    for answer, asked in ((before, ("local", "local")), (after, ("port", "border"))):
        recorded = read_one(settings.ledger, answer["score_id"])
        assert recorded is not None
        assert (recorded.client, recorded.agency) == asked


def test_a_client_of_the_agency_local_reads_what_was_recorded_before_keys(
    client: AppClient, settings: Settings
) -> None:
    answer = client.post("/v1/scores", json=VEHICLE)
    heir = key_of(settings, "port", "local")
    assert client.get(answer.headers["location"], heir).status_code == 200
    again = client.post("/v1/scores", json=VEHICLE, credential=heir)
    assert again.content == answer.content


def test_no_key_is_kept_or_logged(
    client: AppClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    key = key_of(settings, "port", "border")
    client.get("/v1/models", key)
    client.get("/v1/models", key + "x")
    kept = b"".join(path.read_bytes() for path in settings.home.rglob("*") if path.is_file())
    secret = key.split("_", 2)[2]
    assert b"border" in kept  # the search does find things
    assert secret.encode() not in kept
    assert secret not in caplog.text
    assert "a credential was refused: malformed_key" in caplog.text


def test_a_client_over_its_quota_waits_and_the_others_do_not(settings: Settings) -> None:
    slow = settings.model_copy(update={"requests_per_second": 0.5, "burst_seconds": 4.0})
    ours, theirs = key_of(settings, "port", "border"), key_of(settings, "air", "border")
    with opened(slow) as client:
        assert [client.get("/v1/models", ours).status_code for _ in range(2)] == [200, 200]
        refused = client.get("/v1/models", ours)
        refused_with(refused, "quota_exceeded")
        assert refused.headers["retry-after"] in ("1", "2")
        assert client.get("/v1/models", theirs).status_code == 200
        assert client.get("/readyz").status_code == 200


def test_beyond_the_pace_scores_are_refused_and_everything_else_is_answered(
    settings: Settings,
) -> None:
    with opened(settings.model_copy(update={"scores_per_second": 0.01})) as client:
        assert client.post("/v1/scores", json=VEHICLE).status_code == 200
        refused = client.post("/v1/scores", json=VEHICLE)
        refused_with(refused, "overloaded")
        assert refused.headers["retry-after"] == "100"
        assert client.get("/v1/models").status_code == 200
        batch = client.post("/v1/scores/batch", json=[VEHICLE])
        assert batch.status_code == 200, "rows of a batch have places, and no pace"
        assert client.app.state.serving.places.taken == 0
        answer = client.run(asked_by_bentoml(client.app))
        refused_with(answer, "overloaded")


@pytest.mark.parametrize("known", [True, False])
def test_a_score_is_counted_once_and_not_at_all_when_nobody_may_ask(
    settings: Settings, known: bool
) -> None:
    """The door has counted it; a second one would have to wait."""
    key = key_of(settings, "port", "border") + ("" if known else "x")
    with opened(settings.model_copy(update={"scores_per_second": 0.01})) as client:
        state: ServingState = client.app.state.serving
        assert state.pace.take()
        answer = client.run(asked_through_a_door(client.app, key))
        assert answer.status_code == (200 if known else 401)
        assert (state.pace.refusal() is None) == (not known)


async def asked_through_a_door(app: Starlette, key: str) -> httpx.Response:
    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, IN_PACE: True}, receive, send)

    return await posted(door, VEHICLE, key)


async def asked_by_bentoml(app: Starlette) -> httpx.Response:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await bento_calls.SCORE({**scope, "app": app}, receive, send)

    return await posted(call, {"movement": VEHICLE}, None)


async def posted(app: ASGIApp, content: Any, key: str | None) -> httpx.Response:
    transport = httpx.ASGITransport(cast(Any, app))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
        return await asking.post("/v1/scores", json=content, headers=bearer(key))


def test_a_full_service_refuses_at_once_and_still_says_that_it_lives(
    client: AppClient, settings: Settings
) -> None:
    state: ServingState = client.app.state.serving
    state.places.taken = settings.most_in_flight
    started = time.perf_counter()
    refused = client.post("/v1/scores", json=VEHICLE)
    assert time.perf_counter() - started < 1.0
    refused_with(refused, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200
    state.places.taken = 0
    assert client.post("/v1/scores", json=VEHICLE).status_code == 200
    assert state.places.taken == 0, "a place is given back"


def test_what_finds_no_room_is_refused_while_the_others_are_worked_on(settings: Settings) -> None:
    """Two wait for the disk, the third hears at once that it must come again."""
    small = settings.model_copy(update={"most_in_flight": 2})
    bodies = [{**VEHICLE, "movement_ref": f"GMRA0000010{number}"} for number in range(3)]
    with opened(small) as client, ThreadPoolExecutor(2) as pool:
        state: ServingState = client.app.state.serving
        with closing(open_ledger(settings.ledger)) as another, another.transaction():
            waiting = [pool.submit(client.post, "/v1/scores", json=body) for body in bodies[:2]]
            while state.places.taken < 2:
                time.sleep(0.01)
            refused_with(client.post("/v1/scores", json=bodies[2]), "overloaded")
        assert [one.result().status_code for one in waiting] == [200, 200]
        assert client.post("/v1/scores", json=bodies[2]).status_code == 200


def test_without_the_issuers_keys_tokens_are_503_and_api_keys_work(settings: Settings) -> None:
    absent = trusting(settings, str(settings.home / "none.json"))
    key = key_of(settings, "port", "border")
    with opened(absent) as client:
        refused = client.get("/v1/models", token())
        refused_with(refused, "tokens_unverifiable")
        assert refused.headers["retry-after"] == "10"
        assert client.get("/v1/models", key).status_code == 200
        (problem,) = [p for p in client.get("/readyz").json()["problems"] if "jwks" in p]
        assert problem.endswith("(none.json: no such file or directory); no token can be checked")


def test_a_refused_request_gives_its_place_back(client: AppClient) -> None:
    refused_with(client.post("/v1/scores", json={}), "record_rejected")
    state: ServingState = client.app.state.serving
    assert state.places.taken == 0


def test_keys_that_cannot_be_read_are_said_in_readyz(client: AppClient, settings: Settings) -> None:
    key = key_of(settings, "port", "border")
    assert client.get("/v1/models", key).status_code == 200
    breaking = sqlite3.connect(settings.home / "ledger.db")
    breaking.execute("ALTER TABLE api_keys RENAME TO elsewhere")
    breaking.execute("UPDATE api_key_state SET generation = generation + 1")
    breaking.commit()
    breaking.close()
    time.sleep(0.3)
    assert client.get("/v1/models", key).status_code == 200
    problems = client.get("/readyz").json()["problems"]
    assert any(problem.startswith("keys_unreadable: ") for problem in problems)


def test_the_document_says_which_scope_opens_what(client: AppClient) -> None:
    document = client.get("/openapi.json").json()
    scheme, password = document["components"]["securitySchemes"]
    said = {
        operation["operationId"]: operation.get("security")
        for operations in document["paths"].values()
        for operation in operations.values()
    }
    assert said == {
        "score": [{scheme: ["score.write"]}, {scheme: ["sandbox"]}],
        "score_batch": [{scheme: ["score.write"]}, {scheme: ["sandbox"]}],
        "stored_score": [{scheme: [one]} for one in ("score.write", "audit.read", "sandbox")],
        "proof": [{scheme: ["audit.read"]}],
        "score_page": [{scheme: [one]} for one in ("score.write", "audit.read", "sandbox")],
        "scores_of_movement": [{scheme: [one]} for one in ("score.write", "audit.read", "sandbox")],
        "cancel": [{scheme: ["score.write"]}, {scheme: ["sandbox"]}],
        "outcomes": [{scheme: ["outcome.write"]}, {scheme: ["sandbox"]}],
        "decisions": [{scheme: ["decision.write"]}, {scheme: ["sandbox"]}],
        "exchange": [{scheme: ["exchange.write"]}],
        "models": [{scheme: []}],
        "reports": [{scheme: ["report.read"]}, {password: []}],
        "links": [{scheme: ["links.read"]}],
        "ready": None,
        "alive": None,
        "metrics": None,
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            guarded = {"401", "403", "429", "503"} <= set(operation["responses"])
            assert guarded == ("security" in operation)
