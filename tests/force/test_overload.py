"""More is offered than a worker takes on: what it takes on it goes on doing, the rest is refused.

The capacity is the pace that is set, and closed loops must reach it just before: no faster, or
there is no pace, and no slower, or the machine is no measure. The load shares its cores with the
server.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from features.clock import now_micros
from features.ledger import open_ledger
from features.settings import Settings
from serving.audit import read_assessments
from serving.auth import key_store
from serving.auth.access import LOCAL
from serving.auth.api_keys import new_key
from serving.auth.key_store import open_keys
from tests.integration.small_border import make_ledger, promote, running, vehicle
from tests.load_generator import MOST_CONNECTIONS, Offered, http_request, offer, saturate

CAPACITY_CONNECTIONS = 32
PACE = float(Settings.model_fields["scores_per_second"].default)
UNRATED = 0.0
SLOW_PACE = 100.0
"""Which any machine keeps, also one that does other things beside."""
REFUSALS = (429, 503)
GOODPUT = 0.95
REACHED = 0.05
"""How far from the pace a closed loop may be, as a share of it."""
REJECTED_WITHIN_SECONDS = 0.02


class Overloaded(NamedTuple):
    reached_per_second: float
    """By closed loops, just before."""
    capacity_per_second: float
    """The pace; where there is none, what was reached."""
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


def scores(key: str | None = None) -> Iterator[bytes]:
    """Each of a movement of its own, whoever asks: a replay costs less than a score.

    Args:
        key: of the client; None where none is needed.
    """
    head = [vehicle(number) for number in range(100)]
    credential = {} if key is None else {"Authorization": f"Bearer {key}"}
    for number in NUMBERS:
        moved = head[number % 100] | {"movement_ref": f"OVER-{number:07d}"}
        yield http_request("/v1/scores?explain=never", moved, headers=credential)


def overload(
    home: Path, times: float, seconds: float, pace: float, patch: pytest.MonkeyPatch
) -> Overloaded:
    """One client of so many times the capacity; its quota is out of the way."""
    patch.setenv("FORELAND_REQUESTS_PER_SECOND", "1000000")
    patch.setenv("FORELAND_SCORES_PER_SECOND", str(pace))
    requests, measured = scores(), min(10.0, seconds / 2)
    with running(home) as server:
        saturate(server.url, requests, connections=CAPACITY_CONNECTIONS, seconds=measured / 2)
        closed = saturate(server.url, requests, connections=CAPACITY_CONNECTIONS, seconds=measured)
        reached = closed.answered_per_second()
        capacity = pace or reached
        load = offer(
            server.url,
            requests,
            per_second=times * capacity,
            seconds=seconds,
            connected=MOST_CONNECTIONS,
        )
    print(f"pace {pace:g}/s, reached {reached:.0f}/s; {load.summary()}")
    return Overloaded(reached, capacity, load, f"sqlite:///{home / 'ledger.db'}")


def assert_refusals_are_honest(seen: Overloaded) -> None:
    answered = [answer for answer in seen.load.answers if answer.status]
    assert {answer.status for answer in answered} <= {200, *REFUSALS}
    assert all(answer.may_retry for answer in answered if answer.status in REFUSALS)
    recorded = read_assessments(seen.ledger)
    assert not recorded["movement"].duplicated().any()
    assert len(recorded) >= seen.load.statuses()[200]


def test_what_is_beyond_the_pace_is_refused_and_the_pace_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = overload(home, 5, 4, SLOW_PACE, monkeypatch)
    assert_refusals_are_honest(seen)
    assert seen.reached_per_second == pytest.approx(SLOW_PACE, rel=0.25)
    assert seen.goodput == pytest.approx(1, rel=0.25)


def test_who_floods_leaves_others_their_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One client offers ten times the pace, another one less than half of it: its share."""
    url = make_ledger(tmp_path)
    promote(tmp_path, url, 1)
    flooding, modest = (scores(key_of(url, name)) for name in ("flooding", "modest"))
    monkeypatch.setenv("FORELAND_REQUESTS_PER_SECOND", "1000000")
    monkeypatch.setenv("FORELAND_SCORES_PER_SECOND", str(SLOW_PACE))
    with running(tmp_path) as server, ThreadPoolExecutor() as beside:
        saturate(server.url, modest, connections=1, seconds=0.5)
        flood = beside.submit(
            offer, server.url, flooding, per_second=10 * SLOW_PACE, seconds=6, connected=64
        )
        time.sleep(1)
        load = offer(server.url, modest, per_second=0.4 * SLOW_PACE, seconds=4)
        flooded = flood.result()
    assert load.answered_per_second() >= 0.9 * 0.4 * SLOW_PACE, load.summary()
    assert flooded.answered_per_second() <= 0.8 * SLOW_PACE, flooded.summary()
    assert set(flooded.statuses()) >= {200, 503}


def key_of(url: str, name: str) -> str:
    """The API key of a new client."""
    key, stored = new_key(LOCAL._replace(name=name), created_at=now_micros())
    with closing(open_ledger(url)) as ledger:
        open_keys(ledger).close()  # which makes the tables
        key_store.add(ledger, stored)
    return key


@pytest.mark.slow
@pytest.mark.parametrize(("times", "seconds"), [(10, 60), (2, 300)])
def test_goodput_holds_and_refusals_are_fast(
    home: Path, monkeypatch: pytest.MonkeyPatch, times: float, seconds: float
) -> None:
    seen = overload(home, times, seconds, PACE, monkeypatch)
    assert_refusals_are_honest(seen)
    assert seen.reached_per_second == pytest.approx(PACE, rel=REACHED), "no measure of overload"
    assert seen.goodput >= GOODPUT, seen.load.summary()
    assert seen.refused_within(99) <= REJECTED_WITHIN_SECONDS, seen.load.summary()


@pytest.mark.slow
@pytest.mark.parametrize("times", [2, 10])
def test_without_a_pace_refusals_take_from_the_answers_and_stay_honest(
    home: Path, monkeypatch: pytest.MonkeyPatch, times: float
) -> None:
    """For the record: no headroom pays for refusals, so that no goodput is promised."""
    seen = overload(home, times, 12, UNRATED, monkeypatch)
    assert_refusals_are_honest(seen)
    assert seen.goodput > 0.1
