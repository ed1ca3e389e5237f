"""Whether the files of an open SQLite database are still where they were opened.

SQLite goes on writing to a file that was moved away, or cut to nothing, as if all were well: it has
the pages that it needs in memory. What it then calls durable nobody finds again.
"""

import os
from pathlib import Path

from features.ledger.protocol import LedgerError


class DatabaseFiles:
    """The database and its log, as they were when ``check`` was asked first.

    They are looked at by name and never opened: closing a file drops every lock that SQLite has on
    it in this process (https://sqlite.org/howtocorrupt.html, section 2.2).
    """

    def __init__(self, path: Path) -> None:
        self._paths = (path, path.with_name(path.name + "-wal"))
        self._inodes: tuple[tuple[int, int], ...] | None = None
        self._largest_bytes = 0
        """Of the database, which never shrinks while it is in service."""

    def check(self) -> None:
        """
        Raises:
            LedgerError: a file is gone, is another one, or was cut; until it is back as it was.
        """
        try:
            database, log = map(os.stat, self._paths)
        except OSError as exc:
            raise LedgerError(
                f"{exc.filename} is gone ({(exc.strerror or str(exc)).lower()}) while it was in "
                "use; move it back, or stop what uses it and restore a copy"
            ) from exc
        inodes = tuple((found.st_dev, found.st_ino) for found in (database, log))
        if self._inodes is None:
            self._inodes = inodes
        if inodes != self._inodes:
            raise LedgerError(
                f"{self._paths[0]} or its log is another file than the one that was opened; move "
                "that one back, or stop what uses it and start it on this one"
            )
        if database.st_size < self._largest_bytes:
            raise LedgerError(
                f"{self._paths[0]} had {self._largest_bytes} bytes and has {database.st_size}: it "
                "was cut while it was in use; stop what uses it and restore a copy"
            )
        self._largest_bytes = database.st_size
