"""Assessments of an SQLite home from before there were streams: chained once, from then on held."""

import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from features.ledger import open_ledger
from features.ledger.sealing import seal
from serving.audit import AuditStream, adoption, prepare, read_one
from serving.audit.chain import FIRST_LINK
from serving.audit.entries import Assessed, decode_record
from tests.audit_examples import add_assessment, audit_record
from tests.example_events import movement_event

MANY = 7
INSERT = (
    "INSERT INTO assessments (score_id, kind, movement, movement_version, position, available_at,"
    " as_of, ledger_position, status, probability, band, row, body, client)"
    " VALUES (?, 'vehicle', ?, 1, ?, ?, 1, 0, 'scored', 0.25, 'low', ?, ?, ?)"
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of schema version 3 with assessments, now at rest."""
    monkeypatch.setattr(adoption, "_WITHOUT", adoption._WITHOUT.replace("LIMIT 1000", "LIMIT 3"))
    path = tmp_path / "ledger.db"
    with closing(open_ledger(f"sqlite:///{path}")) as ledger:
        ledger.append([movement_event(n) for n in range(1, MANY + 1)])
    raw = sqlite3.connect(path, isolation_level=None)
    raw.executescript((Path(__file__).parent / "sqlite-assessments-3.sql").read_text())
    for n in range(1, MANY + 1):
        ((key,),) = raw.execute("SELECT key FROM record_keys WHERE position = ?", [n])
        row, body = seal(key, "assessment.row", b"12345678"), seal(key, "assessment.body", b"{}")
        raw.execute(INSERT, (f"score-{n}", f"{n:032x}", n, n, row, body, None))
    raw.execute("PRAGMA user_version = 3")
    raw.close()
    return path


def test_each_gets_a_record_in_a_stream_of_their_own(path: Path) -> None:
    with closing(open_ledger(f"sqlite:///{path}")) as ledger, ledger.transaction() as transaction:
        prepare(transaction)
        add_assessment(transaction, AuditStream("a"), MANY + 1)
    raw = sqlite3.connect(path, isolation_level=None)
    link = FIRST_LINK
    for n, (stream, number, content, kept, row, body) in enumerate(
        raw.execute(
            "SELECT r.stream, r.number, content, link, row, body FROM audit_records r JOIN"
            " assessments a ON a.stream = r.stream AND stream_number = r.number"
            " WHERE r.stream = 'adopted' ORDER BY r.number"
        ),
        1,
    ):
        link = sha256(link + content).digest()
        assert (stream, number, kept) == ("adopted", n, link)
        entry = decode_record(content).entry
        assert isinstance(entry, Assessed)
        assert (entry.score_id, entry.probability, entry.client) == (f"score-{n}", "0.25", None)
        assert entry.row_sha256 == sha256(row).hexdigest()
        assert entry.body_sha256 == sha256(body).hexdigest()
    assert n == MANY
    assert raw.execute("SELECT count(*) FROM assessments WHERE stream IS NULL").fetchone() == (0,)
    for statement in ("UPDATE assessments SET band = 'high'", "DELETE FROM assessments"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
    raw.close()
    old = read_one(f"sqlite:///{path}", "score-1")
    assert old is not None
    assert (old.row, old.body) == (b"12345678", b"{}")
    new = read_one(f"sqlite:///{path}", f"score-{MANY + 1}")
    assert new is not None
    assert new.body == audit_record(MANY + 1).body


def test_only_once(path: Path) -> None:
    with closing(open_ledger(f"sqlite:///{path}")) as ledger:
        with ledger.transaction() as transaction:
            prepare(transaction)
        with ledger.transaction() as transaction:
            transaction.execute(INSERT, ("forged", "m", 1, 1, None, b"", None))
        with ledger.transaction() as transaction:
            prepare(transaction)
            found = transaction.fetch("SELECT score_id FROM assessments WHERE stream IS NULL")
    assert found == [("forged",)]


def test_whoever_reads_brings_them_up_to_date(path: Path) -> None:
    open_ledger(f"sqlite:///{path}").close()
    assert read_one(f"sqlite:///{path}", "score-3") is not None
