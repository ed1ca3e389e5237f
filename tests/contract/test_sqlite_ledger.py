"""What only a look into the SQLite file can show."""

import os
import sqlite3
import stat
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ledger import (
    Appended,
    Ledger,
    LedgerBusy,
    LedgerDamaged,
    LedgerError,
    locks,
    open_ledger,
    sqlite,
    sqlite_schema,
)
from features.ledger.events import encode_payload
from features.ledger.rows import linked_row
from features.ledger.sealing import unseal
from tests.example_events import erasure_event, movement_event, outcome_event

times = st.integers(min_value=0, max_value=20)


@given(st.lists(st.tuples(times, st.booleans()), max_size=12), times)
def test_reading_agrees_with_a_sorted_list(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, bool]], before: int
) -> None:
    """The order of arrival decides positions alone; ties in time are read in that order."""
    log = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('log') / 'ledger.db'}")
    log.backfill(
        (outcome_event if is_outcome else movement_event)(number, available_at=at)
        for number, (at, is_outcome) in enumerate(events)
    )
    expected = sorted((at, n + 1) for n, (at, _) in enumerate(events) if at < before)
    found = [(r.available_at, r.position) for r in log.read(available_before=before)]
    log.close()
    assert found == expected


def test_the_file_itself_refuses_change(tmp_path: Path, ledger: Ledger) -> None:
    ledger.append([movement_event(1), movement_event(2)])
    raw = sqlite3.connect(tmp_path / "ledger.db")
    for statement in (
        "UPDATE events SET occurred_at = 0 WHERE position = 1",
        "DELETE FROM events WHERE position = 2",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
    raw.close()
    replace = (
        "INSERT OR REPLACE INTO events SELECT 1, source, event_id, 0, 0, 1, sealed, link"
        " FROM events WHERE position = 1"
    )
    with pytest.raises(LedgerError, match="append-only"), ledger.transaction() as transaction:
        transaction.execute(replace)
    assert [r.occurred_at for r in ledger.tail(0)] == [1, 2]


def test_every_commit_is_synced(ledger: Ledger) -> None:
    connection: sqlite3.Connection = ledger._writer  # type: ignore[attr-defined]
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "2 is FULL"
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_missing_ledger_is_not_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"no ledger at .*; run `foreland ingest` first"):
        open_ledger(f"sqlite:///{tmp_path / 'none.db'}", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("mysql://host/db", "starts with sqlite:/// or postgresql://, not 'mysql'"),
        ("var/ledger.db", "starts with sqlite:/// or postgresql://, not 'var/ledger.db'"),
        ("sqlite://ledger.db", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_urls_that_are_no_ledger(bad: str, sentence: str) -> None:
    with pytest.raises(LedgerError, match=sentence):
        open_ledger(bad)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("minutes of the meeting\n" * 100)
    with pytest.raises(LedgerError, match="is no ledger"):
        open_ledger(f"sqlite:///{tmp_path / 'notes.txt'}")
    assert "minutes" in (tmp_path / "notes.txt").read_text()


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "other.db")
    raw.execute("CREATE TABLE experiments (name TEXT)")
    raw.commit()
    with pytest.raises(LedgerError, match="another program's database"):
        open_ledger(f"sqlite:///{tmp_path / 'other.db'}")
    assert raw.execute("SELECT name FROM sqlite_schema").fetchall() == [("experiments",)]
    raw.close()


def test_a_newer_schema_is_refused(tmp_path: Path, ledger: Ledger) -> None:
    ledger.close()
    raw = sqlite3.connect(tmp_path / "ledger.db")
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(LedgerError, match="schema version 99, this program knows 4"):
        open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"cannot be made or written: .*; check the path"):
        open_ledger(f"sqlite:///{tmp_path / 'file' / 'home' / 'ledger.db'}")


def test_a_full_disk_is_said_and_nothing_half_written(ledger: Ledger) -> None:
    ledger.append([movement_event(1)])
    connection: sqlite3.Connection = ledger._writer  # type: ignore[attr-defined]
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 5}")
    many = (movement_event(n, available_at=n) for n in range(2, 5_000))
    with pytest.raises(LedgerError, match="is full; free some space"):
        ledger.backfill(many)
    assert (ledger.last_position(), ledger.epoch()) == (1, 0)


