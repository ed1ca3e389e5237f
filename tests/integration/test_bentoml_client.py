"""BentoML's own client, against the service as it runs."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from serving.audit import read_assessments
from tests.app_client import bearer, refused_with
from tests.command import runner
from tests.integration.small_border import (
    Server,
    as_json,
    client,
    make_ledger,
    promote,
    running,
    vehicle,
)


class Border(NamedTuple):
    home: Path
    url: str
    server: Server


@pytest.fixture(scope="module")
def border(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Border]:
    home = tmp_path_factory.mktemp("home")
    url = make_ledger(home)
    promote(home, url, 1)
    with running(home) as server:
        yield Border(home, url, server)


@pytest.fixture
def http(border: Border) -> Iterator[httpx.Client]:
    with client(border.server.url) as asking:
        yield asking


@contextmanager
def bentoml_client(url: str, token: str | None = None) -> Iterator[Any]:
    with warnings.catch_warnings():
        # until bentoml asks pathspec for the pattern that is called gitignore now
        warnings.simplefilter("ignore", DeprecationWarning)
        from bentoml import SyncHTTPClient

        asking = SyncHTTPClient(url, token=token)
    with asking:
        yield asking
    asking._temp_dir.cleanup()  # it leaves that to the garbage collector, which warns


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
        (b" " * (1 << 20) + b"{}", JSON_TYPE, "body_too_large"),
        (b"{%s}" % argument, {"Content-Type": "text/plain"}, "unsupported_media_type"),
        (b"{%s}" % argument, {"Content-Type": "application/vnd.bentoml+pickle"}, ""),
    ]
    for body, headers, code in refusals:
        response = http.post(path, content=body, headers=headers)
        if code:
            refused_with(response, code)
        assert response.status_code in (400, 413, 415, 422), body[:40]
    refused_with(http.post(f"{path}?explain=always", json={}), "bad_query")


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
