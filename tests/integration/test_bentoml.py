"""What BentoML's users expect: its client, its model store, and Bentos that serve anywhere."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from serving.audit import read_assessments
from tests.app_client import bearer, refused_with
from tests.command import runner
from tests.integration.small_border import (
    ROOT,
    Server,
    as_json,
    client,
    make_ledger,
    promote,
    ready,
    running,
    vehicle,
)
from tests.quiet_bentoml import bentoml_client


class Border(NamedTuple):
    home: Path
    url: str
    server: Server
    bystander: Path
    """A home with the keys and the ledger of ``home`` before it served; nothing is promoted."""
    asked: list[dict[str, Any]]
    answered: list[bytes]
    """By the first server, before anything else happened there."""


@pytest.fixture(scope="module")
def border(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Border]:
    home = tmp_path_factory.mktemp("home")
    url = make_ledger(home)
    promote(home, url, 1)
    bystander = tmp_path_factory.mktemp("elsewhere") / "home"
    shutil.copytree(home, bystander, ignore=shutil.ignore_patterns("pins", "bundles"))
    asked = [vehicle(number) for number in range(700, 706)]
    with running(home) as server:
        yield Border(home, url, server, bystander, asked, answers(server, asked))


def answers(server: Server, asked: list[dict[str, Any]]) -> list[bytes]:
    """The bodies, without what is another for each answer: its id and its instant."""
    with client(server.url) as http:
        given = [http.post("/v1/scores?explain=always", json=movement) for movement in asked]
    assert {response.status_code for response in given} == {200}
    return [
        re.sub(rb'"(score_id|as_of)":"[^"]+"', rb'"\1":""', response.content) for response in given
    ]


@pytest.fixture
def http(border: Border) -> Iterator[httpx.Client]:
    with client(border.server.url) as asking:
        yield asking


def test_bentomls_client_gets_the_recorded_answers(border: Border, http: httpx.Client) -> None:
    with bentoml_client(border.server.url) as asking:
        answer = asking.score(movement=vehicle(1), explain="always")
        first, refused, again = asking.score_batch(
            movements=[vehicle(2), vehicle(3, gross_mass_kg="5"), vehicle(1)]
        )
    assert answer["status"] == "scored"
    assert answer["reasons"]
    assert again == answer, "the version was scored before"
    assert first == as_json(http.post("/v1/scores", json=vehicle(2)))
    replayed = http.post("/v1/scores?explain=always", json=vehicle(1))
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert as_json(replayed) == answer
    assert (refused["code"], refused["status"]) == ("record_rejected", 422)
    assert refused["errors"][0]["pointer"] == "/gross_mass_kg"
    stored = as_json(http.get(f"/v1/scores/{answer['score_id']}"))
    assert stored == {**answer, "movement_ref": None}
    recorded = read_assessments(border.url)["score_id"]
    assert {answer["score_id"], first["score_id"]} <= set(recorded)


def test_bentomls_client_gets_for_each_row_what_a_batch_says_of_it(http: httpx.Client) -> None:
    """Whatever is wrong with one row is said in its place, and all see one instant."""
    rows = [
        json.dumps(vehicle(800)).encode(),
        b'{"kind":"vehicle","kind":"vehicle"}',
        json.dumps(vehicle(800, gross_mass_kg=1.0)).encode(),
        json.dumps(vehicle(801)).encode(),
        b"7",
        json.dumps({**vehicle(802), "movement_ref": "SANDBOX-LOW"}).encode(),
    ]
    body = b'{"movements":[%s]}' % b",".join(rows)
    called = http.post("/score_batch", content=body, headers=JSON_TYPE).json()
    batch = http.post("/v1/scores/batch", content=b"[%s]" % b",".join(rows), headers=JSON_TYPE)
    assert called[0]["as_of"] == called[3]["as_of"]
    for one, row in zip(called, batch.json()["results"], strict=True):
        if row["assessment"] is not None:
            assert one == row["assessment"]
        elif one["errors"]:
            assert [error["code"] for error in row["errors"]] == [e["code"] for e in one["errors"]]
        else:
            assert [error["code"] for error in row["errors"]] == [one["code"]]
    assert [one.get("code") for one in called] == [
        None,
        "duplicate_key",
        "movement_conflict",
        None,
        "record_rejected",
        None,
    ]


def test_a_refusal_reaches_bentomls_client_as_a_problem_document(border: Border) -> None:
    from bentoml.exceptions import BentoMLException

    with bentoml_client(border.server.url) as asking:
        with pytest.raises(BentoMLException) as refused:
            asking.score(movement=vehicle(10, colour="red"))
        with pytest.raises(TypeError, match="movements"):
            asking.score(movements=[])
    document = json.loads(str(refused.value))
    assert refused.value.error_code == document["status"] == 422
    assert document["code"] == "record_rejected"
    assert "colour is no field" in document["detail"]


JSON_TYPE = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/score", "/score_batch"])
def test_a_call_is_read_as_strictly_as_a_route(http: httpx.Client, path: str) -> None:
    """BentoML alone would take each of these."""
    argument = b'"movement":{}' if path == "/score" else b'"movements":[]'
    refusals = [
        (b"{%s,%s}" % (argument, argument), JSON_TYPE, "duplicate_key"),
        (b'{%s,"model":"mine"}' % argument, JSON_TYPE, "record_rejected"),
        (b'{%s,"explain":"all"}' % argument, JSON_TYPE, "record_rejected"),
        (b'{"explain":"always"}', JSON_TYPE, "record_rejected"),
        (b"{%s,NaN}" % argument, JSON_TYPE, "bad_json"),
        (b"", JSON_TYPE, "bad_json"),
        (b"[" * 99, JSON_TYPE, "too_deep"),
        (b" " * (1 << (20 if path == "/score" else 24)) + b"{}", JSON_TYPE, "body_too_large"),
        (b"{%s}" % argument, {"Content-Type": "text/plain"}, "unsupported_media_type"),
        (b"{%s}" % argument, {"Content-Type": "application/vnd.bentoml+pickle"}, ""),
    ]
    for body, headers, code in refusals:
        response = http.post(path, content=body, headers=headers)
        if code:
            refused_with(response, code)
        assert response.status_code in (400, 413, 415, 422), body[:40]
    refused_with(http.post(f"{path}?explain=always", json={}), "bad_query")


def test_what_is_promoted_comes_into_bentomls_store(border: Border) -> None:
    model = border.home / "bentoml" / "models" / "foreland-vehicle" / "1"
    end = time.monotonic() + 20
    while time.monotonic() < end and not (model / "model.yaml").exists():
        time.sleep(0.1)
    bundle = border.home / "pins" / "vehicle-1"
    assert contents(model / "vehicle-1") == contents(bundle)


def contents(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def bento(border: Border, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by BentoML's command, exported, and unpacked in another place."""
    made = tmp_path_factory.mktemp("made")
    archive = made / "foreland.bento"
    home = {"FORELAND_HOME": str(border.home), "BENTOML_HOME": str(made / "bentoml")}
    environment = {**os.environ, **home, "BENTOML_DO_NOT_TRACK": "True"}
    for arguments in (["build"], ["export", "foreland:latest", str(archive)]):
        command = [sys.executable, "-W", "ignore", "-m", "bentoml", *arguments]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    unpacked = tmp_path_factory.mktemp("another") / "foreland"
    with tarfile.open(archive) as packed:
        packed.extractall(unpacked, filter="data")
    shutil.rmtree(made)
    return unpacked


