"""How much a worker takes on: of each client, and at a time. How fast says ``serving.pace``."""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from serving.auth.access import Client
from serving.problems import RequestRefused

_SWEEP_ABOVE_CLIENTS = 10_000


class Rate:
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
        self._rate = Rate(per_second, burst_seconds)
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


class Arriving:
    """Bodies that do not come at once, so many of each client: whoever sends slowly leaves the
    other places to others.

    Args:
        most: of one client.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def one(self, client: Client) -> Iterator[None]:
        """
        Raises:
            RequestRefused: ``quota_exceeded``, when so many of the client's are on their way.
        """
        name = (client.agency, client.name)
        if self._of[name] >= self._most:
            raise RequestRefused(
                "quota_exceeded",
                f"{self._most} bodies of this client are still on their way; send each in one go",
                headers={"Retry-After": "1", "Connection": "close"},
            )
        self._of[name] += 1
        try:
            yield
        finally:
            self._of[name] -= 1
            if not self._of[name]:
                del self._of[name]
