"""Request ids and log lines: a client's own id is kept, and nothing else that it sent is."""

import json
import logging
import sys
from pathlib import Path

import pytest

from features.ledger import open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.logs import REQUEST_ID, JsonLines
from serving.metrics import Counters
from serving.state import ServingState
from tests.app_client import AppClient


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("4bf92f3577b34da6a3ce929d0e0e4736", True),
        ("0199a3c2-7c1e-7b52-9d0e-4f6f1f0b8a11", True),
        ("AB12CDE", False),
        ("4bf92f3577b34da6\u00e9", False),
        ("f" * 65, False),
    ],
)
def test_answers_and_problems_carry_the_id_of_their_request(
    tmp_path: Path, sent: str, kept: bool
) -> None:
    settings = Settings(home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}")
    open_ledger(settings.ledger).close()
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    try:
        for path in ("/livez", "/v1/scores/1"):
            response = client.request("GET", path, headers={b"X-Request-Id": sent.encode()})
            given = response.headers["x-request-id"]
            assert (given == sent) is kept
    finally:
        client.close()
    assert response.json()["instance"] == f"urn:foreland:request:{given}"


def test_a_line_tells_type_and_place_of_a_fault_and_not_its_message() -> None:
    token = REQUEST_ID.set("4bf92f3577b34da6")
    try:
        raise ValueError("REG AB12 CDE")
    except ValueError:
        fault = sys.exc_info()
        record = logging.LogRecord("foreland", logging.ERROR, "", 1, "it failed", (), fault)
        line = JsonLines().format(record)
    finally:
        REQUEST_ID.reset(token)
    said = json.loads(line)
    assert (said["level"], said["event"], said["request_id"]) == (
        "error",
        "it failed",
        "4bf92f3577b34da6",
    )
    assert said["exception"] == "ValueError"
    assert "test_logs.py" in said["places"][-1]
    assert "AB12" not in line
    assert "\n" not in line
