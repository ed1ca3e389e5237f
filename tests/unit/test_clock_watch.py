"""A clock that is wrong makes answers degraded, and never lets them see the future."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.settings import Settings
from serving.app import create_app
from serving.clock_watch import SETTLED_SECONDS, ClockWatch
from serving.metrics import Counters
from serving.state import ServingState
from tests.app_client import AppClient
from tests.served_home import healthy_home, vehicle

HOUR, YEAR = 3_600_000_000, 365 * 86_400_000_000


class Clocks:
    """Both stand still until they are set."""

    def __init__(self) -> None:
        self.now, self.uptime = 1_700_000_000_000_000, 1_000.0

    def pass_by(self, seconds: float) -> None:
        self.now += round(seconds * 1e6)
        self.uptime += seconds


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 3 * YEAR, -3 * YEAR])
def test_a_jump_is_flagged_until_it_is_taken_back_or_has_settled(jump: int) -> None:
    clocks = Clocks()
    watch = ClockWatch(lambda: clocks.now, lambda: clocks.uptime)
    clocks.pass_by(3_600)
    assert watch.problem(None) is None
    clocks.now += jump
    assert (watch.problem(None) or "").startswith("clock_jumped: ")
    clocks.now -= jump
    assert watch.problem(None) is None
    clocks.now += jump
    for _ in range(10):
        assert watch.problem(None) is not None
        clocks.pass_by(SETTLED_SECONDS / 10)
    clocks.pass_by(1)
    assert watch.problem(None) is None


def test_small_corrections_are_no_jump() -> None:
    clocks = Clocks()
    watch = ClockWatch(lambda: clocks.now, lambda: clocks.uptime)
    for _ in range(20):
        clocks.now += 1_500_000
        clocks.pass_by(60)
        assert watch.problem(None) is None


def test_a_clock_behind_the_ledger_is_flagged_however_evenly_it_goes() -> None:
    clocks = Clocks()
    watch = ClockWatch(lambda: clocks.now, lambda: clocks.uptime)
    assert watch.problem(clocks.now + 1_000_000) is None
    said = watch.problem(clocks.now + HOUR)
    assert said == "clock_behind: this machine's clock is 3600 s behind the ledger's newest event"


@pytest.fixture
def client(home: Path) -> Iterator[AppClient]:
    settings: Settings = healthy_home(home)
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 3 * YEAR, -3 * YEAR])
def test_answers_are_degraded_after_a_jump_and_as_of_never_goes_back(
    client: AppClient, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    before = client.post("/v1/scores", json=vehicle(1)).json()
    assert (before["status"], before["band"]) == ("scored", "low")
    real = time.time_ns
    with monkeypatch.context() as moved:
        moved.setattr("time.time_ns", lambda: real() + jump * 1_000)
        wrong = client.post("/v1/scores", json=vehicle(2)).json()
    assert wrong["status"] == "degraded"
    assert wrong["band"] != "low"
    assert wrong["degraded_reasons"][0].startswith(("clock_jumped: ", "clock_behind: "))
    after = client.post("/v1/scores", json=vehicle(3)).json()
    assert before["as_of"] < wrong["as_of"] < after["as_of"]
    if jump < 0:
        assert (after["status"], after["band"]) == ("scored", "low")
    else:  # the ledger has a stamp of the future, after which everything is put
        assert after["degraded_reasons"][0].startswith("clock_behind: ")
