"""An audit log of schema version 1 in either database: brought up to date, and still verified."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from features.ledger import (
    Event,
    Ledger,
    LedgerError,
    MovementReassessed,
    Transaction,
    open_ledger,
)
from serving.audit import AuditStream, prepare, read_assessments, read_one
from serving.audit.chain import FIRST_LINK
from serving.audit.verification import Finding, verify
from tests.audit_examples import PORT, add_many, audit_record
from tests.contract.test_audit import BACKENDS


@pytest.fixture(params=BACKENDS)
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    opened = open_ledger(BACKENDS[request.param](request))
    with opened.transaction() as transaction:
        prepare(transaction)
    yield opened
    opened.close()


OLD_TABLE: dict[str, tuple[str, ...]] = {
    "postgresql": (
        "ALTER TABLE assessments DROP COLUMN matches, DROP COLUMN because, DROP COLUMN assessment",
        "ALTER TABLE assessments ADD UNIQUE (agency, movement, movement_version)",
    ),
    "sqlite": (),
}
"""From the table of today to that of version 1: constraints that named a dropped column go too."""


def test_a_log_of_version_1_is_brought_up_to_date_and_its_records_still_verify(
    ledger: Ledger, tmp_path: Path
) -> None:
    add_many(ledger, [AuditStream("a")], range(1, 8))
    before = read_assessments(ledger.url)
    _back_to_version_1(ledger)
    with ledger.transaction() as transaction:
        prepare(transaction)
        ((version,),) = transaction.fetch("SELECT value FROM meta WHERE name = 'audit_schema'")
        assert version == 2
    assert read_assessments(ledger.url).equals(before)
    old = read_one(ledger.url, "score-7")
    assert old is not None
    assert (old.matches, old.assessment, old.because) == (None, 1, None)
    with pytest.raises(LedgerError, match="append-only"), ledger.transaction() as transaction:
        transaction.execute("UPDATE assessments SET band = band")
    with ledger.transaction() as transaction:
        again = audit_record(7)._replace(score_id="again", assessment=2, because="late outcome")
        (appended,) = transaction.append([reassessed_event(7, 2)])
        AuditStream("a").assessments(transaction, [(again, appended, PORT)])
    findings: list[Finding] = []
    verify(ledger, tmp_path / "heads", [], findings.append)
    assert findings == []


def reassessed_event(number: int, assessment: int) -> Event:
    """An event of a re-assessment, as far as the audit log looks at it."""
    payload = MovementReassessed(
        kind="vehicle",
        movement=f"{number:032x}",
        version=1,
        agency=PORT.agency,
        assessment=assessment,
        score_id="again",
        because="outcome",
        trigger=1,
    )
    return Event(
        source="reassessment",
        event_id=f"{number:032x}:1:{PORT.agency}:1",
        occurred_at=1,
        payload=payload,
    )


def _back_to_version_1(ledger: Ledger) -> None:
    """The table as it was, and records that say nothing of what it did not have."""
    with ledger.transaction() as transaction:
        for statement in OLD_TABLE[transaction.database]:
            transaction.execute(statement)
        if transaction.database == "sqlite":
            _old_sqlite_table(transaction)
        for table in ("assessments", "audit_records"):
            _without_triggers(transaction, table)
        _shorten_records(transaction)
        transaction.execute("UPDATE meta SET value = 1 WHERE name = 'audit_schema'")


def _old_sqlite_table(transaction: Transaction) -> None:
    ((today,),) = transaction.fetch("SELECT sql FROM sqlite_schema WHERE name = 'assessments'")
    old = re.sub(
        r"matches TEXT,\s+assessment BIGINT NOT NULL DEFAULT 1,\s+because TEXT,", "", today
    )
    old = old.replace("movement_version, assessment)", "movement_version)")
    transaction.execute("ALTER TABLE assessments RENAME TO assessments_2")
    transaction.execute(old)
    names = [row[1] for row in transaction.fetch("PRAGMA table_info(assessments)")]
    kept = ", ".join(names)
    assert "assessment" not in names
    transaction.execute(f"INSERT INTO assessments ({kept}) SELECT {kept} FROM assessments_2")  # noqa: S608 - our own text
    transaction.execute("DROP TABLE assessments_2")
    transaction.execute("CREATE INDEX assessments_by_time ON assessments (available_at)")


def _without_triggers(transaction: Transaction, table: str) -> None:
    if transaction.database == "sqlite":
        transaction.execute(f"DROP TRIGGER IF EXISTS {table}_never_change")
    else:
        transaction.execute(f"DROP TRIGGER {table}_never_change ON {table}")


def _shorten_records(transaction: Transaction) -> None:
    """As they were chained before there were several assessments of a version."""
    link = FIRST_LINK
    rows = transaction.fetch("SELECT number, content FROM audit_records ORDER BY number")
    for number, content in rows:
        said = msgspec.json.decode(content)
        for name in ("assessment", "because"):
            said["entry"].pop(name, None)
        shorter = msgspec.json.encode(said, order="sorted")
        link = sha256(link + shorter).digest()
        transaction.execute(
            "UPDATE audit_records SET content = ?, link = ? WHERE number = ?",
            (shorter, link, number),
        )
