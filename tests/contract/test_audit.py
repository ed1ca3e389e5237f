"""The audit log in either database: what is kept, how it is chained, and that it only grows."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256

import msgspec
import pytest

from features.clock import now_micros
from features.ledger import Ledger, LedgerError, Tables, open_ledger, open_tables
from serving.audit import (
    AuditLog,
    AuditStream,
    new_stream_name,
    prepare,
    read_assessments,
    read_one,
    record_note,
)
from serving.audit.chain import FIRST_LINK
from serving.audit.entries import Assessed, decode_record
from serving.auth.access import Client
from tests.audit_examples import PORT, add_assessment, add_many, audit_record, read_note
from tests.example_events import erasure_event, movement_event
from tests.postgres import new_database

BACKENDS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path') / 'ledger.db'}",
    "postgres": lambda request: new_database(request.getfixturevalue("postgres_server")),
}


@pytest.fixture(params=BACKENDS)
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    opened = open_ledger(BACKENDS[request.param](request))
    with opened.transaction() as transaction:
        prepare(transaction)
    yield opened
    opened.close()


@pytest.fixture
def tables(ledger: Ledger) -> Iterator[Tables]:
    with closing(open_tables(ledger.url)) as opened:
        yield opened


def test_an_assessment_comes_back_whole(ledger: Ledger) -> None:
    stream = AuditStream("a")
    with ledger.transaction() as transaction:
        stamp = add_assessment(transaction, stream, 1, probability=0.1 + 0.2)
        add_assessment(transaction, stream, 2, probability=None)
    sent = audit_record(1, probability=0.1 + 0.2)
    recorded = read_one(ledger.url, "score-1")
    assert recorded is not None
    assert recorded == (*sent[:4], 1, stamp, *sent[4:-3], "port", "border", None, 1, None)
    without_model = read_one(ledger.url, "score-2")
    assert without_model is not None
    assert (without_model.row, without_model.probability) == (None, None)
    assert read_one(ledger.url, "score-3") is None


def test_assessments_are_found_by_agency_and_movement(ledger: Ledger) -> None:
    with ledger.transaction() as transaction:
        add_assessment(transaction, AuditStream("a"), 1)
    with closing(AuditLog(ledger.url)) as log:
        assert log.of_agency("border", "score-1") == log.by_id("score-1")
        assert log.of_agency("customs", "score-1") is None
        assert log.by_movement("border", f"{1:032x}", 1) == log.by_id("score-1")
        assert log.by_movement("border", f"{1:032x}", 2) is None
        assert log.by_movement("customs", f"{1:032x}", 1) is None


def test_the_frame_is_in_order_and_within_its_bounds(ledger: Ledger) -> None:
    assert read_assessments(ledger.url).empty
    with ledger.transaction() as transaction:
        stamps = [add_assessment(transaction, AuditStream("a"), n) for n in (1, 2, 3)]
        add_assessment(transaction, AuditStream("a"), 4, probability=None)
    frame = read_assessments(ledger.url)
    assert frame["score_id"].tolist() == ["score-1", "score-2", "score-3", "score-4"]
    assert frame["probability"].isna().tolist() == [False, False, False, True]
    assert frame["version"].isna().tolist() == [False, False, False, True]
    chosen = read_assessments(ledger.url, since=stamps[1], until=stamps[2])
    assert chosen["available_at"].tolist() == [stamps[1]]


def test_a_ledger_that_never_served_reads_as_empty(request: pytest.FixtureRequest) -> None:
    for backend in BACKENDS.values():
        url = backend(request)
        open_ledger(url).close()
        assert read_assessments(url).empty
        assert read_one(url, "x") is None


def test_every_record_is_linked_to_the_one_before_it_in_its_stream(
    ledger: Ledger, tables: Tables
) -> None:
    before = now_micros()
    add_many(ledger, [AuditStream("a"), AuditStream("b")], range(1, 31))
    for stream in ("a", "b"):
        rows = tables.fetch(
            "SELECT number, recorded_at, content, link FROM audit_records WHERE stream = ?"
            " ORDER BY number",
            [stream],
        )
        assert [row[0] for row in rows] == list(range(1, 21))
        link = FIRST_LINK
        for number, recorded_at, content, kept in rows:
            link = sha256(link + content).digest()
            assert kept == link
            said = decode_record(content)
            assert (said.stream, said.number, said.recorded_at) == (stream, number, recorded_at)
            assert before <= recorded_at <= now_micros() + 100


def test_a_record_says_every_column_and_digests_of_what_is_sealed(
    ledger: Ledger, tables: Tables
) -> None:
    add_many(ledger, [AuditStream("a")], range(1, 6))
    joined = (
        "SELECT content, row, body FROM assessments JOIN audit_records"
        " ON audit_records.stream = assessments.stream AND audit_records.number = stream_number"
        " ORDER BY assessments.number"
    )
    found = tables.fetch(joined)
    assert len(found) == 5
    for number, (content, row, body) in enumerate(found, 1):
        said = decode_record(content).entry
        assert isinstance(said, Assessed)
        sent = audit_record(number, probability=None if number == 5 else number / 1_000)
        assert said.row_sha256 == (None if row is None else sha256(row).hexdigest())
        assert said.body_sha256 == sha256(body).hexdigest()
        assert said.probability == (None if sent.probability is None else repr(sent.probability))
        columns = set(sent._fields) - {"row", "body", "probability", "matches"}
        assert {name: getattr(said, name) for name in columns} == {
            name: getattr(sent, name) for name in columns
        }
        assert (said.client, said.agency, said.position) == ("port", "border", number)
        assert b"score_id" not in body, "it is sealed"


def test_what_is_taken_back_leaves_no_gap(ledger: Ledger, tables: Tables) -> None:
    stream = AuditStream("a")
    with ledger.transaction() as transaction:
        stream.note(transaction, read_note(1))
    with pytest.raises(LedgerError), ledger.transaction() as transaction:
        stream.note(transaction, read_note(2))
        raise LedgerError("the disk is full")
    with ledger.transaction() as transaction:
        stream.note(transaction, read_note(3))
        stream.note(transaction, read_note(4))
    kept = tables.fetch("SELECT number, content FROM audit_records ORDER BY number")
    assert [number for number, _ in kept] == [1, 2, 3]
    assert b'"score-2"' not in b"".join(content for _, content in kept)


def test_an_agency_has_one_assessment_of_a_number_of_a_version(ledger: Ledger) -> None:
    stream, other = AuditStream("a"), Client("air", "customs", frozenset())
    with ledger.transaction() as transaction:
        (appended,) = transaction.append([movement_event(1)])
        stream.assessments(transaction, [(audit_record(1), appended, PORT)])
        again = audit_record(1)._replace(score_id="score-2")
        stream.assessments(transaction, [(again, appended, other)])
    with pytest.raises(LedgerError), ledger.transaction() as transaction:
        (appended,) = transaction.append([movement_event(2)])
        third = audit_record(1)._replace(score_id="score-3")
        stream.assessments(transaction, [(third, appended, other)])
    with ledger.transaction() as transaction:
        (appended,) = transaction.append([movement_event(3)])
        second = third._replace(assessment=2, because="late outcome")
        stream.assessments(transaction, [(second, appended, other)])
    with closing(AuditLog(ledger.url)) as log:
        first = log.by_movement("customs", f"{1:032x}", 1)
        assert first is not None
        assert first.score_id == "score-2", "the answer that was given when it was sent"
        assert [one.assessment for one in log.of_movement("customs", f"{1:032x}")] == [2, 1]


@pytest.mark.parametrize(
    ("table", "column"),
    [("assessments", "band"), ("audit_records", "content"), ("audit_heads", "signature")],
)
def test_rows_can_be_neither_changed_nor_deleted(ledger: Ledger, table: str, column: str) -> None:
    add_many(ledger, [AuditStream("a")], range(1, 4))
    with ledger.transaction() as transaction:
        transaction.execute("INSERT INTO audit_heads VALUES (?, ?, ?, ?)", (1, 1, b"{}", b"x"))
    changes = ("UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "DELETE FROM {0} WHERE number = 1")
    for change in changes:
        with pytest.raises(LedgerError, match="append-only"), ledger.transaction() as transaction:
            transaction.execute(change.format(table, column))


def test_a_log_of_a_newer_program_is_refused(ledger: Ledger) -> None:
    with ledger.transaction() as transaction:
        prepare(transaction)
        transaction.execute("UPDATE meta SET value = 9 WHERE name = 'audit_schema'")
    with pytest.raises(LedgerError, match="version 9, this program knows 2"):
        record_note(ledger, "explain", read_note(1))


def test_a_command_has_a_stream_of_its_own(ledger: Ledger, tables: Tables) -> None:
    record_note(ledger, "explain", read_note(1))
    record_note(ledger, "explain", read_note(2))
    rows = tables.fetch("SELECT stream, number, content FROM audit_records ORDER BY stream")
    assert [number for _, number, _ in rows] == [1, 1]
    assert rows[0][0] < rows[1][0]
    assert re.fullmatch(r"explain-\d{8}T\d{6}\.\d{6}-[0-9a-f]{8}", rows[0][0])
    assert msgspec.json.decode(rows[0][2])["entry"] == {
        "type": "assessment_read",
        "score_id": "score-1",
        "client": "port",
        "agency": "border",
        "how": "stored_score",
    }


def test_stream_names_never_repeat() -> None:
    assert len({new_stream_name("worker") for _ in range(1_000)}) == 1_000


def test_a_snapshot_sees_one_state(ledger: Ledger, tables: Tables) -> None:
    count = "SELECT count(*) FROM audit_records"
    record_note(ledger, "explain", read_note(1))
    with tables.snapshot():
        assert tables.fetch(count) == [(1,)]
        record_note(ledger, "explain", read_note(2))
        assert tables.fetch(count) == list(tables.rows(count)) == [(1,)]
    assert tables.fetch(count) == [(2,)]
    assert tables.has("audit_records")
    assert not tables.has("nothing")
    with pytest.raises(LedgerError, match="cannot be read"):
        tables.fetch("SELECT * FROM nothing")


def test_erasing_leaves_the_record_and_takes_the_answer(ledger: Ledger, tables: Tables) -> None:
    add_many(ledger, [AuditStream("a")], range(1, 3))
    before = tables.fetch("SELECT content, link FROM audit_records ORDER BY number")
    tables.close()
    ledger.erase([1], erasure_event(), chosen_at=2)
    recorded = read_one(ledger.url, "score-1")
    assert recorded is not None
    assert (recorded.row, recorded.body, recorded.band) == (None, None, "medium")
    with closing(open_tables(ledger.url)) as again:
        kept = again.fetch("SELECT content, link FROM audit_records ORDER BY number")
    assert kept == before
