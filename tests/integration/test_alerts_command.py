"""``foreland alerts`` from a ledger to what people read."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from features.settings import Settings
from foreland import app
from monitoring.alerts.log import alerts_in
from tests.small_border import home_with_model


@pytest.fixture
def settings(home: Path) -> Iterator[Settings]:
    with home_with_model() as made:
        made.home.rename(home)
        yield made.model_copy(update={"home": home})


def run(*words: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["alerts", *words])
    return answer.exit_code, answer.stdout


def test_the_command_raises_what_the_page_shows_and_ends_with_1_until_it_is_acknowledged(
    settings: Settings,
) -> None:
    status, said = run("--period", "2026-03")
    assert status == 1
    alerts = alerts_in(settings.ledger)
    assert {alert.key.name for alert in alerts.values()} >= {"audit-chain", "review-dpia"}
    page = settings.alerts / "site" / "2026-03" / "index.html"
    assert f"page: {page}" in said
    lines = (settings.alerts / "alerts.ndjson").read_bytes().splitlines()
    assert len(lines) == len(alerts)
    for line in lines:
        told = msgspec.json.decode(line)
        path, _, figure = told["page"].partition("#")
        shown = Path(path).read_text().replace("&#39;", "'")
        assert f'id="{figure}"' in shown
        assert told["says"] in shown
    assert run("--period", "2026-03")[0] == 1
    assert len((settings.alerts / "alerts.ndjson").read_bytes().splitlines()) == len(lines)
    assert not list(settings.alerts.glob(".site.*"))
    for alert in alerts:
        assert run("ack", alert, "--by", "Ann", "--reason", "known")[0] == 0
    assert run("--period", "2026-03")[0] == 0
    assert "0 not acknowledged" in run("list")[1]
    assert not settings.reports.exists()


def test_a_second_run_at_the_same_time_is_refused_in_one_line(settings: Settings) -> None:
    import fcntl

    settings.alerts.mkdir()
    with (settings.alerts / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = CliRunner().invoke(app, ["alerts"])
    assert "another foreland alerts is running" in str(answer.exception)
