"""The ledger in one SQLite file: write-ahead log, every commit on disk before it returns.

Threads: writes go through one connection behind a lock, whichever thread asks; each read in
progress has a connection, and therefore a snapshot, of its own. Processes: writers queue on a
file lock, readers never wait.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from features.ledger import locks, sqlite_schema
from features.ledger.base import (
    BATCH,
    NOT_OVERWRITTEN,
    Batches,
    StoredLedger,
    StoredTransaction,
    Wanted,
    check_unmoved,
)
from features.ledger.events import Event
from features.ledger.protocol import (
    Appended,
    Backfill,
    Database,
    EventConflict,
    LedgerBusy,
    LedgerError,
    Mark,
    Transaction,
)
from features.ledger.rows import Batch, Head, Kept, Made
from features.ledger.sqlite_errors import in_words
from features.ledger.sqlite_files import DatabaseFiles
from features.ledger.sqlite_rows import (
    KEPT,
    condition,
    head_of,
    insert_new,
    scalar,
    write_rows,
)

BUSY_SECONDS = 10.0
CACHE_KIB, BULK_CACHE_KIB = 2_000, 65_536
"""Of the writer. Names of events fall all over their index, to which a bulk load comes back."""
LIVE_TEMP_STORE = "PRAGMA temp_store = MEMORY"
"""What a statement could be taken back by; a file for that is a fifth of a small commit. Of a bulk
load it would be walked from its beginning at every page, and the load become quadratic."""


class SqliteLedger(StoredLedger):
    """Keeps ``features.ledger.protocol.Ledger``; open one with ``open_ledger``."""

    local = True

    def __init__(self, path: Path, *, url: str, create: bool) -> None:
        self.url = url
        self._path = path
        self._turn = path.with_name(path.name + "-turn")
        self._service = path.with_name(path.name + "-service")
        self._files = DatabaseFiles(path.absolute())
        self._writing = threading.RLock()
        self._readers: deque[sqlite3.Connection] = deque()
        self._closed = False
        if not create and not path.exists():
            raise LedgerError(f"no ledger at {path}; run `foreland ingest` first")
        if create:
            with locks.os_errors_in_words(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)  # it holds the record keys; its log and index follow it
        with locks.turn(self._turn), self._errors_in_words():
            self._writer = self._connect()
            try:
                self._prepare()
                self._writer.execute(LIVE_TEMP_STORE)
                self._files.check()
            except BaseException:
                self._files.close()
                self._writer.close()
                raise

    def reopen(self) -> None:
        """The new connection is there before the old ones go: the index of the log, which does
        not know a failed commit, lives only while somebody has it open (docs/adr/0026)."""
        with self._writing, self._errors_in_words():
            self._files.check()
            fresh = self._connect()
            try:
                fresh.execute(LIVE_TEMP_STORE)
                head_of(fresh)
            except BaseException:
                fresh.close()
                raise
            old, self._writer = self._writer, fresh
            old.close()
            while self._readers:
                self._readers.pop().close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._one_writer(), locks.turn(self._turn), self._errors_in_words(), self._commit():
            yield _SqliteTransaction(self._writer)

    @contextmanager
    def backfilling(self) -> Iterator[Backfill]:
        with self._alone():
            self._writer.execute(f"PRAGMA cache_size = -{BULK_CACHE_KIB}")
            try:
                yield Batches(self._append_batch)
            finally:
                self._writer.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            # Readers that come later find one complete file and have no log to merge.
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def marked_rows(self, name: str) -> int:
        found = self._find("SELECT rows FROM marks WHERE name = ?", name)
        return 0 if found is None else int(found[0])

    def last_position(self) -> int:
        return self._number("SELECT coalesce(max(position), 0) FROM events")

    def link_at(self, position: int) -> bytes | None:
        found = self._find("SELECT link FROM events WHERE position = ?", position)
        return None if found is None else bytes(found[0])

    def epoch(self) -> int:
        return self._number("SELECT value FROM meta WHERE name = 'epoch'")

    def in_service(self) -> AbstractContextManager[None]:
        return locks.shared(
            self._service, f"an ingest is running on {self._path}; start again when it has ended"
        )

    def erase(self, positions: Iterable[int], record: Event, *, chosen_at: int) -> Appended:
        with self._alone(), locks.turn(self._turn), self._commit():
            check_unmoved(head_of(self._writer), chosen_at)
            chosen = ((position,) for position in positions)
            self._writer.executemany("DELETE FROM record_keys WHERE position = ?", chosen)
            (appended,) = _SqliteTransaction(self._writer).append([record])
            self._bump_epoch()
        self.scrub()
        return appended

    def scrub(self) -> None:
        """The writer zeroes what it frees (secure_delete); older pages are in the log alone."""
        with self._one_writer(), self._errors_in_words():
            busy, _, _ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise LedgerBusy(NOT_OVERWRITTEN.format(ledger=self._path))

    def pseudonym_key(self) -> str | None:
        found = self._find(
            "SELECT key_id FROM pseudonym_keys ORDER BY since_position DESC, rowid DESC LIMIT 1"
        )
        return None if found is None else str(found[0])

    def bind_pseudonym_key(self, key_id: str) -> None:
        with self.transaction() as transaction:
            transaction.execute(
                "INSERT INTO pseudonym_keys SELECT ?, 0 WHERE NOT EXISTS"
                " (SELECT 1 FROM pseudonym_keys)",
                [key_id],
            )

    def aliases(self) -> Iterator[tuple[bytes, bytes]]:
        with self._errors_in_words(), self._reader() as connection:
            yield from connection.execute("SELECT tag, pseudonym FROM aliases")

    def replace_aliases(self, key_id: str, aliases: Iterable[tuple[bytes, bytes]]) -> None:
        with self._alone(), locks.turn(self._turn), self._commit():
            self._writer.execute("DELETE FROM aliases")
            self._writer.executemany("INSERT INTO aliases VALUES (?, ?)", aliases)
            self._writer.execute(
                "INSERT INTO pseudonym_keys SELECT ?, coalesce(max(position), 0) FROM events",
                [key_id],
            )

    def close(self) -> None:
        with self._writing:
            self._closed = True
            self._files.close()
            self._writer.close()
            while self._readers:
                self._readers.pop().close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path.absolute()))}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # a lock or the pool of readers gives each one user at a time
        )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA recursive_triggers = ON")  # else REPLACE escapes the triggers
        connection.execute("PRAGMA secure_delete = ON")  # a destroyed key leaves no bytes behind
        return connection

    def _prepare(self) -> None:
        """Make the schema in an empty file, or bring an older one up to date; refuse all else."""
        connection = self._writer
        application = scalar(connection, "PRAGMA application_id")
        version = scalar(connection, "PRAGMA user_version")
        if application == 0 and scalar(connection, "SELECT count(*) FROM sqlite_schema") == 0:
            sqlite_schema.create(connection)
        elif application != sqlite_schema.APPLICATION_ID:
            raise LedgerError(f"{self._path} is another program's database; choose another path")
        elif version > sqlite_schema.SCHEMA_VERSION:
            raise LedgerError(
                f"{self._path} has schema version {version}, this program knows "
                f"{sqlite_schema.SCHEMA_VERSION}; use the Foreland that wrote it, or a newer one"
            )
        elif version < sqlite_schema.SCHEMA_VERSION:
            refusal = (
                f"{self._path} has the older schema version {version} and is in use; "
                "stop what uses it, and it is brought up to date"
            )
            with locks.exclusive(self._service, refusal):
                sqlite_schema.migrate(connection, version)
        connection.execute("PRAGMA journal_mode = WAL")  # a copy may have come without one
        head_of(connection)  # from the first read on the log is there

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refused while a server or another process that wants to be alone holds the ledger."""
        refusal = f"{self._path} is in use by a server or another ingest; stop it and try again"
        with (
            self._one_writer(),
            locks.exclusive(self._service, refusal),
            self._errors_in_words(),
        ):
            self._writer.execute("PRAGMA temp_store = FILE")
            try:
                yield
            finally:
                self._writer.execute(LIVE_TEMP_STORE)

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        with self._writing:  # re-entrant, so that a nested use is told and does not wait for itself
            if self._writer.in_transaction:
                raise LedgerError("this thread has a transaction open; append through that one")
            yield

    @contextmanager
    def _commit(self) -> Iterator[None]:
        self._files.check()
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        self._files.check()  # what was committed to a file that nobody finds is not committed

    def _bump_epoch(self) -> None:
        self._writer.execute("UPDATE meta SET value = value + 1 WHERE name = 'epoch'")

    def _append_batch(
        self, events: Sequence[Event], mark: Mark | None
    ) -> list[Appended | EventConflict]:
        with locks.turn(self._turn), self._errors_in_words(), self._commit():
            batch, made = insert_new(self._writer, events, head_of(self._writer), live=False)
            if made.rows:
                self._bump_epoch()
            if mark is not None:
                self._writer.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", mark)
        return batch.fates(made.rows)

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            if self._closed:  # a read may outlive the ledger
                connection.close()
            else:
                self._readers.append(connection)

    def _number(self, statement: str) -> int:
        with self._errors_in_words(), self._reader() as connection:
            return scalar(connection, statement)

    def _find(self, statement: str, *parameters: object) -> tuple[Any, ...] | None:
        with self._errors_in_words(), self._reader() as connection:
            found: tuple[Any, ...] | None = connection.execute(statement, parameters).fetchone()
            return found

    def _rows(self, wanted: Wanted) -> Iterator[Kept]:
        where, parameters = condition(wanted)
        return map(Kept._make, self._select(f"{KEPT} WHERE {where}", parameters))

    def _links(self) -> Iterator[tuple[Kept, bytes]]:
        statement = KEPT.replace("sealed, key", "sealed, key, link") + " ORDER BY events.position"
        for row in self._select(statement, []):
            yield Kept._make(row[:8]), row[8]

    def _select(self, statement: str, parameters: Sequence[int | str]) -> Iterator[tuple[Any, ...]]:
        with (
            self._errors_in_words(),
            self._reader() as connection,
            closing(connection.execute(statement, parameters)) as cursor,
        ):
            while rows := cursor.fetchmany(BATCH):
                yield from rows

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            raise in_words(self._path, exc, BUSY_SECONDS) from exc


class _SqliteTransaction(StoredTransaction):
    database: Database = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(statement, parameters)

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        write_rows(self._connection, statement, list(rows))

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, parameters).fetchall()

    def _head(self) -> Head:
        return head_of(self._connection)

    def _insert_new(self, events: Sequence[Event], head: Head) -> tuple[Batch, Made]:
        return insert_new(self._connection, events, head, live=True)
