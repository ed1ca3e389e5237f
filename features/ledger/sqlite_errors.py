"""What SQLite said, in words that say what to do."""

import sqlite3
from pathlib import Path

from features.ledger.protocol import LedgerBusy, LedgerError


def in_words(path: Path, exc: sqlite3.Error, busy_seconds: float) -> LedgerError:
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LedgerBusy(
            f"another process has been writing to {path} for over {busy_seconds:g} s; try again"
        )
    if code == sqlite3.SQLITE_NOTADB:
        return LedgerError(f"{path} is no ledger (not an SQLite file); choose another path")
    if code == sqlite3.SQLITE_FULL:
        return LedgerError(f"the disk that holds {path} is full; free some space and try again")
    if code == sqlite3.SQLITE_IOERR:
        return LedgerError(
            f"{path} cannot be written ({exc}); look for a full disk, a quota or a broken device, "
            "and run the same command again"
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return LedgerError(f"{path} is damaged ({exc}); restore it from a copy")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return LedgerError(f"{path} cannot be opened or written ({exc}); check its permissions")
    return LedgerError(f"the ledger {path} refused: {exc}")
