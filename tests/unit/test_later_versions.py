"""A later version of a movement is no old acquaintance of the earlier one: it would look better
known than it is, and whoever sent everything twice would gain by it."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from features.history.online import LiveHistory
from features.settings import Settings
from serving.app import create_app
from serving.audit import read_one
from serving.metrics import Counters
from serving.replaying import replay
from serving.state import ServingState
from tests.app_client import AppClient
from tests.integration.small_border import make_ledger, promote, vehicle

STRANGER = {"haulier_eori": "XX123456789", "consignee_eori": "XX987654321"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = make_ledger(tmp_path, movements=300)
    promote(tmp_path, url, 1)
    return Settings(home=tmp_path, ledger_url=url)


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def version(number: int) -> dict[str, Any]:
    return vehicle(1, version=number, **STRANGER)


def scored(client: AppClient, movement: dict[str, Any]) -> str:
    answer = client.post("/v1/scores", json=movement).json()
    assert answer["status"] == "scored"
    return str(answer["score_id"])


def row_of(settings: Settings, score_id: str) -> NDArray[np.float64]:
    recorded = read_one(settings.ledger, score_id)
    assert recorded is not None
    return np.frombuffer(recorded.row or b"")


def test_a_later_version_is_read_as_if_it_were_the_first(
    settings: Settings, client: AppClient
) -> None:
    first, later = scored(client, version(1)), scored(client, version(2))
    batch = client.post("/v1/scores/batch", json=[vehicle(9), version(3), vehicle(10)]).json()
    in_a_batch = batch["results"][1]["assessment"]["score_id"]
    for again in (later, in_a_batch):  # but for what moves with the clock
        np.testing.assert_allclose(row_of(settings, again), row_of(settings, first), rtol=1e-4)
        assert replay(settings, settings.ledger, again).verdict == "the same"


def test_another_movement_of_the_same_company_does_count(
    settings: Settings, client: AppClient
) -> None:
    first = scored(client, version(1))
    other = scored(client, vehicle(2, **STRANGER))
    assert not np.allclose(row_of(settings, first), row_of(settings, other), 1e-4, equal_nan=True)


def test_a_score_that_counted_its_earlier_version_is_computed_again_as_it_was(
    settings: Settings, client: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As all of them did once; it stays in the log for as long as records are kept."""
    first = scored(client, version(1))
    monkeypatch.setattr(LiveHistory, "apart", lambda *_: nullcontext())
    counted = scored(client, version(2))
    rows = row_of(settings, first), row_of(settings, counted)
    assert not np.allclose(*rows, 1e-4, equal_nan=True)
    assert replay(settings, settings.ledger, counted).verdict == "the same"
