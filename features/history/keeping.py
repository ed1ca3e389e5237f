"""``python -m features.history.keeping``: bring the home's snapshot up to the end of the ledger.

A process of its own, so that no request of a service waits for it: it goes on from the snapshot
that is there, follows the ledger, and writes the next one.
"""

import os
import sys
from contextlib import closing

from features.errors import ForelandError
from features.history.resuming import keep, resume
from features.ledger import open_ledger
from features.ledger.locks import exclusive
from features.settings import Settings, read_settings

LOWER_PRIORITY = 10


def bring_up(settings: Settings) -> bool:
    """Whether a newer snapshot was written.

    Raises:
        LedgerBusy: another process does so already, or changes the ledger's past: an erasure
            cannot come between the reading of an event and the removal of snapshots.
    """
    settings.history.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = exclusive(settings.history / "keeping.lock", "another process keeps the snapshot")
    with lock, closing(open_ledger(settings.ledger, create=False)) as ledger, ledger.in_service():
        resumed = resume(settings.history, ledger)
        news = resumed.history.position > resumed.from_position
        return news and keep(settings.history, resumed.history, ledger)


def main() -> int:
    os.nice(LOWER_PRIORITY)
    try:
        bring_up(read_settings())
    except (ForelandError, OSError) as exc:
        print(f"no snapshot of history was written: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
