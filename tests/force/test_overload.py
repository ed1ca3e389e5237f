"""More is offered than one worker can do: what it can do it goes on doing, the rest is refused.

The capacity is what closed loops reach just before; nothing else of the machine is assumed. What
is asserted in the quick part are ratios: the load shares its cores with the server.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from serving.audit import read_assessments
from tests.integration.small_border import make_ledger, promote, running, vehicle
from tests.load_generator import MOST_CONNECTIONS, Offered, http_request, offer, saturate

CAPACITY_CONNECTIONS = 32
REFUSALS = (429, 503)
GOODPUT = 0.95
REJECTED_WITHIN_SECONDS = 0.02


class Overloaded(NamedTuple):
    capacity_per_second: float
    load: Offered
    ledger: str

    @property
    def goodput(self) -> float:
        """Scores a second, as a share of the capacity."""
        return self.load.answered_per_second() / self.capacity_per_second

    def refused_within(self, percent: float) -> float:
        """Seconds from the moment at which the request was meant to be sent."""
        return self.load.percentile(percent, *REFUSALS)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("overloaded")
    promote(path, make_ledger(path), 1)
    return path


NUMBERS = count()


def scores() -> Iterator[bytes]:
    """Each of a movement of its own, whoever asks: a replay costs less than a score."""
    head = [vehicle(number) for number in range(100)]
    for number in NUMBERS:
        moved = head[number % 100] | {"movement_ref": f"OVER-{number:07d}"}
        yield http_request("/v1/scores?explain=never", moved)


def overload(
    home: Path, times: float, seconds: float, patch: pytest.MonkeyPatch, *, measured: float = 2.0
) -> Overloaded:
    """One client of so many times the capacity; its quota is out of the way."""
    patch.setenv("FORELAND_REQUESTS_PER_SECOND", "1000000")
    requests = scores()
    with running(home) as server:
        saturate(server.url, requests, connections=CAPACITY_CONNECTIONS, seconds=measured / 2)
        closed = saturate(server.url, requests, connections=CAPACITY_CONNECTIONS, seconds=measured)
        capacity = closed.answered_per_second()
        load = offer(
            server.url,
            requests,
            per_second=times * capacity,
            seconds=seconds,
            connected=MOST_CONNECTIONS,
        )
    print(f"capacity {capacity:.0f}/s; {load.summary()}")
    return Overloaded(capacity, load, f"sqlite:///{home / 'ledger.db'}")


def assert_refusals_are_honest(seen: Overloaded) -> None:
    answered = [answer for answer in seen.load.answers if answer.status]
    assert {answer.status for answer in answered} <= {200, *REFUSALS}
    assert all(answer.may_retry for answer in answered if answer.status in REFUSALS)
    recorded = read_assessments(seen.ledger)
    assert not recorded["movement"].duplicated().any()
    assert len(recorded) >= seen.load.statuses()[200]


def test_twice_the_capacity_is_offered_for_seconds(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = overload(home, 2, 3, monkeypatch, measured=1)
    assert_refusals_are_honest(seen)
    assert seen.load.statuses()[200] > 0
    assert seen.goodput > 0.4


@pytest.mark.slow
@pytest.mark.parametrize(("times", "seconds"), [(10, 60), (2, 300)])
def test_goodput_holds_and_refusals_are_fast(
    home: Path, monkeypatch: pytest.MonkeyPatch, times: float, seconds: float
) -> None:
    seen = overload(home, times, seconds, monkeypatch, measured=10)
    assert_refusals_are_honest(seen)
    assert seen.goodput >= GOODPUT, seen.load.summary()
    assert seen.refused_within(99) <= REJECTED_WITHIN_SECONDS, seen.load.summary()
