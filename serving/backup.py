"""A consistent copy of a home while it serves: the database as of one commit, pins and bundles.

Keys are left out on purpose: whoever holds a copy of the database and the keys holds everything.
"""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from features.errors import ForelandError, InputError
from features.settings import Settings

if TYPE_CHECKING:
    import psycopg

DATABASE, DUMP = "ledger.db", "ledger.dump"
_TAKEN = ("pins", "bundles")
"""Directories of the home whose files never change once they are there."""


class BackUpFailed(ForelandError):
    """The copy is not complete and must not be kept."""


class BackedUp(NamedTuple):
    events: int
    assessments: int


def back_up(settings: Settings, out: Path) -> BackedUp:
    """Into a directory that is new or empty.

    Raises:
        InputError: it holds something, there is no ledger, or no ``pg_dump`` for PostgreSQL.
        BackUpFailed: ``pg_dump`` gave up.
    """
    in_postgres = urlsplit(settings.ledger).scheme in ("postgresql", "postgres")
    source = Path(settings.ledger.removeprefix("sqlite:///"))
    if not in_postgres and not source.exists():
        raise InputError(f"no ledger at {source}; there is nothing to back up")
    if out.exists() and any(out.iterdir()):
        raise InputError(f"--out {out} is not empty; give a directory that is new")
    program = _pg_dump() if in_postgres else ""
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _TAKEN:
        if (settings.home / name).is_dir():
            shutil.copytree(settings.home / name, out / name)
    settings_file = settings.home / "foreland.toml"
    if settings_file.exists():
        shutil.copyfile(settings_file, out / settings_file.name)
    if in_postgres:
        return _dumped(program, settings.ledger, out / DUMP)
    return _copied(source, out / DATABASE)


def _copied(source: Path, copy: Path) -> BackedUp:
    copy.touch(mode=0o600)
    with closing(sqlite3.connect(source)) as ledger, closing(sqlite3.connect(copy)) as copied:
        ledger.backup(copied)  # one snapshot, however much is written meanwhile
        return BackedUp(_count(copied, "events"), _count(copied, "assessments"))


def _count(database: sqlite3.Connection, table: str) -> int:
    found = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?"
    if database.execute(found, [table]).fetchone() == (0,):
        return 0
    return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - one of our own names


def _pg_dump() -> str:
    program = shutil.which("pg_dump")
    if program is None:
        raise InputError(
            "the ledger is in PostgreSQL and there is no pg_dump on this machine; install the "
            "client programs of the server's version, or run `foreland backup` where they are"
        )
    return program


def _dumped(program: str, url: str, dump: Path) -> BackedUp:
    """By PostgreSQL's own program, of the snapshot that is counted here."""
    import psycopg

    dump.touch(mode=0o600)
    command = [program, "--format=custom", "--schema=foreland", f"--file={dump}", f"--dbname={url}"]
    try:
        with psycopg.connect(url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            ((snapshot,),) = connection.execute("SELECT pg_export_snapshot()").fetchall()
            subprocess.run(
                [*command, f"--snapshot={snapshot}"], check=True, capture_output=True, text=True
            )
            return BackedUp(*(_rows(connection, table) for table in ("events", "assessments")))
    except subprocess.CalledProcessError as exc:
        said = " ".join(exc.stderr.split())
        raise BackUpFailed(f"pg_dump ended with {said!r}; remove {dump.parent}") from exc
    except psycopg.Error as exc:
        raise BackUpFailed(
            f"the database of the ledger does not answer ({type(exc).__name__}); remove "
            f"{dump.parent}, and try again when it does"
        ) from exc


def _rows(connection: "psycopg.Connection[tuple[object, ...]]", table: str) -> int:
    found = connection.execute("SELECT to_regclass(%s)", [f"foreland.{table}"]).fetchone()
    if found == (None,):
        return 0
    ((rows,),) = connection.execute(f"SELECT count(*) FROM foreland.{table}").fetchall()  # noqa: S608 - one of our own names
    return int(str(rows))
