"""Garbage collection between requests instead of during them.

Every request leaves some objects that live for seconds (timers), and a full collection that walks
the model and the history with them stops a worker for hundreds of milliseconds.
"""

import gc
import time

QUIET_SECONDS = 0.25
"""A worker that answered nothing for so long is idle."""
LONGEST_WITHOUT_SECONDS = 30.0
"""Collect at least this often under steady load, so that memory cannot grow without bound."""
MOST_NEW_OBJECTS = 500_000
"""Since the last collection, whatever made them: some requests tell nobody that they came."""


class IdleCollector:
    """Turns automatic collection off; ``tick`` collects when the worker is idle, or overdue."""

    def __init__(self) -> None:
        self._last_request = 0.0
        self._last_collection = 0.0
        self._collected_since_request = True

    def start(self) -> None:
        """What is loaded by now stays for good, and is never walked again."""
        gc.collect()
        gc.freeze()
        gc.disable()
        self._last_collection = time.monotonic()

    def touch(self) -> None:
        """A request came."""
        self._last_request = time.monotonic()
        self._collected_since_request = False

    def tick(self, *, at_work: bool = False) -> bool:
        """Collect if there is a reason to; says whether it did.

        Args:
            at_work: a worker that answers nothing for long may have a batch in hand.
        """
        many = gc.get_count()[0] > MOST_NEW_OBJECTS
        if self._collected_since_request and not many:
            return False
        now = time.monotonic()
        idle = not at_work and now - self._last_request > QUIET_SECONDS
        overdue = now - self._last_collection > LONGEST_WITHOUT_SECONDS
        if not idle and not overdue and not many:
            return False
        gc.collect()
        self._last_collection, self._collected_since_request = now, idle
        return True
