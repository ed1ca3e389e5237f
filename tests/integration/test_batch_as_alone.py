"""A row of a batch is answered byte for byte as it would be alone, with a model and a history."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.draw_keys import draw_secret
from features.settings import Settings
from serving.app import create_app
from serving.audit import read_assessments, read_one
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.state import ServingState
from tests.app_client import AppClient
from tests.integration.small_border import (
    RISKY_HAULIER,
    RISKY_ROUTE,
    make_ledger,
    promote,
    vehicle,
)

PATH = "/v1/scores/batch"
OWN = re.compile(rb'"(score_id|as_of)":"[^"]+"')
"""What no two answers share."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("served")
    promote(home, make_ledger(home), 1)
    draw_secret(Settings(home=home).keys)  # the copies of this home draw alike
    return home


@contextmanager
def asking(served: Path, home: Path) -> Iterator[AppClient]:
    """A copy of the home that nobody has asked anything."""
    shutil.copytree(served, home)
    settings = Settings(home=home)
    client = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield client
    client.close()


ROWS: list[dict[str, Any]] = [
    vehicle(1),
    vehicle(2, route_id=RISKY_ROUTE, haulier_eori=RISKY_HAULIER),
    vehicle(3, haulier_eori="XX999999999", gross_mass_kg=None),
    MOVEMENT_EXAMPLES["vessel"],
    vehicle(5, route_id=RISKY_ROUTE, departs_at="2026-03-01T10:00", departure_port="GBDVR"),
    {"kind": "vehicle", "movement_ref": "bare", "declared_at": "2026-03-01T10:00:00Z", "seals": []},
]


@pytest.mark.parametrize("explain", ["never", "referred", "always"])
def test_rows_are_answered_as_alone(served: Path, tmp_path: Path, explain: str) -> None:
    with asking(served, tmp_path / "many") as client:
        results = client.post(f"{PATH}?explain={explain}", json=ROWS)
    parts = results.content.split(b'"assessment":')[1:]
    said = [part[: part.rindex(b',"errors":[')] for part in parts]
    statuses = [result["status"] for result in results.json()["results"]]
    assert statuses == ["scored", "scored", "scored", "unassessed", "scored", "scored"]
    for number, row in enumerate(ROWS):
        with asking(served, tmp_path / str(number)) as client:
            alone = client.post(f"/v1/scores?explain={explain}", json=row).content
        assert OWN.sub(b"", said[number]) == OWN.sub(b"", alone)
    reasons = [bool(json.loads(one)["reasons"]) for one in said]
    assert any(reasons) == (explain != "never")


def test_what_is_recorded_of_a_row_is_what_is_recorded_alone(served: Path, tmp_path: Path) -> None:
    """But for what moves with the clock: the audit row holds the features to the last bit."""
    kept = []
    for name, path, sent in (("many", PATH, [ROWS[1]]), ("alone", "/v1/scores", ROWS[1])):
        with asking(served, tmp_path / name) as client:
            assert client.post(path, json=sent).status_code == 200
        url = Settings(home=tmp_path / name).ledger
        recorded = read_one(url, read_assessments(url)["score_id"].iloc[0])
        assert recorded is not None
        kept.append(recorded)
    many, alone = kept
    columns = ("kind", "movement", "movement_version", "position", "ledger_position", "band")
    assert [getattr(many, name) for name in columns] == [getattr(alone, name) for name in columns]
    rows = [np.frombuffer(one.row or b"") for one in kept]
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-4)


def test_every_row_is_recorded_in_a_ledger_that_others_write_to(
    served: Path, tmp_path: Path
) -> None:
    """More rows than one commit holds; single scores are answered meanwhile."""
    rows = [vehicle(number) for number in range(600)]
    with asking(served, tmp_path / "many") as client:
        results = client.post(PATH, json=rows).json()["results"]
        assert {result["status"] for result in results} == {"scored"}
        assert client.post("/v1/scores", json=vehicle(1000)).json()["ledger_position"] > 600
        again = client.post(PATH, json=rows).json()["results"]
        assert [one["assessment"] for one in again] == [one["assessment"] for one in results]
        assert all(result["replayed"] for result in again)
    frame = read_assessments(Settings(home=tmp_path / "many").ledger)
    assert frame["score_id"].tolist()[:600] == [one["assessment"]["score_id"] for one in results]
    assert len(frame) == 601
