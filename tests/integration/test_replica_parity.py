"""A replica follows a ledger that two other processes write to, and is restarted on the way."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from features.catalogue import catalogue_for
from features.clock import now_micros
from features.history.online import LiveHistory
from features.history.resuming import keep, lag_of, resume
from features.ledger import Event, Ledger, MovementDeclared, open_ledger
from features.rows import feature_row, feature_rows
from features.timeline import timeline_of
from tests.ledger_writer import payload
from tests.postgres import new_database

CATALOGUE = catalogue_for("vehicle")
ROOT = Path(__file__).resolve().parents[2]
HOUR = 3_600_000_000
BACKENDS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path') / 'ledger.db'}",
    "postgres": lambda request: new_database(request.getfixturevalue("postgres_server")),
}


@pytest.fixture(params=BACKENDS)
def shared(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    with closing(open_ledger(BACKENDS[request.param](request))) as opened:
        yield opened


class Answer(NamedTuple):
    asked: MovementDeclared
    as_of: int
    position: int
    row: bytes


class Replica:
    def __init__(self, ledger: Ledger, directory: Path) -> None:
        self.ledger, self.directory = ledger, directory
        self.history = LiveHistory()
        self.answers: list[Answer] = []
        self.by_snapshot = 0
        self.most_behind = 0
        self._rng = random.Random(11)

    def step(self) -> None:
        """Catch up, answer; now and then it is kept, lost, and resumed from what was kept."""
        lag = lag_of(self.history, self.ledger)
        self.most_behind = max(self.most_behind, lag.last_position - lag.position)
        self.history.follow(self.ledger)
        self._answer()
        draw = self._rng.random()
        if draw < 0.2:
            keep(self.directory, self.history, self.ledger)
        elif draw < 0.4:
            resumed = resume(self.directory, self.ledger)
            self.history = resumed.history
            self.by_snapshot += resumed.from_position > 0
            self._answer()

    def _answer(self) -> None:
        asked = payload(self._rng)
        if not isinstance(asked, MovementDeclared):
            return
        newest = self.history.newest_available_at("vehicle")
        as_of = max(now_micros(), 0 if newest is None else newest + 1)
        row = feature_row(self.history, asked, as_of, CATALOGUE)
        self.answers.append(Answer(asked, as_of, self.history.position, row.tobytes()))


def test_parity_of_a_replica_with_two_writers(shared: Ledger, tmp_path: Path) -> None:
    """Every row it gave is the offline row of what it had heard; at the end it has heard all."""
    replica = Replica(shared, tmp_path / "history")
    for part in range(2):
        _while_two_write(shared.url, 10 * part, replica)
        shared.backfill(_delayed_feed(part))  # before all of it, in between, and hours ahead
        for _ in range(5):
            replica.step()
    replica.history.follow(shared)
    assert lag_of(replica.history, shared).seconds == 0.0
    assert replica.history.position == shared.last_position() > 300
    assert len(replica.answers) >= 20
    assert replica.by_snapshot > 2
    assert replica.most_behind > 0, "the writers were never ahead of it: the test shows nothing"
    for answer in replica.answers[:: max(1, len(replica.answers) // 60)]:
        epochs = shared.read(available_before=answer.as_of, position_up_to=answer.position)
        timeline = timeline_of(epochs, answer.as_of)
        (row,) = feature_rows(timeline, [answer.asked], [answer.as_of], CATALOGUE)
        assert row.tobytes() == answer.row


def _while_two_write(url: str, seed: int, replica: Replica) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.ledger_writer", url, str(seed + number), "60"], cwd=ROOT
        )
        for number in range(2)
    ]
    while any(writer.poll() is None for writer in writers):
        replica.step()
    assert [writer.returncode for writer in writers] == [0, 0]


def _delayed_feed(part: int) -> list[Event]:
    rng, now = random.Random(part), now_micros()
    offsets = (-48 * HOUR, -HOUR, -1, 3 * HOUR, 500_000 * HOUR)
    return [
        Event(
            source="file",
            event_id=f"{part}.{number}",
            occurred_at=now,
            available_at=now + offsets[number % len(offsets)],
            payload=payload(rng),
        )
        for number in range(25)
    ]
