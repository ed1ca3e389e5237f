"""The ledger in PostgreSQL, shared by every process and machine that has its address.

One advisory lock is taken before an event is stamped and given back by the commit, so stamps rise
in the order in which commits become visible. Two more locks, held by a session, keep servers and
bulk loads apart; they fall with the connection of a process that dies.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import IsolationLevel, errors
from psycopg.pq import TransactionStatus

from features.ledger import postgres_schema
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
from features.ledger.impatient import ImpatientConnection, connect
from features.ledger.postgres_rows import (
    KEPT,
    Connection,
    bump_epoch,
    condition,
    head_of,
    insert,
    there,
)
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
from features.ledger.rows import Batch, Head, Kept, Made, make_rows

LOCK_SECONDS = 10
COMMIT_SECONDS, LOOKUP_SECONDS, READ_SECONDS = 5.0, 5.0, 60.0
"""Of an impatient ledger: a commit from first to last, each answer to a look at one row or at what
is new, each answer while much is read. Who gives up a commit leaves the lock of writers to the
server, which lets go of it as soon."""
_WRITING, _SERVING, _MAKING = 0x464F5245, 0x464F5246, 0x464F5247
"""Numbers of the advisory locks, which are the database's own."""


class PostgresLedger(StoredLedger):
    """Keeps ``features.ledger.protocol.Ledger``; open one with ``open_ledger``."""

    local = False

    def __init__(self, url: str, *, create: bool, impatient: bool) -> None:
        self.url = url
        self._impatient = impatient
        self._serving = False
        self._named = _without_password(url)
        self._writing = threading.RLock()
        self._readers: deque[ImpatientConnection] = deque()
        self._closed = False
        with self._errors_in_words():
            self._writer = self._connect_writer()
            try:
                self._prepare(create=create)
            except BaseException:
                self._writer.close()
                raise

    def reopen(self) -> None:
        """A transaction of the old connection that still commits holds the lock of writers; so
        the next one begins after its fate is settled."""
        with self._writing, self._errors_in_words():
            self._writer.close()
            while self._readers:
                self._readers.pop().close()
            self._writer = self._connect_writer()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._commit() as connection:
            yield _PostgresTransaction(connection)

    @contextmanager
    def backfilling(self) -> Iterator[Backfill]:
        with self._alone():
            yield Batches(self._append_batch)

    def marked_rows(self, name: str) -> int:
        found = self._find("SELECT rows FROM marks WHERE name = %s", name)
        return 0 if found is None else int(found[0])

    def last_position(self) -> int:
        return self._number("SELECT coalesce(max(position), 0) FROM events")

    def link_at(self, position: int) -> bytes | None:
        found = self._find("SELECT link FROM events WHERE position = %s", position)
        return None if found is None else bytes(found[0])

    def epoch(self) -> int:
        return self._number("SELECT value FROM meta WHERE name = 'epoch'")

    @contextmanager
    def in_service(self) -> Iterator[None]:
        """By the writer's own session: whoever can commit holds the lock, also after a restart of
        the database."""
        with self._writing, self._errors_in_words():
            self._hold_service(self._writer)
            self._serving = True
        try:
            yield
        finally:
            with self._writing, suppress(psycopg.Error):
                self._serving = False
                self._writer.execute("SELECT pg_advisory_unlock_shared(%s)", [_SERVING])

    def erase(self, positions: Iterable[int], record: Event, *, chosen_at: int) -> Appended:
        with self._alone(), self._commit() as connection:
            check_unmoved(head_of(connection), chosen_at)
            connection.execute(
                "DELETE FROM record_keys WHERE position = ANY(%s)", [list(positions)]
            )
            (appended,) = _PostgresTransaction(connection).append([record])
            bump_epoch(connection)
        self.scrub()
        return appended

    def scrub(self) -> None:
        """A deleted row stays in its page until the table is written anew."""
        try:
            with self._writing, self._errors_in_words():
                self._writer.execute("VACUUM (FULL) record_keys")
        except LedgerBusy as exc:
            raise LedgerBusy(NOT_OVERWRITTEN.format(ledger=self._named)) from exc

    def pseudonym_key(self) -> str | None:
        found = self._find("SELECT key_id FROM pseudonym_keys ORDER BY number DESC LIMIT 1")
        return None if found is None else str(found[0])

    def bind_pseudonym_key(self, key_id: str) -> None:
        with self._commit() as connection:
            connection.execute(
                "INSERT INTO pseudonym_keys (key_id, since_position) SELECT %s, 0"
                " WHERE NOT EXISTS (SELECT 1 FROM pseudonym_keys)",
                [key_id],
            )

    def aliases(self) -> Iterator[tuple[bytes, bytes]]:
        yield from self._select("SELECT tag, pseudonym FROM aliases", [])

    def replace_aliases(self, key_id: str, aliases: Iterable[tuple[bytes, bytes]]) -> None:
        with self._alone(), self._commit() as connection:
            connection.execute("DELETE FROM aliases")
            with (
                connection.cursor() as cursor,
                cursor.copy("COPY aliases FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.set_types(("bytea", "bytea"))
                for pair in aliases:
                    copy.write_row(pair)
            connection.execute(
                "INSERT INTO pseudonym_keys (key_id, since_position)"
                " SELECT %s, coalesce(max(position), 0) FROM events",
                [key_id],
            )

    def close(self) -> None:
        with self._writing:
            self._closed = True
            self._writer.close()
            while self._readers:
                self._readers.pop().close()

    def _connect(self) -> ImpatientConnection:
        connection = connect(self.url)
        connection.answer_seconds = LOOKUP_SECONDS if self._impatient else None
        connection.execute(
            "SET search_path = foreland; SET synchronous_commit = on;"
            f" SET lock_timeout = '{LOCK_SECONDS}s'"
        )
        return connection

    def _connect_writer(self) -> ImpatientConnection:
        connection = self._connect()
        if self._impatient:
            limit = round(1000 * COMMIT_SECONDS)  # milliseconds, as everywhere in its settings
            connection.execute(
                f"SET lock_timeout = {limit * 4 // 5}; SET statement_timeout = {limit};"
                f" SET idle_in_transaction_session_timeout = {limit}"
            )
        if self._serving:
            try:
                self._hold_service(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    def _prepare(self, *, create: bool) -> None:
        try:
            if postgres_schema.exists(self._writer):
                return
        except postgres_schema.SchemaUnknown as exc:
            raise LedgerError(f"{self._named} cannot be used: {exc}") from exc
        if not create:
            raise LedgerError(f"no ledger in {self._named}; run `foreland ingest` first")
        with self._writer.transaction():
            self._writer.execute("SELECT pg_advisory_xact_lock(%s)", [_MAKING])
            if not postgres_schema.exists(self._writer):
                postgres_schema.create(self._writer)

    def _hold_service(self, connection: Connection) -> None:
        statement = "SELECT pg_try_advisory_lock_shared(%s)"
        if connection.execute(statement, [_SERVING]).fetchone() != (True,):
            raise LedgerBusy(
                f"an ingest is running on {self._named}; start again when it has ended"
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """By a session of its own: two threads exclude each other as two processes do."""
        with self._errors_in_words(), self._connect() as connection:
            statement = "SELECT pg_try_advisory_lock(%s)"
            if connection.execute(statement, [_SERVING]).fetchone() != (True,):
                raise LedgerBusy(
                    f"{self._named} is in use by a server or another ingest; stop it and try again"
                )
            try:
                yield
            finally:  # at once: a session that ends gives its locks back some time later
                with suppress(psycopg.Error):
                    connection.execute("SELECT pg_advisory_unlock(%s)", [_SERVING])

    @contextmanager
    def _commit(self) -> Iterator[Connection]:
        with self._writing, self._errors_in_words():
            if self._writer.info.transaction_status == TransactionStatus.INTRANS:
                raise LedgerError("this thread has a transaction open; append through that one")
            if self._writer.closed:  # the database was restarted meanwhile
                self._writer = self._connect_writer()
            limit = COMMIT_SECONDS if self._impatient else None
            with self._writer.all_within(limit), self._writer.transaction():
                self._writer.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITING])
                yield self._writer

    def _append_batch(
        self, events: Sequence[Event], mark: Mark | None
    ) -> list[Appended | EventConflict]:
        with self._commit() as connection:
            batch = Batch(events, there(connection, events))
            made = make_rows(head_of(connection), batch.new, backfill=True)
            insert(connection, made)
            if made.rows:
                bump_epoch(connection)
            if mark is not None:
                connection.execute(
                    "INSERT INTO marks VALUES (%s, %s) ON CONFLICT (name)"
                    " DO UPDATE SET rows = excluded.rows",
                    mark,
                )
        return batch.fates(made.rows)

    @contextmanager
    def _reader(self, answer_seconds: float = LOOKUP_SECONDS) -> Iterator[Connection]:
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._connect()
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
        connection.answer_seconds = answer_seconds if self._impatient else None
        try:
            yield connection
        finally:
            if connection.closed or self._closed:  # a read may outlive the ledger
                connection.close()
            else:
                self._readers.append(connection)

    def _number(self, statement: str) -> int:
        found = self._find(statement)
        return 0 if found is None else int(found[0])

    def _find(self, statement: str, *parameters: object) -> tuple[Any, ...] | None:
        with self._errors_in_words(), self._reader() as connection:
            return connection.execute(statement, parameters).fetchone()

    def _rows(self, wanted: Wanted) -> Iterator[Kept]:
        where, parameters = condition(wanted)
        of_what_is_new = wanted.after_position is not None
        limit = LOOKUP_SECONDS if of_what_is_new else READ_SECONDS
        return map(Kept._make, self._select(f"{KEPT} WHERE {where}", parameters, limit))

    def _links(self) -> Iterator[tuple[Kept, bytes]]:
        statement = KEPT.replace("sealed, key", "sealed, key, link") + " ORDER BY position"
        for row in self._select(statement, []):
            yield Kept._make(row[:8]), row[8]

    def _select(
        self,
        statement: str,
        parameters: Sequence[int | str],
        answer_seconds: float = READ_SECONDS,
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of one snapshot, fetched as they are asked for."""
        with (
            self._errors_in_words(),
            self._reader(answer_seconds) as connection,
            connection.transaction(),
            connection.cursor(name="rows", binary=True) as cursor,
        ):
            cursor.execute(statement, parameters)
            while rows := cursor.fetchmany(BATCH):
                yield from rows

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as exc:
            raise _in_words(self._named, exc) from exc


class _PostgresTransaction(StoredTransaction):
    database: Database = "postgresql"

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(statement.replace("?", "%s"), parameters or None)

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(statement.replace("?", "%s"), rows)

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found = self._connection.execute(statement.replace("?", "%s"), parameters or None)
        return found.fetchall()

    def _head(self) -> Head:
        return head_of(self._connection)

    def _insert_new(self, events: Sequence[Event], head: Head) -> tuple[Batch, Made]:
        batch = Batch(events, there(self._connection, events))
        batch.refuse_conflicts()
        made = make_rows(head, batch.new, backfill=False)
        insert(self._connection, made)
        return batch, made


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or "the local socket"
    return f"the PostgreSQL database {parts.path.strip('/') or 'postgres'} on {host}"


def _in_words(named: str, exc: psycopg.Error) -> LedgerError:
    said = " ".join(str(exc).split())
    if isinstance(exc, errors.LockNotAvailable):
        return LedgerBusy(f"another process has been writing to {named} for too long; try again")
    if isinstance(exc, errors.DiskFull):
        return LedgerError(f"the disk that holds {named} is full; free some space and try again")
    if isinstance(exc, psycopg.OperationalError):
        return LedgerError(
            f"{named} cannot be reached ({said}); check that it runs, and the ledger URL"
        )
    return LedgerError(f"{named} refused: {said}")
