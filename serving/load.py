"""How much a worker takes on: a quota for each client, and a bound on what it works on at once."""

import math

from serving.auth.access import Client
from serving.problems import RequestRefused

_SWEEP_ABOVE_CLIENTS = 10_000


class Quotas:
    """The generic cell rate algorithm: one number per client, whatever its rate.

    A worker counts by itself: with n workers, or replicas, a client that is spread evenly over
    them gets n times the rate.

    Args:
        per_second: requests of one client in the long run.
        burst_seconds: how much of that may come at once.

    References:
        ITU-T I.371, annex A (virtual scheduling)
    """

    def __init__(self, per_second: float, burst_seconds: float) -> None:
        self._interval = 1 / per_second
        self._tolerance = max(burst_seconds - self._interval, 0.0)
        self._due: dict[tuple[str, str], float] = {}
        """When each client's next request would come if it kept exactly to its rate."""

    def take(self, client: Client, now: float) -> None:
        """Count one request.

        Args:
            now: seconds of a clock that never goes back.

        Raises:
            RequestRefused: ``quota_exceeded``, with the seconds to wait; it is not counted then.
        """
        name = (client.agency, client.name)
        due = max(self._due.get(name, now), now)
        wait = due - now - self._tolerance
        if wait > 0:
            raise RequestRefused(
                "quota_exceeded",
                f"this client sends more than {1 / self._interval:g} requests a second; wait",
                headers={"Retry-After": str(math.ceil(wait))},
            )
        if len(self._due) > _SWEEP_ABOVE_CLIENTS:
            self._due = {other: then for other, then in self._due.items() if then > now}
        self._due[name] = due + self._interval


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
