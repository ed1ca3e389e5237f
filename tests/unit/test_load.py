"""Quotas, pace and places, worked by hand with a clock that stands where it is put."""

import pytest

from serving.auth.access import Client
from serving.load import TOGETHER, Pace, Places, Quotas
from serving.problems import RequestRefused

PORT, AIR = Client("port", "border", frozenset()), Client("air", "border", frozenset())
PORT_OF_CUSTOMS = PORT._replace(agency="customs")


def wait(quotas: Quotas, client: Client, now: float) -> int:
    """Seconds that the client is told to wait; 0 when its request is taken."""
    try:
        quotas.take(client, now)
    except RequestRefused as refused:
        assert refused.code == "quota_exceeded"
        return int(refused.headers["Retry-After"])
    return 0


def test_a_burst_is_taken_and_then_the_rate_is_kept() -> None:
    """2 a second, 3 s of them at once: six at 10.0, then one each half second."""
    quotas = Quotas(per_second=2, burst_seconds=3)
    assert [wait(quotas, PORT, 10.0) for _ in range(7)] == [0, 0, 0, 0, 0, 0, 1]
    assert wait(quotas, PORT, 10.4) == 1
    assert wait(quotas, PORT, 10.5) == 0
    assert wait(quotas, PORT, 10.5) == 1
    assert wait(quotas, PORT, 13.5) == 0


def test_what_is_refused_is_not_counted() -> None:
    quotas = Quotas(per_second=1, burst_seconds=1)
    assert wait(quotas, PORT, 0.0) == 0
    for _ in range(100):
        assert wait(quotas, PORT, 0.5) == 1
    assert wait(quotas, PORT, 1.0) == 0


def test_in_the_long_run_nobody_gets_more_than_the_rate() -> None:
    quotas = Quotas(per_second=5, burst_seconds=2)
    taken = sum(wait(quotas, PORT, tick / 100) == 0 for tick in range(10_000))
    assert taken == pytest.approx(5 * 100 + 10, abs=1)


def test_a_slow_rate_says_how_long_to_wait() -> None:
    quotas = Quotas(per_second=0.1, burst_seconds=1)
    assert [wait(quotas, PORT, 0.0) for _ in range(2)] == [0, 10]
    assert wait(quotas, PORT, 9.5) == 1
    assert wait(quotas, PORT, 10.0) == 0


def test_each_client_has_a_quota_of_its_own() -> None:
    quotas = Quotas(per_second=1, burst_seconds=1)
    assert [wait(quotas, client, 0.0) for client in (PORT, AIR, PORT_OF_CUSTOMS)] == [0, 0, 0]
    assert wait(quotas, PORT, 0.0) == 1


def test_clients_that_went_away_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.load._SWEEP_ABOVE_CLIENTS", 10)
    quotas = Quotas(per_second=1, burst_seconds=1)
    for number in range(100):
        assert wait(quotas, PORT._replace(name=str(number)), float(10 * number)) == 0
    assert len(quotas._due) <= 11


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_pace_takes_half_a_second_at_once() -> None:
    clock = Clock()
    pace = Pace(4, clock=clock)
    assert [pace.take() for _ in range(3)] == [True, True, False]
    clock.now += 1
    assert [pace.take() for _ in range(3)] == [True, True, False]


def test_a_pace_that_was_used_up_lets_in_several_together() -> None:
    """64 a second, of which 32 may come at once: then none until there is room for 16."""
    clock = Clock()
    pace = Pace(64, clock=clock)
    assert sum(pace.take() for _ in range(40)) == 32
    clock.now += 15 / 64
    assert not pace.take()
    clock.now += 1 / 64
    assert sum(pace.take() for _ in range(40)) == 16
    clock.now += 16 / 64
    for _ in range(5):  # one that was not used up since keeps to its rate
        assert pace.take()
        clock.now += 2 / 64


def test_what_is_beyond_the_pace_is_refused_with_a_time_to_wait() -> None:
    clock = Clock()
    pace = Pace(0.5, clock=clock)
    for _ in range(3):
        assert pace.refusal() is None, "to look takes nothing"
    assert pace.take()
    refused = pace.refusal()
    assert refused is not None
    assert refused is pace.refusal(), "the same, so that its bytes are put together once"
    assert (refused.code, refused.headers) == ("overloaded", {"Retry-After": "2"})
    assert "0.5 scores a second" in str(refused)
    clock.now += 2
    assert pace.refusal() is None


def test_in_the_long_run_a_pace_is_kept_and_used_up() -> None:
    clock = Clock()
    pace, taken = Pace(1_000, clock=clock), 0
    for _ in range(10_000):
        clock.now += 0.001
        taken += sum(pace.take() for _ in range(5))
    assert taken == pytest.approx(10_000 + 500, abs=TOGETHER)


def test_what_is_given_back_may_be_taken_again() -> None:
    pace = Pace(1, clock=Clock())
    assert [pace.take() for _ in range(2)] == [True, False]
    pace.give_back()
    assert [pace.take() for _ in range(2)] == [True, False]


def test_without_a_pace_everything_is_taken() -> None:
    pace = Pace(0, clock=Clock())
    assert all(pace.take() for _ in range(10_000))
    pace.give_back()
    assert pace.refusal() is None


def test_places_are_bounded_and_given_back_whatever_happens() -> None:
    places = Places(2)
    with places, places:
        with pytest.raises(RequestRefused) as refused, places:
            pass
        assert refused.value.code == "overloaded"
        assert places.taken == 2
    with pytest.raises(ValueError, match="x"), places:
        raise ValueError("x")
    assert places.taken == 0
