"""``foreland keys`` beside a service that runs: two workers, asked over HTTP."""

import datetime
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

import foreland
from features.draw_keys import draw_secret
from features.ledger import open_ledger
from models.policies import day_key
from serving.openapi import MOVEMENT_EXAMPLES
from tests.integration.small_border import Server, client, free_port, running
from tests.issuer import AUDIENCE, ISSUER, key_set, public, signed, stranger, token
from tests.issuer import claims as claims_of
from tests.issuer import header as header_of

VEHICLE = MOVEMENT_EXAMPLES["vehicle"]
KEY = re.compile(r"[A-Za-z0-9_.-]{32,}")

PATIENCE_SECONDS = 20.0

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """``foreland keys ...`` in this process: exit status, standard output, standard error."""

    def run(home: Path, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("FORELAND_HOME", str(home))
        monkeypatch.setattr(sys, "argv", ["foreland", "keys", *arguments])
        with pytest.raises(SystemExit) as ended:
            foreland.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


class Service(NamedTuple):
    home: Path
    server: Server
    metrics: str
    jwks: Path


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("home")
    open_ledger(f"sqlite:///{home / 'ledger.db'}").close()
    port = free_port()
    (home / "foreland.toml").write_text(f"metrics_port = {port}\n")
    with running(home, "--workers", "2") as server:
        yield Service(home, server, f"http://127.0.0.1:{port}/metrics", home / "jwks.json")


def key_in(output: str) -> str:
    """Alone on the last line."""
    key = output.splitlines()[-1]
    assert KEY.fullmatch(key)
    return key


def statuses(service: Service, credential: str | None, times: int = 20) -> set[int]:
    """Of requests on connections of their own, so that both workers are asked."""
    headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
    found = set()
    for _ in range(times):
        with client(service.server.url) as asking:
            found.add(asking.get("/v1/models", headers=headers).status_code)
    return found


def wait_until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)


def test_a_key_lives_and_ends_while_the_service_runs(service: Service, command: Command) -> None:
    """Each step counts in both workers at once, or soon, and without a restart."""
    home = service.home
    assert statuses(service, None) == {200}
    status, said, _ = command(
        home, "create", "--client", "port", "--agency", "border", "--scopes", "score.write"
    )
    assert status == 0
    first = key_in(said)
    assert statuses(service, first) == {200}
    assert statuses(service, None) == {401}
    status, said, told = command(home, "rotate", "--client", "port", "--grace-hours", "0.001")
    assert (status, told.startswith("the old key is good until ")) == (0, True)
    second = key_in(said)
    assert statuses(service, first, times=2) == {200}, "within its 3.6 s of grace"
    assert statuses(service, second) == {200}
    wait_until(lambda: statuses(service, first) == {401})
    assert command(home, "revoke", "--client", "port")[0] == 0
    wait_until(lambda: statuses(service, second) == {401})
    assert statuses(service, None) == {401}
    _, listed, _ = command(home, "list")
    assert re.search(r"port  agency border  score.write  created \S+  revoked ", listed)
    assert first not in listed
    assert second not in listed
    log = service.server.log.read_text()
    assert "a credential was refused: key_revoked" in log
    assert first not in log
    assert second not in log


def test_metrics_have_a_port_of_their_own(service: Service, command: Command) -> None:
    command(service.home, "create", "--client", "metrics", "--scopes", "audit.read")
    said = httpx.get(service.metrics, trust_env=False).text
    assert "foreland_history_position" in said
    assert statuses(service, "nobody") == {401}
    said = httpx.get(service.metrics, trust_env=False).text
    assert re.search(r'foreland_credentials_refused_total\{reason="malformed_key"\} \d', said)
    with client(service.server.url) as asking:
        assert asking.get("/metrics").status_code == 404


