"""What a worker committed itself is applied as it would be read back, without being read."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.history.online import LiveHistory
from features.ledger import (
    Event,
    Ledger,
    LedgerError,
    Recorded,
    Stand,
    Written,
    open_ledger,
)
from serving import following
from serving.following import Committed, Follower
from tests.example_events import DAY, movement_event, outcome_event


class Watched:
    """A follower of a ledger, what it read of that and what it applied."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.history = LiveHistory()
        self.history.follow(ledger)
        self.follower = Follower(ledger, self.history)
        self.applied: list[Recorded] = []
        self.follower.heed = lambda _, events: self.applied.extend(events)
        self.read_after: list[int] = []
        self.tail = ledger.tail
        vars(ledger)["tail"] = self._tail

    def _tail(self, after_position: int) -> Iterator[Recorded]:
        self.read_after.append(after_position)
        return self.tail(after_position)

    def write(self, events: Sequence[Event]) -> Sequence[Written]:
        with self.ledger.transaction() as transaction:
            transaction.append(events)
        return transaction.written()

    def commit(self, *events: Event) -> None:
        """As the worker's own writer does."""
        self.follower.committed.add(self.write(events))

    def follow(self) -> list[int]:
        """After which positions it read."""
        self.read_after.clear()
        self.follower.follow_now()
        return list(self.read_after)

    def check(self) -> None:
        """All was applied once, as it is in the ledger and in its order."""
        kept = list(self.tail(0))
        assert self.applied == kept
        assert list(map(repr, self.applied)) == list(map(repr, kept))
        assert self.history.position == self.follower.lag().last_position == len(kept)
        assert self.follower.problem() is None


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")) as ledger:
        yield Watched(ledger)


def test_what_was_committed_here_is_not_read(watched: Watched) -> None:
    watched.commit(movement_event(1), movement_event(2))
    watched.commit(outcome_event(1), movement_event(1))
    assert watched.follow() == watched.follow() == []
    watched.commit(movement_event(3))
    assert watched.follow() == []
    watched.check()


def test_what_others_wrote_is_read(watched: Watched) -> None:
    watched.write([movement_event(1)])
    watched.commit(movement_event(2))  # after a gap
    assert watched.follow() == [0]
    watched.commit(movement_event(3))
    watched.write([movement_event(4)])
    watched.commit(movement_event(5))
    assert watched.follow() == [3]
    watched.commit(movement_event(6))
    assert watched.follow() == []
    watched.check()


def test_what_was_taken_back_is_never_applied(watched: Watched) -> None:
    with pytest.raises(RuntimeError), watched.ledger.transaction() as transaction:
        transaction.append([movement_event(1)])
        raise RuntimeError("no space")
    watched.ledger.reopen()
    watched.commit(movement_event(2))
    assert watched.follow() == []
    watched.check()


def test_a_ledger_that_cannot_be_read_loses_nothing(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable() -> Stand:
        raise LedgerError("gone")

    watched.commit(movement_event(1))
    with monkeypatch.context() as broken:
        broken.setattr(watched.ledger, "stand", unreadable)
        watched.follow()
    assert watched.follower.problem() == "ledger_unreadable: gone"
    watched.commit(movement_event(2))
    assert watched.follow() == [0]
    watched.check()


def test_after_a_change_of_the_epoch_history_is_read_anew(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int | None] = []
    reading = watched.ledger.read

    def noticed(
        *, available_before: int | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        read.append(position_up_to)
        return reading(available_before=available_before, position_up_to=position_up_to)

    watched.commit(movement_event(1))
    watched.ledger.backfill([outcome_event(1, available_at=DAY)])
    monkeypatch.setattr(watched.ledger, "read", noticed)
    assert watched.follow() == [0]
    assert read[0] == watched.history.position == 2
    assert watched.history.epoch == 1


def test_more_than_is_kept_is_read_in_parts(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_EVENTS", 4)
    watched.follower.committed = Committed()
    watched.commit(*map(movement_event, range(1, 4)))
    watched.write([movement_event(n) for n in range(4, 9)])
    assert watched.follow() == [3]
    assert watched.history.position == 4
    assert watched.follower.problem() == (
        "history_lags: 4 events of the ledger are still to be heard"
    )
    watched.commit(*map(movement_event, range(9, 15)))  # of which it keeps four
    assert watched.follow() == [4]
    while watched.history.position < 14:
        watched.follow()
    watched.check()


WAYS = st.sampled_from(["here", "elsewhere", "told later", "follow"])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(WAYS, st.lists(st.integers(1, 30), min_size=1, max_size=4)), max_size=25))
def test_however_it_came_all_is_applied_once_and_in_order(
    steps: list[tuple[str, list[int]]],
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(following, "MOST_EVENTS", 6)
        with closing(open_ledger(f"sqlite:///{folder}/ledger.db")) as ledger:
            watched, later = Watched(ledger), list[Written]()
            for way, numbers in steps:
                if way == "follow":
                    watched.follow()
                    watched.follower.committed.add(later)
                    later = []
                    continue
                written = watched.write([movement_event(number) for number in numbers])
                if way == "here":
                    watched.follower.committed.add(written)
                elif way == "told later":
                    later += written
            while watched.history.position < ledger.last_position():
                watched.follow()
            watched.check()
