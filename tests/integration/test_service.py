"""The service as it runs: a real ledger, a real bundle, real processes, asked over HTTP."""

import csv
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest

import foreland
from features.ledger import LedgerBusy, MovementDeclared, Recorded, open_ledger
from features.rows import feature_rows
from features.timeline import timeline_of
from models.bundle import load_bundle
from serving.audit import read_assessments, read_one
from tests.integration.small_border import (
    RISKY_HAULIER,
    RISKY_ROUTE,
    Server,
    as_json,
    client,
    make_ledger,
    pin,
    promote,
    running,
    vehicle,
)


class Border(NamedTuple):
    home: Path
    url: str
    sha256: str
    """Of the first bundle."""
    server: Server
    acknowledged: dict[str, bytes]
    """Answers of the two workers that were killed before this server was started: id to body."""


@pytest.fixture(scope="module")
def border(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Border]:
    home = tmp_path_factory.mktemp("home")
    url = make_ledger(home)
    sha256 = promote(home, url, 1)
    with running(home, "--workers", "2") as server:
        acknowledged = kill_under_load(server)
    with running(home) as server:
        yield Border(home, url, sha256, server, acknowledged)
        assert server.terminate() == 0
    with closing(open_ledger(url)) as ledger:
        ledger.backfill([])  # nobody holds the ledger any more


def kill_under_load(server: Server) -> dict[str, bytes]:
    """SIGKILL while four clients post; every answer that reached one."""
    acknowledged: dict[str, bytes] = {}
    with ThreadPoolExecutor(4) as pool:
        load = partial(post_until_dead, server.url, acknowledged)
        futures = [pool.submit(load, part) for part in range(4)]
        while len(acknowledged) < 300 and not any(future.done() for future in futures):
            time.sleep(0.01)
        server.kill()
        for future in futures:
            future.result()
    return acknowledged


def post_until_dead(url: str, acknowledged: dict[str, bytes], part: int) -> None:
    with client(url) as asking:
        for number in range(100_000 + part, 200_000, 4):
            try:
                response = asking.post("/v1/scores", json=vehicle(number))
            except httpx.TransportError:
                return
            assert response.status_code == 200, response.text
            acknowledged[response.json()["score_id"]] = response.content


@pytest.fixture
def http(border: Border) -> Iterator[httpx.Client]:
    with client(border.server.url) as asking:
        yield asking


