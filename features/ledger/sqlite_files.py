"""Whether the files of an open SQLite database are still what they were.

SQLite goes on writing to a file that was moved away, or cut to nothing, as if all were well: it has
the pages that it needs in memory. What it then calls durable nobody finds again.
"""

import os
from pathlib import Path

from features.ledger.protocol import LedgerError

_HEADER_BYTES, _MAGIC, _SALTS = 32, (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"), slice(16, 24)
"""Of the log: https://sqlite.org/fileformat2.html, section 4.1. Its salts change whenever it begins
anew, and only then may it be shorter."""


class DatabaseFiles:
    """The database and its log, as they were when ``check`` was asked first.

    The database is looked at by name and never opened: closing a file drops every lock that SQLite
    has on it in this process (https://sqlite.org/howtocorrupt.html, section 2.2). On the log it has
    none.
    """

    def __init__(self, path: Path) -> None:
        self._paths = (path, path.with_name(path.name + "-wal"))
        self._inodes: tuple[tuple[int, int], ...] | None = None
        self._log: int | None = None
        self._largest_bytes = 0
        """Of the database, which never shrinks while it is in service."""
        self._salts, self._log_bytes = b"", 0

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
            raise _cut(self._paths[0], self._largest_bytes, database.st_size)
        self._largest_bytes = database.st_size
        self._check_log(log.st_size)

    def _check_log(self, size: int) -> None:
        if self._log is None:
            self._log = os.open(self._paths[1], os.O_RDONLY | os.O_CLOEXEC)
        header = os.pread(self._log, _HEADER_BYTES, 0)
        salts = header[_SALTS]
        begun_anew = not header or salts != self._salts
        headless = bool(header) and header[:4] not in _MAGIC
        if headless or (not begun_anew and size < self._log_bytes):
            raise _cut(self._paths[1], self._log_bytes, size)
        self._salts, self._log_bytes = salts, size

    def close(self) -> None:
        if self._log is not None:
            os.close(self._log)
            self._log = None


def _cut(path: Path, before: int, now: int) -> LedgerError:
    return LedgerError(
        f"{path} had {before} bytes and has {now}: it was cut while it was in use; stop what uses "
        "it and restore a copy"
    )
