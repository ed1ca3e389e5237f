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
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from features.clock import Micros, now_micros
from features.ledger import locks
from features.ledger.events import Event, Recorded, decode_payload, encode_payload
from features.ledger.protocol import (
    Appended,
    Backfill,
    BackfillReport,
    EventConflict,
    LedgerBusy,
    LedgerError,
    Mark,
    Transaction,
)

APPLICATION_ID = 0x464F5245  # "FORE", so that another program's database is not taken for ours
SCHEMA_VERSION = 1
BUSY_SECONDS = 10.0
BATCH = 1_000

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', 0);
CREATE TABLE marks (name TEXT PRIMARY KEY, rows INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    available_at INTEGER NOT NULL,
    backfill INTEGER NOT NULL,
    body BLOB NOT NULL,
    body_sha256 BLOB NOT NULL,
    UNIQUE (source, event_id)
);
CREATE INDEX events_by_availability ON events (available_at);
CREATE INDEX live_stamps ON events (available_at) WHERE backfill = 0;
CREATE TRIGGER events_never_change BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER events_never_vanish BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""
_INSERT = """INSERT INTO events
    (source, event_id, occurred_at, available_at, backfill, body, body_sha256)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, event_id) DO NOTHING"""
_COLUMNS = "position, source, event_id, occurred_at, available_at, backfill, body"


