"""API keys in the database of the ledger, so that every worker and replica shares them.

Changes go through a transaction of the ledger, which keeps writers in turn; reading has a
connection of its own, so that a check never waits for a writer.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from features.clock import Micros
from features.errors import ForelandError
from features.ledger import Ledger, Transaction
from serving.auth.api_keys import StoredKey

SCHEMA_VERSION = 1
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS api_key_state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        schema_version INTEGER NOT NULL,
        generation BIGINT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS api_keys (
        key_id TEXT PRIMARY KEY,
        client TEXT NOT NULL,
        agency TEXT NOT NULL,
        scopes TEXT NOT NULL,
        sha256 TEXT NOT NULL UNIQUE,
        created_at BIGINT NOT NULL,
        expires_at BIGINT,
        rotated_at BIGINT,
        revoked_at BIGINT
    )""",
)
_FIRST_STATE = "INSERT INTO api_key_state VALUES (1, ?, 0) ON CONFLICT DO NOTHING"
_COLUMNS = ", ".join(StoredKey._fields)
_STATE = "SELECT schema_version, generation FROM api_key_state"
_KEYS = f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at, key_id"  # noqa: S608 - our own text
_INSERT = f"INSERT INTO api_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_READ_SECONDS = 1
"""A database that takes longer is as good as gone: requests must not wait for it."""


class KeyStoreUnusable(ForelandError):
    """The stored API keys cannot be read."""


def prepare(transaction: Transaction) -> None:
    """Make the tables where they are missing."""
    for statement in _SCHEMA:
        transaction.execute(statement)
    transaction.execute(_FIRST_STATE, (SCHEMA_VERSION,))


def add(ledger: Ledger, key: StoredKey) -> None:
    with ledger.transaction() as transaction:
        _insert(transaction, key)


def replace(ledger: Ledger, new: StoredKey, until: Micros) -> None:
    """Add a key; the client's others are good until then and no longer."""
    with ledger.transaction() as transaction:
        transaction.execute(
            "UPDATE api_keys SET rotated_at = ?, expires_at = ?"
            " WHERE client = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)",
            (new.created_at, until, new.client, until),
        )
        _insert(transaction, new)


def revoke(ledger: Ledger, client: str, now: Micros) -> None:
    """All keys of the client, at once."""
    with ledger.transaction() as transaction:
        transaction.execute(
            "UPDATE api_keys SET revoked_at = ? WHERE client = ? AND revoked_at IS NULL",
            (now, client),
        )
        _bump(transaction)


def _insert(transaction: Transaction, key: StoredKey) -> None:
    row = key._replace(scopes=" ".join(sorted(key.scopes)))  # type: ignore[arg-type]  # as stored
    transaction.execute(_INSERT, row)
    _bump(transaction)


def _bump(transaction: Transaction) -> None:
    transaction.execute("UPDATE api_key_state SET generation = generation + 1")


class KeyReader(ABC):
    """Reads the keys of one database; used by one thread at a time."""

    local: ClassVar[bool]
    """Takes microseconds: nothing of it is behind a network."""

    def generation(self) -> int:
        """Rises with every change of any key; 0 before the first.

        Raises:
            KeyStoreUnusable: the database does not answer, or a newer program wrote it.
        """
        ((version, generation),) = self._rows(_STATE)
        if version > SCHEMA_VERSION:
            raise KeyStoreUnusable(
                f"API keys are stored with schema version {version}, this program knows "
                f"{SCHEMA_VERSION}; use the Foreland that wrote them, or a newer one"
            )
        return int(generation)

    def read_all(self) -> list[StoredKey]:
        """All that ever were, the oldest first."""
        found = [StoredKey(*row) for row in self._rows(_KEYS)]
        return [key._replace(scopes=frozenset(str(key.scopes).split())) for key in found]

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def _rows(self, statement: str) -> Sequence[tuple[Any, ...]]: ...


class _SqliteReader(KeyReader):
    local = True

    def __init__(self, path: Path) -> None:
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(str(path.absolute()))}?mode=rw",
                uri=True,
                timeout=_READ_SECONDS,
                isolation_level=None,
                check_same_thread=False,  # its owner sees to that, and another may close it
            )
            self._connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error as exc:
            raise KeyStoreUnusable(f"API keys in {path} cannot be read ({exc})") from exc

    def close(self) -> None:
        self._connection.close()

    def _rows(self, statement: str) -> Sequence[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement).fetchall()
        except sqlite3.Error as exc:
            raise KeyStoreUnusable(f"API keys cannot be read ({exc}); check the ledger") from exc


class _PostgresReader(KeyReader):
    local = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = self._connected()

    def close(self) -> None:
        self._connection.close()

    def _connected(self) -> Any:
        import psycopg

        from features.ledger.impatient import connect

        try:
            connection = connect(
                self._url,
                connect_timeout=2 * _READ_SECONDS,
                options=f"-c search_path=foreland -c statement_timeout={_READ_SECONDS}s",
            )
        except psycopg.Error as exc:
            raise KeyStoreUnusable("API keys cannot be read: no database answers") from exc
        connection.answer_seconds = _READ_SECONDS
        return connection

    def _rows(self, statement: str) -> Sequence[tuple[Any, ...]]:
        import psycopg

        if self._connection.closed:  # the database was restarted meanwhile
            self._connection = self._connected()
        try:
            rows: list[tuple[Any, ...]] = self._connection.execute(statement).fetchall()
        except psycopg.Error as exc:
            said = type(exc).__name__  # its text names hosts, and /readyz is for everybody
            raise KeyStoreUnusable(f"API keys cannot be read ({said}); check the ledger") from exc
        return rows


def open_keys(ledger: Ledger) -> KeyReader:
    """Of the ledger's database; the tables are made when they are missing."""
    with ledger.transaction() as transaction:
        prepare(transaction)
    if urlsplit(ledger.url).scheme == "sqlite":
        return _SqliteReader(Path(ledger.url.removeprefix("sqlite:///")))
    return _PostgresReader(ledger.url)
