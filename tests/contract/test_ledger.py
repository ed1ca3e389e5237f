"""What every ledger must keep, whatever database is behind its URL.

A further backend joins by one more entry in ``BACKENDS``; cases that look into the file are below
and are about SQLite alone.
"""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from features.clock import now_micros
from features.ledger import (
    Appended,
    Event,
    EventConflict,
    Ledger,
    LedgerBusy,
    LedgerError,
    Mark,
    MovementDeclared,
    open_ledger,
)
from tests.example_events import movement_event, outcome_event

BACKENDS: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda directory: f"sqlite:///{directory / 'ledger.db'}",
}


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
def log(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()


def test_an_empty_ledger(log: Ledger) -> None:
    assert (log.last_position(), log.epoch()) == (0, 0)
    assert list(log.read()) == list(log.tail(0)) == []


def test_what_was_appended_comes_back_whole(log: Ledger) -> None:
    sent = [movement_event(5), outcome_event(5)]
    before = now_micros()
    appended = log.append(sent)
    assert [a.position for a in appended] == [1, 2]
    assert before <= appended[0].available_at < appended[1].available_at
    for event, recorded, stamp in zip(sent, log.tail(0), appended, strict=True):
        assert recorded.payload == event.payload
        assert (recorded.source, recorded.event_id) == (event.source, event.event_id)
        assert (recorded.occurred_at, recorded.backfill) == (5, False)
        assert (recorded.position, recorded.available_at) == stamp[:2]


def test_live_stamps_rise_with_position_even_when_the_clock_goes_back(
    log: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([5_000, 4_000, 4_000, 9_000])
    monkeypatch.setattr("features.ledger.rows.now_micros", lambda: next(clock))
    stamps = [log.append([movement_event(n)])[0].available_at for n in range(4)]
    assert stamps == [5_000, 5_001, 5_002, 9_000]


def test_a_backfill_from_the_future_does_not_push_live_stamps(log: Ledger) -> None:
    future = now_micros() + 10**15
    log.backfill([movement_event(1, available_at=future)])
    assert log.append([movement_event(2)])[0].available_at < future


def test_the_same_live_event_twice_is_one(log: Ledger) -> None:
    first, second = (log.append([movement_event(1)])[0] for _ in range(2))
    assert second == Appended(first.position, first.available_at, duplicate=True)
    assert log.append([movement_event(2)])[0].position == 2


def test_the_same_event_twice_in_one_append_is_one(log: Ledger) -> None:
    first, second = log.append([movement_event(1), movement_event(1)])
    assert (first.duplicate, second.duplicate) == (False, True)
    assert log.last_position() == 1


def test_another_body_under_the_same_id_is_a_conflict_that_names_it(log: Ledger) -> None:
    log.append([movement_event(1)])
    with pytest.raises(EventConflict, match=f"{1:032x}:1"):
        log.append([movement_event(2), movement_event(1, mass=9.0)])
    assert log.last_position() == 1, "nothing of a refused append stays"


def test_two_sources_may_use_the_same_id(log: Ledger) -> None:
    log.append([movement_event(1, source="api"), movement_event(1, source="file")])
    assert [r.source for r in log.tail(0)] == ["api", "file"]


def test_a_live_event_brings_no_stamp_and_a_backfilled_one_must(log: Ledger) -> None:
    with pytest.raises(ValueError, match="stamped by the ledger"):
        log.append([movement_event(1, available_at=1)])
    with pytest.raises(ValueError, match="no available_at"):
        log.backfill([movement_event(1)])
    assert log.last_position() == 0


def test_a_transaction_is_all_or_nothing(log: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), log.transaction() as transaction:
        transaction.append([movement_event(1)])
        raise ZeroDivisionError
    assert log.last_position() == 0
    with log.transaction() as transaction:
        transaction.append([movement_event(1)])
        transaction.append([movement_event(2)])
    assert [r.position for r in log.tail(0)] == [1, 2]


def test_a_transaction_within_a_transaction_is_told(log: Ledger) -> None:
    with pytest.raises(LedgerError, match="has a transaction open"), log.transaction():
        log.append([movement_event(1)])
    assert log.append([movement_event(1)])[0].position == 1


def test_rows_of_other_tables_commit_with_the_events(log: Ledger) -> None:
    with log.transaction() as transaction:
        transaction.execute("CREATE TABLE audit (score_id TEXT PRIMARY KEY)")
    with pytest.raises(LedgerError), log.transaction() as transaction:
        transaction.append([movement_event(1)])
        transaction.execute("INSERT INTO audit VALUES (?)", ["s1"])
        transaction.execute("INSERT INTO audit VALUES (?)", ["s1"])
    assert log.last_position() == 0
    with log.transaction() as transaction:
        transaction.execute("INSERT INTO audit VALUES (?)", ["s1"])


def test_reading_is_by_availability_then_position_and_strictly_before(log: Ledger) -> None:
    log.backfill([movement_event(n, available_at=at) for n, at in enumerate([30, 10, 20, 10])])
    assert [(r.available_at, r.position) for r in log.read()] == [
        (10, 2),
        (10, 4),
        (20, 3),
        (30, 1),
    ]
    assert [r.position for r in log.read(available_before=20)] == [2, 4], "equal is not visible"
    assert [r.position for r in log.read(position_up_to=3)] == [2, 3, 1]
    assert [r.position for r in log.read(available_before=20, position_up_to=3)] == [2]


def test_a_tail_starts_after_its_position(log: Ledger) -> None:
    log.append([movement_event(n) for n in range(5)])
    assert [r.position for r in log.tail(3)] == [4, 5]
    assert list(log.tail(5)) == []


def test_a_read_in_progress_keeps_its_view_while_others_write(log: Ledger) -> None:
    log.append([movement_event(n) for n in range(3)])
    reading = log.tail(0)
    first = next(reading)
    log.append([movement_event(3)])
    assert [r.position for r in (first, *reading)] == [1, 2, 3]
    abandoned = log.tail(0)
    next(abandoned)
    log.append([movement_event(4)])
    assert [r.position for r in log.tail(3)] == [4, 5], "an unfinished read holds up no other"


def test_backfill_counts_bumps_the_epoch_and_repeats_without_effect(log: Ledger) -> None:
    old = [movement_event(n, available_at=n) for n in range(2_500)]
    assert log.backfill(iter(old)) == (2_500, 0)
    epoch = log.epoch()
    assert epoch > 0
    assert all(r.backfill for r in log.tail(0))
    assert log.backfill(iter(old)) == (0, 2_500)
    assert log.epoch() == epoch, "nothing new, nothing to rebuild"
    assert log.backfill([*old[:3], movement_event(9_999, available_at=1)]) == (1, 3)
    assert log.epoch() > epoch
    assert log.last_position() == 2_501, "duplicates use up no position"


def test_a_backfill_sees_its_own_duplicates_and_conflicts(log: Ledger) -> None:
    twice = [movement_event(1, available_at=1), movement_event(1, available_at=1)]
    assert log.backfill(twice) == (1, 1)
    with pytest.raises(EventConflict, match="content"):
        log.backfill([movement_event(1, available_at=1, mass=9)])
    with pytest.raises(EventConflict, match="time"):
        log.backfill([movement_event(1, available_at=7)])
    with log.backfilling() as backfill:
        batch = [movement_event(n, available_at=n, mass=n) for n in (1, 2, 2, 3)]
        conflict, two, again, three = backfill.append(batch)
    assert isinstance(conflict, EventConflict)
    assert (two, again) == (Appended(2, 2, duplicate=False), Appended(2, 2, duplicate=True))
    assert three == Appended(3, 3, duplicate=False), "a conflict keeps out no other"
    assert log.last_position() == 3


def test_a_conflict_within_one_batch(log: Ledger) -> None:
    first, second = movement_event(1, available_at=1), movement_event(1, available_at=1, mass=9)
    with log.backfilling() as backfill:
        fates = backfill.append([first, second])
    assert fates[0] == Appended(1, 1, duplicate=False)
    assert isinstance(fates[1], EventConflict)
    assert log.last_position() == 1


def test_flags_and_tags_make_no_conflict(log: Ledger) -> None:
    """They are ours: a new check or a new partnership must not make a repeated file a conflict."""
    event = movement_event(1, available_at=1)
    assert isinstance(event.payload, MovementDeclared)
    other = replace(event.payload, flags=("format:vehicle_reg",), tags={"nca": {"x": "y"}})
    assert log.backfill([event, replace(event, payload=other)]) == (1, 1)


def test_a_mark_is_as_durable_as_what_it_marks(url: str, log: Ledger) -> None:
    assert log.marked_rows("load") == 0
    with log.backfilling() as backfill:
        backfill.append([movement_event(1, available_at=1)], Mark("load", 7))
        backfill.append([], Mark("other", 3))
        backfill.append([movement_event(2, available_at=2)], Mark("load", 20))
    other = open_ledger(url)
    assert (other.marked_rows("load"), other.marked_rows("other")) == (20, 3)
    other.close()


def test_a_backfill_that_breaks_off_keeps_whole_batches(log: Ledger) -> None:
    def breaking() -> Iterator[Event]:
        yield from (movement_event(n, available_at=n) for n in range(2_500))
        raise OSError(5, "the disk of the file went away")

    with pytest.raises(OSError, match="went away"):
        log.backfill(breaking())
    assert log.last_position() == 2_000
    assert log.append([movement_event(1, source="api")])[0].position == 2_001, "and it still works"
    assert log.verify().events == 2_001


def test_a_backfill_is_refused_while_anyone_serves(url: str, log: Ledger) -> None:
    other = open_ledger(url)
    with other.in_service(), log.in_service():
        with pytest.raises(LedgerBusy, match="server"):
            log.backfill([movement_event(1, available_at=1)])
        log.append([movement_event(2)])
    assert log.backfill([movement_event(1, available_at=1)]).appended == 1
    other.close()


def test_no_server_starts_while_a_backfill_runs(url: str, log: Ledger) -> None:
    other = open_ledger(url)

    def events() -> Iterator[Event]:
        with pytest.raises(LedgerBusy, match="ingest"), other.in_service():
            pass
        with pytest.raises(LedgerBusy, match="another ingest"):
            other.backfill([movement_event(2, available_at=1)])
        yield movement_event(1, available_at=1)

    assert log.backfill(events()).appended == 1
    other.close()


def test_a_server_that_dies_lets_go(url: str, log: Ledger) -> None:
    code = f"""
from features.ledger import open_ledger
with open_ledger({url!r}).in_service():
    print("serving", flush=True)
    input()
"""
    with _python(code) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "serving\n"
        with pytest.raises(LedgerBusy):
            log.backfill([movement_event(1, available_at=1)])
        server.kill()
    assert log.backfill([movement_event(1, available_at=1)]).appended == 1


def test_processes_appending_at_once_lose_nothing_and_stay_in_order(url: str, log: Ledger) -> None:
    code = f"""
import json, sys
from features.ledger import open_ledger
from tests.example_events import movement_event
log, offset = open_ledger({url!r}), int(sys.argv[1])
input()
print(json.dumps([log.append([movement_event(offset + n), movement_event(offset + n + 500)])
    for n in range(40)]))
"""
    writers = [_python(code, str(offset)) for offset in (0, 1_000, 2_000)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    acknowledged = []
    for writer in writers:
        with writer:
            out, _ = writer.communicate(timeout=60)
            acknowledged += [tuple(one) for pair in json.loads(out) for one in pair]
    kept = [(r.position, r.available_at, False) for r in log.tail(0)]
    assert len(kept) == 240
    assert kept == sorted(acknowledged)
    assert all(a[0] + 1 == b[0] and a[1] < b[1] for a, b in pairwise(kept))


def test_threads_write_and_read_one_ledger_object(log: Ledger) -> None:
    failures: list[BaseException] = []

    def write(offset: int) -> None:
        try:
            for n in range(30):
                log.append([movement_event(offset + n)])
        except BaseException as exc:
            failures.append(exc)

    def read() -> None:
        try:
            while log.last_position() < 90:
                seen = [r.position for r in log.tail(0)]
                assert seen == list(range(1, len(seen) + 1))
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=write, args=(o,)) for o in (0, 100, 200)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures
    assert log.last_position() == 90


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


# What follows looks into the SQLite file.


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
        ("postgresql://host/db", "starts with sqlite:///, not 'postgresql'"),
        ("var/ledger.db", "starts with sqlite:///, not 'var/ledger.db'"),
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
    with pytest.raises(LedgerError, match="schema version 99, this program knows 2"):
        open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"cannot be made or written: .*; check FORELAND_HOME"):
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


def test_killed_in_the_middle_of_a_backfill_whole_batches_stay(url: str, log: Ledger) -> None:
    code = f"""
from features.ledger import open_ledger
from tests.example_events import movement_event
def events():
    for n in range(20_500):
        yield movement_event(n, available_at=n)
    print("half way", flush=True)
    input()
open_ledger({url!r}).backfill(events())
"""
    with _python(code) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "half way\n"
        writer.kill()
    assert log.last_position() == 20_000
    assert log.verify().events == 20_000
    again = (movement_event(n, available_at=n) for n in range(20_500))
    assert log.backfill(again) == (500, 20_000)


def _python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
