"""Nothing is acknowledged before it is on disk, and one bad item does not spoil the others."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.ledger import (
    Appended,
    Event,
    EventConflict,
    Ledger,
    LedgerError,
    OutcomeRecorded,
    Transaction,
    open_ledger,
)
from serving.writer import GroupCommit, NotRecorded, WriterFull


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def event(event_id: str, outcome: str = "negative") -> Event:
    payload = OutcomeRecorded(kind="vehicle", movement="m", examined_at=1, outcome=outcome)
    return Event(source="api", event_id=event_id, occurred_at=1, payload=payload)


def prove(transaction: Transaction, _: str) -> None:
    transaction.append([event("proof")])


def appending(*events: Event) -> "AppendWork":
    return AppendWork(events)


class AppendWork:
    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events

    def __call__(self, transaction: Transaction) -> list[Appended]:
        return [appended for e in self.events for appended in transaction.append([e])]


def test_many_waiting_are_committed_in_order_and_conflicts_stay_alone(ledger: Ledger) -> None:
    async def scenario() -> list[object]:
        writer = GroupCommit(ledger, prove)
        futures = [writer.submit(appending(event(str(n % 20)))) for n in range(40)]
        futures.append(writer.submit(appending(event("3", outcome="positive"))))
        results = await asyncio.gather(*futures, return_exceptions=True)
        writer.close()
        return list(results)

    *results, conflict = asyncio.run(scenario())
    assert isinstance(conflict, EventConflict)
    appended = [result[0] for result in results if isinstance(result, list)]
    assert [item.duplicate for item in appended] == [False] * 20 + [True] * 20
    assert [item.position for item in appended[:20]] == list(range(1, 21))
    assert [item.position for item in appended[20:]] == list(range(1, 21))
    assert ledger.last_position() == 20


def test_a_result_comes_only_after_the_commit(ledger: Ledger) -> None:
    async def scenario() -> int:
        writer = GroupCommit(ledger, prove)
        await writer.submit(appending(event("a")))
        seen = ledger.last_position()  # another connection sees committed rows only
        writer.close()
        return seen

    assert asyncio.run(scenario()) == 1


def test_work_that_fails_takes_its_commit_back_and_the_next_goes_on(ledger: Ledger) -> None:
    def failing(transaction: Transaction) -> None:
        transaction.append([event("lost")])
        transaction.execute("INSERT INTO nowhere VALUES (1)")

    async def scenario() -> None:
        writer = GroupCommit(ledger, prove)
        with pytest.raises(NotRecorded):
            await writer.submit(failing)
        await writer.submit(appending(event("kept")))
        writer.close()

    asyncio.run(scenario())
    assert [recorded.event_id for recorded in ledger.tail(0)] == ["proof", "kept"]


def test_after_a_failed_commit_nothing_is_acknowledged_before_a_commit_of_its_own(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failed one is not sent again: its client is told, and finds out by sending it again."""
    transaction, attempts = ledger.transaction, []

    @contextmanager
    def commit_fails() -> Iterator[Transaction]:
        with transaction() as opened:
            yield opened
            attempts.append(opened)
            raise LedgerError("disk I/O error")

    async def scenario() -> None:
        writer = GroupCommit(ledger, prove)
        with monkeypatch.context() as broken:
            broken.setattr(ledger, "transaction", commit_fails)
            for name in "abc":
                with pytest.raises(NotRecorded, match="disk I/O error"):
                    await writer.submit(appending(event(name)))
            while len(attempts) < 3:  # it tries by itself, whether or not anybody sends
                await asyncio.sleep(0.01)
        while writer.failure is not None:
            await asyncio.sleep(0.01)
        await writer.submit(appending(event("d")))
        writer.close()

    asyncio.run(scenario())
    assert [recorded.event_id for recorded in ledger.tail(0)] == ["proof", "d"]


def test_what_was_committed_is_told_before_it_is_answered_and_nothing_else(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, transaction = list[str](), ledger.transaction

    @contextmanager
    def commit_fails() -> Iterator[Transaction]:
        with transaction() as opened:
            yield opened
            monkeypatch.undo()
            raise LedgerError("disk I/O error")

    async def scenario() -> None:
        writer = GroupCommit(
            ledger, prove, lambda written: told.extend(one.event_id for one in written)
        )
        await writer.submit(appending(event("a"), event("b"), event("a")))
        assert told == ["a", "b"]
        monkeypatch.setattr(ledger, "transaction", commit_fails)
        with pytest.raises(NotRecorded):
            await writer.submit(appending(event("lost")))
        await writer.submit(appending(event("b"), event("c")))
        writer.close()

    asyncio.run(scenario())
    assert told == ["a", "b", "c"]


def test_more_than_it_takes_is_refused_at_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.writer.MOST_WAITING", 3)

    async def scenario() -> None:
        writer = GroupCommit(ledger, prove)
        with ledger.transaction():  # the writer waits for its turn
            futures = [writer.submit(appending(event("0")))]
            while writer._jobs.qsize():
                await asyncio.sleep(0.001)
            futures += [writer.submit(appending(event(str(n)))) for n in range(1, 4)]
            with pytest.raises(WriterFull):
                _ = writer.submit(appending(event("one too many")))
            futures[1].cancel()
        await asyncio.gather(futures[0], *futures[2:])
        writer.close()

    asyncio.run(scenario())
    assert [recorded.event_id for recorded in ledger.tail(0)] == ["0", "2", "3"]


def test_closing_commits_what_is_waiting(ledger: Ledger) -> None:
    async def scenario() -> None:
        writer = GroupCommit(ledger, prove)
        futures = [writer.submit(appending(event(str(n)))) for n in range(30)]
        writer.close()
        await asyncio.gather(*futures)

    asyncio.run(scenario())
    assert ledger.last_position() == 30


def test_a_commit_that_takes_long_leaves_the_rest_to_the_next(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.writer.LONGEST_WRITING_SECONDS", 0.0)

    async def scenario() -> int:
        writer = GroupCommit(ledger, prove)
        futures = [writer.submit(appending(event(str(n)))) for n in range(5)]
        writer.close()
        await asyncio.gather(*futures)
        return writer.done.commits

    assert asyncio.run(scenario()) == 5
    assert [recorded.event_id for recorded in ledger.tail(0)] == list("01234")
