"""What was met, and what was assessed again, is counted by why and by nothing else."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.ledger import RuleEstimate, open_ledger
from features.settings import Settings
from models.rules import Mode
from tests.app_client import AppClient
from tests.assessed_again import (
    ABOARD,
    home_of_low_vehicles,
    on_its_way,
    quiet,
    score,
    serving,
    tick,
)
from tests.rule_texts import EMMY, GRACE, rule_of
from tests.served_home import shipment
from training.rules.life import approve, propose

FEW = RuleEstimate(since=0, until=1, movements=1_000, matched=1, examined=0, found=0)
MODES: tuple[Mode, ...] = ("active", "shadow")


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    quiet(monkeypatch)
    return home_of_low_vehicles(home)


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    with serving(settings) as opened:
        yield opened


def rules(settings: Settings) -> None:
    """Two that match every movement with a mass, one of them in shadow."""
    expires = (datetime.now(tz=UTC) + timedelta(days=90)).date()
    with closing(open_ledger(settings.ledger)) as ledger:
        for mode in MODES:
            rule = rule_of("declared.gross_mass_kg > 0.0", name=f"all-{mode}", expires=expires)
            propose(ledger, rule)
            for approver in (GRACE, EMMY):
                approve(ledger, rule.name, 1, approver, mode, FEW, 1.0)


def counted(client: AppClient) -> dict[str, float]:
    counters = client.app.state.counters
    for _ in range(2):  # what was shown is not counted again
        counters.show_work(client.app.state.serving.work())
    pattern = r"^(foreland_(?:matches|reassessments)_total\S*) (\S+)$"
    found = re.findall(pattern, client.get("/metrics").text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_matches_and_reassessments(client: AppClient, settings: Settings) -> None:
    assert counted(client) == {}
    rules(settings)
    met = 'foreland_matches_total{by="rule"}'
    movement = on_its_way(1)
    assert score(client, movement) == score(client, movement)  # told again, and counted once
    body = [on_its_way(number) for number in (2, 3)]
    client.post("/v1/scores/batch", json=body)
    assert counted(client) == {met: 3.0}
    score(client, shipment(1, **ABOARD))
    tick(client)
    again = 'foreland_reassessments_total{because="consignment"}'
    assert counted(client) == {met: 3.0, again: 1.0}
    client.request("DELETE", f"/v1/movements/{shipment(1)['movement_ref']}?kind=shipment")
    tick(client)
    tick(client)
    gone = 'foreland_reassessments_total{because="cancellation"}'
    assert counted(client) == {met: 3.0, again: 1.0, gone: 1.0}