def test_a_writer_that_never_ends_is_said(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.ledger.sqlite.BUSY_SECONDS", 0.05)
    waiting = open_ledger(ledger.url)
    raw = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerBusy, match="another process has been writing"):
        waiting.append([movement_event(1)])
    raw.execute("ROLLBACK")
    raw.close()
    assert waiting.append([movement_event(1)])[0].position == 1
    waiting.close()


CHANGES = {
    "a byte of a body": "UPDATE events SET sealed = zeroblob(length(sealed)) WHERE position = 2",
    "a clock": "UPDATE events SET available_at = available_at + 1 WHERE position = 3",
    "an event id": "UPDATE events SET event_id = 'other' WHERE position = 1",
    "a source": "UPDATE events SET source = 'api' WHERE position = 1",
    "a swap of two bodies": "UPDATE events SET sealed = (SELECT sealed FROM events e WHERE"
    " e.position = 5 - events.position) WHERE position IN (2, 3)",
    "a row taken out": "DELETE FROM events WHERE position = 2",
    "a row taken out and the rest moved up": "DELETE FROM events WHERE position = 2;"
    " UPDATE events SET position = position - 1 WHERE position > 2",
    "a row put in between": "UPDATE events SET position = -position WHERE position > 2;"
    " UPDATE events SET position = 1 - position WHERE position < 0;"
    " INSERT INTO events SELECT 3, 'x', 'x', 0, 0, 0, sealed, link FROM events WHERE position = 2",
    "a link": "UPDATE events SET link = randomblob(32) WHERE position = 4",
    "a record's key": "UPDATE record_keys SET key = randomblob(32) WHERE position = 2",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_whoever_changes_the_file_breaks_the_chain(
    tmp_path: Path, ledger: Ledger, change: str
) -> None:
    """Somebody who owns the file can drop the triggers; the links tell all the same."""
    ledger.append([movement_event(n) for n in range(4)])
    assert ledger.verify().events == 4
    raw = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    triggers = raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for (trigger,) in triggers:
        raw.execute(f"DROP TRIGGER {trigger}")
    raw.executescript(change)
    raw.close()
    with pytest.raises(LedgerDamaged, match=r"keep the database as evidence"):
        ledger.verify()


def test_a_destroyed_key_is_nowhere_in_the_file_or_its_log(tmp_path: Path, ledger: Ledger) -> None:
    ledger.append([movement_event(n) for n in range(50)])
    raw = sqlite3.connect(tmp_path / "ledger.db")
    keys = [key for (key,) in raw.execute("SELECT key FROM record_keys ORDER BY position")]
    raw.close()
    assert all(_in_files(tmp_path, key) for key in keys), "or the search would prove nothing"
    ledger.erase(range(11, 31), erasure_event(), chosen_at=50)
    found = [number for number, key in enumerate(keys, 1) if _in_files(tmp_path, key)]
    assert found == [*range(1, 11), *range(31, 51)]


def test_what_is_read_meanwhile_is_erased_and_not_yet_overwritten(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    log = open_ledger(ledger.url)
    log.append([movement_event(n) for n in range(5)])
    raw = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    (key,) = raw.execute("SELECT key FROM record_keys WHERE position = 2").fetchone()
    raw.execute("BEGIN")
    raw.execute("SELECT count(*) FROM events").fetchone()  # somebody's snapshot, still open
    with pytest.raises(LedgerBusy, match="cannot be read any more, but its bytes are not overwri"):
        log.erase([2], erasure_event(), chosen_at=5)
    assert log.verify().erased == 1
    raw.close()
    log.scrub()
    assert not _in_files(tmp_path, key)
    log.close()


def test_nobody_else_replaces_a_row_either(tmp_path: Path, ledger: Ledger) -> None:
    """A connection of its own, without the settings that make REPLACE fire the other triggers."""
    ledger.append([movement_event(1), movement_event(2)])
    raw = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    replaced = "INSERT OR REPLACE INTO events SELECT {}, 0, 0, 1, sealed, link FROM events LIMIT 1"
    for statement in (
        replaced.format("3, source, event_id"),
        replaced.format("1, 'x', 'x'"),
        "REPLACE INTO record_keys SELECT 1, key FROM record_keys WHERE position = 2",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|one key or none"):
            raw.execute(statement)
    raw.close()
    assert ledger.verify().events == 2


def test_only_its_owner_reads_a_ledger(tmp_path: Path, ledger: Ledger) -> None:
    """It holds the record keys beside what they seal."""
    ledger.append([movement_event(1)])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert {"ledger.db", "ledger.db-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def _in_files(directory: Path, wanted: bytes) -> bool:
    return any(wanted in path.read_bytes() for path in directory.iterdir())


def test_a_ledger_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its bodies were plain and unlinked; afterwards they are sealed, and no plain byte is left."""
    path = tmp_path / "ledger.db"
    _make_version_1(path)
    assert _in_files(tmp_path, b"DOVER-CALAIS")
    ledger = open_ledger(f"sqlite:///{path}", create=False)
    events = list(ledger.tail(0))
    assert [e.payload for e in events] == [movement_event(n).payload for n in (1, 2)]
    assert [(e.position, e.available_at, e.backfill) for e in events] == [
        (1, 5, True),
        (2, 9, False),
    ]
    assert (ledger.verify().events, ledger.epoch()) == (2, 0)
    assert ledger.append([movement_event(2)])[0] == Appended(2, 9, duplicate=True)
    assert ledger.append([movement_event(3)])[0].position == 3
    with ledger.transaction() as transaction, pytest.raises(sqlite3.IntegrityError):
        transaction.execute("DELETE FROM events WHERE position = 1")
    ledger.close()
    assert not _in_files(tmp_path, b"DOVER-CALAIS")
    assert not _in_files(tmp_path, b"feature row")
    again = open_ledger(f"sqlite:///{path}", create=False)
    assert [e.position for e in again.tail(0)] == [1, 2, 3]
    again.close()
    row, body = _assessment(path)
    assert (row, body) == (b"the feature row", b"the answer")


def test_no_ledger_is_migrated_under_a_running_server(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    _make_version_1(path)
    service = tmp_path / "ledger.db-service"
    with locks.shared(service, "-"), pytest.raises(LedgerBusy, match="older schema version 1"):
        open_ledger(f"sqlite:///{path}")
    assert _in_files(tmp_path, b"DOVER-CALAIS"), "and nothing is changed"


def test_a_migration_that_breaks_off_leaves_the_old_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    _make_version_1(path)
    before = path.read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr(sqlite_schema, "linked_row", _fail_at_second())
        with pytest.raises(OSError, match="broke off"):
            open_ledger(f"sqlite:///{path}")
    assert path.read_bytes() == before
    ledger = open_ledger(f"sqlite:///{path}")
    assert ledger.verify().events == 2
    ledger.close()


def test_assessments_of_version_2_stay_and_belong_to_the_local_agency(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    open_ledger(f"sqlite:///{path}").close()
    raw = sqlite3.connect(path, isolation_level=None)
    raw.executescript((Path(__file__).parent / "sqlite-assessments-2.sql").read_text())
    add = (
        "INSERT INTO assessments (score_id, kind, movement, movement_version, position,"
        " available_at, as_of, ledger_position, status, band, row, body"
    )
    values = "'vehicle', 'm', 1, 2, 9, 9, 1, 'scored', 'low', x'01', x'02'"
    raw.execute(f"{add}) VALUES ('s', {values})")
    before = raw.execute("SELECT * FROM assessments").fetchall()
    raw.execute("PRAGMA user_version = 2")
    raw.close()
    open_ledger(f"sqlite:///{path}").close()
    raw = sqlite3.connect(path, isolation_level=None)
    assert raw.execute("SELECT * FROM assessments").fetchall() == [
        (*before[0], None, "local", None, None, None, None)
    ]
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        raw.execute(f"{add}) VALUES ('t', {values})")
    raw.execute(f"{add}, agency) VALUES ('u', {values}, 'customs')")
    assert raw.execute("SELECT number FROM assessments").fetchall() == [(1,), (2,)]
    raw.close()


def _fail_at_second() -> Any:
    calls = iter([True])

    def failing(*arguments: Any) -> Any:
        if next(calls, None) is None:
            raise OSError(5, "broke off")
        return linked_row(*arguments)

    return failing


def _make_version_1(path: Path) -> None:
    """As the first release wrote it, with one assessment."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.executescript((Path(__file__).parent / "sqlite-ledger-1.sql").read_text())
    insert = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    for position, stamp, backfill in ((1, 5, True), (2, 9, False)):
        event = movement_event(position)
        body = encode_payload(event.payload)
        names = (event.source, event.event_id, event.occurred_at)
        raw.execute(insert, (position, *names, stamp, backfill, body, sha256(body).digest()))
    raw.execute(
        "INSERT INTO assessments (score_id, kind, movement, movement_version, position,"
        " available_at, as_of, ledger_position, status, band, row, body)"
        " VALUES ('s', 'vehicle', 'm', 1, 2, 9, 9, 1, 'scored', 'low', ?, ?)",
        (b"the feature row", b"the answer"),
    )
    raw.close()


def _assessment(path: Path) -> tuple[bytes, bytes]:
    raw = sqlite3.connect(path)
    row, body, key = raw.execute(
        "SELECT row, body, key FROM assessments JOIN record_keys USING (position)"
    ).fetchone()
    raw.close()
    return unseal(key, "assessment.row", row), unseal(key, "assessment.body", body)


def test_a_file_that_was_moved_away_takes_no_commit_until_it_is_back(
    tmp_path: Path, ledger: Ledger
) -> None:
    """SQLite alone would write on, to where nobody looks for it."""
    ledger.append([movement_event(1)])
    for name in ("ledger.db", "ledger.db-wal"):
        (tmp_path / name).rename(tmp_path / "away")
        with pytest.raises(LedgerError, match="is gone"):
            ledger.append([movement_event(2)])
        with pytest.raises(LedgerError, match="is gone"):
            ledger.reopen()
        (tmp_path / name).write_bytes((tmp_path / "away").read_bytes())
        with pytest.raises(LedgerError, match="is another file"):
            ledger.reopen()
        (tmp_path / "away").rename(tmp_path / name)
        ledger.reopen()
    assert ledger.append([movement_event(2)])[0].position == 2
    assert ledger.verify().events == 2


def test_a_file_that_is_moved_away_during_a_commit_has_not_committed(
    tmp_path: Path, ledger: Ledger
) -> None:
    with pytest.raises(LedgerError, match="is gone"), ledger.transaction() as transaction:
        transaction.append([movement_event(1)])
        (tmp_path / "ledger.db").rename(tmp_path / "away")


def test_a_file_that_was_cut_takes_no_commit(tmp_path: Path, ledger: Ledger) -> None:
    ledger.backfill([movement_event(1, available_at=0)])  # which merges its log into the file
    whole = (tmp_path / "ledger.db").read_bytes()
    ledger.append([movement_event(2)])
    os.truncate(tmp_path / "ledger.db", 0)
    for attempt in (lambda: ledger.append([movement_event(3)]), ledger.reopen):
        with pytest.raises(LedgerError, match="it was cut while it was in use"):
            attempt()
    with (tmp_path / "ledger.db").open("r+b") as file:  # the same file, with what was in it
        file.write(whole)
    ledger.reopen()
    assert ledger.append([movement_event(3)])[0].position == 3
    assert ledger.verify().events == 3


@pytest.mark.parametrize("left", [0, 31, 5_000])
def test_a_log_that_was_cut_takes_no_commit(tmp_path: Path, ledger: Ledger, left: int) -> None:
    """SQLite alone would leave a hole: after a crash every commit of the log would be gone."""
    for number in range(5):
        ledger.append([movement_event(number)])
    os.truncate(tmp_path / "ledger.db-wal", left)
    for _ in range(2):
        with pytest.raises(LedgerError, match="it was cut while it was in use"):
            ledger.append([movement_event(5)])
    with pytest.raises(LedgerError, match="it was cut while it was in use"):
        ledger.reopen()


def test_a_log_that_another_process_merged_goes_on(tmp_path: Path, ledger: Ledger) -> None:
    ledger.append([movement_event(1)])
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as other:
        for number in range(2, 5):
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
            assert (tmp_path / "ledger.db-wal").stat().st_size == 0
            assert ledger.append([movement_event(number)])[0].position == number
        other.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        ledger.append([movement_event(5)])
    assert ledger.verify().events == 5
