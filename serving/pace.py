"""How fast a worker lets scores in: a pace for all of them, and of it a share for each client.

A client that sends more than the pace would else use it up: what others send would be refused as
often as what it sends itself. So whoever has had less than its share is let in also while the pace
is used up, and what it takes is taken from the rest.
"""

import math
import re
import time
from collections import deque
from collections.abc import Callable, Iterable

from serving.auth.access import Client
from serving.load import Rate
from serving.problems import RequestRefused

BURST_SECONDS = 0.5
"""How much of a pace may come at once: a ferry's lorries, or what came while a worker stood."""
TOGETHER = 16
"""A pace that was used up lets nobody in until there is room for so many: they share a round and a
commit, and each costs a third of what one costs that is let in alone."""
ASKING_SECONDS = 2.0
"""A client has a share for so long after it was last let in."""
_MOST_CLIENTS = 1_024
_MOST_CREDENTIALS = 8
"""Of one client: the last ones. A key is good with any number of spaces before it, and whoever
sends it in a thousand ways must not have others forgotten."""
_HEADER = b"authorization"
_SENT = re.compile(rb"\r\n%b:[ \t]*([!-~]+(?: +[!-~]+)*)[ \t]*\r\n" % _HEADER, re.IGNORECASE)


class Flow:
    """What is let in at one rate.

    Args:
        per_second: in the long run.
        burst_seconds: how much of that may come at once.
    """

    def __init__(self, per_second: float, burst_seconds: float) -> None:
        self._due = -math.inf
        self._used_up = False
        self.set_rate(per_second, burst_seconds)

    def set_rate(self, per_second: float, burst_seconds: float) -> None:
        self.rate = Rate(per_second, burst_seconds)
        at_once = 1.0 if math.isinf(per_second) else 1 + self.rate.tolerance / self.rate.interval
        self._reopens = (min(TOGETHER, math.floor(at_once)) - 1) * self.rate.interval

    def is_open(self, now: float) -> bool:
        wait = self.rate.wait(self._due, now)
        self._used_up = wait > (-self._reopens if self._used_up else 0.0)
        return not self._used_up

    def count(self, now: float) -> None:
        self._due = self.rate.next_due(self._due, now)

    def give_back(self) -> None:
        self._due -= self.rate.interval


class _Share(Flow):
    """Of one client."""

    def __init__(self, per_second: float, burst_seconds: float) -> None:
        super().__init__(per_second, burst_seconds)
        self.let_in_at = -math.inf
        self.credentials: deque[bytes] = deque()


class Pace:
    """How many scores a second a worker lets in; what comes beyond is refused.

    It is meant to be below what the worker could do, so that what is left pays for refusals. Whose
    a request is, is known by its credential, once one with it was admitted.

    Args:
        per_second: in the long run; 0 for no bound.
        burst_seconds: how much of that may come at once.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        per_second: float,
        burst_seconds: float = BURST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._all = Flow(per_second or math.inf, burst_seconds if per_second else math.inf)
        self._clock = clock
        self._per_second, self._burst_seconds = per_second, burst_seconds
        self._shares: dict[bytes, _Share] = {}
        """By credential; one client may have several."""
        self._of_client: dict[tuple[str, str], _Share] = {}
        self._looked_at = -math.inf
        self._asking: frozenset[_Share] = frozenset()
        self._refusal = self.exceeded()

    def refusal(self, request: bytes = b"") -> RequestRefused | None:
        """What is said while none may come, always the same; None while one may. Takes nothing.

        Args:
            request: its head as it was sent, for whoever has a share left.
        """
        now = self._clock()
        if self._all.is_open(now):
            return None
        several = len(self._of_client) > 1
        if several and (sent := _SENT.search(request)) is not None and self._owes(sent[1], now):
            return None
        return self._refusal

    def take(self, credential: bytes | None = None) -> bool:
        """Count one that is let in; False, and nothing counted, when it may not come now."""
        now = self._clock()
        if not self._all.is_open(now) and not self._owes(credential, now):
            return False
        self._all.count(now)
        share = None if credential is None else self._shares.get(credential)
        if share is not None:
            share.count(now)
            share.let_in_at = now
            if share not in self._asking or now - self._looked_at > ASKING_SECONDS:
                self._share_out(now)
        return True

    def give_back(self) -> None:
        """One that was counted turned out to be nobody's who may ask."""
        self._all.give_back()

    def admitted(self, credential: bytes | None, client: Client) -> None:
        """From here on what comes with this credential is the client's."""
        if credential is None or not self._per_second or credential in self._shares:
            return
        name, now = (client.agency, client.name), self._clock()
        if name not in self._of_client:
            if len(self._of_client) >= _MOST_CLIENTS:
                self._shares.clear()
                self._of_client.clear()
            self._of_client[name] = _Share(self._per_second, self._burst_seconds)
        share = self._shares[credential] = self._of_client[name]
        share.credentials.append(credential)
        if len(share.credentials) > _MOST_CREDENTIALS:
            del self._shares[share.credentials.popleft()]
        share.let_in_at = now
        self._share_out(now)

    def exceeded(self) -> RequestRefused:
        return RequestRefused(
            "overloaded",
            f"{self._per_second:g} scores a second are taken on; send this one again",
            headers={"Retry-After": str(max(1, math.ceil(self._all.rate.interval)))},
        )

    def _owes(self, credential: bytes | None, now: float) -> bool:
        """Whether its client has had less than its share, of several who are asking."""
        share = None if credential is None else self._shares.get(credential)
        return share is not None and self._asking != {share} and share.is_open(now)

    def _share_out(self, now: float) -> None:
        """The same for each client that is asking."""
        self._looked_at = now
        self._asking = frozenset(
            share for share in self._of_client.values() if now - share.let_in_at < ASKING_SECONDS
        )
        for share in self._asking:
            share.set_rate(self._per_second / len(self._asking), self._burst_seconds)


def credential_in(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """As it was sent, good or not; None when there is none."""
    for name, value in headers:
        if name == _HEADER:
            return value
    return None
