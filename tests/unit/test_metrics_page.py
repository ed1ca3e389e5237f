"""``docs/operating.md`` names every metric, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.ledger import open_ledger
from features.settings import Settings
from monitoring.alerts.metrics import write_metrics
from monitoring.alerts.standing import Signals
from serving.app import create_app
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.state import ServingState
from tests.app_client import AppClient

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
SUFFIXES = re.compile(r"_(bucket|sum|count|created)$")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[AppClient]:
    settings = Settings(home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}")
    open_ledger(settings.ledger).close()
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def exposed(client: AppClient) -> dict[str, str]:
    """Name to kind of every metric, without those of the library's own."""
    return typed(client.get("/metrics").text)


def typed(text: str) -> dict[str, str]:
    found = dict(re.findall(r"^# TYPE (foreland_\w+) (\w+)$", text, re.MULTILINE))
    return {name: kind for name, kind in found.items() if not name.endswith("_created")}


def named_under(heading: str) -> set[str]:
    """Metrics in the first column of the tables of one section."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    first_column = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    return {name for cell in first_column for name in re.findall(r"`(foreland_\w+)", cell)}


def test_the_page_and_the_service_name_the_same_metrics(client: AppClient, tmp_path: Path) -> None:
    assert named_under("Metrics") == set(exposed(client))
    of_alerts = tmp_path / "alerts.prom"
    write_metrics(of_alerts, Signals(period="2026-03", signals=()), [], 0)
    assert named_under("Alerts") == set(typed(of_alerts.read_text()))
    named = named_under("Metrics") | named_under("Alerts")
    everywhere = set(re.findall(r"foreland_[a-z_]+[a-z]", PAGE.read_text()))
    assert {SUFFIXES.sub("", name) for name in everywhere} <= named


def test_what_was_done_is_counted(client: AppClient) -> None:
    client.post("/v1/scores", json=MOVEMENT_EXAMPLES["vehicle"])
    counters: Counters = client.app.state.counters
    counters.show_work(client.app.state.serving.work())
    text = client.get("/metrics").text
    values = dict(re.findall(r"^(foreland_\S+) (\S+)$", text, re.MULTILINE))
    assert values['foreland_request_duration_seconds_count{operation="score"}'] == "1.0"
    assert float(values["foreland_commits_total"]) >= 1
    assert float(values["foreland_commit_records_total"]) >= 1
    assert float(values["foreland_commit_seconds_total"]) > 0
    assert values['foreland_model_version{kind="vehicle"}'] == "0.0"
    assert float(values["foreland_resident_bytes"]) > 1e7
