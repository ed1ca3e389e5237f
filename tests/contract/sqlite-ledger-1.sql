-- The tables of schema version 1, as the first release made them.
BEGIN;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', 0);
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
CREATE TABLE IF NOT EXISTS assessments (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        score_id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        movement TEXT NOT NULL,
        movement_version INTEGER NOT NULL,
        position INTEGER NOT NULL,
        available_at INTEGER NOT NULL,
        as_of INTEGER NOT NULL,
        ledger_position INTEGER NOT NULL,
        status TEXT NOT NULL,
        probability REAL,
        band TEXT NOT NULL,
        model_version INTEGER,
        bundle_sha256 TEXT,
        catalogue_sha256 TEXT,
        row BLOB,
        body BLOB NOT NULL,
        UNIQUE (movement, movement_version)
    );
CREATE INDEX IF NOT EXISTS assessments_by_time ON assessments (available_at);
CREATE TRIGGER IF NOT EXISTS assessments_never_change BEFORE UPDATE ON assessments
        BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END;
CREATE TRIGGER IF NOT EXISTS assessments_never_vanish BEFORE DELETE ON assessments
        BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END;
PRAGMA application_id = 1179603525;
PRAGMA user_version = 1;
COMMIT;
