"""The tables of the audit log in either database; rows are only ever added to them."""

from collections.abc import Mapping

from features.ledger import Database, LedgerError, Tables, Transaction
from serving.audit.adoption import adopt
from serving.audit.migration import know_several_assessments

SCHEMA_VERSION = 2
_VERSION = "audit_schema"

_TABLES = (
    """CREATE TABLE IF NOT EXISTS assessments (
        number {numbered},
        score_id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        movement TEXT NOT NULL,
        movement_version BIGINT NOT NULL,
        position BIGINT NOT NULL,
        available_at BIGINT NOT NULL,
        as_of BIGINT NOT NULL,
        ledger_position BIGINT NOT NULL,
        status TEXT NOT NULL,
        probability DOUBLE PRECISION,
        band TEXT NOT NULL,
        model_version BIGINT,
        bundle_sha256 TEXT,
        catalogue_sha256 TEXT,
        selection TEXT,
        challenger TEXT,
        row {bytes},
        body {bytes} NOT NULL,
        client TEXT,
        agency TEXT NOT NULL DEFAULT 'local',
        stream TEXT,
        stream_number BIGINT,
        matches TEXT,
        assessment BIGINT NOT NULL DEFAULT 1,
        because TEXT,
        UNIQUE (agency, movement, movement_version, assessment)
    )""",
    "CREATE INDEX IF NOT EXISTS assessments_by_time ON assessments (available_at)",
    # place: the order in which records came, for finding new ones. No hash depends on it.
    """CREATE TABLE IF NOT EXISTS audit_records (
        place {numbered},
        stream {name} NOT NULL,
        number BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL,
        content {bytes} NOT NULL,
        link {bytes} NOT NULL,
        UNIQUE (stream, number)
    )""",
    """CREATE TABLE IF NOT EXISTS audit_heads (
        number BIGINT PRIMARY KEY,
        last_place BIGINT NOT NULL,
        content {bytes} NOT NULL,
        signature {bytes} NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS audit_heads_by_place ON audit_heads (last_place, number)",
)
_TYPES: Mapping[Database, Mapping[str, str]] = {
    "sqlite": {
        "numbered": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "bytes": "BLOB",
        "name": "TEXT",
    },
    "postgresql": {
        "numbered": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "bytes": "BYTEA",
        "name": 'TEXT COLLATE "C"',  # streams are ordered by their bytes
    },
}
APPEND_ONLY = ("assessments", "audit_records", "audit_heads")


def prepare(transaction: Transaction) -> None:
    """Make tables and triggers where they are missing, bring those of version 1 up to date, and
    chain what was recorded before streams.

    Raises:
        LedgerError: a newer program wrote the audit log.
    """
    found = transaction.fetch("SELECT value FROM meta WHERE name = ?", [_VERSION])
    if found and found[0][0] > SCHEMA_VERSION:
        raise LedgerError(
            f"the audit log has schema version {found[0][0]}, this program knows "
            f"{SCHEMA_VERSION}; use the Foreland that wrote it, or a newer one"
        )
    if found and found[0][0] == SCHEMA_VERSION:
        return
    tables = [table.format_map(_TYPES[transaction.database]) for table in _TABLES]
    if _has_assessments(transaction):
        know_several_assessments(transaction, tables[0])
    for table in tables:
        transaction.execute(table)
    if not found:
        adopt(transaction)
    for statement in _triggers(transaction.database):
        transaction.execute(statement)
    transaction.execute("DELETE FROM meta WHERE name = ?", [_VERSION])
    transaction.execute("INSERT INTO meta VALUES (?, ?)", [_VERSION, SCHEMA_VERSION])


def is_current(tables: Tables) -> bool:
    """Whether the tables, where there are any, are those that this program makes."""
    return tables.fetch("SELECT value FROM meta WHERE name = ?", [_VERSION]) == [(SCHEMA_VERSION,)]


def _has_assessments(transaction: Transaction) -> bool:
    there = "SELECT to_regclass('assessments') IS NOT NULL"
    if transaction.database == "sqlite":
        there = "SELECT count(*) FROM sqlite_schema WHERE name = 'assessments'"
    return bool(transaction.fetch(there)[0][0])


def _triggers(database: Database) -> list[str]:
    if database == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS {table}_never_{verb} BEFORE {change} ON {table}"
            " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            for table in APPEND_ONLY
            for change, verb in (("UPDATE", "change"), ("DELETE", "vanish"))
        ]
    refuse = (
        "CREATE OR REPLACE FUNCTION refuse_audit() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    return [refuse] + [
        f"CREATE OR REPLACE TRIGGER {table}_never_change"
        f" BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit()"
        for table in APPEND_ONLY
    ]
