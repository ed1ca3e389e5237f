"""What a request has made is freed with it: nothing of it waits for the garbage collector, which a
worker leaves off, and which requests that nobody knows the sender of do not call."""

import asyncio
import gc
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from features.clock import now_micros
from features.ledger import open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.auth import key_store
from serving.auth.access import LOCAL
from serving.auth.api_keys import new_key
from serving.auth.key_store import open_keys
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.state import ServingState
from tests.benchmarks.serving import _as_arrow

VEHICLE = MOVEMENT_EXAMPLES["vehicle"]
ARROW = "application/vnd.apache.arrow.stream"
REQUESTS = 40
NUMBERS = count(1)


def vehicle(**changes: Any) -> dict[str, Any]:
    return {**VEHICLE, "movement_ref": f"NEW-{next(NUMBERS)}", **changes}


def conflicting() -> dict[str, Any]:
    return {**VEHICLE, "movement_ref": "SAME", "gross_mass_kg": next(NUMBERS)}


def outcome() -> dict[str, Any]:
    return {
        "kind": "vehicle",
        "event_id": "SAME",
        "movement_ref": f"NEW-{next(NUMBERS)}",
        "outcome": "negative",
        "examined_at": "2026-03-01T17:05:00Z",
    }


class Case:
    def __init__(
        self, status: int, path: str, body: Callable[[], bytes], media_type: str, bad: str = ""
    ) -> None:
        """
        Args:
            bad: a credential in the place of a good one.
        """
        self.status, self.path, self._body = status, path, body
        self._media_type, self._bad = media_type, bad

    async def ask(self, app: Starlette, key: str) -> int:
        sent: list[Any] = []
        body = self._body()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 1),
            "client": ("127.0.0.1", 2),
            "scheme": "http",
            "method": "POST",
            "root_path": "",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "headers": [
                (b"content-type", self._media_type.encode()),
                (b"authorization", f"Bearer {self._bad or key}".encode()),
            ],
            "state": {},
        }
        await app(scope, receive, send)
        return int(sent[0]["status"])


def as_json(said: Callable[[], Any]) -> Callable[[], bytes]:
    return lambda: json.dumps(said()).encode()


SCORES, BATCH = "/v1/scores", "/v1/scores/batch"
JSON = "application/json"
CASES = {
    "a bad key": Case(401, SCORES, lambda: b"{}", JSON, bad="fl_nobody"),
    "a bad token": Case(401, SCORES, lambda: b"{}", JSON, bad="eyJhIjox.eyJhIjox.AAAA"),
    "no such path": Case(404, "/nowhere", lambda: b"", JSON),
    "bad JSON": Case(400, SCORES, lambda: b"{", JSON),
    "a field that is wrong": Case(422, SCORES, as_json(lambda: vehicle(gross_mass_kg=-1)), JSON),
    "a conflict": Case(409, SCORES, as_json(conflicting), JSON),
    "a conflict of outcomes": Case(409, "/v1/outcomes", as_json(outcome), JSON),
    "a bad row": Case(200, BATCH, as_json(lambda: [vehicle(), {}, conflicting()]), JSON),
    "a bad row by Arrow": Case(
        200, BATCH, lambda: _as_arrow([vehicle(), vehicle(declared_at="x")]), ARROW
    ),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}")


@pytest.fixture
def key(settings: Settings) -> str:
    made, stored = new_key(LOCAL, created_at=now_micros())
    with closing(open_ledger(settings.ledger)) as ledger:
        open_keys(ledger).close()  # which makes the tables
        key_store.add(ledger, stored)
    return made


@pytest.fixture
def collector_off() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize("name", CASES)
def test_nothing_of_a_refused_request_waits_for_the_collector(
    settings: Settings, key: str, name: str
) -> None:
    case = CASES[name]
    app = create_app(lambda: ServingState(settings), counters=Counters())

    async def garbage() -> int:
        async with app.router.lifespan_context(app):
            for _ in range(3):  # what is made once
                await case.ask(app, key)
            gc.collect()
            for _ in range(REQUESTS):
                assert await case.ask(app, key) == case.status
            await asyncio.sleep(0.05)  # threads have let go of what they were given
            return gc.collect()

    assert asyncio.run(garbage()) < REQUESTS
