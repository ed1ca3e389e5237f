"""Lines about requests: which ones, how often, and nothing of what a client sent."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.settings import Settings
from serving.app import create_app
from serving.metrics import Counters
from serving.request_log import RequestLog
from serving.state import ServingState
from tests.app_client import AppClient
from tests.served_home import healthy_home, vehicle


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[dict[str, Any]]]:
    """What was said of requests, as it is said."""
    found: list[dict[str, Any]] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "request":
                found.append(vars(record)["fields"])

    listener, logger = Listener(), logging.getLogger("foreland.serving")
    logger.addHandler(listener)
    with caplog.at_level(logging.INFO, "foreland.serving"):
        yield found
    logger.removeHandler(listener)


def test_slow_and_refused_ones_have_a_line_and_no_more_than_one_a_second(
    lines: list[dict[str, Any]],
) -> None:
    now = [10.0]
    log = RequestLog(Settings(slow_request_milliseconds=20.0), clock=lambda: now[0])
    log.note("GET /livez", 200, None, 0.0199)
    assert lines == []
    log.note("GET /livez", 200, None, 0.02)
    log.note("POST /v1/scores", 422, "record_rejected", 0.00123)
    for _ in range(17):
        log.note("POST /v1/scores", 422, "record_rejected", 0.001)
    log.note("POST /v1/scores", 400, "bad_json", 0.001)
    now[0] = 11.0
    log.note("POST /v1/scores", 422, "record_rejected", 0.001)
    rejected = {"route": "POST /v1/scores", "status": 422, "code": "record_rejected"}
    assert lines == [
        {"route": "GET /livez", "status": 200, "milliseconds": 20.0},
        {**rejected, "milliseconds": 1.2},
        {"route": "POST /v1/scores", "status": 400, "code": "bad_json", "milliseconds": 1.0},
        {**rejected, "milliseconds": 1.0, "left_out": 17},
    ]


@pytest.mark.parametrize(("which", "expected"), [("none", 0), ("slow", 1), ("all", 4)])
def test_the_setting_says_of_which(which: str, expected: int, lines: list[dict[str, Any]]) -> None:
    log = RequestLog(Settings.model_validate({"log_requests": which}))
    for code in (None, None, "overloaded", "overloaded"):
        log.note("POST /v1/scores", 200 if code is None else 503, code, 0.001)
    assert len(lines) == expected


def test_a_line_names_the_declared_route_and_nothing_that_was_sent(
    home: Path, lines: list[dict[str, Any]]
) -> None:
    settings = healthy_home(home).model_copy(update={"log_requests": "all"})
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    client.post("/v1/scores", json=vehicle(1))
    client.get("/v1/scores/AB12CDE")
    client.request("DELETE", "/v1/movements/AB12CDE?kind=AB12CDE")
    client.request("AB12CDE", "/v1/scores")
    client.get("/AB12CDE?AB12CDE=AB12CDE")
    client.close()
    assert [(said["route"], said["status"], said.get("code")) for said in lines] == [
        ("POST /v1/scores", 200, None),
        ("GET /v1/scores/{score_id}", 404, "no_such_score"),
        ("DELETE /v1/movements/{movement_ref:text}", 400, "bad_query"),
        ("/v1/scores", 405, "method_not_allowed"),
        ("GET /{path:text}", 404, "no_such_route"),
    ]
    assert "AB12CDE" not in str(lines)