@pytest.mark.slow
def test_a_bento_answers_the_same_from_another_place(border: Border, bento: Path) -> None:
    take_compiled_code(bento / "src")
    public_key = (border.home / "keys" / "signing-bundles.pub").read_text().strip()
    with ready(BentoServer(border.bystander, bento, public_key)) as server:
        assert answers(server, border.asked) == border.answered
        with bentoml_client(server.url) as asking:
            assert asking.score(movement=vehicle(1))["status"] == "scored"
        with client(server.url) as http:
            served = as_json(http.get("/v1/models"))["models"][0]
        assert (served["model"]["version"], served["approvers"]) == (1, ["A", "B"])
        assert server.terminate() == 0
    assert not (border.bystander / "pins").exists()
    assert list((border.bystander / "bentoml" / "models").iterdir()) == []


def take_compiled_code(target: Path) -> None:
    """Numba knows the same source by its time; compiling it again takes longer than the test."""
    for package in ("features", "models", "serving"):
        for compiled in (ROOT / package).rglob("*.nb[ic]"):
            copy = target / compiled.relative_to(ROOT)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(compiled, copy)
        for source in (ROOT / package).rglob("*.py"):
            shutil.copystat(source, target / source.relative_to(ROOT))


class BentoServer(Server):
    """``bentoml serve`` on a Bento, knowing nothing of where it was built but the public key."""

    def __init__(self, home: Path, bento: Path, public_key: str) -> None:
        command = [sys.executable, "-m", "bentoml", "serve", str(bento), "--host", "127.0.0.1"]
        environment = {
            "FORELAND_BUNDLE_KEYS": public_key,
            "BENTOML_HOME": str(home / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "True",
        }
        self._start(home, command, home, environment)


COMPILED = {".pyc", ".nbi", ".nbc"}  # by the server of the test before


def test_a_bento_holds_code_and_models_and_no_secret(border: Border, bento: Path) -> None:
    files = contents(bento)
    code = {"features", "models", "training", "serving", "monitoring", "foreland.py", "LICENSE"}
    assert {path.split("/")[1] for path in files if path.startswith("src/")} == {
        *code,
        "bentofile.yaml",
    }
    endings = {Path(path).suffix for path in files if path.startswith("src/")}
    assert endings <= {".py", ".toml", ".css", ".html", ".yaml", "", *COMPILED}
    model = "models/foreland-vehicle/1"
    below = {path.removeprefix("models/") for path in files if path.startswith("models/")}
    pinned = {f"foreland-vehicle/1/{path}" for path in contents(border.home / "pins")}
    assert below == {*pinned, "foreland-vehicle/latest", "foreland-vehicle/1/model.yaml"}
    assert files[f"{model}/vehicle.json"] == (border.home / "pins" / "vehicle.json").read_bytes()
    secrets = [
        line
        for file in (border.home / "keys").glob("*.key")
        for line in file.read_bytes().split()
        if len(line) == 64
    ]
    assert len(secrets) >= 2
    everything = b"\n".join(files.values())
    assert not any(secret in everything for secret in secrets)
    assert b"PAST-1" not in everything


def test_the_containerfile_of_a_bento_installs_the_lock_and_drops_root(bento: Path) -> None:
    containerfile = (bento / "env" / "docker" / "Dockerfile").read_text().splitlines()
    assert "FROM python:3.11-slim AS base-container" in containerfile
    assert [line for line in containerfile if line.startswith("USER ")][-1] == "USER bentoml"
    assert "ENV BENTOML_DO_NOT_TRACK=$BENTOML_DO_NOT_TRACK" in containerfile
    assert any("pip install -r" in line and "requirements.txt" in line for line in containerfile)
    installed = (bento / "env" / "python" / "requirements.txt").read_text()
    locked = (ROOT / "requirements.lock").read_text()
    pinned = re.compile(
        r"^(?:[\w.-]+(?:\[\S+\])?==\S+|\s+--hash=sha256:[0-9a-f]{64})", re.MULTILINE
    )
    assert len(pinned.findall(locked)) > 1_000
    # BentoML adds its own version once more; uv still verifies the hash that stands above.
    assert pinned.findall(installed) == [*pinned.findall(locked), "bentoml==1.4.39"]


def test_bentomls_pages_stay_beside_ours(http: httpx.Client) -> None:
    assert as_json(http.get("/openapi.json"))["openapi"].startswith("3.1")
    assert set(as_json(http.get("/docs.json"))["paths"]) >= {"/score", "/score_batch"}
    refused_with(http.get("/score"), "no_such_route")


def test_from_the_first_key_on_bentomls_client_needs_one(
    border: Border, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last test of this file: a key locks the service for all who come without."""
    from bentoml.exceptions import BentoMLException

    monkeypatch.setenv("FORELAND_HOME", str(border.home))
    keys = {}
    for name, scopes in [("desk", "score.write"), ("lab", "outcome.write")]:
        done = runner(monkeypatch)("keys", "create", "--client", name, "--scopes", scopes)
        keys[name] = done.out.splitlines()[-1]
    with bentoml_client(border.server.url, keys["desk"]) as asking:
        assert asking.score(movement=vehicle(20))["status"] == "scored"
        assert [row["status"] for row in asking.score_batch(movements=[vehicle(21)])] == ["scored"]
    for token, code in [(None, "unauthorized"), (keys["lab"], "scope_missing")]:
        with bentoml_client(border.server.url, token) as asking:
            for call in (asking.score, asking.score_batch):
                with pytest.raises(BentoMLException) as refused:
                    call(**{"movement" + "s" * (call is not asking.score): [vehicle(22)]})
                assert json.loads(str(refused.value))["code"] == code
    for path in ("/score", "/score_batch"):
        refused_with(
            http.post(path, content=b"never read", headers=bearer("wrong")), "unauthorized"
        )
