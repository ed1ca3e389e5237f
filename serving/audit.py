"""The audit table: what was answered, on what evidence, beside the ledger in its database.

A row holds what is needed to recompute the score (feature row, catalogue and bundle, ledger
position) and the answer as it was sent, less the movement's reference: no plain identifier is
kept. Rows are only ever added, in the transaction that adds the movement to the ledger. Feature
row and answer are sealed under the key of that movement's event, so that retention erases all
that is known of a movement by destroying one key; that it was scored, and how, stays.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import Micros
from features.ledger import Appended, LedgerError, Transaction
from features.ledger.sealing import seal, unseal
from serving.auth.access import Client

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS assessments (
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
    )""",
    "CREATE INDEX IF NOT EXISTS assessments_by_time ON assessments (available_at)",
    """CREATE TRIGGER IF NOT EXISTS assessments_never_change BEFORE UPDATE ON assessments
        BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS assessments_never_vanish BEFORE DELETE ON assessments
        BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END""",
)
_STORED = (
    "score_id, kind, movement, movement_version, position, available_at, as_of, ledger_position,"
    " status, probability, band, model_version, bundle_sha256, catalogue_sha256, row, body,"
    " client, agency"
)
_INSERT = (
    f"INSERT INTO assessments ({_STORED})"  # noqa: S608 - our own text
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = f"SELECT {_STORED}, key FROM assessments LEFT JOIN record_keys USING (position)"  # noqa: S608
_FRAME_COLUMNS = (
    "score_id, kind, movement, as_of, available_at, ledger_position, status, probability, band,"
    " model_version AS version, bundle_sha256"
)


class AuditRecord(NamedTuple):
    """One answer, before the ledger has given it a position and a time."""

    score_id: str
    kind: str
    movement: str
    """Pseudonym, as in the ledger."""
    movement_version: int
    as_of: Micros
    ledger_position: int
    status: str
    probability: float | None
    band: str
    model_version: int | None
    bundle_sha256: str | None
    catalogue_sha256: str | None
    row: bytes | None
    """The feature row as little-endian float64, in the catalogue's order."""
    body: bytes
    """The answer as sent, with ``movement_ref`` null."""


class RecordedAssessment(NamedTuple):
    """One answer as the audit table keeps it."""

    score_id: str
    kind: str
    movement: str
    movement_version: int
    position: int
    available_at: Micros
    as_of: Micros
    ledger_position: int
    status: str
    probability: float | None
    band: str
    model_version: int | None
    bundle_sha256: str | None
    catalogue_sha256: str | None
    row: bytes | None
    """None when no model spoke, or when it is erased."""
    body: bytes | None
    """None when retention has erased it."""
    client: str | None
    """Who asked; None for what was recorded before clients had names."""
    agency: str
    """On whose behalf: no other agency gets to see it."""


def row_bytes(row: NDArray[np.float64]) -> bytes:
    return row.astype("<f8", copy=False).tobytes()


def prepare(transaction: Transaction) -> None:
    """Make the table and its triggers where they are missing."""
    for statement in _SCHEMA:
        transaction.execute(statement)


def append(transaction: Transaction, record: AuditRecord, event: Appended, client: Client) -> None:
    """Add one answer to ``client``, in the transaction that appended ``event``, its movement."""
    key = transaction.record_key(event.position)
    row = None if record.row is None else seal(key, "assessment.row", record.row)
    body = seal(key, "assessment.body", record.body)
    stamped = (*record[:4], event.position, event.available_at)
    asked = (client.name, client.agency)
    transaction.execute(_INSERT, (*stamped, *record[4:-2], row, body, *asked))


class AuditLog:
    """Reads the audit table of one ledger; used by one thread at a time."""

    def __init__(self, ledger_url: str) -> None:
        self._path = _database(ledger_url)
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(str(self._path.absolute()))}?mode=rw",
                uri=True,
                isolation_level=None,
                check_same_thread=False,  # its owner sees to that, and another may close it
            )
            self._connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error as exc:
            raise LedgerError(f"no ledger at {self._path}; run `foreland ingest` first") from exc

    def by_id(self, score_id: str) -> RecordedAssessment | None:
        return self._one("score_id = ?", score_id)

    def of_agency(self, agency: str, score_id: str) -> RecordedAssessment | None:
        """None also for a score of another agency."""
        return self._one("score_id = ? AND agency = ?", score_id, agency)

    def by_movement(
        self, agency: str, movement: str, movement_version: int
    ) -> RecordedAssessment | None:
        condition = "agency = ? AND movement = ? AND movement_version = ?"
        return self._one(condition, agency, movement, movement_version)

    def of_movement(self, agency: str, movement: str) -> list[RecordedAssessment]:
        """All versions that were assessed for the agency, the newest assessment first."""
        if not self._has_table():
            return []
        condition = "agency = ? AND movement = ? ORDER BY number DESC"
        return [
            _opened(*row) for row in self._rows(f"{_SELECT} WHERE {condition}", agency, movement)
        ]

    def frame(self, since: Micros | None, until: Micros | None) -> pd.DataFrame:
        """See ``read_assessments``."""
        conditions = "(? IS NULL OR available_at >= ?) AND (? IS NULL OR available_at < ?)"
        statement = f"SELECT {_FRAME_COLUMNS} FROM assessments WHERE {conditions} ORDER BY number"  # noqa: S608 - our own text
        columns = [name.split()[-1] for name in _FRAME_COLUMNS.split(", ")]
        rows: list[tuple[Any, ...]] = []
        if self._has_table():
            rows = self._rows(statement, since, since, until, until)
        integers = dict.fromkeys(("as_of", "available_at", "ledger_position"), "int64")
        frame = pd.DataFrame(rows, columns=columns)
        return frame.astype({**integers, "probability": "float64", "version": "Int64"})

    def close(self) -> None:
        self._connection.close()

    def _one(self, condition: str, *values: object) -> RecordedAssessment | None:
        if not self._has_table():
            return None
        rows = self._rows(f"{_SELECT} WHERE {condition}", *values)
        return _opened(*rows[0]) if rows else None

    def _has_table(self) -> bool:
        """False for a ledger that never served."""
        found = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'assessments'"
        return bool(self._rows(found))

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as exc:
            raise LedgerError(
                f"the audit table in {self._path} cannot be read ({exc}); check the file"
            ) from exc