def test_two_agencies_over_http(service: Service, command: Command) -> None:
    keys = [
        key_in(command(service.home, "create", "--client", name, "--scopes", "score.write")[1])
        for name in ("one", "other")
    ]
    with client(service.server.url) as asking:
        locations = []
        for key in keys:
            asking.headers["Authorization"] = f"Bearer {key}"
            answer = asking.post("/v1/scores", json=VEHICLE)
            assert answer.status_code == 200
            assert "idempotent-replayed" not in answer.headers
            locations.append(answer.headers["location"])
        assert asking.get(locations[1]).status_code == 200
        assert asking.get(locations[0]).status_code == 404


def test_mistakes_are_one_line_that_says_what_to_do(tmp_path: Path, command: Command) -> None:
    home = tmp_path / "home"
    status, _, error = command(home, "list")
    assert (status, "foreland ingest" in error) == (2, True)
    create = ["create", "--client", "port", "--scopes", "score.write"]
    assert command(home, *create)[0] == 0
    mistakes = [
        (create, "`foreland keys rotate --client port`"),
        ([*create[:3], "--agency", "b", *create[3:]], "belongs to agency port, for good"),
        (["create", "--client", "a b", "--scopes", "score.write"], "--client is made of letters"),
        (["create", "--client", "a", "--scopes", "score"], "there is no scope 'score'; there are"),
        (["create", "--client", "a", "--scopes", ","], "--scopes needs at least one of"),
        (["rotate", "--client", "none"], "`foreland keys list` shows all"),
        (["revoke", "--client", "none"], "`foreland keys list` shows all"),
    ]
    for arguments, said in mistakes:
        status, out, error = command(home, *arguments)
        assert (status, out) == (2, "")
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert said in error


def test_an_address_that_others_reach_needs_a_key_first(tmp_path: Path, command: Command) -> None:
    home = tmp_path / "home"
    command(home, "create", "--client", "port", "--scopes", "score.write")
    command(home, "revoke", "--client", "port")
    with running(home, "--host", "0.0.0.0") as server, client(server.url) as asking:  # noqa: S104
        assert asking.get("/v1/models").status_code == 401


def test_tokens_outlive_their_issuer_and_a_rotation_needs_no_restart(tmp_path: Path) -> None:
    """The key set is a file here, which is renewed, then goes away."""
    jwks = tmp_path / "jwks.json"
    jwks.write_bytes(key_set())
    open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}").close()
    (tmp_path / "foreland.toml").write_text(
        f'jwks = "{os.path.relpath(jwks)}"\njwt_issuer = "{ISSUER}"\njwt_audience = "{AUDIENCE}"\n'
        "jwks_max_age_seconds = 1\n"
    )
    new = signed(header_of(kid="rsa-2"), claims_of(), key=stranger())
    with running(tmp_path) as server, client(server.url) as asking:

        def status(credential: str) -> int:
            headers = {"Authorization": f"Bearer {credential}"}
            return asking.get("/v1/models", headers=headers).status_code

        assert asking.get("/v1/models").status_code == 401
        assert (status(token()), status(new)) == (200, 401)
        jwks.write_bytes(key_set(public("rsa-2", stranger())))
        wait_until(lambda: status(new) == 200)
        assert status(token()) == 200
        jwks.unlink()

        def is_missed() -> bool:
            assert status(token(sub="another")) == 200
            problems = asking.get("/readyz").json()["problems"]
            return any(problem.startswith("jwks_unavailable: ") for problem in problems)

        wait_until(is_missed)


def test_the_key_of_a_day_is_disclosed_once_the_day_is_over(
    command: Command, tmp_path: Path
) -> None:
    status, said, _ = command(tmp_path, "draws", "--day", "2026-03-01")
    assert status == 0
    expected = day_key(draw_secret(tmp_path / "keys"), datetime.date(2026, 3, 1))
    assert said.strip() == expected.hex()
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    status, said, error = command(tmp_path, "draws", "--day", today)
    assert (status, said) == (2, "")
    assert error.startswith(f"error: {today} is not over")
