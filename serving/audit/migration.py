"""From version 1 of the audit log's schema to version 2: a version of a movement may be assessed
more than once, and which selectors and rules it met is kept."""

from collections.abc import Mapping

from features.ledger import Database, Transaction
from serving.audit.assessments import STORED

_NEW = ("matches", "assessment", "because")
_KEPT = ", ".join(
    ["number", *(name for name in STORED.split(", ") if name not in _NEW), "stream, stream_number"]
)
_BEFORE: Mapping[Database, tuple[str, ...]] = {
    "postgresql": (
        "ALTER TABLE assessments ADD COLUMN matches TEXT",
        "ALTER TABLE assessments ADD COLUMN assessment BIGINT NOT NULL DEFAULT 1",
        "ALTER TABLE assessments ADD COLUMN because TEXT",
        "ALTER TABLE assessments DROP CONSTRAINT assessments_agency_movement_movement_version_key",
        "ALTER TABLE assessments ADD UNIQUE (agency, movement, movement_version, assessment)",
    ),
    "sqlite": (
        "DROP INDEX IF EXISTS assessments_by_time",
        "DROP TRIGGER IF EXISTS assessments_never_change",
        "DROP TRIGGER IF EXISTS assessments_never_vanish",
        "ALTER TABLE assessments RENAME TO assessments_1",
    ),
}


def know_several_assessments(transaction: Transaction, table: str) -> None:
    """Rows stay as they are, and so do their records in the chain: a record that says neither is of
    the first assessment. Triggers have to be made again afterwards.

    Args:
        table: makes the one of today. SQLite cannot change a constraint of a table, so there its
            rows move to a new one.
    """
    for statement in _BEFORE[transaction.database]:
        transaction.execute(statement)
    if transaction.database == "sqlite":
        transaction.execute(table)
        transaction.execute(
            f"INSERT INTO assessments ({_KEPT}) SELECT {_KEPT} FROM assessments_1"  # noqa: S608 - our own text
        )
        transaction.execute("DROP TABLE assessments_1")
