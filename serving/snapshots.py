"""When a service has its history kept on disk: now and then by another process, and at its end."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable

from features.history.online import LiveHistory
from features.history.resuming import NAME, keep
from features.ledger import LedgerError, LedgerReader
from features.settings import Settings

logger = logging.getLogger("foreland.serving")

EVENTS_AT_MOST = 200_000
"""So many since the last snapshot, and the next one is due before its time."""
COMMAND = (sys.executable, "-m", "features.history.keeping")


class SnapshotKeeper:
    """Starts ``features.history.keeping`` when a snapshot is due; ``close`` ends it.

    Nothing of this process is copied or locked for it: a request waits for the start of a process
    at most. Two workers are two keepers of one file; the newer of its snapshots stays.
    """

    def __init__(
        self, settings: Settings, position: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._every = settings.snapshot_minutes * 60.0
        self._directory = settings.history
        self._environment = os.environ | {
            "FORELAND_HOME": str(settings.home),
            "FORELAND_LEDGER_URL": settings.ledger,
        }
        self._clock = clock
        self._kept_position = position
        self._due_at = clock() + self._every
        self._process: subprocess.Popen[bytes] | None = None

    def tick(self, position: int) -> None:
        """Called about once a second, with the position that history has applied."""
        if self._process is not None and self._process.poll() is None:
            return
        self._process = None
        if not self._every or position == self._kept_position:
            return
        now, many = self._clock(), position - self._kept_position >= EVENTS_AT_MOST
        if not many and now < self._due_at:
            return
        if not many and now < self._written_at() + self._every:  # by another worker
            self._due_at = self._written_at() + self._every
            return
        self._kept_position, self._due_at = position, now + self._every
        try:
            self._process = subprocess.Popen(COMMAND, env=self._environment)
        except OSError as exc:
            logger.warning("no snapshot of history: its process cannot be started (%s)", exc)

    def keep_now(self, history: LiveHistory, ledger: LedgerReader) -> None:
        """In this process, while no request is answered: before the first, after the last."""
        if not self._every or history.position == self._kept_position:
            return
        try:
            if keep(self._directory, history, ledger):
                self._kept_position = history.position
        except (LedgerError, OSError) as exc:
            logger.warning("no snapshot of history was written: %s", exc)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()  # whatever it was at, the snapshot before is whole
            self._process.wait()

    def _written_at(self) -> float:
        try:
            return (self._directory / NAME).stat().st_mtime
        except OSError:
            return 0.0
