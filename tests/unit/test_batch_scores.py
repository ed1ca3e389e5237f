"""Many scores in one request: every row answered as it would be alone."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import serving.batch_scoring
import serving.recording
from features.ledger import open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.audit import read_assessments
from serving.auth import key_store
from serving.auth.access import LOCAL, Client
from serving.auth.api_keys import new_key
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.state import ServingState
from serving.wire import read_score_request
from tests.app_client import AppClient, refused_with

PATH = "/v1/scores/batch"
NDJSON = "application/x-ndjson"
VEHICLE = MOVEMENT_EXAMPLES["vehicle"]


def vehicle(number: int, **changes: Any) -> dict[str, Any]:
    return {**VEHICLE, "movement_ref": f"BATCH-{number}", **changes}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}")
    open_ledger(made.ledger).close()
    return made


def asked(settings: Settings) -> AppClient:
    return AppClient(create_app(lambda: ServingState(settings), counters=Counters()))


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = asked(settings)
    yield opened
    opened.close()


def results_of(client: AppClient, rows: Sequence[Any], query: str = "") -> list[dict[str, Any]]:
    response = client.post(PATH + query, json=rows)
    assert response.status_code == 200, response.text
    results: list[dict[str, Any]] = response.json()["results"]
    assert [result["index"] for result in results] == list(range(len(rows)))
    return results


def test_each_row_has_its_own_fate(client: AppClient, settings: Settings) -> None:
    rows = [vehicle(1), {**vehicle(2), "hauler": 1}, 5, MOVEMENT_EXAMPLES["vessel"], vehicle(3)]
    results = results_of(client, rows)
    assert [result["status"] for result in results] == [
        "unassessed",
        "rejected",
        "rejected",
        "unassessed",
        "unassessed",
    ]
    assert [result["movement_ref"] for result in results[:3]] == ["BATCH-1", "BATCH-2", None]
    assert results[1]["assessment"] is None
    assert [error["code"] for error in results[1]["errors"]] == ["unknown_field"]
    assert len(read_assessments(settings.ledger)) == 3


def test_all_rows_are_assessed_from_one_instant_and_do_not_see_each_other(
    client: AppClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving.batch_scoring, "ROWS_PER_COMMIT", 2)
    monkeypatch.setattr(serving.batch_scoring, "ROWS_AT_ONCE", 3)
    client.post("/v1/scores", json=VEHICLE)
    rows = [*map(vehicle, range(5)), MOVEMENT_EXAMPLES["vessel"], MOVEMENT_EXAMPLES["shipment"]]
    given = [result["assessment"] for result in results_of(client, rows)]
    assert {one["as_of"] for one in given} == {given[0]["as_of"]}
    assert {one["ledger_position"] for one in given} == {1}
    frame = read_assessments(settings.ledger).iloc[1:]
    assert frame["score_id"].tolist() == [one["score_id"] for one in given]
    assert (frame["as_of"] <= frame["available_at"]).all()


def test_a_row_that_was_sent_before_gets_what_was_answered_then(client: AppClient) -> None:
    alone = client.post("/v1/scores", json=vehicle(1)).json()
    first = results_of(client, [vehicle(1), vehicle(2)])
    assert [result["replayed"] for result in first] == [True, False]
    assert first[0]["assessment"] == alone
    again = results_of(client, [vehicle(2), vehicle(1), vehicle(2, version=2)])
    assert [result["replayed"] for result in again] == [True, True, False]
    assert again[0]["assessment"] == first[1]["assessment"]
    replayed = client.post("/v1/scores", json=vehicle(2))
    assert replayed.headers["idempotent-replayed"] == "true"
    assert replayed.json() == first[1]["assessment"]


@pytest.mark.parametrize("rows_per_commit", [1, 100])
def test_of_equal_rows_the_first_is_scored_and_another_content_is_a_conflict(
    client: AppClient,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    rows_per_commit: int,
) -> None:
    """Whether they are recorded together or one after the other."""
    monkeypatch.setattr(serving.batch_scoring, "ROWS_PER_COMMIT", rows_per_commit)
    rows = [vehicle(1), vehicle(1), vehicle(1, gross_mass_kg=1), vehicle(2)]
    one, same, other, last = results_of(client, rows)
    assert [one["replayed"], same["replayed"]] == [False, True]
    assert same["assessment"] == one["assessment"]
    assert (other["status"], other["assessment"]) == ("conflict", None)
    assert other["errors"][0]["code"] == "movement_conflict"
    assert last["status"] == "unassessed"
    assert len(read_assessments(settings.ledger)) == 2


def test_lines_are_answered_by_lines_and_accept_chooses(client: AppClient) -> None:
    body = b"\n".join(json.dumps(vehicle(number)).encode() for number in range(3)) + b"\n{"

    def ask(accept: str | None) -> Any:
        headers = {"Content-Type": NDJSON, "Accept": accept or "*/*"}
        return client.request("POST", PATH, content=body, headers=headers)

    lines = ask(None)
    assert lines.headers["content-type"] == NDJSON
    results = [json.loads(line) for line in lines.content.splitlines()]
    assert [result["status"] for result in results] == [*["unassessed"] * 3, "rejected"]
    assert results[3]["errors"][0]["code"] == "bad_json"
    as_array = ask("text/html, application/json;q=0.5")
    assert as_array.headers["content-type"] == "application/json"
    replayed = [{**result, "replayed": True} for result in results[:3]]
    assert as_array.json()["results"] == [*replayed, results[3]]
    assert ask("application/*").headers["content-type"] == NDJSON
    refused_with(ask("text/html"), "not_acceptable")


@pytest.mark.parametrize(
    ("path", "content", "media_type", "code"),
    [
        (PATH, b"{}", "application/json", "bad_json"),
        (PATH, b"[", "application/json", "bad_json"),
        (PATH, b"[]", "text/csv", "unsupported_media_type"),
        (PATH + "?explain=yes", b"[]", "application/json", "bad_query"),
        (PATH + "?explain=referred", json.dumps([1] * 257).encode(), NDJSON, None),
        (PATH + "?explain=referred", b"1\n" * 257, NDJSON, "too_many_rows"),
        (PATH, b"1\n" * 10_001, NDJSON, "too_many_rows"),
        (PATH, b" " * ((16 << 20) + 1), "application/json", "body_too_large"),
    ],
)
def test_a_batch_is_refused_as_a_whole(
    client: AppClient, path: str, content: bytes, media_type: str, code: str | None
) -> None:
    headers = {"Content-Type": media_type}
    response = client.request("POST", path, content=content, headers=headers)
    if code is None:
        assert response.status_code == 200
    else:
        refused_with(response, code)


def test_a_batch_answers_post_alone(client: AppClient) -> None:
    assert client.get(PATH).headers["allow"] == "POST"
    assert results_of(client, []) == []


def test_rows_that_could_not_be_recorded_say_so_slice_by_slice(
    client: AppClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a slice or nothing: the first is on disk when the second cannot be written."""
    monkeypatch.setattr(serving.batch_scoring, "ROWS_PER_COMMIT", 2)
    path = settings.ledger.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as breaking:
        breaking.execute(
            "CREATE TRIGGER third BEFORE INSERT ON assessments"
            " WHEN (SELECT count(*) FROM assessments) = 3 BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        results = results_of(client, [*map(vehicle, range(4))])
        assert [result["status"] for result in results] == [
            *["unassessed"] * 2,
            *["not_recorded"] * 2,
        ]
        assert results[2]["errors"][0]["code"] == "not_recorded"
        assert len(read_assessments(settings.ledger)) == 2
        breaking.execute("DROP TRIGGER third")
    again = results_of(client, [*map(vehicle, range(4))])
    assert [result["replayed"] for result in again] == [True, True, False, False]


@pytest.mark.parametrize(("single", "commits"), [(False, 2), (True, 4)])
def test_beside_single_scores_a_batch_is_recorded_in_small_slices(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, single: bool, commits: int
) -> None:
    """And leaves nothing of itself to be heard by whoever asks next."""
    monkeypatch.setattr(serving.batch_scoring, "ROWS_PER_COMMIT", 4)
    monkeypatch.setattr(serving.batch_scoring, "ROWS_BESIDE_SINGLES", 2)
    state = ServingState(settings)

    async def ask() -> int:
        movements = [read_score_request(json.dumps(vehicle(at)).encode()) for at in range(9)]
        if single:
            await state.scoring.score(movements[8], "never", LOCAL)
        before, heard = state.work().commits.commits, state.knowledge.history.position
        found = await state.batches.score(dict(enumerate(movements[:8])), [], "never", LOCAL)
        assert len(found.apart) == 8
        assert state.knowledge.history.position == heard + 8 + single
        return state.work().commits.commits - before

    try:
        assert asyncio.run(ask()) == commits
    finally:
        state.close()


def test_rows_whose_commit_takes_too_long_say_so(
    client: AppClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving.recording, "LONGEST_COMMIT_SECONDS", 0.05)
    with closing(open_ledger(settings.ledger)) as blocking, blocking.transaction():
        (result,) = results_of(client, [vehicle(1)])
    assert (result["status"], result["errors"][0]["code"]) == ("not_recorded", "recording_slow")
    assert result["assessment"] is None


def test_an_erased_row_is_erased(client: AppClient, settings: Settings) -> None:
    results_of(client, [vehicle(1)])
    with sqlite3.connect(settings.ledger.removeprefix("sqlite:///")) as raw:
        raw.execute("DELETE FROM record_keys")
    raw.close()
    erased, other = results_of(client, [vehicle(1), vehicle(2)])
    assert (erased["status"], erased["errors"][0]["code"]) == ("erased", "erased")
    assert other["status"] == "unassessed"


def test_a_worker_takes_so_many_batches_at_a_time(client: AppClient) -> None:
    """And single scores whatever the batches."""
    places = client.app.state.serving.batches.places
    with places, places:
        refused = client.post(PATH, json=[])
        assert "2 batches" in refused_with(refused, "overloaded")["detail"]
        assert refused.headers["retry-after"] == "1"
        assert client.post("/v1/scores", json=VEHICLE).status_code == 200
    assert client.post(PATH, json=[]).status_code == 200


def test_sandbox_rows_are_made_up_and_recorded_nowhere(
    client: AppClient, settings: Settings
) -> None:
    names = ("SANDBOX-HIGH", "SANDBOX-ERASED", "sandbox-nothing", "real")
    high, erased, unknown, real = results_of(
        client, [{**VEHICLE, "movement_ref": name} for name in names]
    )
    alone = client.post("/v1/scores", json={**VEHICLE, "movement_ref": "SANDBOX-HIGH"})
    assert high["assessment"] == alone.json()
    assert (erased["status"], erased["errors"][0]["code"]) == ("erased", "erased")
    assert unknown["errors"][0]["code"] == "no_such_sandbox_reference"
    assert read_assessments(settings.ledger)["score_id"].tolist() == [
        real["assessment"]["score_id"]
    ]


def test_the_sandbox_alone_opens_no_real_row(client: AppClient, settings: Settings) -> None:
    owner = Client("tester", "border", frozenset({"sandbox"}))
    key, stored = new_key(owner, created_at=time.time_ns() // 1_000)
    with closing(open_ledger(settings.ledger)) as ledger:
        key_store.add(ledger, stored)
    time.sleep(0.3)
    made_up = [{**VEHICLE, "movement_ref": "SANDBOX-LOW"}]
    assert client.post(PATH, json=made_up, credential=key).status_code == 200
    refused_with(client.post(PATH, json=[*made_up, VEHICLE], credential=key), "scope_missing")


def test_rows_are_counted(client: AppClient) -> None:
    results_of(client, [vehicle(1), vehicle(1), vehicle(2), 5])
    text = client.get("/metrics").text
    assert 'foreland_scores_total{band="unassessed",kind="vehicle",status="unassessed"} 2.0' in text
    assert 'foreland_replays_total{kind="vehicle"} 1.0' in text


def test_the_process_that_only_starts_workers_loads_nothing_that_scores() -> None:
    asked = "import sys, serving.app; print({'lightgbm', 'pandas', 'numba'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
