"""The pace and its shares, worked by hand with a clock that stands where it is put."""

import pytest

from serving.auth.access import Client
from serving.pace import ASKING_SECONDS, TOGETHER, Pace, credential_in

PORT, AIR = Client("port", "border", frozenset()), Client("air", "border", frozenset())
OF_PORT, OF_AIR, OTHER = b"Bearer port-key", b"Bearer air-key", b"Bearer nobody-knows"


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


def head(credential: bytes) -> bytes:
    return b"POST /v1/scores HTTP/1.1\r\nHost: x\r\nAuthorization: " + credential + b"\r\n\r\n{}"


def shared(clock: Clock, per_second: float = 100) -> Pace:
    """A pace that two clients are known to."""
    pace = Pace(per_second, clock=clock)
    pace.admitted(OF_PORT, PORT)
    pace.admitted(OF_AIR, AIR)
    return pace


def test_who_floods_leaves_others_their_share() -> None:
    """100 a second; one client sends ten times that, the other 40, then as much as it can."""
    clock = Clock()
    pace = shared(clock)
    for of_air, least, most in ((1, 40, 40), (25, 49, 60)):
        taken = {OF_PORT: 0, OF_AIR: 0}
        for tick in range(10_000):
            clock.now += 0.001
            taken[OF_PORT] += pace.take(OF_PORT)
            if tick % 25 == 0:
                taken[OF_AIR] += sum(pace.take(OF_AIR) for _ in range(of_air))
        assert least <= taken[OF_AIR] / 10 <= most
        assert sum(taken.values()) == pytest.approx(1_000, abs=60), "the pace is that of both"


def test_what_a_client_leaves_is_the_others() -> None:
    clock = Clock()
    pace = shared(clock)
    for _ in range(int(1_000 * ASKING_SECONDS)):
        clock.now += 0.001
        pace.take(OF_PORT)
    taken = 0
    for _ in range(10_000):
        clock.now += 0.001
        taken += pace.take(OF_PORT)
    assert taken == pytest.approx(1_000, abs=TOGETHER)


def test_who_comes_back_is_let_in_at_once() -> None:
    clock = Clock()
    pace = shared(clock)
    for _ in range(10_000):
        clock.now += 0.001
        pace.take(OF_PORT)
    while pace.take(OF_PORT):
        pass
    assert pace.refusal(head(OF_PORT)) is not None
    assert pace.refusal(head(OTHER)) is not None
    assert pace.refusal(b"POST /v1/scores HTTP/1.1\r\n\r\n{}") is not None
    assert pace.refusal(head(OF_AIR)) is None
    assert pace.refusal(head(OF_AIR).replace(b"Authorization", b"authorization")) is None
    assert not pace.take(OTHER)
    assert not pace.take(None)
    assert pace.take(OF_AIR)


def test_a_client_has_one_share_however_many_credentials_it_has() -> None:
    clock = Clock()
    pace = shared(clock)
    for number in range(20):
        pace.admitted(b"Bearer another-%d" % number, PORT)
    taken = {OF_PORT: 0, OF_AIR: 0}
    for _ in range(10_000):
        clock.now += 0.001
        for number in range(20):
            taken[OF_PORT] += pace.take(b"Bearer another-%d" % number)
        taken[OF_AIR] += pace.take(OF_AIR)
    assert taken[OF_AIR] / 10 >= 49


def test_what_is_remembered_of_clients_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.pace._MOST_CLIENTS", 10)
    pace = shared(Clock())
    for number in range(100):
        pace.admitted(b"Bearer %d" % number, PORT._replace(name=str(number)))
    assert len(pace._shares) <= 10
    assert len(pace._of_client) <= 10


def test_one_client_has_no_other_forgotten() -> None:
    clock = Clock()
    pace = shared(clock)
    for spaces in range(2, 3_000):
        pace.admitted(b"Bearer" + b" " * spaces + b"port-key", PORT)
    assert len(pace._shares) <= 9
    while pace.take(b"Bearer" + b" " * 2_999 + b"port-key"):
        pass
    assert pace.take(OF_AIR)


def test_the_credential_is_the_header_as_it_was_sent() -> None:
    assert credential_in([(b"host", b"x"), (b"authorization", OF_AIR)]) == OF_AIR
    assert credential_in([(b"host", b"x")]) is None
