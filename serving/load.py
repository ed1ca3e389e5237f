"""How much a worker takes on: a quota for each client, a pace for all of them together, and a bound
on what it works on at once."""

import math
import time
from collections.abc import Callable

from serving.auth.access import Client
from serving.problems import RequestRefused

_SWEEP_ABOVE_CLIENTS = 10_000
PACE_BURST_SECONDS = 0.5
"""How much of a pace may come at once: a ferry's lorries, or what came while a worker stood."""
TOGETHER = 16
"""A pace that was used up lets nobody in until there is room for so many: they share a round and a
commit, and each costs a third of what one costs that is let in alone."""


class _Rate:
    """The generic cell rate algorithm: so many a second in the long run, a burst of them at once.

    Whoever is counted has one number, ``due``: when its next would come if it kept exactly to
    the rate.

    References:
        ITU-T I.371, annex A (virtual scheduling)
    """

    def __init__(self, per_second: float, burst_seconds: float) -> None:
        self.interval = 1 / per_second
        self.tolerance = max(burst_seconds - self.interval, 0.0)

    def wait(self, due: float, now: float) -> float:
        """Seconds until one more may come; none when it is not above 0."""
        return due - now - self.tolerance

    def next_due(self, due: float, now: float) -> float:
        """After one that came now."""
        return max(due, now) + self.interval


class Quotas:
    """How many requests each client may send, whatever the others do.

    A worker counts by itself: with n workers, or replicas, a client that is spread evenly over
    them gets n times the rate.

    Args:
        per_second: requests of one client in the long run.
        burst_seconds: how much of that may come at once.
    """

    def __init__(self, per_second: float, burst_seconds: float) -> None:
        self._rate = _Rate(per_second, burst_seconds)
        self._due: dict[tuple[str, str], float] = {}

    def take(self, client: Client, now: float) -> None:
        """Count one request.

        Args:
            now: seconds of a clock that never goes back.

        Raises:
            RequestRefused: ``quota_exceeded``, with the seconds to wait; it is not counted then.
        """
        name = (client.agency, client.name)
        due = self._due.get(name, now)
        wait = self._rate.wait(due, now)
        if wait > 0:
            raise RequestRefused(
                "quota_exceeded",
                f"this client sends more than {1 / self._rate.interval:g} requests a second; wait",
                headers={"Retry-After": str(math.ceil(wait))},
            )
        if len(self._due) > _SWEEP_ABOVE_CLIENTS:
            self._due = {other: then for other, then in self._due.items() if then > now}
        self._due[name] = self._rate.next_due(due, now)


class Pace:
    """How many scores a second a worker lets in, whoever asks; what comes beyond is refused.

    It is meant to be below what the worker could do, so that what is left pays for refusals.

    Args:
        per_second: in the long run; 0 for no bound.
        burst_seconds: how much of that may come at once.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        per_second: float,
        burst_seconds: float = PACE_BURST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = _Rate(per_second or math.inf, burst_seconds if per_second else math.inf)
        self._clock = clock
        self._due = -math.inf
        self._used_up = False
        at_once = 1 + self._rate.tolerance / self._rate.interval if per_second else 1.0
        self._reopens = (min(TOGETHER, math.floor(at_once)) - 1) * self._rate.interval
        self._per_second = per_second
        self._refusal = self.exceeded()

    def refusal(self) -> RequestRefused | None:
        """What is said while none may come, always the same; None while one may. Takes nothing."""
        return None if self._is_open(self._clock()) else self._refusal

    def take(self) -> bool:
        """Count one that is let in; False, and nothing counted, when it may not come now."""
        now = self._clock()
        if not self._is_open(now):
            return False
        self._due = self._rate.next_due(self._due, now)
        return True

    def _is_open(self, now: float) -> bool:
        wait = self._rate.wait(self._due, now)
        self._used_up = wait > (-self._reopens if self._used_up else 0.0)
        return not self._used_up

    def give_back(self) -> None:
        """One that was counted turned out to be nobody's who may ask."""
        self._due -= self._rate.interval

    def exceeded(self) -> RequestRefused:
        return RequestRefused(
            "overloaded",
            f"{self._per_second:g} scores a second are taken on; send this one again",
            headers={"Retry-After": str(max(1, math.ceil(self._rate.interval)))},
        )


class Places:
    """Room for so many requests at a time; what finds none is refused at once, and cheaply.

    Whoever is inside its ``with`` has a place; entering raises as ``check`` does.

    Args:
        of: what it is that finds room.
    """

    def __init__(self, most: int, of: str = "requests") -> None:
        self._most = most
        self._of = of
        self.taken = 0
        self._refusal = self._full()

    def __enter__(self) -> None:
        self.check()
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.taken -= 1

    def check(self) -> None:
        """
        Raises:
            RequestRefused: ``overloaded``, when there is no room.
        """
        if self.taken >= self._most:
            raise self._full()

    def refusal(self) -> RequestRefused | None:
        """What ``check`` would raise, always the same; None while there is room."""
        return self._refusal if self.taken >= self._most else None

    def _full(self) -> RequestRefused:
        return RequestRefused(
            "overloaded",
            f"{self._most} {self._of} are being worked on; send this one again",
            headers={"Retry-After": "1"},
        )
