"""A line for each request that was refused or took long, or for every one.

It names the route as it is declared and a code, so that no reference or identifier of a path, a
query or a body gets into a log; ``serving.logs`` adds the id of the request.
"""

import logging
import time
from collections.abc import Callable

from features.settings import Settings

logger = logging.getLogger("foreland.serving")

SAME_LINE_SECONDS = 1.0
"""Of one route with one code, or of slow ones, a line comes at most so often: whoever sends bad
requests without end does not fill the disk. The metrics count each."""


class RequestLog:
    """Belongs to one event loop."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._which = settings.log_requests
        self._slow_seconds = settings.slow_request_milliseconds / 1000
        self._clock = clock
        self._due_at: dict[tuple[str, str | None], float] = {}
        self._left_out: dict[tuple[str, str | None], int] = {}

    def note(self, route: str, status: int, code: str | None, seconds: float) -> None:
        """
        Args:
            route: the path as it is declared, with the method.
            code: of the problem document; None for an answer.
            seconds: from the first header to the last byte handed over.
        """
        if self._which == "none":
            return
        every = self._which == "all"
        if not every and code is None and seconds < self._slow_seconds:
            return
        if not every and not self._due(route, code):
            return
        said: dict[str, object] = {"route": route, "status": status}
        if code is not None:
            said["code"] = code
        said["milliseconds"] = round(1000 * seconds, 1)
        if left_out := self._left_out.pop((route, code), 0):
            said["left_out"] = left_out
        logger.info("request", extra={"fields": said})

    def _due(self, route: str, code: str | None) -> bool:
        now = self._clock()
        if now < self._due_at.get((route, code), now):
            self._left_out[route, code] = self._left_out.get((route, code), 0) + 1
            return False
        self._due_at[route, code] = now + SAME_LINE_SECONDS
        return True
