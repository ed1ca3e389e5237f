"""Whether this machine's clock can be believed: answers are stamped with it."""

import time
from collections.abc import Callable

from features.clock import Micros, now_micros

TOLERANCE_MICROS = 2_000_000
"""Clocks that are kept in step are nearer to each other, and are corrected in smaller steps."""
SETTLED_SECONDS = 300.0
"""After which a clock that jumped and went on evenly is believed again."""


def uptime_seconds() -> float:
    """Goes on evenly, also while the machine sleeps, and nobody can set it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ClockWatch:
    """Compares the clock with one that nobody sets, and with the ledger's newest stamp."""

    def __init__(
        self,
        clock: Callable[[], Micros] = now_micros,
        uptime: Callable[[], float] = uptime_seconds,
    ) -> None:
        self._clock = clock
        self._uptime = uptime
        self._offset = self._offset_now()
        self._jumped_at: float | None = None
        self._jumped_to = self._offset

    def problem(self, newest: Micros | None) -> str | None:
        """``code: sentence`` for a clock that is behind or has jumped; None for a good one.

        Args:
            newest: stamp of the newest event that is known.
        """
        now, jump = self._clock(), self._jump()
        if newest is not None and now + TOLERANCE_MICROS < newest:
            return (
                f"clock_behind: this machine's clock is {(newest - now) / 1e6:.0f} s behind the "
                "ledger's newest event"
            )
        if jump:
            return f"clock_jumped: this machine's clock jumped by {jump / 1e6:+.0f} s"
        return None

    def _jump(self) -> Micros:
        """How far from where it was before it jumped; 0 when it did not, or has settled."""
        offset = self._offset_now()
        if abs(offset - self._offset) <= TOLERANCE_MICROS:
            self._offset, self._jumped_at = (
                offset,
                None,
            )  # a clock may be corrected little by little
            return 0
        uptime = self._uptime()
        if self._jumped_at is None or abs(offset - self._jumped_to) > TOLERANCE_MICROS:
            self._jumped_at, self._jumped_to = uptime, offset
        if uptime - self._jumped_at > SETTLED_SECONDS:
            self._offset, self._jumped_at = offset, None
            return 0
        return offset - self._offset

    def _offset_now(self) -> Micros:
        return self._clock() - round(self._uptime() * 1e6)