def test_every_acknowledged_score_survives_sigkill(border: Border, http: httpx.Client) -> None:
    """What was answered is recorded, once, as it was answered."""
    frame = read_assessments(border.url)
    assert len(border.acknowledged) >= 300
    assert set(border.acknowledged) <= set(frame["score_id"])
    assert not frame["movement"].duplicated().any()
    recorded = [event.position for event in read_ledger(border.url) if event.source == "api"]
    assert len(recorded) == len(frame)
    for score_id, answer in list(border.acknowledged.items())[-20:]:
        without_reference = re.sub(rb'"movement_ref":"[^"]+"', b'"movement_ref":null', answer)
        assert http.get(f"/v1/scores/{score_id}").content == without_reference


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """``foreland ...`` in this process: exit status, standard output, standard error."""

    def run(home: Path, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("FORELAND_HOME", str(home))
        monkeypatch.setattr(sys, "argv", ["foreland", *arguments])
        with pytest.raises(SystemExit) as ended:
            foreland.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_a_movement_is_scored_with_reasons_and_recorded(
    border: Border, http: httpx.Client, command: Command
) -> None:
    request = vehicle(1, route_id=RISKY_ROUTE, haulier_eori=RISKY_HAULIER)
    answer = as_json(http.post("/v1/scores", params={"explain": "always"}, json=request))
    assert answer["status"] == "scored"
    assert answer["degraded_reasons"] == []
    assert 0 < answer["probability"] < 1
    assert answer["band"] in ("high", "medium")
    assert answer["similar_past_examinations"]["examined"] > 0
    assert answer["reasons"]
    assert {reason["effect"] for reason in answer["reasons"]} <= {"raises", "lowers"}
    assert any(reason["group"] in ("route", "haulier") for reason in answer["reasons"])
    assert answer["model"]["version"] == 1
    assert answer["model"]["bundle_sha256"] == border.sha256
    assert answer["simulated"] is True
    stored = as_json(http.get(f"/v1/scores/{answer['score_id']}"))
    assert stored == {**answer, "movement_ref": None}
    status, shown, _ = command(border.home, "explain", answer["score_id"])
    assert status == 0
    assert shown.startswith("SIMULATED")
    assert answer["reasons"][0]["sentence"] in shown
    assert f"{answer['probability']:.1%}" in shown


def test_a_kind_without_a_model_is_unassessed(http: httpx.Client) -> None:
    request = {"kind": "vessel", "movement_ref": "V1", "declared_at": "2026-03-01T00:00:00Z"}
    answer = as_json(http.post("/v1/scores", json={**request, "imo": "9074729"}))
    assert (answer["status"], answer["band"], answer["probability"]) == (
        "unassessed",
        "unassessed",
        None,
    )


def test_a_score_can_be_recomputed_bit_for_bit(border: Border, http: httpx.Client) -> None:
    """Also after outcomes and other scores came: from ledger position, time and bundle alone."""
    answer = as_json(http.post("/v1/scores", json=vehicle(20)))
    http.post("/v1/scores", json=vehicle(60))
    recorded = read_one(border.url, answer["score_id"])
    assert recorded is not None
    assert recorded.row is not None
    bundle = load_bundle(border.home / "bundles" / "vehicle-1")
    with closing(open_ledger(border.url)) as ledger:
        heard = list(
            ledger.read(available_before=recorded.as_of, position_up_to=recorded.ledger_position)
        )
        own = next(event for event in ledger.tail(recorded.position - 1))
    timeline = timeline_of(heard, recorded.as_of)
    assert isinstance(own.payload, MovementDeclared)
    matrix = feature_rows(timeline, [own.payload], np.array([recorded.as_of]), bundle.catalogue)
    assert matrix[0].tobytes() == recorded.row
    assert float(bundle.probabilities(matrix)[0]) == answer["probability"]
    assert recorded.catalogue_sha256 == bundle.catalogue.sha256


def test_the_next_score_sees_a_posted_outcome(border: Border, http: httpx.Client) -> None:
    haulier = "XX999999999"
    first = as_json(http.post("/v1/scores", json=vehicle(100, haulier_eori=haulier)))
    outcome = {
        "kind": "vehicle",
        "event_id": "EXAM-100",
        "movement_ref": vehicle(100)["movement_ref"],
        "outcome": "positive",
        "examined_at": "2026-11-01T10:00:00Z",
        "threat": "tobacco_alcohol",
    }
    (receipt,) = as_json(http.post("/v1/outcomes", json=outcome))["outcomes"]
    assert receipt["status"] == "accepted"
    second = as_json(http.post("/v1/scores", json=vehicle(101, haulier_eori=haulier)))
    assert second["ledger_position"] >= receipt["position"]
    assert features_of(border, first)["haulier.finds"] == 0
    assert features_of(border, second)["haulier.finds"] == 1
    assert features_of(border, second)["haulier.movements"] == 1
    (again,) = as_json(http.post("/v1/outcomes", json=outcome))["outcomes"]
    assert (again["status"], again["position"]) == ("duplicate", receipt["position"])


def features_of(border: Border, answer: dict[str, Any]) -> dict[str, float]:
    recorded = read_one(border.url, answer["score_id"])
    assert recorded is not None
    assert recorded.row is not None
    names = load_bundle(border.home / "bundles" / "vehicle-1").catalogue.names
    return dict(zip(names, np.frombuffer(recorded.row, dtype="<f8").tolist(), strict=True))


def test_two_equal_requests_at_once_get_one_answer(border: Border) -> None:
    def post(number: int) -> tuple[int, bytes]:
        with client(border.server.url) as asking:
            response = asking.post("/v1/scores", json=requests[number])
            return response.status_code, response.content

    requests = {number: vehicle(number) for number in range(200, 210)}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, [number for number in requests for _ in range(4)]))
    assert {status for status, _ in answers} == {200}
    for start in range(0, len(answers), 4):
        assert len({body for _, body in answers[start : start + 4]}) == 1
    frame = read_assessments(border.url)
    given = frame[frame["assessment"] == 1]  # outcomes of other tests may have made further ones
    assert not given["movement"].duplicated().any()


def test_a_promoted_bundle_serves_without_a_restart_and_a_bad_one_never(
    border: Border, http: httpx.Client
) -> None:
    stop, statuses = threading.Event(), []

    def keep_asking() -> None:
        with client(border.server.url) as asking:
            for number in range(1000, 9000):
                if stop.is_set():
                    return
                statuses.append(asking.post("/v1/scores", json=vehicle(number)).status_code)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        second = promote(border.home, border.url, 2)
        wait_for_model(http, lambda served: served["model"]["bundle_sha256"] == second)
        promote_damaged(border.home, border.url, 3)
        wait_for_model(http, lambda served: served["problem"] is not None)
    finally:
        stop.set()
        asking.join()
    assert len(statuses) > 10
    assert set(statuses) == {200}
    assert as_json(http.get("/v1/models"))["models"][0]["model"]["version"] == 2
    problems = as_json(http.get("/readyz"))["problems"]
    assert any(problem.startswith("bundle_refused: ") for problem in problems)
    bands = set()
    for number in range(300, 330):
        answer = as_json(http.post("/v1/scores", json=vehicle(number)))
        assert answer["status"] == "degraded"
        assert answer["degraded_reasons"][0].startswith("bundle_refused: ")
        assert answer["model"]["version"] == 2
        bands.add(answer["band"])
    assert bands <= {"high", "medium"}
    pin(border.home, border.home / "bundles" / "vehicle-1", 1, border.sha256)
    wait_for_model(http, lambda served: served["problem"] is None)
    last = [as_json(http.post("/v1/scores", json=vehicle(n))) for n in range(400, 430)]
    assert {answer["model"]["version"] for answer in last} == {1}
    assert {answer["status"] for answer in last} == {"scored"}
    assert "low" in {answer["band"] for answer in last}


