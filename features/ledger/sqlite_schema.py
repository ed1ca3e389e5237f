"""The tables of a ledger in SQLite, and how a file of an earlier version becomes one of today."""

import os
import sqlite3
from collections.abc import Callable, Mapping

from features.ledger.rows import FIRST_LINK, linked_row
from features.ledger.sealing import KEY_BYTES, Purpose, seal

APPLICATION_ID = 0x464F5245  # "FORE", so that another program's database is not taken for ours
SCHEMA_VERSION = 4

_EVENTS = """
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    available_at INTEGER NOT NULL,
    backfill INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    link BLOB NOT NULL,
    UNIQUE (source, event_id)
);
CREATE INDEX events_by_availability ON events (available_at);
CREATE INDEX live_stamps ON events (available_at) WHERE backfill = 0;
CREATE TABLE record_keys (position INTEGER PRIMARY KEY, key BLOB NOT NULL);
CREATE TABLE marks (name TEXT PRIMARY KEY, rows INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE aliases (tag BLOB PRIMARY KEY, pseudonym BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE pseudonym_keys (key_id TEXT PRIMARY KEY, since_position INTEGER NOT NULL);
"""
_TRIGGERS = """
CREATE TRIGGER events_never_change BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER events_never_vanish BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER events_only_grow BEFORE INSERT ON events
    WHEN NEW.position != coalesce((SELECT max(position) FROM events), 0) + 1
    OR EXISTS (SELECT 1 FROM events WHERE source = NEW.source AND event_id = NEW.event_id)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER record_keys_are_not_replaced BEFORE INSERT ON record_keys
    WHEN EXISTS (SELECT 1 FROM record_keys WHERE position = NEW.position)
    BEGIN SELECT RAISE(ABORT, 'a record has one key or none'); END;
CREATE TRIGGER record_keys_never_change BEFORE UPDATE ON record_keys
    BEGIN SELECT RAISE(ABORT, 'a record has one key or none'); END;
"""
_META = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', 0);
"""
INSERT_EVENT = (
    "INSERT INTO events (position, source, event_id, occurred_at, available_at, backfill,"
    " sealed, link) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_KEY = "INSERT INTO record_keys VALUES (?, ?)"


def create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(
        f"BEGIN IMMEDIATE; {_META} {_EVENTS} {_TRIGGERS}"
        f"PRAGMA application_id = {APPLICATION_ID};"
        f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    )


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """From ``version`` to today's, a version a commit; then nothing of the old pages is left."""
    while version < SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            _MIGRATIONS[version](connection)
            version += 1
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _seal_bodies(connection: sqlite3.Connection) -> None:
    """1 to 2: bodies were plain, and nothing linked one row to the next."""
    for trigger in ("events_never_change", "events_never_vanish"):
        connection.execute(f"DROP TRIGGER {trigger}")
    for index in ("events_by_availability", "live_stamps"):
        connection.execute(f"DROP INDEX {index}")
    connection.execute("ALTER TABLE events RENAME TO events_1")
    _run(connection, _EVENTS)
    link = FIRST_LINK
    old = connection.execute(
        "SELECT position, source, event_id, occurred_at, available_at, backfill, body"
        " FROM events_1 ORDER BY position"
    )
    for position, source, event_id, occurred_at, available_at, backfill, body in old:
        key = os.urandom(KEY_BYTES)
        clocks = (occurred_at, available_at)
        sealed = seal(key, "event", body)
        row = linked_row(link, position, source, event_id, *clocks, bool(backfill), sealed)
        link = row.link
        connection.execute(INSERT_EVENT, row)
        connection.execute(INSERT_KEY, (row.position, key))
    connection.execute("DROP TABLE events_1")
    _run(connection, _TRIGGERS)
    _seal_assessments(connection)


def _seal_assessments(connection: sqlite3.Connection) -> None:
    """The audit table's row and answer, under the key of the movement they are about."""
    if not _has_assessments(connection):
        return
    connection.execute("DROP TRIGGER IF EXISTS assessments_never_change")
    rows = connection.execute(
        "SELECT number, row, body, key FROM assessments JOIN record_keys USING (position)"
    ).fetchall()
    parts: tuple[Purpose, Purpose] = ("assessment.row", "assessment.body")
    for number, row, body, key in rows:
        sealed = [
            None if plain is None else seal(key, part, plain)
            for part, plain in zip(parts, (row, body), strict=True)
        ]
        connection.execute(
            "UPDATE assessments SET row = ?, body = ? WHERE number = ?", (*sealed, number)
        )


def _know_agencies(connection: sqlite3.Connection) -> None:
    """2 to 3: of one version of a movement each agency may have an assessment of its own.

    A constraint of a table cannot be changed: its rows move, as they are, to one that has it.
    """
    found = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'assessments'"
    ).fetchone()
    if found is None:
        return
    connection.execute("ALTER TABLE assessments RENAME TO assessments_2")
    connection.execute(
        found[0].replace(
            "UNIQUE (movement, movement_version)",
            "client TEXT, agency TEXT NOT NULL DEFAULT 'local',"
            " UNIQUE (agency, movement, movement_version)",
        )
    )
    columns = [row[1] for row in connection.execute("PRAGMA table_info(assessments_2)")]
    kept = ", ".join(f'"{column}"' for column in columns)
    connection.execute(f"INSERT INTO assessments ({kept}) SELECT {kept} FROM assessments_2")  # noqa: S608
    connection.execute("DROP TABLE assessments_2")  # its index and triggers with it


def _know_streams(connection: sqlite3.Connection) -> None:
    """3 to 4: an assessment names its record in the audit log.

    Those from before get theirs when a service next starts (``serving.audit``), which then makes
    the trigger again.
    """
    if not _has_assessments(connection):
        return
    connection.execute("ALTER TABLE assessments ADD COLUMN selection TEXT")
    connection.execute("ALTER TABLE assessments ADD COLUMN challenger TEXT")
    connection.execute("ALTER TABLE assessments ADD COLUMN stream TEXT")
    connection.execute("ALTER TABLE assessments ADD COLUMN stream_number BIGINT")
    connection.execute("DROP TRIGGER IF EXISTS assessments_never_change")


def _has_assessments(connection: sqlite3.Connection) -> bool:
    found = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'assessments'"
    return connection.execute(found).fetchone() is not None


def _run(connection: sqlite3.Connection, script: str) -> None:
    """``executescript`` would commit what is open; a trigger holds a semicolon of its own."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


_MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {
    1: _seal_bodies,
    2: _know_agencies,
    3: _know_streams,
}
