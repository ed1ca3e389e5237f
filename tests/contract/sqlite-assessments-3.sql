-- The audit table beside a ledger of schema version 3.
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
    client TEXT,
    agency TEXT NOT NULL DEFAULT 'local',
    UNIQUE (agency, movement, movement_version)
    );
CREATE INDEX IF NOT EXISTS assessments_by_time ON assessments (available_at);
CREATE TRIGGER IF NOT EXISTS assessments_never_change BEFORE UPDATE ON assessments
    BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END;
CREATE TRIGGER IF NOT EXISTS assessments_never_vanish BEFORE DELETE ON assessments
    BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END;
