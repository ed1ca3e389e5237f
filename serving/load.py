"""How much a worker takes on: a quota for each client, and a bound on what it works on at once."""

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from serving.auth.access import Client
from serving.problems import RequestRefused

_SWEEP_ABOVE_CLIENTS = 10_000
LONGEST_TURN_SECONDS = 0.008
"""Of the event loop; a refusal takes about twice as long at worst, and 20 ms are promised."""
FEWEST_PLACES = 32
"""With fewer, commits and calls of the model are shared by too few to be worth it."""
FEWER, MORE = 0.9, 0.5
"""Of the places, after a turn that was too long; and how many more, after one that was not."""


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

    Args:
        of: what it is that finds room.
    """

    def __init__(self, most: int, of: str = "requests") -> None:
        self._most = most
        self._of = of
        self.taken = 0

    @property
    def room(self) -> int:
        """How many there is room for at present."""
        return self._most

    @contextmanager
    def one(self) -> Iterator[None]:
        """
        Raises:
            RequestRefused: ``overloaded``.
        """
        self.check()
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    def check(self) -> None:
        """
        Raises:
            RequestRefused: ``overloaded``, when there is no room.
        """
        if self.taken >= self.room:
            raise RequestRefused(
                "overloaded",
                f"{self.room} {self._of} are being worked on; send this one again",
                headers={"Retry-After": "1"},
            )


class PromptPlaces(Places):
    """As many places as leave the turns of the event loop short.

    Requests that are worked on together are answered together, in one turn of the loop; and
    whoever connects, or is refused, waits until the turn is over. So there are fewer places while
    turns are too long, on a slow machine sooner than on a fast one, and slowly more again. The time
    for which a request is under way would be a worse measure: a client may send its body slowly.

    References:
        D. Chiu, R. Jain, "Analysis of the increase and decrease algorithms for congestion
        avoidance" (1989): up by addition, down by multiplication
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._fewest = min(FEWEST_PLACES, most)
        self._room = float(most)
        self._watching = False

    @property
    def room(self) -> int:
        return int(self._room)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Within a running event loop.

        Raises:
            RequestRefused: ``overloaded``.
        """
        with super().one():
            if not self._watching:
                self._watching = True
                asyncio.get_running_loop().call_soon(self._turn_is_over, time.monotonic())
            yield

    def _turn_is_over(self, since: float) -> None:
        self._watching = False
        self.note_turn(time.monotonic() - since)

    def note_turn(self, seconds: float) -> None:
        """Hear of one turn of the loop."""
        if seconds > LONGEST_TURN_SECONDS:
            self._room = max(self._room * FEWER, self._fewest)
        else:
            self._room = min(self._room + MORE, self._most)
