"""Every route and every problem code, in one process, on a ledger that holds nothing yet."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

import serving.recording
import serving.scoring
from features.ledger import LedgerError, open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.audit import read_assessments, read_one
from serving.logs import JsonLines
from serving.metrics import Counters
from serving.officer import narrative
from serving.openapi import MOVEMENT_EXAMPLES, OUTCOME_EXAMPLE
from serving.state import ServingState
from serving.strict_json import MAX_BODY_BYTES
from tests.app_client import AppClient, refused_with

JSON = {"Content-Type": "application/json"}
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


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "code"),
    [
        ("POST", "/v1/scores", b"{", JSON, "bad_json"),
        ("POST", "/v1/scores", b'{"kind":1,"kind":1}', JSON, "duplicate_key"),
        ("POST", "/v1/scores", b'"\xff"', JSON, "not_utf8"),
        ("POST", "/v1/scores", b"[" * 17, JSON, "too_deep"),
        ("POST", "/v1/scores", b"{}", JSON, "record_rejected"),
        ("POST", "/v1/scores", b" " * (MAX_BODY_BYTES + 1), JSON, "body_too_large"),
        ("POST", "/v1/scores", b"{}", {}, "unsupported_media_type"),
        ("POST", "/v1/scores", b"{}", {"Content-Type": "text/json"}, "unsupported_media_type"),
        ("POST", "/v1/scores", b"", {**JSON, "Content-Encoding": "gzip"}, "unsupported_media_type"),
        ("POST", "/v1/scores?explain=yes", b"{}", JSON, "bad_query"),
        ("POST", "/v1/scores?explain=never&explain=always", b"{}", JSON, "bad_query"),
        ("POST", "/v1/scores?debug=1", b"{}", JSON, "bad_query"),
        ("GET", "/v1/models?x=1", b"", {}, "bad_query"),
        ("GET", "/v1/scores", b"", {}, "bad_query"),
        ("GET", "/v1/scores?kind=vehicle", b"", {}, "bad_query"),
        ("GET", "/v1/scores?kind=car&movement_ref=A1", b"", {}, "bad_query"),
        ("DELETE", "/v1/movements/A1", b"", {}, "bad_query"),
        ("DELETE", "/v1/movements/A1?kind=vehicle", b"", {}, "no_such_movement"),
        ("DELETE", "/v1/movements/A%0A1?kind=vehicle", b"", {}, "no_such_movement"),
        ("GET", "/v1/decisions", b"", {}, "method_not_allowed"),
        ("POST", "/v1/decisions", b'{"score_id":"1"}', JSON, "record_rejected"),
        ("GET", f"/v1/models?{'a' * 9000}", b"", {}, "uri_too_long"),
        ("GET", "/v1/models", b"", {"X-A": "a" * 33_000}, "headers_too_large"),
        ("GET", "/v1/models", b"", {f"X-{n}": "" for n in range(101)}, "headers_too_large"),
        ("GET", "/docs/other.js", b"", {}, "no_such_route"),
        ("PUT", "/v1/scores", b"{}", JSON, "method_not_allowed"),
        ("DELETE", "/v1/scores/1", b"", {}, "method_not_allowed"),
        ("PATCH", "/readyz", b"", {}, "method_not_allowed"),
        ("GET", "/v1/scores/1", b"", {}, "no_such_score"),
        ("GET", "/v1/scores/1/page", b"", {}, "no_such_score"),
        ("GET", "/v1/scores/1/page?x=1", b"", {}, "bad_query"),
        ("GET", "/", b"", {}, "no_such_route"),
        ("GET", "/%0A", b"", {}, "no_such_route"),
        ("POST", "/v1/scores/", b"{}", JSON, "no_such_route"),
        ("GET", "/v2/scores", b"", {}, "no_such_route"),
        ("POST", "/v1/outcomes", b"[[" * 9, JSON, "too_deep"),
        ("POST", "/v1/outcomes", b'{"kind":"vehicle"}', JSON, "record_rejected"),
    ],
)
def test_a_refusal_is_a_problem_document_with_its_code(
    client: AppClient, method: str, path: str, content: bytes, headers: dict[str, str], code: str
) -> None:
    response = client.request(method, path, content=content, headers=headers)
    refused_with(response, code)
    if code == "method_not_allowed":
        assert response.headers["allow"] in ("GET", "POST", "GET, POST")


def test_without_a_model_the_answer_is_unassessed_and_recorded(
    client: AppClient, settings: Settings
) -> None:
    response = client.post("/v1/scores", json=VEHICLE)
    answer = response.json()
    assert response.status_code == 200
    assert answer["movement_ref"] == VEHICLE["movement_ref"]
    assert (answer["status"], answer["band"]) == ("unassessed", "unassessed")
    assert answer["probability"] is None
    assert answer["model"] is None
    assert answer["degraded_reasons"][-1] == "no_model: no vehicle model is promoted"
    recorded = read_one(settings.ledger, answer["score_id"])
    assert recorded is not None
    assert recorded.position == 1
    assert recorded.body is not None
    assert json.loads(recorded.body) == {**answer, "movement_ref": None}
    frame = read_assessments(settings.ledger)
    assert frame["score_id"].tolist() == [answer["score_id"]]
    assert frame["probability"].isna().all()


def test_a_recorded_answer_has_a_page(client: AppClient) -> None:
    answer = client.post("/v1/scores", json=VEHICLE).json()
    response = client.get(f"/v1/scores/{answer['score_id']}/page")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert "Vehicle: not assessed" in response.text
    assert answer["score_id"] in response.text
    assert VEHICLE["movement_ref"] not in response.text


def test_the_same_movement_gets_the_same_bytes_and_another_body_a_conflict(
    client: AppClient, settings: Settings
) -> None:
    first = client.post("/v1/scores", json=VEHICLE)
    again = client.post("/v1/scores?explain=always", json=dict(reversed(VEHICLE.items())))
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    changed = client.post("/v1/scores", json={**VEHICLE, "gross_mass_kg": 1})
    refused_with(changed, "movement_conflict")
    assert client.post("/v1/scores", json={**VEHICLE, "version": 2}).status_code == 200
    assert len(read_assessments(settings.ledger)) == 2


def test_a_stored_assessment_comes_without_its_reference(client: AppClient) -> None:
    answer = client.post("/v1/scores", json=VEHICLE)
    stored = client.get(answer.headers["location"])
    assert stored.status_code == 200
    assert stored.json() == {**answer.json(), "movement_ref": None}


def test_no_plain_identifier_is_kept(client: AppClient, settings: Settings) -> None:
    client.post("/v1/scores", json=VEHICLE)
    client.post("/v1/outcomes", json=OUTCOME_EXAMPLE)
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files) + client.get("/metrics").content
    kept += b"".join(_opened(settings))
    assert b"DUN-DVR" in kept  # a category is kept: the search does find things
    for name in ("movement_ref", "haulier_eori", "vehicle_reg"):
        assert VEHICLE[name].encode() not in kept
    assert OUTCOME_EXAMPLE["event_id"].encode() not in kept


def test_an_erased_assessment_is_gone_and_says_so(client: AppClient, settings: Settings) -> None:
    answer = client.post("/v1/scores", json=VEHICLE)
    with sqlite3.connect(settings.ledger.removeprefix("sqlite:///")) as raw:
        raw.execute("DELETE FROM record_keys")  # as retention does, which needs the service down
    raw.close()
    refused_with(client.get(answer.headers["location"]), "erased")
    refused_with(client.post("/v1/scores", json=VEHICLE), "erased")
    recorded = read_one(settings.ledger, answer.json()["score_id"])
    assert recorded is not None
    assert (recorded.row, recorded.body, recorded.band) == (None, None, answer.json()["band"])
    assert "Retention has erased" in narrative(recorded)


def _opened(settings: Settings) -> Iterator[bytes]:
    """What is sealed on disk, as whoever holds the keys reads it."""
    with closing(open_ledger(settings.ledger)) as ledger:
        for event in ledger.tail(0):
            yield msgspec.json.encode(event.payload)
    for score_id in read_assessments(settings.ledger)["score_id"]:
        recorded = read_one(settings.ledger, score_id)
        assert recorded is not None
        yield recorded.body or b""


def test_outcomes_are_taken_once_and_each_for_itself(client: AppClient) -> None:
    one = client.post("/v1/outcomes", json=OUTCOME_EXAMPLE).json()["outcomes"]
    assert [(r["event_id"], r["status"], r["position"]) for r in one] == [
        (OUTCOME_EXAMPLE["event_id"], "accepted", 1)
    ]
    other = {**OUTCOME_EXAMPLE, "event_id": "EXAM-2"}
    conflicting = {**OUTCOME_EXAMPLE, "thoroughness": "scan"}
    many = [OUTCOME_EXAMPLE, other, other, conflicting, {**other, "outcome": "?"}]
    receipts = client.post("/v1/outcomes", json=many).json()["outcomes"]
    assert [(r["status"], r["position"]) for r in receipts] == [
        ("duplicate", 1),
        ("accepted", 2),
        ("duplicate", 2),
        ("rejected", None),
        ("rejected", None),
    ]
    assert [e["code"] for r in receipts for e in r["errors"]] == ["event_conflict", "bad_value"]
    assert receipts[3]["errors"][0]["pointer"] == "/3/event_id"
    refused_with(client.post("/v1/outcomes", json=conflicting), "event_conflict")
    assert client.post("/v1/outcomes", json=[]).json() == {"outcomes": []}


def test_nothing_is_answered_when_nothing_can_be_recorded(
    client: AppClient, settings: Settings
) -> None:
    breaking = sqlite3.connect(settings.home / "ledger.db")
    breaking.execute("ALTER TABLE assessments RENAME TO elsewhere")
    breaking.commit()
    response = client.post("/v1/scores", json=VEHICLE)
    refused_with(response, "not_recorded")
    assert response.headers["retry-after"] == "1"
    refused_with(client.get("/readyz"), "not_ready")
    breaking.execute("ALTER TABLE elsewhere RENAME TO assessments")
    breaking.commit()
    breaking.close()
    end = time.monotonic() + 10
    while client.get("/readyz").status_code == 503 and time.monotonic() < end:
        time.sleep(0.02)
    assert client.post("/v1/scores", json=VEHICLE).status_code == 200
    assert len(read_assessments(settings.ledger)) == 1


def test_a_commit_that_takes_too_long_is_said_and_its_answer_found_later(
    client: AppClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving.recording, "LONGEST_COMMIT_SECONDS", 0.05)
    blocking = open_ledger(settings.ledger)
    with blocking.transaction():
        refused_with(client.post("/v1/scores", json=VEHICLE), "recording_slow")
    blocking.close()
    monkeypatch.undo()
    again = client.post("/v1/scores", json=VEHICLE)
    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"


def test_a_worker_whose_commit_failed_is_not_ready(client: AppClient) -> None:
    ready = client.get("/readyz").json()
    assert ready["ready"] is True
    assert "no_model: no vessel model is promoted" in ready["problems"]
    state: ServingState = client.app.state.serving
    state._recorder._writer.failure = "a commit failed"
    refused_with(client.get("/readyz"), "not_ready")
    refused_with(client.post("/v1/scores", json=VEHICLE), "not_recorded")


def test_a_fault_is_a_problem_document_and_its_log_quotes_nothing(
    client: AppClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(VEHICLE["movement_ref"])

    monkeypatch.setattr(serving.scoring, "declare", broken)
    refused_with(client.post("/v1/scores", json=VEHICLE), "internal_error")
    (line,) = [JsonLines().format(record) for record in caplog.records]
    assert json.loads(line)["exception"] == "ValueError"
    assert VEHICLE["movement_ref"] not in caplog.text + line


def test_audit_rows_can_be_neither_changed_nor_deleted(
    client: AppClient, settings: Settings
) -> None:
    client.post("/v1/scores", json=VEHICLE)
    database = sqlite3.connect(settings.home / "ledger.db")
    for statement in ("UPDATE assessments SET band = 'low'", "DELETE FROM assessments"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
    database.close()


def test_a_ledger_that_never_served_has_no_assessments(settings: Settings) -> None:
    frame = read_assessments(settings.ledger)
    assert frame.empty
    assert str(frame["available_at"].dtype) == "int64"
    assert read_one(settings.ledger, "x") is None
    (settings.home / "noise.db").write_bytes(b"not a database, " * 100)
    with pytest.raises(LedgerError, match="cannot be read"):
        read_assessments(f"sqlite:///{settings.home / 'noise.db'}")


def test_assessments_are_read_from_since_to_before_until(
    client: AppClient, settings: Settings
) -> None:
    for version in (1, 2, 3):
        client.post("/v1/scores", json={**VEHICLE, "version": version})
    first, second, third = read_assessments(settings.ledger)["available_at"].tolist()
    chosen = read_assessments(settings.ledger, since=second, until=third)
    assert chosen["available_at"].tolist() == [second]
    assert len(read_assessments(settings.ledger, until=first + 1)) == 1


def test_the_counters_count(client: AppClient) -> None:
    client.post("/v1/scores", json=VEHICLE)
    client.post("/v1/scores", json=VEHICLE)
    client.get("/nowhere")
    text = client.get("/metrics").text
    assert 'foreland_scores_total{band="unassessed",kind="vehicle",status="unassessed"} 1.0' in text
    assert 'foreland_replays_total{kind="vehicle"} 1.0' in text
    assert 'foreland_problems_total{code="no_such_route"} 1.0' in text


def test_every_documented_path_answers(client: AppClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method in operations:
            response = client.request(method, path.replace("{score_id}", "x"))
            assert response.headers["content-type"]
            assert response.status_code not in (405, 500)
            if response.status_code == 404:
                nowhere = "no_such_route" if path.startswith("/reports/") else "no_such_score"
                refused_with(response, nowhere)


def test_as_of_is_after_everything_applied_and_the_own_event_is_not_seen(
    client: AppClient, settings: Settings
) -> None:
    before = time.time_ns() // 1000
    for version in (1, 2, 3):
        client.post("/v1/scores", json={**VEHICLE, "version": version})
    frame = read_assessments(settings.ledger)
    assert frame["ledger_position"].tolist() == [0, 1, 2]
    assert (frame["as_of"] <= frame["available_at"]).all()
    assert (frame["as_of"].iloc[1:].to_numpy() > frame["available_at"].iloc[:-1].to_numpy()).all()
    assert frame["as_of"].iloc[0] >= before


def test_records_that_cannot_be_read_are_not_said_to_be_missing(
    client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise LedgerError("the audit log cannot be read")

    monkeypatch.setattr("serving.audit.AuditLog.of_agency", unreadable)
    response = client.get("/v1/scores/1")
    refused_with(response, "ledger_unreadable")
    assert response.headers["retry-after"] == "1"