def promote_damaged(home: Path, url: str, version: int) -> None:
    promote(home, url, version)
    booster = home / "pins" / f"vehicle-{version}" / "booster.txt"
    booster.write_text(booster.read_text().replace("leaf_value=", "leaf_value=9", 1))
    # The pin is written anew, as a promotion does last; its bundle is not what was approved.
    file = home / "pins" / "vehicle.json"
    file.write_bytes(file.read_bytes() + b"\n")


def wait_for_model(http: httpx.Client, wanted: Any) -> None:
    for _ in range(200):
        if wanted(as_json(http.get("/v1/models"))["models"][0]):
            return
        time.sleep(0.1)
    raise AssertionError(http.get("/v1/models").text)


def test_no_identifier_is_in_the_log_or_the_metrics(border: Border, http: httpx.Client) -> None:
    request = vehicle(500)
    http.post("/v1/scores", json=request)
    http.post("/v1/scores", json={**request, "gross_mass_kg": "heavy"})
    http.get(f"/v1/scores/{request['movement_ref']}")
    metrics = http.get("/metrics").text
    assert re.search(r'foreland_scores_total\{band="\w+",kind="vehicle",status="scored"\}', metrics)
    said = border.server.log.read_text() + metrics
    for name in ("movement_ref", "haulier_eori", "vehicle_reg"):
        assert request[name] not in said


def test_nothing_can_be_ingested_while_it_serves(border: Border) -> None:
    with (
        closing(open_ledger(border.url)) as ledger,
        pytest.raises(LedgerBusy, match="server"),
    ):
        ledger.backfill([])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_is_scored_row_by_row(
    border: Border, tmp_path: Path, suffix: str, command: Command
) -> None:
    columns = ["movement_ref", "declared_at", "route_id", "haulier_eori", "gross_mass_kg"]
    given = [vehicle(number) for number in range(600, 605)]
    given.insert(2, {**vehicle(605), "gross_mass_kg": "heavy"})
    given.insert(4, {**vehicle(606), "declared_at": "2020-01-01T00:00:00Z"})
    movements = tmp_path / "movements.csv"
    with movements.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(given)
    before = read_ledger(border.url)
    out = tmp_path / f"scores.{suffix}"
    arguments = ["--kind", "vehicle", "--movements", str(movements), "--out", str(out)]
    status, said, _ = command(border.home, "score", *arguments, "--explain")
    assert status == 0
    assert "6 scored by vehicle model" in said
    assert "simulated" in said
    rows = read_csv(out) if suffix == "csv" else pq.read_table(out).to_pylist()
    assert list(rows[0]) == [
        "movement_ref",
        "status",
        "probability",
        "band",
        "reasons",
        "model_version",
        "error",
    ]
    assert [row["movement_ref"] for row in rows] == [row["movement_ref"] for row in given]
    statuses = [row["status"] for row in rows]
    assert statuses == ["scored", "scored", "rejected", "scored", "degraded", "scored", "scored"]
    assert "gross_mass_kg" in rows[2]["error"]
    assert rows[2]["probability"] in (None, "")
    assert rows[0]["reasons"]
    assert rows[4]["band"] != "low"
    assert rows[4]["reasons"].startswith("history_missing: ")
    assert read_ledger(border.url) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def read_ledger(url: str) -> list[Recorded]:
    with closing(open_ledger(url)) as ledger:
        return list(ledger.tail(0))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_port_in_use_and_other_mistakes_are_one_line(
    border: Border, tmp_path: Path, command: Command
) -> None:
    mistakes = [
        (border.home, ["serve", "--port", str(border.server.port)], f"port {border.server.port}"),
        (border.home, ["serve", "--host", "0.0.0.0"], "keys are not configured"),  # noqa: S104
        (border.home, ["serve", "--host", "border"], "--host"),
        (tmp_path, ["serve"], "foreland ingest"),
        (border.home, ["explain", "nothing"], "nothing"),
        (tmp_path, ["explain", "nothing"], "foreland ingest"),
        (
            border.home,
            ["score", "--kind", "vehicle", "--movements", "x.csv", "--out", "scores.txt"],
            ".parquet",
        ),
        (
            border.home,
            ["score", "--kind", "vehicle", "--movements", "missing.csv", "--out", "s.csv"],
            "missing.csv",
        ),
    ]
    for home, arguments, said in mistakes:
        status, _, error = command(home, *arguments)
        assert status == 2, arguments
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert said in error
