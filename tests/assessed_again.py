"""Movements that are assessed again when a test says so, and what is told of it."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.ledger import MovementReassessed, open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.audit.verification import verify
from serving.metrics import Counters
from serving.reassessing import chore
from serving.replaying import replay
from serving.state import ServingState
from tests.app_client import AppClient
from tests.served_home import ALL_HIGH, healthy_home, pin_small, vehicle

LONGEST_SECONDS = 30.0


def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is assessed again but by ``tick``, and that without rests."""
    monkeypatch.setattr(chore, "SECONDS", 3_600.0)
    monkeypatch.setattr(chore, "RESTS_FOR_WORK", 0.0)


def home_of_low_vehicles(home: Path, url: str | None = None) -> Settings:
    """Every vehicle is low and every shipment high."""
    made = healthy_home(home, url)
    pin_small(home, 1, kind="shipment", thresholds=ALL_HIGH)
    return made


def on_its_way(number: int, **changes: Any) -> dict[str, Any]:
    """A vehicle that arrives tomorrow."""
    now = datetime.now(UTC)
    times = {"departs_at": now, "arrives_at": now + timedelta(days=1)}
    return vehicle(number, **{name: at.isoformat() for name, at in times.items()}, **changes)


CARRIER = vehicle(1)["movement_ref"]
ABOARD = {"carried_by": {"kind": "vehicle", "movement_ref": CARRIER}}


@contextmanager
def serving(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    try:
        yield opened
    finally:
        opened.close()


def score(client: AppClient, movement: dict[str, Any]) -> dict[str, Any]:
    """Sent again while recording is slow, as the answer asks."""
    end = time.monotonic() + LONGEST_SECONDS
    while True:
        response = client.post("/v1/scores", json=movement)
        if response.status_code != 503 or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def tick(client: AppClient) -> None:
    reassessing = client.app.state.serving.reassessing
    client.run(reassessing.tick())
    assert reassessing.problem is None


def about(client: AppClient, reference: str = CARRIER, kind: str = "vehicle") -> list[Any]:
    """All assessments, the newest first."""
    found = client.get(f"/v1/scores?kind={kind}&movement_ref={reference}").json()
    assessments: list[Any] = found["assessments"]
    return assessments


def examined(client: AppClient, movement: dict[str, Any], outcome: str = "positive") -> None:
    message = {
        "kind": movement["kind"],
        "event_id": f"EXAM-{movement['movement_ref']}",
        "movement_ref": movement["movement_ref"],
        "outcome": outcome,
        "examined_at": "2026-03-01T17:05:00Z",
    }
    response = client.post("/v1/outcomes", json=message)
    assert response.json()["outcomes"][0]["status"] == "accepted", response.text


def events(settings: Settings) -> list[MovementReassessed]:
    with closing(open_ledger(settings.ledger)) as ledger:
        found = [event.payload for event in ledger.read_source("reassessment")]
    return [one for one in found if isinstance(one, MovementReassessed)]


def check_whole(settings: Settings) -> None:
    """The log is what was written, and every score can be computed again."""
    findings: list[Any] = []
    with closing(open_ledger(settings.ledger)) as ledger:
        verify(ledger, settings.exported_heads, (), findings.append)
    assert not [one for one in findings if one.rule != "key_unknown"]
    with closing(sqlite3.connect(settings.home / "ledger.db")) as database:
        ids = [one for (one,) in database.execute("SELECT score_id FROM assessments")]
    for score_id in ids:
        assert replay(settings, settings.ledger, score_id).verdict in ("the same", "unassessed")
