"""The issuer's keys over HTTP: refused, slow, garbage, another's, flapping; as clients see it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from serving.app import create_app
from serving.auth import key_sets
from serving.metrics import Counters
from serving.state import ServingState
from tests.app_client import AppClient
from tests.issuer import as_json, key_set, public, stranger, token, trusting
from tests.served_home import healthy_home, vehicle

FAULTS = ("refused", "slow", "garbage", "an error page", "endless")
LONGEST_GOOD_SECONDS = 1.0
"""Of an issuer that is not slow, on a machine that is."""
LONGEST_ANSWER_SECONDS = 3.0
"""The patience of a request for keys that are being fetched, and the noise of the machine."""


class Issuer:
    """Answers with its key set, or as ``how`` says."""

    def __init__(self, port: int) -> None:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.answer(self)

            def log_message(self, *_: Any) -> None: ...

        self.how = "good"
        self.keys = key_set()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}/jwks"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.how == "refused":
            return
        if self.how == "slow":
            time.sleep(1.5 * LONGEST_GOOD_SECONDS)
        request.send_response(503 if self.how == "an error page" else 200)
        request.end_headers()
        if self.how == "endless":
            request.wfile.write(b" " * (key_sets.MOST_BYTES + 1))
        request.wfile.write(b"{]" if self.how == "garbage" else self.keys)


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """Asked again much sooner than outside of tests, and given up sooner."""
    monkeypatch.setattr(key_sets, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(key_sets, "FETCH_SECONDS", LONGEST_GOOD_SECONDS)
    monkeypatch.setattr(key_sets, "BETWEEN_UNKNOWN_SECONDS", 0.05)
    found = Issuer(0)
    serving = Thread(target=found.server.serve_forever, args=(0.01,))
    serving.start()
    yield found
    found.server.shutdown()
    serving.join()
    found.server.server_close()


@contextmanager
def service(home: Path, issuer: Issuer, **changes: float) -> Iterator[AppClient]:
    settings = trusting(healthy_home(home), issuer.address).model_copy(
        update={"jwks_max_age_seconds": 0.05, **changes}
    )
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    try:
        yield client
    finally:
        client.close()


def asked(client: AppClient, number: int, sub: str = "port") -> tuple[int, str]:
    """Status, and the band or the code; a token that nobody has seen before for each ``sub``."""
    began = time.monotonic()
    response = client.post("/v1/scores", json=vehicle(number), credential=token(sub=sub))
    assert time.monotonic() - began < LONGEST_ANSWER_SECONDS
    said = response.json()
    return response.status_code, said["band" if response.status_code == 200 else "code"]


def until_said(client: AppClient, *, wrong: bool) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        problems = client.get("/readyz").json()["problems"]
        if wrong == any(one.startswith("jwks_unavailable: ") for one in problems):
            return
        time.sleep(0.02)
    raise AssertionError(problems)


def test_keys_that_were_fetched_outlive_every_fault_of_the_issuer(
    home: Path, issuer: Issuer
) -> None:
    """One after the other, with good answers between: the issuer flaps."""
    with service(home, issuer) as client:
        assert asked(client, 0) == (200, "low")
        for number, fault in enumerate(FAULTS, start=1):
            issuer.how = fault
            until_said(client, wrong=True)
            assert asked(client, number, sub=f"client-{number}") == (200, "low")
            issuer.how = "good"
            until_said(client, wrong=False)


@pytest.mark.parametrize("how", FAULTS)
def test_a_service_that_never_had_keys_answers_so_and_takes_them_when_they_come(
    home: Path, issuer: Issuer, how: str
) -> None:
    issuer.how = how
    with service(home, issuer) as client:
        assert asked(client, 1) == (503, "tokens_unverifiable")
        issuer.how = "good"
        until_said(client, wrong=False)
        assert asked(client, 1) == (200, "low")


def test_after_the_last_keys_are_too_old_nothing_is_answered_until_new_ones_come(
    home: Path, issuer: Issuer
) -> None:
    with service(home, issuer, jwks_stale_hours=0.5 / 3600) as client:
        assert asked(client, 1) == (200, "low")
        issuer.how = "garbage"
        time.sleep(1)
        assert asked(client, 2) == (503, "tokens_unverifiable")
        issuer.how = "good"
        until_said(client, wrong=False)
        assert asked(client, 2) == (200, "low")


def test_keys_of_another_issuer_open_nothing(home: Path, issuer: Issuer) -> None:
    """Wrong data that is a good key set."""
    with service(home, issuer) as client:
        assert asked(client, 1) == (200, "low")
        issuer.keys = as_json({"keys": [public("rsa-9", stranger())]})
        time.sleep(0.5)
        assert asked(client, 2, sub="another") == (401, "unauthorized")
        issuer.keys = key_set()
        time.sleep(0.5)
        assert asked(client, 2, sub="another") == (200, "low")
