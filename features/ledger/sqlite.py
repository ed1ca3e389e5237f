"""The ledger in one SQLite file: write-ahead log, every commit on disk before it returns.

Threads: writes go through one connection behind a lock, whichever thread asks; each read in
progress has a connection, and therefore a snapshot, of its own. Processes: writers queue on a
file lock, readers never wait.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from features.ledger.rows import EMPTY, Batch, Head, Kept, Made, Name, make_rows
from features.ledger.sqlite_errors import in_words
from features.ledger.sqlite_schema import INSERT_EVENT, INSERT_KEY

BUSY_SECONDS = 10.0
CACHE_KIB, BULK_CACHE_KIB = 2_000, 65_536
"""Of the writer. Names of events fall all over their index, to which a bulk load comes back."""

_KEPT = (
    "SELECT events.position, source, event_id, occurred_at, available_at, backfill, sealed, key"
    " FROM events LEFT JOIN record_keys ON record_keys.position = events.position"
)
_HEAD = """SELECT position, link,
    (SELECT coalesce(max(available_at), 0) FROM events WHERE backfill = 0)
    FROM events ORDER BY position DESC LIMIT 1"""


class SqliteLedger(StoredLedger):
    """Keeps ``features.ledger.protocol.Ledger``; open one with ``open_ledger``."""

    local = True

    def __init__(self, path: Path, *, url: str, create: bool) -> None:
        self.url = url
        self._path = path
        self._turn = path.with_name(path.name + "-turn")
        self._service = path.with_name(path.name + "-service")
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
            except BaseException:
                self._writer.close()
                raise

    def reopen(self) -> None:
        """The new connection is there before the old ones go: the index of the log, which does
        not know a failed commit, lives only while somebody has it open (docs/adr/0026)."""
        with self._writing, self._errors_in_words():
            fresh = self._connect()
            try:
                _head(fresh)
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
            check_unmoved(_head(self._writer), chosen_at)
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
        application = _scalar(connection, "PRAGMA application_id")
        version = _scalar(connection, "PRAGMA user_version")
        if application == 0 and _scalar(connection, "SELECT count(*) FROM sqlite_schema") == 0:
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

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refused while a server or another process that wants to be alone holds the ledger."""
        refusal = f"{self._path} is in use by a server or another ingest; stop it and try again"
        with (
            self._one_writer(),
            locks.exclusive(self._service, refusal),
            self._errors_in_words(),
        ):
            yield

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        with self._writing:  # re-entrant, so that a nested use is told and does not wait for itself
            if self._writer.in_transaction:
                raise LedgerError("this thread has a transaction open; append through that one")
            yield

    @contextmanager
    def _commit(self) -> Iterator[None]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    def _bump_epoch(self) -> None:
        self._writer.execute("UPDATE meta SET value = value + 1 WHERE name = 'epoch'")

    def _append_batch(
        self, events: Sequence[Event], mark: Mark | None
    ) -> list[Appended | EventConflict]:
        with locks.turn(self._turn), self._errors_in_words(), self._commit():
            batch, made = _insert_new(self._writer, events, _head(self._writer), live=False)
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
            return _scalar(connection, statement)

    def _find(self, statement: str, *parameters: object) -> tuple[Any, ...] | None:
        with self._errors_in_words(), self._reader() as connection:
            found: tuple[Any, ...] | None = connection.execute(statement, parameters).fetchone()
            return found

    def _rows(self, wanted: Wanted) -> Iterator[Kept]:
        where, parameters = _condition(wanted)
        return map(Kept._make, self._select(f"{_KEPT} WHERE {where}", parameters))

    def _links(self) -> Iterator[tuple[Kept, bytes]]:
        statement = _KEPT.replace("sealed, key", "sealed, key, link") + " ORDER BY events.position"
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
        self._connection.executemany(statement, rows)

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, parameters).fetchall()

    def _head(self) -> Head:
        return _head(self._connection)

    def _insert_new(self, events: Sequence[Event], head: Head) -> tuple[Batch, Made]:
        return _insert_new(self._connection, events, head, live=True)


def _condition(wanted: Wanted) -> tuple[str, list[int | str]]:
    conditions: list[str] = ["1"]
    parameters: list[int | str] = []
    if wanted.available_before is not None:
        conditions.append("available_at < ?")
        parameters.append(wanted.available_before)
    if wanted.position_up_to is not None:
        conditions.append("+events.position <= ?")  # the plus keeps the order's index in use
        parameters.append(wanted.position_up_to)
    if wanted.after_position is not None:
        conditions.append("events.position > ?")
        parameters.append(wanted.after_position)
    if wanted.source is not None:
        conditions.append("source = ?")
        parameters.append(wanted.source)
    order = "events.position" if wanted.by_position else "available_at, events.position"
    return f"{' AND '.join(conditions)} ORDER BY {order}", parameters


def _insert_new(
    connection: sqlite3.Connection, events: Sequence[Event], head: Head, *, live: bool
) -> tuple[Batch, Made]:
    """Insert the events that are not there yet, first as if all were new: most often they are.

    Raises:
        EventConflict: for live events, of which none is in then.
    """
    batch, made = _made(events, {}, head, live=live)
    connection.execute("SAVEPOINT batch")
    try:
        _insert(connection, made)
    except sqlite3.IntegrityError:
        connection.execute("ROLLBACK TO batch")
        connection.execute("RELEASE batch")
        batch, made = _made(events, _there(connection, events), head, live=live)
        _insert(connection, made)
    else:
        connection.execute("RELEASE batch")
    return batch, made


def _made(
    events: Sequence[Event], there: Mapping[Name, Kept], head: Head, *, live: bool
) -> tuple[Batch, Made]:
    batch = Batch(events, there)
    if live:
        batch.refuse_conflicts()
    return batch, make_rows(head, batch.new, backfill=not live)


def _insert(connection: sqlite3.Connection, made: Made) -> None:
    connection.executemany(INSERT_EVENT, made.rows)
    positions = (row.position for row in made.rows)
    connection.executemany(INSERT_KEY, zip(positions, made.keys, strict=True))


def _head(connection: sqlite3.Connection) -> Head:
    found = connection.execute(_HEAD).fetchone()
    return EMPTY if found is None else Head._make(found)


def _there(connection: sqlite3.Connection, events: Sequence[Event]) -> dict[Name, Kept]:
    """What is recorded under the names of these events."""
    statement = f"{_KEPT} WHERE source = ? AND event_id = ?"
    found = {}
    for event in events:
        row = connection.execute(statement, (event.source, event.event_id)).fetchone()
        if row is not None:
            found[event.source, event.event_id] = Kept._make(row)
    return found


def _scalar(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])
