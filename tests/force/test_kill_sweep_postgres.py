"""As ``test_kill_sweep``, with the ledger in PostgreSQL; and the database itself is killed, too.

The service dies before a message to the database: what it had sent before is committed or not,
and nobody was told. A process of the database dies a moment after a message, also in the middle of
a commit: every connection breaks, it recovers from its log, and the same worker records on.
"""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.force.promises import broken_promises
from tests.force.recording import Children, Ended, Order, heard, prepare
from tests.postgres import drop_database, new_database, running_server, wait_until_recovered

REQUESTS = 32
CONNECTED_BY = 10
"""Messages, of which the first ones open a connection: before them there is no process to kill."""
DELAYS_SECONDS = (0.0, 0.0002, 0.0005, 0.001, 0.002)
"""A commit takes about as long."""


class PostgresSweep:
    """Kills runs on copies of one home and one database, and looks at what is left each time."""

    def __init__(self, children: Children, directory: Path, server: str) -> None:
        self._children, self._server = children, server
        self._prepared, self._home = directory / "prepared", directory / "home"
        self._template = new_database(server)
        prepare(self._prepared, self._template)
        # Nothing was scored on it: a sequence that was used in a template falls back when a copy
        # crashes (it logs 32 numbers ahead, and those of the copy are in no log).
        self.points = 0
        self.acknowledged_before_the_kill = 0

    def service_dies_at(self, message: int, seed: int, *, and_send_again: bool) -> bool:
        """False when the run ended before that message."""
        with self._copied() as url:
            if not self._run(url, seed, message).killed:
                return False
            self.acknowledged_before_the_kill += len(heard(self._home))
            self._check(url, message, seed)
            if and_send_again:
                assert self._run(url, message).status == 0
                self._check(url, message, seed, answered=REQUESTS)
        return True

    def database_dies_after(self, message: int, seed: int) -> bool:
        """The worker lives, and every request is answered in the end, to whoever asks again."""
        delay = DELAYS_SECONDS[(message + seed) % len(DELAYS_SECONDS)]
        with self._copied() as url:
            ended = self._run(url, seed, message, delay)
            if not ended.killed:
                return False
            wait_until_recovered(url)
            if ended.status:  # before it had answered anything: it starts again
                assert heard(self._home) == [], (seed, message)
                assert self._run(url, seed).status == 0
            self._check(url, message, seed, answered=REQUESTS)
        return True

    def _run(
        self, url: str, seed: int, kill_before: int = 0, backend_dies_after: float | None = None
    ) -> Ended:
        return self._children.run(
            Order(
                str(self._home),
                REQUESTS,
                seed=seed,
                kill_before=kill_before,
                ledger_url=url,
                counted="sendto",
                backend_dies_after_seconds=backend_dies_after,
            )
        )

    def _check(self, url: str, message: int, seed: int, *, answered: int = 0) -> None:
        told = heard(self._home)
        assert len({one.request for one in told}) >= answered, (seed, message)
        assert broken_promises(self._home, told, url) == [], (seed, message)
        self.points += 1

    @contextmanager
    def _copied(self) -> Iterator[str]:
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.copytree(self._prepared, self._home)
        url = new_database(self._server, copied_from=self._template)
        yield url
        drop_database(self._server, url)


@pytest.fixture(scope="module")
def sweep(children: Children, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresSweep]:
    """On a server of its own: the others would not like its crashes."""
    with running_server() as server:
        yield PostgresSweep(children, tmp_path_factory.mktemp("postgres-sweep"), server)


def test_postgres_has_every_answer_once_of_a_service_killed_before_any_message(
    sweep: PostgresSweep,
) -> None:
    for message in range(5, 400, 60):
        sweep.service_dies_at(message, seed=0, and_send_again=message % 120 == 5)
    assert sweep.points >= 9
    assert sweep.acknowledged_before_the_kill > 20


def test_postgres_that_crashes_has_every_answer_once_and_the_worker_goes_on(
    sweep: PostgresSweep,
) -> None:
    assert all(sweep.database_dies_after(message, seed=0) for message in (90, 251))


@pytest.mark.slow
def test_postgres_has_every_answer_once_at_two_hundred_kills_and_a_hundred_crashes(
    sweep: PostgresSweep,
) -> None:
    kills = crashes = 0
    for seed in itertools.count(1):
        for message in range(seed, 10_000, 5):
            if not sweep.service_dies_at(message, seed, and_send_again=message % 20 == 1):
                break
            kills += 1
        for message in range(CONNECTED_BY + seed, 10_000, 10):
            if not sweep.database_dies_after(message, seed):
                break
            crashes += 1
        if kills >= 200 and crashes >= 100:
            return
