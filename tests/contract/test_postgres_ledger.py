"""What only a look into PostgreSQL can show; every name here holds the word postgres."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql

from features.ledger import Ledger, LedgerBusy, LedgerDamaged, LedgerError, open_ledger, postgres
from tests.example_events import erasure_event, movement_event
from tests.postgres import new_database, running_server

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def url(postgres_server: str) -> str:
    return new_database(postgres_server)


@pytest.fixture
def log(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()


def raw(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("SET search_path = foreland")
    return connection


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET occurred_at = 0 WHERE position = 1",
        "DELETE FROM events WHERE position = 2",
        "TRUNCATE events",
        "INSERT INTO events SELECT 9, source, 'x', 0, 0, true, sealed, link FROM events LIMIT 1",
        "INSERT INTO events SELECT -1, source, 'x', 0, 0, true, sealed, link FROM events LIMIT 1",
        "UPDATE record_keys SET key = key",
    ],
)
def test_postgres_itself_refuses_change(url: str, log: Ledger, statement: str) -> None:
    log.append([movement_event(1), movement_event(2)])
    with raw(url) as connection, pytest.raises(errors.RaiseException, match="append-only"):
        connection.execute(sql.SQL(statement))
    assert log.verify().events == 2


def test_postgres_changed_behind_its_triggers_breaks_the_chain(url: str, log: Ledger) -> None:
    log.append([movement_event(n) for n in range(4)])
    with raw(url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE events SET available_at = available_at + 1 WHERE position = 2")
    with pytest.raises(LedgerDamaged, match="position 2 is not what was written there"):
        log.verify()


def test_postgres_commits_synchronously(log: Ledger) -> None:
    connection = log._writer  # type: ignore[attr-defined]
    assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_postgres_writer_that_never_ends_is_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LOCK_SECONDS", 1)
    waiting = open_ledger(url)
    with raw(url) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [postgres._WRITING])
        with pytest.raises(LedgerBusy, match="another process has been writing"):
            waiting.append([movement_event(1)])
    assert waiting.append([movement_event(1)])[0].position == 1
    waiting.close()


def test_postgres_without_a_ledger_is_not_made_unless_asked(url: str) -> None:
    with pytest.raises(LedgerError, match=r"no ledger in .*; run `foreland ingest` first"):
        open_ledger(url, create=False)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('foreland.meta')").fetchone() == (None,)


def test_postgres_of_a_newer_schema_is_refused(url: str, log: Ledger) -> None:
    log.close()
    with raw(url) as connection:
        connection.execute("UPDATE meta SET value = 99 WHERE name = 'schema_version'")
    with pytest.raises(LedgerError, match="version 99, this program knows 2 and nothing older"):
        open_ledger(url)


def test_postgres_that_is_not_there_is_said_without_its_password() -> None:
    with pytest.raises(LedgerError, match="cannot be reached") as caught:
        open_ledger("postgresql://foreland:opensesame@127.0.0.1:1/ledger")
    assert "the PostgreSQL database ledger on 127.0.0.1" in str(caught.value)
    assert "opensesame" not in str(caught.value)


def test_postgres_made_by_many_at_once_is_made_once(url: str) -> None:
    opened: list[Ledger] = []
    threads = [threading.Thread(target=lambda: opened.append(open_ledger(url))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6
    for ledger in opened:
        ledger.close()


def test_postgres_restarted_under_an_open_ledger() -> None:
    """Acknowledged events are there, the one in between is told, and the next one goes in."""
    with running_server() as url:
        log = open_ledger(url)
        log.append([movement_event(1)])
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid != pg_backend_pid() AND backend_type = 'client backend'"
            )
        with pytest.raises(LedgerError, match="cannot be reached"):
            log.append([movement_event(2)])
        assert log.append([movement_event(2)])[0].position == 2
        assert [event.position for event in log.tail(0)] == [1, 2]
        log.close()


def test_postgres_that_ended_every_session_is_kept_from_bulk_loads_again(
    url: str, log: Ledger
) -> None:
    with log.in_service(), closing(open_ledger(url)) as other:
        end_sessions(url)
        other.reopen()
        with other.backfilling():  # the lock of the server fell with its session
            with pytest.raises(LedgerBusy, match="an ingest is running"):
                log.reopen()
            with pytest.raises(LedgerError):
                log.append([movement_event(1)])
        log.reopen()
        with pytest.raises(LedgerBusy, match="in use by a server"), other.backfilling():
            pass
        log.append([movement_event(1)])
    with closing(open_ledger(url)) as other, other.backfilling():
        pass


def end_sessions(url: str) -> None:
    with raw(url) as connection:
        found = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
        assert all(found.fetchall())


def test_postgres_stamps_rise_as_commits_become_visible(url: str, log: Ledger) -> None:
    """Whoever tails while three processes write never meets an event behind its position."""
    code = f"""
import sys
from features.ledger import open_ledger
from tests.example_events import erasure_event, movement_event
log, offset = open_ledger({url!r}), int(sys.argv[1])
for n in range(60):
    log.append([movement_event(offset + n)])
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(offset)], cwd=ROOT)
        for offset in (0, 1_000, 2_000)
    ]
    position, stamp, seen = 0, 0, 0
    while seen < 180 and any(w.poll() in (None, 0) for w in writers):
        for event in log.tail(position):
            assert event.position == position + 1
            assert event.available_at > stamp
            position, stamp, seen = event.position, event.available_at, seen + 1
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert seen == 180


def test_postgres_that_is_read_is_erased_and_not_yet_overwritten(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VACUUM FULL needs the table to itself; a later run finishes what a reader held up."""
    monkeypatch.setattr(postgres, "LOCK_SECONDS", 1)
    log = open_ledger(url)
    log.append([movement_event(n) for n in range(5)])
    with raw(url) as connection:
        row = connection.execute("SELECT key FROM record_keys WHERE position = 2").fetchone()
        assert row is not None
        key = bytes(row[0])  # type: ignore[call-overload]
        connection.execute("CHECKPOINT")
        assert _in_table(connection, key)
    reading = log.tail(0)
    next(reading)
    with pytest.raises(LedgerBusy, match="cannot be read any more, but its bytes are not overwri"):
        log.erase([2], erasure_event(), chosen_at=5)
    assert log.verify().erased == 1
    del reading
    log.scrub()
    with raw(url) as connection:
        connection.execute("CHECKPOINT")
        assert not _in_table(connection, key)
    log.close()


def _in_table(connection: "psycopg.Connection[tuple[object, ...]]", wanted: bytes) -> bool:
    query = "SELECT pg_read_binary_file(pg_relation_filepath('record_keys'))"
    row = connection.execute(query, binary=True).fetchone()
    assert row is not None
    return wanted in bytes(row[0])  # type: ignore[call-overload]
