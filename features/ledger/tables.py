"""Reading tables that lie beside the ledger in its database, such as the audit log.

A connection of its own, which never writes and never waits for a writer. Whoever adds to such
tables does it through ``features.ledger.protocol.Transaction``.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from features.ledger.protocol import LedgerError

if TYPE_CHECKING:
    from features.ledger.impatient import ImpatientConnection

ROWS = 1_000
"""Of a stream, fetched at a time."""


class Tables(ABC):
    """One database to read from; used by one thread at a time."""

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a small answer; ``?`` for parameters.

        Raises:
            LedgerError: the database does not answer, or has no such table.
        """
        return list(self.rows(statement, parameters))

    @abstractmethod
    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a large answer, fetched as they are asked for, within ``snapshot`` only if
        other reads must see the same state. Raises as ``fetch``."""

    @abstractmethod
    def has(self, table: str) -> bool:
        """False for a ledger from before there was such a table."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """Every read until its end sees the same commits, whatever is written meanwhile."""

    @abstractmethod
    def close(self) -> None: ...


class _SqliteTables(Tables):
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(str(path.absolute()))}?mode=rw",
                uri=True,
                isolation_level=None,
                check_same_thread=False,  # its owner sees to that, and another may close it
            )
            self._connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error as exc:
            raise LedgerError(f"no ledger at {path}; run `foreland ingest` first") from exc

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            with closing(self._connection.execute(statement, parameters)) as cursor:
                while rows := cursor.fetchmany(ROWS):
                    yield from rows
        except sqlite3.Error as exc:
            raise LedgerError(f"{self._path} cannot be read ({exc}); check the file") from exc

    def has(self, table: str) -> bool:
        found = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
        return bool(self.fetch(found, [table]))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


class _PostgresTables(Tables):
    def __init__(self, url: str, answer_seconds: float | None) -> None:
        self._url = url
        self._answer_seconds = answer_seconds
        self._connection = self._connected()

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        import psycopg

        if self._connection.closed:  # the database was restarted meanwhile
            self._connection = self._connected()
        try:
            with self._connection.transaction(), self._connection.cursor(name="rows") as cursor:
                cursor.itersize = ROWS
                cursor.execute(statement.replace("?", "%s"), parameters or None)
                yield from cursor
        except psycopg.Error as exc:
            raise _unreadable(exc) from exc

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """In one round trip."""
        import psycopg

        if self._connection.closed:
            self._connection = self._connected()
        try:
            cursor = self._connection.execute(statement.replace("?", "%s"), parameters or None)
            return cursor.fetchall()
        except psycopg.Error as exc:
            raise _unreadable(exc) from exc

    def has(self, table: str) -> bool:
        return self.fetch("SELECT to_regclass(?) IS NOT NULL", [table]) == [(True,)]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self._connection.transaction():
            yield

    def close(self) -> None:
        self._connection.close()

    def _connected(self) -> "ImpatientConnection":
        import psycopg

        from features.ledger.impatient import connect

        try:
            connection = connect(self._url, options="-c search_path=foreland")
        except psycopg.Error as exc:
            raise _unreadable(exc) from exc
        connection.answer_seconds = self._answer_seconds
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return connection


def open_tables(ledger_url: str, *, answer_seconds: float | None = None) -> Tables:
    """Of the database of the ledger at ``ledger_url``, which must be there.

    Args:
        answer_seconds: how long one answer of a database behind a network is waited for; by
            default as long as it takes.

    Raises:
        LedgerError: it is not, or does not answer.
    """
    if urlsplit(ledger_url).scheme in ("postgresql", "postgres"):
        return _PostgresTables(ledger_url, answer_seconds)
    return _SqliteTables(Path(ledger_url.removeprefix("sqlite:///")))


def _unreadable(exc: Exception) -> LedgerError:
    said = type(exc).__name__  # its text may name hosts and users
    return LedgerError(
        f"the database of the ledger cannot be read ({said}); check that it runs, and the ledger "
        "URL"
    )
