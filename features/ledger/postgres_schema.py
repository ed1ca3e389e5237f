"""The tables of a ledger in PostgreSQL, in a schema of their own."""

import psycopg

from features.errors import ForelandError

SCHEMA_VERSION = 2
"""As in SQLite; no PostgreSQL ledger of version 1 was ever made."""

_TABLES = """
CREATE TABLE meta (name text PRIMARY KEY, value bigint NOT NULL);
INSERT INTO meta VALUES ('epoch', 0), ('schema_version', 2);
CREATE TABLE events (
    position bigint PRIMARY KEY,
    source text NOT NULL,
    event_id text NOT NULL,
    occurred_at bigint NOT NULL,
    available_at bigint NOT NULL,
    backfill boolean NOT NULL,
    sealed bytea NOT NULL,
    link bytea NOT NULL,
    UNIQUE (source, event_id)
);
ALTER TABLE events ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX events_by_availability ON events (available_at, position);
CREATE INDEX live_stamps ON events (available_at) WHERE NOT backfill;
CREATE TABLE record_keys (position bigint PRIMARY KEY, key bytea NOT NULL);
CREATE TABLE marks (name text PRIMARY KEY, rows bigint NOT NULL);
CREATE TABLE aliases (tag bytea PRIMARY KEY, pseudonym bytea NOT NULL);
CREATE TABLE pseudonym_keys (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_id text NOT NULL,
    since_position bigint NOT NULL
);
"""
_TRIGGERS = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
CREATE FUNCTION refuse_gaps() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE first bigint; last bigint; many bigint;
    BEGIN
        SELECT min(position), max(position), count(*) INTO first, last, many FROM added;
        IF many > 0 AND (last - first + 1 != many OR first != 1 + coalesce(
            (SELECT max(position) FROM events WHERE position < first), 0)
            OR last != (SELECT max(position) FROM events)) THEN
            RAISE EXCEPTION 'the ledger is append-only';
        END IF;
        RETURN NULL;
    END $$;
CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER events_never_vanish BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE TRIGGER events_have_no_gap AFTER INSERT ON events REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_gaps();
CREATE TRIGGER record_keys_never_change BEFORE UPDATE ON record_keys
    FOR EACH ROW EXECUTE FUNCTION refuse();
"""
_EXISTS = "SELECT 1 FROM pg_tables WHERE schemaname = 'foreland' AND tablename = 'meta'"


class SchemaUnknown(ForelandError):
    """The database holds tables of a version that this program does not know."""


def exists(connection: "psycopg.Connection[tuple[object, ...]]") -> bool:
    """
    Raises:
        SchemaUnknown: there are tables, of another version.
    """
    if connection.execute(_EXISTS).fetchone() is None:
        return False
    found = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
    if found != (SCHEMA_VERSION,):
        version = found[0] if found else "none"
        raise SchemaUnknown(
            f"it has schema version {version}, this program knows {SCHEMA_VERSION} and nothing "
            "older; use the Foreland that wrote it, or a newer one"
        )
    return True


def create(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Within the caller's transaction."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS foreland")
    connection.execute(_TABLES)
    connection.execute(_TRIGGERS)
