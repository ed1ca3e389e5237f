"""A consistent copy of a home while it serves: the database as of one commit, pins and bundles.

Keys are left out on purpose: whoever holds a copy of the database and the keys holds everything.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from features.errors import InputError
from features.settings import Settings

DATABASE = "ledger.db"
_TAKEN = ("pins", "bundles")
"""Directories of the home whose files never change once they are there."""


class BackedUp(NamedTuple):
    events: int
    assessments: int


def back_up(settings: Settings, out: Path) -> BackedUp:
    """Into a directory that is new or empty.

    Raises:
        InputError: it holds something, or the ledger is in PostgreSQL, which has its own means.
    """
    source = settings.ledger.removeprefix("sqlite:///")
    if source == settings.ledger:
        raise InputError(
            "the ledger is in PostgreSQL; back it up with pg_basebackup and archived write-ahead "
            "logs, and copy pins/ and bundles/ of the home (docs/operating.md)"
        )
    if not Path(source).exists():
        raise InputError(f"no ledger at {source}; there is nothing to back up")
    if out.exists() and any(out.iterdir()):
        raise InputError(f"--out {out} is not empty; give a directory that is new")
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _TAKEN:
        if (settings.home / name).is_dir():
            shutil.copytree(settings.home / name, out / name)
    settings_file = settings.home / "foreland.toml"
    if settings_file.exists():
        shutil.copyfile(settings_file, out / settings_file.name)
    copy = out / DATABASE
    copy.touch(mode=0o600)
    with closing(sqlite3.connect(source)) as ledger, closing(sqlite3.connect(copy)) as copied:
        ledger.backup(copied)  # one snapshot, however much is written meanwhile
        return BackedUp(_count(copied, "events"), _count(copied, "assessments"))


def _count(database: sqlite3.Connection, table: str) -> int:
    found = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?"
    if database.execute(found, [table]).fetchone() == (0,):
        return 0
    return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - one of our own names
