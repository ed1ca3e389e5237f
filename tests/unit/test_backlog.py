"""A worker that has much to hear says so with every answer, until it has heard it."""

from contextlib import closing
from pathlib import Path

import pytest

from features.ledger import open_ledger
from serving import app
from serving.app import create_app
from serving.following import MOST_EVENTS
from serving.metrics import Counters
from serving.reassessing import chore
from serving.state import ServingState
from tests.app_client import AppClient
from tests.example_events import movement_event
from tests.served_home import healthy_home, vehicle


def test_a_backlog_is_heard_in_parts_and_no_answer_is_low_before_its_end(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for chores in (app, "HOUSEKEEPING_SECONDS"), (chore, "SECONDS"):
        monkeypatch.setattr(*chores, 3_600.0)  # each would hear a part by itself
    settings = healthy_home(home)
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    assert client.post("/v1/scores", json=vehicle(1)).json()["band"] == "low"
    with closing(open_ledger(settings.ledger)) as ledger, ledger.transaction() as transaction:
        transaction.append([movement_event(1_000 + n) for n in range(2 * MOST_EVENTS + 500)])
    # It has heard 2 and there are 3 + 4,500; an answer hears 2,000 and adds one, which it has not.
    for left, heard in ((2_501, 2_002), (502, 4_002)):
        said = client.post("/v1/scores", json=vehicle(heard)).json()
        assert (said["status"], said["band"]) == ("degraded", "medium")
        (reason,) = said["degraded_reasons"]
        assert reason == f"history_lags: {left} events of the ledger are still to be heard"
        assert said["ledger_position"] == heard
    said = client.post("/v1/scores", json=vehicle(2)).json()
    assert (said["status"], said["band"], said["ledger_position"]) == ("scored", "low", 4_505)
    client.close()
