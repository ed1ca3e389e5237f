"""Keeping up with the ledger without ever waiting long for it.

Reading may happen in any thread; what was read is applied where answers are computed, so that
history has one user. A ledger on this machine is read there and then: it takes microseconds, less
than the way to another thread. One behind a network is read by another thread, and who waits for
that waits ``PATIENCE_SECONDS`` at most.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

from features.clock import Micros, now_micros
from features.history.online import LiveHistory
from features.history.resuming import Lag
from features.ledger import Ledger, LedgerError, LedgerReader, Recorded, Written
from serving.intelligence import read_matching
from serving.suspension import read_suspensions

PATIENCE_SECONDS = 0.1
"""After which an answer is computed from what was heard before, and says so."""
MOST_EVENTS = 2_000
"""Heard at a time, some tens of milliseconds of work; what is left is history's lag."""


class Heard(NamedTuple):
    """What the ledger holds after a position, up to ``MOST_EVENTS``."""

    epoch: int
    events: list[Recorded]
    next_at: Micros | None
    """When the first event that was left became available; None when all are here."""
    last_position: int
    """Of the ledger."""


class Committed:
    """What this worker has committed itself, so that it is not read back. The writer's thread adds
    to it and whoever follows takes from it; what is too much is dropped, and read."""

    def __init__(self) -> None:
        self._written: deque[Written] = deque(maxlen=MOST_EVENTS)

    def add(self, written: Sequence[Written]) -> None:
        self._written.extend(written)

    def take(self, after_position: int) -> list[Recorded]:
        """What follows the position without a gap, if it is the next; nothing of it stays."""
        found: list[Recorded] = []
        for _ in range(MOST_EVENTS):
            try:
                one = self._written.popleft()
            except IndexError:
                break
            if one.position == after_position + 1:
                found.append(one.read())
                after_position = one.position
        return found


Heed = Callable[[int, Sequence[Recorded]], object]
"""Hears up to where all was applied before, and what was applied after that."""


class Follower:
    """History, suspensions and intelligence of one worker, as the ledger has them. Belongs to its
    event loop."""

    def __init__(self, ledger: Ledger, history: LiveHistory) -> None:
        self.history = history
        self.suspensions = read_suspensions(ledger)
        self.matching = read_matching(ledger, history.position, asked_from=now_micros())
        self.committed = Committed()
        self.heed: Heed = lambda *_: None
        self._ledger = ledger
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="follow")
        self._reading: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._failure: str | None = None
        self._slow = False
        self._followed_at = now_micros()
        self._left_at: Micros | None = None
        self._last_position = history.position
        self.newest_heard: Micros | None = None
        """Stamp of the last event that came since the start, applied or waiting for its time."""

    async def follow(self) -> None:
        """Apply what the ledger holds by now, or note in ``problem`` what keeps it from that."""
        if self._ledger.local:
            self.follow_now()
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.shield(self._read_from_now_on())
        except TimeoutError:
            self._slow = True

    def follow_now(self) -> None:
        """The same, however long it takes."""
        try:
            self._apply(self._read(self.history.position))
        except LedgerError as exc:
            self._failure = str(exc)

    def problem(self) -> str | None:
        """What keeps history from what the ledger holds by now, ``code: sentence``."""
        if self._failure is not None:
            return f"ledger_unreadable: {self._failure}"
        if self._slow:
            return (
                f"history_lags: the ledger did not answer within {PATIENCE_SECONDS:g} s; history "
                f"is {self.lag().seconds:.1f} s old"
            )
        if self._left_at is not None:
            lag = self.lag()
            return (
                f"history_lags: {lag.last_position - lag.position} events of the ledger are still "
                "to be heard"
            )
        return None

    def lag(self) -> Lag:
        """How far history is behind the ledger, as far as is known."""
        since = self._left_at
        if self._failure is not None or self._slow:
            since = self._followed_at
        seconds = 0.0 if since is None else max(now_micros() - since, 0) / 1e6
        return Lag(self.history.position, self._last_position, seconds)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _read_from_now_on(self) -> "asyncio.Task[None]":
        """A read that has not begun yet: one under way may miss what was just recorded."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_after(self._reading))
        return self._next

    async def _read_after(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        self._reading, self._next = self._next, None
        loop, position = asyncio.get_running_loop(), self.history.position
        try:
            self._apply(await loop.run_in_executor(self._thread, self._read, position))
        except LedgerError as exc:
            self._failure = str(exc)

    def _read(self, after_position: int) -> Heard:
        """What was committed here is the ledger's as well, and taken before the ledger is asked:
        so all of it lies within the stand."""
        events = self.committed.take(after_position)
        epoch, last = self._ledger.stand()
        if epoch != self.history.epoch:
            events = []
        heard_to = events[-1].position if events else after_position
        if last == heard_to:
            return Heard(epoch, events, None, last)
        events += islice(self._ledger.tail(heard_to), MOST_EVENTS + 1 - len(events))
        if len(events) <= MOST_EVENTS:
            last = events[-1].position if events else after_position
            return Heard(epoch, events, None, last)
        left = events.pop()
        return Heard(epoch, events, left.available_at, self._ledger.last_position())

    def _apply(self, heard: Heard) -> None:
        before = self.history.position
        position = heard.events[-1].position if heard.events else before
        self.history.follow(_Told(self._ledger, heard))
        for event in heard.events:
            self.suspensions.hear(event)
            self.matching.hear(event)
            self.newest_heard = max(self.newest_heard or 0, event.available_at)
        if self.history.position != position:  # it was rebuilt, from events that are not here
            self.suspensions = read_suspensions(self._ledger)
            self.matching = read_matching(
                self._ledger, self.history.position, asked_from=now_micros()
            )
        elif heard.events:
            self.heed(before, heard.events)
        self._failure, self._slow = None, False
        self._followed_at, self._left_at = now_micros(), heard.next_at
        self._last_position = max(heard.last_position, self.history.position)


class _Told:
    """A ledger of which the next events were read already; what else is asked for, it reads."""

    def __init__(self, ledger: LedgerReader, heard: Heard) -> None:
        self._heard = heard
        self.read = ledger.read
        self.last_position = ledger.last_position
        self.link_at = ledger.link_at

    def epoch(self) -> int:
        return self._heard.epoch

    def tail(self, after_position: int) -> Iterator[Recorded]:
        return (event for event in self._heard.events if event.position > after_position)