class SqliteLedger:
    """Keeps ``features.ledger.protocol.Ledger``; open one with ``open_ledger``."""

    def __init__(self, path: Path, *, url: str, create: bool) -> None:
        self.url = url
        self._path = path
        self._turn = path.with_name(path.name + "-turn")
        self._service = path.with_name(path.name + "-service")
        self._writing = threading.RLock()
        self._readers: deque[sqlite3.Connection] = deque()
        if not create and not path.exists():
            raise LedgerError(f"no ledger at {path}; run `foreland ingest` first")
        if create:
            with locks.os_errors_in_words(path):
                path.parent.mkdir(parents=True, exist_ok=True)
        with locks.turn(self._turn), self._errors_in_words():
            self._writer = self._connect()
            try:
                self._prepare()
            except BaseException:
                self._writer.close()
                raise

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One durable commit, all or nothing; the write lock is held from first to last line."""
        with self._one_writer(), locks.turn(self._turn), self._errors_in_words(), self._commit():
            yield _SqliteTransaction(self._writer)

    def append(self, events: Sequence[Event]) -> list[Appended]:
        with self.transaction() as transaction:
            return transaction.append(events)

    def backfill(self, events: Iterable[Event]) -> BackfillReport:
        """Streams ``events``; nothing of them is visible until the last one is in.

        Raises:
            LedgerBusy: while a server or another backfill runs on this ledger.
            EventConflict: same source and event id, another body or another clock.
        """
        refusal = f"{self._path} is in use by a server or another ingest; stop it and try again"
        alone = locks.exclusive(self._service, refusal)
        with self._one_writer(), alone, self._errors_in_words():
            with self._commit():
                report = self._backfill(iter(events))
            # Readers that come later find one complete file and have no log to merge.
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return report

    @contextmanager
    def backfilling(self) -> Iterator[Backfill]:
        """Alone on this ledger: ``LedgerBusy`` while a server or another ingest runs."""
        refusal = f"{self._path} is in use by a server or another ingest; stop it and try again"
        alone = locks.exclusive(self._service, refusal)
        with self._one_writer(), alone, self._errors_in_words():
            yield _SqliteBackfill(self)
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def marked_rows(self, name: str) -> int:
        with self._errors_in_words(), self._reader() as connection:
            found = connection.execute("SELECT rows FROM marks WHERE name = ?", [name]).fetchone()
        return 0 if found is None else int(found[0])

    def read(
        self, *, available_before: Micros | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        """Events with ``available_at < available_before``, by ``(available_at, position)``."""
        conditions, parameters = ["1"], []
        if available_before is not None:
            conditions.append("available_at < ?")
            parameters.append(available_before)
        if position_up_to is not None:
            conditions.append("+position <= ?")  # the plus keeps the order's index in use
            parameters.append(position_up_to)
        where = " AND ".join(conditions)
        return self._select(f"{where} ORDER BY available_at, position", parameters)

    def tail(self, after_position: int) -> Iterator[Recorded]:
        return self._select("position > ? ORDER BY position", [after_position])

    def last_position(self) -> int:
        return self._one("SELECT coalesce(max(position), 0) FROM events")

    def epoch(self) -> int:
        return self._one("SELECT value FROM meta WHERE name = 'epoch'")

    def in_service(self) -> AbstractContextManager[None]:
        """Held by every serving process; backfills are refused meanwhile."""
        return locks.shared(
            self._service, f"an ingest is running on {self._path}; start again when it has ended"
        )

    def close(self) -> None:
        with self._writing:
            self._writer.close()
            while self._readers:
                self._readers.pop().close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path.absolute()))}?mode=rwc",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # a lock or the pool of readers gives each one user at a time
        )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA recursive_triggers = ON")  # else REPLACE escapes the triggers
        return connection

    def _prepare(self) -> None:
        """Make the schema in an empty file; refuse what is not a ledger of this version."""
        connection = self._writer
        application = _scalar(connection, "PRAGMA application_id")
        version = _scalar(connection, "PRAGMA user_version")
        if application == 0 and _scalar(connection, "SELECT count(*) FROM sqlite_schema") == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif application != APPLICATION_ID:
            raise LedgerError(f"{self._path} is another program's database; choose another path")
        elif version != SCHEMA_VERSION:
            raise LedgerError(
                f"{self._path} has schema version {version}, this program knows "
                f"{SCHEMA_VERSION}; use the Foreland that wrote it, or a newer one"
            )

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

    def _backfill(self, events: Iterator[Event]) -> BackfillReport:
        appended = duplicates = 0
        while batch := list(islice(events, BATCH)):
            rows = [_row(event, _own_stamp(event), backfill=True) for event in batch]
            inserted = _insert_new(self._writer, rows)
            appended += inserted
            duplicates += len(rows) - inserted
        if appended:
            self._writer.execute("UPDATE meta SET value = value + 1 WHERE name = 'epoch'")
        return BackfillReport(appended, duplicates)

    def append_old(
        self, events: Sequence[Event], mark: Mark | None
    ) -> list[Appended | EventConflict]:
        """One commit of ``backfilling``."""
        rows = [_row(event, _own_stamp(event), backfill=True) for event in events]
        with self._errors_in_words(), self._commit():
            results = _insert_each(self._writer, rows)
            if any(isinstance(result, Appended) and not result.duplicate for result in results):
                self._writer.execute("UPDATE meta SET value = value + 1 WHERE name = 'epoch'")
            if mark is not None:
                self._writer.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", mark)
        return results

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._readers.append(connection)

    def _one(self, statement: str) -> int:
        with self._errors_in_words(), self._reader() as connection:
            return _scalar(connection, statement)

    def _select(self, where: str, parameters: list[int]) -> Iterator[Recorded]:
        statement = f"SELECT {_COLUMNS} FROM events WHERE {where}"  # noqa: S608 - our own text
        with (
            self._errors_in_words(),
            self._reader() as connection,
            closing(connection.execute(statement, parameters)) as cursor,
        ):
            while rows := cursor.fetchmany(BATCH):
                for row in rows:
                    yield _recorded(row)

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            raise _in_words(self._path, exc) from exc


class _SqliteBackfill:
    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    def append(
        self, events: Sequence[Event], mark: Mark | None = None
    ) -> list[Appended | EventConflict]:
        return self._ledger.append_old(events, mark)


class _SqliteTransaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._last_stamp: Micros | None = None

    def append(self, events: Sequence[Event]) -> list[Appended]:
        return [self._append(event) for event in events]

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(statement, parameters)

    def _append(self, event: Event) -> Appended:
        if event.available_at is not None:
            raise ValueError(f"live event {event.event_id!r} is stamped by the ledger, not before")
        if self._last_stamp is None:
            newest = "SELECT coalesce(max(available_at), 0) FROM events WHERE backfill = 0"
            self._last_stamp = _scalar(self._connection, newest)
        # The write lock is held, so no other process can stamp between here and the commit.
        stamp = max(now_micros(), self._last_stamp + 1)
        row = _row(event, stamp, backfill=False)
        there = _same_event(self._connection, row)
        if there is not None:
            return Appended(*there, duplicate=True)
        self._connection.execute(_INSERT, row)
        self._last_stamp = stamp
        position = _scalar(self._connection, "SELECT last_insert_rowid()")
        return Appended(position, stamp, duplicate=False)


_Row = tuple[str, str, Micros, Micros, bool, bytes, bytes]


def _row(event: Event, available_at: Micros, *, backfill: bool) -> _Row:
    body = encode_payload(event.payload)
    digest = sha256(body).digest()
    return event.source, event.event_id, event.occurred_at, available_at, backfill, body, digest


def _own_stamp(event: Event) -> Micros:
    if event.available_at is None:
        raise ValueError(f"backfilled event {event.event_id!r} has no available_at of its own")
    return event.available_at


def _insert_new(connection: sqlite3.Connection, rows: list[_Row]) -> int:
    """Insert the rows that are not there yet; how many that were.

    A row that meets a duplicate uses up a position although it is not inserted. Such a batch is
    taken back and done row by row, so that positions have no gaps.
    """
    connection.execute("SAVEPOINT batch")
    inserted = connection.executemany(_INSERT, rows).rowcount
    if inserted < len(rows):
        connection.execute("ROLLBACK TO batch")
        inserted = 0
        for row in rows:
            if _same_event(connection, row) is None:
                connection.execute(_INSERT, row)
                inserted += 1
    connection.execute("RELEASE batch")
    return inserted


def _insert_each(
    connection: sqlite3.Connection, rows: list[_Row]
) -> list[Appended | EventConflict]:
    """As ``_insert_new``, but says what became of each row and lets no conflict stop the others."""
    last = _scalar(connection, "SELECT coalesce(max(position), 0) FROM events")
    connection.execute("SAVEPOINT batch")
    if connection.executemany(_INSERT, rows).rowcount == len(rows):
        connection.execute("RELEASE batch")
        return [Appended(last + n, row[3], duplicate=False) for n, row in enumerate(rows, 1)]
    connection.execute("ROLLBACK TO batch")
    results: list[Appended | EventConflict] = []
    for row in rows:
        try:
            there = _same_event(connection, row)
        except EventConflict as exc:
            results.append(exc)
            continue
        if there is None:
            position = connection.execute(_INSERT, row).lastrowid or 0
            results.append(Appended(position, row[3], duplicate=False))
        else:
            results.append(Appended(*there, duplicate=True))
    connection.execute("RELEASE batch")
    return results


def _same_event(connection: sqlite3.Connection, row: _Row) -> tuple[int, Micros] | None:
    """Position and stamp of the event that has this source and id already, if there is one."""
    source, event_id, occurred_at, available_at, backfill, _, digest = row
    there = connection.execute(
        "SELECT position, occurred_at, available_at, backfill, body_sha256 FROM events"
        " WHERE source = ? AND event_id = ?",
        (source, event_id),
    ).fetchone()
    if there is None:
        return None
    position, there_occurred, there_available, there_backfill, there_digest = there
    if there_digest != digest:
        raise EventConflict(
            f"event {event_id!r} of source {source!r} came before with another content; "
            "send the change as a new version or under a new event id"
        )
    clocks = (occurred_at, available_at)
    if backfill and there_backfill and clocks != (there_occurred, there_available):
        raise EventConflict(
            f"event {event_id!r} of source {source!r} came before with another time; "
            "ingest it with the delay or the times it had, or into a new ledger"
        )
    return position, there_available


def _recorded(row: tuple[Any, ...]) -> Recorded:
    position, source, event_id, occurred_at, available_at, backfill, body = row
    return Recorded(
        position=position,
        source=source,
        event_id=event_id,
        occurred_at=occurred_at,
        available_at=available_at,
        backfill=bool(backfill),
        payload=decode_payload(body),
    )


def _scalar(connection: sqlite3.Connection, statement: str) -> int:
    value: int = connection.execute(statement).fetchone()[0]
    return value


def _in_words(path: Path, exc: sqlite3.Error) -> LedgerError:
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LedgerBusy(
            f"another process has been writing to {path} for over {BUSY_SECONDS:g} s; try again"
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
