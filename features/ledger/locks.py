"""Locks between processes, held on small files beside the ledger and dropped when one dies.

``flock`` belongs to an open file, so each hold opens its own: two threads of one process exclude
each other exactly as two processes do.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.ledger.protocol import LedgerBusy, LedgerError


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Wait for one's turn to write.

    SQLite's own busy wait is unfair: with it the slowest of a few writers waits for a second,
    with a queue on this lock for some milliseconds.
    """
    with _opened(path) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextmanager
def shared(path: Path, refusal: str) -> Iterator[None]:
    """Held together with other shared holders, at once or not at all."""
    with _held(path, fcntl.LOCK_SH, refusal):
        yield


@contextmanager
def exclusive(path: Path, refusal: str) -> Iterator[None]:
    """Held alone, at once or not at all."""
    with _held(path, fcntl.LOCK_EX, refusal):
        yield


@contextmanager
def _held(path: Path, how: int, refusal: str) -> Iterator[None]:
    with _opened(path) as descriptor:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise LedgerBusy(refusal) from exc
        yield


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    with os_errors_in_words(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def os_errors_in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise LedgerError(
            f"{path} cannot be made or written: {(exc.strerror or str(exc)).lower()}; "
            "check the path, its permissions and who owns it"
        ) from exc
