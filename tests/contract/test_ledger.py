"""What every ledger must keep, whatever database is behind its URL.

A further backend joins by one more entry in ``BACKENDS``. Cases that look into a database itself
are beside this file.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from features.clock import now_micros, to_micros
from features.ledger import (
    Appended,
    Erased,
    Event,
    EventConflict,
    Ledger,
    LedgerBusy,
    LedgerError,
    LedgerMoved,
    Mark,
    MovementDeclared,
    RecordsErased,
    open_ledger,
)
from features.ledger.columns import SCHEMA
from features.ledger.events import decode_payload
from tests.example_events import erasure_event, movement_event, outcome_event
from tests.postgres import new_database

BACKENDS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path') / 'ledger.db'}",
    "postgres": lambda request: new_database(request.getfixturevalue("postgres_server")),
}


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest) -> str:
    return BACKENDS[request.param](request)


@pytest.fixture
def log(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()


def test_an_empty_ledger(log: Ledger) -> None:
    assert (log.last_position(), log.epoch()) == (0, 0)
    assert list(log.read()) == list(log.tail(0)) == []


def test_a_link_stands_for_all_events_up_to_its_position(log: Ledger) -> None:
    assert log.link_at(1) is None
    log.append([movement_event(1), movement_event(2)])
    first, second = log.link_at(1), log.link_at(2)
    assert first is not None
    assert len(first) == 32
    assert first != second == log.verify().link
    assert log.link_at(3) is None
    log.append([movement_event(3)])
    assert (log.link_at(1), log.link_at(2)) == (first, second)


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


def test_what_was_written_reads_as_it_is_read_back(log: Ledger) -> None:
    log.append([movement_event(1)])
    with log.transaction() as transaction:
        transaction.append([movement_event(2), movement_event(1), movement_event(2)])
        with pytest.raises(EventConflict):
            transaction.append([outcome_event(2), movement_event(1, mass=2.0)])
        transaction.append([outcome_event(1)])
        written = [one.read() for one in transaction.written()]
    assert written == list(log.tail(1))
    assert [one.position for one in written] == [2, 3]
    for one, back in zip(written, log.tail(1), strict=True):  # in the order of its keys as well
        assert repr(one) == repr(back)


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


@pytest.mark.parametrize("count", [7, 16, 17, 70])
def test_the_last_of_many_was_there_and_the_others_are_new(log: Ledger, count: int) -> None:
    log.append([movement_event(count)])
    fates = log.append([movement_event(number) for number in range(1, count + 1)])
    assert [fate.duplicate for fate in fates] == [False] * (count - 1) + [True]
    assert fates[-1].position == 1
    assert log.verify().events == count


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
        assert transaction.fetch("SELECT score_id FROM audit WHERE score_id = ?", ["s1"]) == [
            ("s1",)
        ]
        assert transaction.fetch("SELECT score_id FROM audit WHERE score_id = ?", ["s2"]) == []


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


def test_one_source_alone(log: Ledger) -> None:
    log.append([movement_event(n, source=source) for n, source in enumerate(("api", "b", "api"))])
    assert [r.position for r in log.read_source("api")] == [1, 3]
    assert list(log.read_source("nobody")) == []


def test_all_sources_of_a_beginning(log: Ledger) -> None:
    sources = ("partner:nca", "api", "partner:a-b", "partnes", "partner", "parts", "partner:nca")
    log.append([movement_event(n, source=source) for n, source in enumerate(sources)])
    assert [r.position for r in log.read_sources("partner")] == [1, 3, 5, 7]
    assert list(log.read_sources("nobody")) == []


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


def test_a_read_that_outlives_the_ledger_holds_nothing_open(url: str) -> None:
    log = open_ledger(url)
    log.append([movement_event(n) for n in range(3)])
    reading = log.tail(0)
    next(reading)
    log.close()
    del reading
    assert not log._readers  # type: ignore[attr-defined]


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
    patience = time.monotonic() + 20  # PostgreSQL has to notice that its client is gone
    while True:
        try:
            assert log.backfill([movement_event(1, available_at=1)]).appended == 1
            return
        except LedgerBusy:
            assert time.monotonic() < patience
            time.sleep(0.05)


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


def test_arrow_batches_hold_what_reading_gives(log: Ledger) -> None:
    log.backfill([movement_event(n, available_at=at) for n, at in enumerate([30, 10, 20, 10])])
    log.append([outcome_event(9)])
    events = list(log.read())
    (batch,) = log.read_batches()
    assert batch.schema == SCHEMA
    rows = batch.to_pylist()
    assert [row["position"] for row in rows] == [e.position for e in events] == [2, 4, 3, 1, 5]
    for row, event in zip(rows, events, strict=True):
        assert decode_payload(row["payload"]) == event.payload
        assert (row["source"], row["event_id"]) == (event.source, event.event_id)
        assert to_micros(row["available_at"]) == event.available_at
        assert to_micros(row["occurred_at"]) == event.occurred_at
        assert row["backfill"] == event.backfill
    assert [row["type"] for row in rows] == ["movement"] * 4 + ["outcome"]
    assert {row["kind"] for row in rows} == {"vehicle"}
    assert rows[4]["movement"] == f"{9:032x}"
    (early,) = log.read_batches(available_before=20, position_up_to=3)
    assert early["position"].to_pylist() == [2]
    assert list(log.read_batches(available_before=10)) == []


def test_an_erased_event_keeps_its_place_and_says_nothing(url: str, log: Ledger) -> None:
    log.append([movement_event(n) for n in range(4)])
    epoch, before = log.epoch(), log.verify()
    appended = log.erase([2, 3], erasure_event(), chosen_at=4)
    assert appended.position == 5
    assert log.epoch() > epoch, "who counted the erased must count anew"
    assert [type(e.payload) for e in log.tail(0)] == [
        MovementDeclared,
        Erased,
        Erased,
        MovementDeclared,
        RecordsErased,
    ]
    after = log.verify()
    assert (before.events, before.erased, after.events, after.erased) == (4, 0, 5, 2)
    (batch,) = log.read_batches()
    assert batch["payload"].null_count == batch["type"].null_count == 2
    again = log.append([movement_event(1)])[0]
    assert (again.position, again.duplicate) == (2, True), "what was erased does not come back"
    assert log.append([movement_event(2, mass=99.0)])[0].duplicate, "nor changed: nobody can tell"
    other = open_ledger(url)
    assert other.verify() == after
    other.close()


def test_nothing_is_erased_while_anyone_serves(url: str, log: Ledger) -> None:
    log.append([movement_event(1)])
    other = open_ledger(url)
    with other.in_service(), pytest.raises(LedgerBusy):
        log.erase([1], erasure_event(), chosen_at=1)
    assert log.verify().erased == 0
    other.close()


def test_nothing_is_erased_when_something_came_in_since_it_was_chosen(log: Ledger) -> None:
    """It may have been a hold."""
    log.append([movement_event(1)])
    log.append([movement_event(2)])
    with pytest.raises(LedgerMoved, match="position 1 became 2"):
        log.erase([1], erasure_event(), chosen_at=1)
    assert log.verify()[:2] == (2, 0)


def test_an_erasure_is_all_or_nothing(log: Ledger) -> None:
    log.append([movement_event(1), erasure_event("other")])

    def breaking() -> Iterator[int]:
        yield 1
        raise OSError(5, "gone")

    with pytest.raises(OSError, match="gone"):
        log.erase(breaking(), erasure_event(), chosen_at=2)
    assert log.verify() == (2, 0, log.verify().link)


def test_an_empty_ledger_verifies(log: Ledger) -> None:
    assert log.verify()[:2] == (0, 0)
    log.append([movement_event(1)])
    log.backfill([movement_event(2, available_at=1)])
    assert log.verify()[:2] == (2, 0)


def test_the_key_of_pseudonyms_is_bound_once(url: str, log: Ledger) -> None:
    assert log.pseudonym_key() is None
    log.bind_pseudonym_key("aaaa")
    log.bind_pseudonym_key("bbbb")
    other = open_ledger(url)
    assert other.pseudonym_key() == "aaaa"
    other.close()


def test_aliases_are_replaced_together_with_the_key(log: Ledger) -> None:
    log.bind_pseudonym_key("aaaa")
    assert list(log.aliases()) == []
    log.replace_aliases("bbbb", [(b"t1", b"p1"), (b"t2", b"p2")])
    assert (log.pseudonym_key(), sorted(log.aliases())) == (
        "bbbb",
        [(b"t1", b"p1"), (b"t2", b"p2")],
    )
    with pytest.raises(ZeroDivisionError):
        log.replace_aliases("cccc", ((b"t", bytes(1 // n)) for n in (1, 0)))
    assert (log.pseudonym_key(), len(list(log.aliases()))) == ("bbbb", 2), "all or nothing"
    log.replace_aliases("cccc", [(b"t3", b"p1")])
    assert (log.pseudonym_key(), list(log.aliases())) == ("cccc", [(b"t3", b"p1")])


def _python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