def _opened(*columns: Any) -> RecordedAssessment:
    *stored, key = columns
    sealed = RecordedAssessment(*stored)
    if key is None or sealed.body is None:
        return sealed._replace(row=None, body=None)
    row = None if sealed.row is None else unseal(key, "assessment.row", sealed.row)
    return sealed._replace(row=row, body=unseal(key, "assessment.body", sealed.body))


def read_assessments(
    ledger_url: str, *, since: Micros | None = None, until: Micros | None = None
) -> pd.DataFrame:
    """Assessments with ``since <= available_at < until``, in the order they were recorded.

    Columns: score_id, kind, movement (pseudonym), as_of, available_at (microseconds),
    ledger_position, status, probability (NaN when unassessed), band, version and bundle_sha256
    (missing when no model spoke). Empty when the ledger never served.
    """
    with closing(AuditLog(ledger_url)) as log:
        return log.frame(since, until)


def read_one(ledger_url: str, score_id: str) -> RecordedAssessment | None:
    with closing(AuditLog(ledger_url)) as log:
        return log.by_id(score_id)


def _database(ledger_url: str) -> Path:
    path = ledger_url.removeprefix("sqlite:///")
    if path == ledger_url:
        raise LedgerError(
            "assessments are recorded in SQLite only, so far; give a ledger URL that starts with "
            f"sqlite:///, not {ledger_url.partition(':')[0]}"
        )
    return Path(path)
