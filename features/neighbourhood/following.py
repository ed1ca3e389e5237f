"""Keeping the file of links up with the ledger: from a mark, and anew when the past has changed.

Each epoch of the ledger has a file of its own. A backfill or an erasure begins another epoch, so
what was erased is in no file that is read from then on; the old ones are removed.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from features.errors import ForelandError
from features.ledger.locks import exclusive
from features.ledger.opening import open_ledger
from features.ledger.protocol import LedgerReader
from features.neighbourhood.ties_file import Mark, TiesDamaged, TiesFile
from features.settings import Settings, read_settings

BATCH = 2_000
"""Events a commit."""
LOWER_PRIORITY = 10
_FORMAT = 1
"""Rises when the tables change: files of before are removed, and made anew."""


def open_ties(directory: Path, ledger: LedgerReader) -> TiesFile:
    """The file of the ledger's present epoch, as far as it has come; those of others go.

    Raises:
        TiesUnreadable: it cannot be opened.
        LedgerError: the ledger cannot be read.
    """
    path = directory / f"ties-{_FORMAT}-{ledger.epoch()}.db"
    _remove(one for one in _files(directory) if not one.name.startswith(path.name))
    try:
        ties = TiesFile(path)
    except TiesDamaged:
        remove_ties(directory)
        return TiesFile(path)
    position, link = ties.mark()
    if position and ledger.link_at(position) != link:  # another ledger's, in the same home
        ties.close()
        remove_ties(directory)
        return TiesFile(path)
    return ties


def follow(ties: TiesFile, ledger: LedgerReader, most_events: int | None = None) -> bool:
    """Take in what the ledger holds after the mark; True when that was all of it.

    Args:
        most_events: after which it stops, so that nobody waits for a ledger of a million; None:
            it does not stop.
    """
    events = ledger.tail(ties.mark().position)
    left = most_events
    while left is None or left > 0:
        batch = list(islice(events, BATCH if left is None else min(left, BATCH)))
        if not batch:
            return True
        position = batch[-1].position
        ties.hear(batch, Mark(position, ledger.link_at(position)))
        left = None if left is None else left - len(batch)
    return next(events, None) is None


def remove_ties(directory: Path) -> int:
    """All files of links; how many there were. What was erased was counted in them."""
    return _remove(_files(directory))


def _files(directory: Path) -> Iterator[Path]:
    """With the log and its index, which stand beside each."""
    return directory.glob("ties-*.db*")


def _remove(files: Iterator[Path]) -> int:
    removed = 0
    for file in list(files):
        file.unlink(missing_ok=True)
        removed += 1
    return removed


def bring_up(settings: Settings) -> None:
    """The home's file, up to the end of the ledger.

    Raises:
        LedgerBusy: another process does so already, or changes the ledger's past.
    """
    settings.ties.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = exclusive(settings.ties / "following.lock", "another process follows the ledger")
    with (
        lock,
        closing(open_ledger(settings.ledger, create=False)) as ledger,
        ledger.in_service(),
        closing(open_ties(settings.ties, ledger)) as ties,
    ):
        follow(ties, ledger)


def main() -> int:
    """``python -m features.neighbourhood.following``: a process of its own, so that no request of
    a service waits for it."""
    os.nice(LOWER_PRIORITY)
    try:
        bring_up(read_settings())
    except (ForelandError, OSError) as exc:
        print(f"the file of links is behind: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
