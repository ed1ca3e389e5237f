"""Assessing again in whole servers, killed and started again; and on PostgreSQL."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.ledger import open_ledger
from features.settings import Settings
from serving.audit.verification import verify
from serving.reassessing import chore
from serving.replaying import replay
from tests.assessed_again import (
    ABOARD,
    CARRIER,
    about,
    home_of_low_vehicles,
    on_its_way,
    quiet,
    score,
    serving,
    tick,
)
from tests.integration.small_border import Server, client
from tests.postgres import new_database
from tests.served_home import shipment

LONGEST_SECONDS = 60.0


def of_the_carrier(asking: httpx.Client) -> list[dict[str, Any]]:
    found = asking.get(f"/v1/scores?kind=vehicle&movement_ref={CARRIER}").json()
    assessments: list[dict[str, Any]] = found["assessments"]
    return assessments


def wait_for(asking: httpx.Client, assessments: int) -> list[dict[str, Any]]:
    end = time.monotonic() + LONGEST_SECONDS
    while len(found := of_the_carrier(asking)) < assessments and time.monotonic() < end:
        time.sleep(0.2)
    return found


def check_whole(settings: Settings, expected: int) -> None:
    """Nothing was done twice, and the log is what was written."""
    findings: list[Any] = []
    with closing(open_ledger(settings.ledger)) as ledger:
        assert len(list(ledger.read_source("reassessment"))) == expected
        verify(ledger, settings.exported_heads, (), findings.append)
    assert not [one for one in findings if one.rule != "key_unknown"]


def test_a_server_killed_between_trigger_and_assessment_does_it_once_when_it_is_back(
    home: Path,
) -> None:
    settings = home_of_low_vehicles(home)
    server = Server(home, "--workers", "2")
    try:
        server.wait_until_ready()
        with client(server.url) as asking:
            assert asking.post("/v1/scores", json=on_its_way(1)).status_code == 200
            assert asking.post("/v1/scores", json=shipment(1, **ABOARD)).status_code == 200
        server.kill()
        server = Server(home, "--workers", "2")
        server.wait_until_ready()
        with client(server.url) as asking:
            # The one that was killed has its turn until it is over.
            again, first = wait_for(asking, 2)
            assert (again["assessment_number"], again["because"]) == (2, "consignment")
            assert not first["selection"]["referred"]
            assert again["selection"]["referred"]
            time.sleep(3 * chore.SECONDS)
            assert len(of_the_carrier(asking)) == 2
            gone = f"/v1/movements/{shipment(1)['movement_ref']}?kind=shipment"
            assert asking.delete(gone).status_code == 200
        server.kill()
        server = Server(home, "--workers", "2")
        server.wait_until_ready()
        with client(server.url) as asking:
            back = wait_for(asking, 3)[0]
            assert (back["assessment_number"], back["because"]) == (3, "cancellation")
            assert not back["selection"]["referred"]
            time.sleep(3 * chore.SECONDS)
            assert len(of_the_carrier(asking)) == 3
    finally:
        server.kill()
    check_whole(settings, 2)


def test_postgres_assesses_again_and_computes_it_again(
    home: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet(monkeypatch)
    settings = home_of_low_vehicles(home, new_database(postgres_server))
    with serving(settings) as one, serving(settings) as other:
        score(one, on_its_way(1))
        cargo = score(other, shipment(1, **ABOARD))
        tick(one)
        tick(other)
        again, _ = about(other)
        assert again["consignments"]["highest"]["score_id"] == cargo["score_id"]
    check_whole(settings, 1)
    assert replay(settings, settings.ledger, again["score_id"]).verdict == "the same"
