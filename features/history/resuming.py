"""From a snapshot and the rest of the ledger to live history, and how far behind it is."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from features.clock import Micros, now_micros
from features.collector import collector_paused
from features.history.online import LiveHistory
from features.history.snapshot import (
    Snapshot,
    SnapshotRefused,
    read_snapshot,
    remove_snapshots,
    write_snapshot,
)
from features.history.tables import Tables
from features.history.view import Counted
from features.ledger.events import Recorded
from features.ledger.protocol import LedgerReader

logger = logging.getLogger("foreland.history")

NAME = "live.snapshot"
_NEAR = 1_000
"""So many events that are not wanted are read on the way to the next one that is."""


class Resumed(NamedTuple):
    history: LiveHistory
    """Caught up with the ledger."""
    from_position: int
    """Of the snapshot it goes on from; 0 when all of the ledger was replayed."""
    refused: str | None
    """Why the snapshot that was there was not used."""


class Lag(NamedTuple):
    """How far live history is behind its ledger."""

    position: int
    """Of the last event it has heard."""
    last_position: int
    """Of the ledger."""
    seconds: float
    """Since the first event that it has not heard; 0.0 when there is none."""


def resume(
    directory: Path, ledger: LedgerReader, clock: Callable[[], Micros] = now_micros
) -> Resumed:
    """Live history that has caught up: by the snapshot if there is a good one, else from the start.

    A refused snapshot is removed, for what is in it may have been erased since.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    history, refused = LiveHistory(clock), None
    with collector_paused():
        try:
            with _kernel_loading():
                snapshot = read_snapshot(directory / NAME)
            history = _thawed(snapshot, ledger, clock)
        except FileNotFoundError:
            pass
        except (SnapshotRefused, OSError) as exc:
            refused = str(exc)
            logger.warning("the snapshot of history is not used: %s; the ledger is replayed", exc)
            _remove(directory)
        start = history.position
        history.follow(ledger)
    return Resumed(history, start, refused)


def keep(directory: Path, history: LiveHistory, ledger: LedgerReader) -> bool:
    """Write a snapshot of it; False when there is nothing to be kept.

    Raises:
        OSError: it cannot be written; the one before stays.
    """
    link = ledger.link_at(history.position)
    if history.epoch is None or link is None:
        return False
    write_snapshot(directory / NAME, history.freeze(), link)
    return True


def lag_of(
    history: LiveHistory, ledger: LedgerReader, clock: Callable[[], Micros] = now_micros
) -> Lag:
    """
    Raises:
        LedgerError: the ledger cannot be read.
    """
    last = ledger.last_position()
    if last <= history.position:
        return Lag(history.position, last, 0.0)
    unheard = next(ledger.tail(history.position))
    return Lag(history.position, last, max(clock() - unheard.available_at, 0) / 1e6)


def _thawed(snapshot: Snapshot, ledger: LedgerReader, clock: Callable[[], Micros]) -> LiveHistory:
    frozen = snapshot.frozen
    epoch = ledger.epoch()
    if frozen.epoch != epoch:
        raise SnapshotRefused(
            f"it is of epoch {frozen.epoch} and the ledger of {epoch}: a backfill or an erasure"
            " came between"
        )
    link = ledger.link_at(frozen.position)
    if link is None:
        raise SnapshotRefused(
            f"it knows {frozen.position:,} events and the ledger holds {ledger.last_position():,}:"
            " an older ledger was restored"
        )
    if link != snapshot.link:
        raise SnapshotRefused(f"it is of another ledger, which differs by {frozen.position:,}")
    return LiveHistory.thaw(frozen, _events_at(ledger, frozen.waiting), clock)


def _events_at(ledger: LedgerReader, positions: Sequence[int]) -> Iterator[Recorded]:
    wanted = sorted(positions, reverse=True)
    while wanted:
        last = wanted[-1]
        for event in ledger.tail(last - 1):
            if event.position > last + _NEAR or not wanted:
                break
            if event.position != wanted[-1]:
                continue
            if not isinstance(event.payload, Counted):
                raise SnapshotRefused(f"the event at {event.position:,} is erased")
            last = wanted.pop()
            yield event


def _remove(directory: Path) -> None:
    try:
        remove_snapshots(directory)
    except OSError as exc:
        logger.warning("it cannot be removed either: %s", exc)


@contextmanager
def _kernel_loading() -> Iterator[None]:
    """Compiled code takes half a second to load, while the file is read and hashed elsewhere."""
    loading = Thread(target=Tables().apply, args=((),))
    loading.start()
    try:
        yield
    finally:
        loading.join()
