"""Quotas and places, worked by hand."""

import pytest

from serving.auth.access import Client
from serving.load import Places, Quotas
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
