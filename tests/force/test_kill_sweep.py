"""kill -9 before any write: what was acknowledged is recorded, once; sent again, all is answered.

A killed process leaves what the kernel had taken from it; that a power failure leaves less is
``test_power_loss``.
"""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.force.conftest import REQUESTS_BEFORE
from tests.force.promises import broken_promises
from tests.force.recording import Children, Order, heard

REQUESTS = 32


class Sweep:
    """Kills runs on copies of one home, and looks at what is left each time."""

    def __init__(self, children: Children, template: Path, home: Path, *, first: int) -> None:
        self._children, self._template, self._home = children, template, home
        self._first = first
        self.killed = 0
        self.acknowledged_before_the_kill = 0

    def kill_at(self, call: int, seed: int, *, and_send_again: bool) -> bool:
        """False when the run ended before that call."""
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.copytree(self._template, self._home)
        order = Order(str(self._home), REQUESTS, self._first, seed, kill_before=call)
        if not self._children.run(order).killed:
            return False
        acknowledged = heard(self._home)
        assert broken_promises(self._home, acknowledged) == [], (seed, call)
        self.killed += 1
        self.acknowledged_before_the_kill += len(acknowledged)
        if and_send_again:
            self._send_all_again(call)
        return True

    def _send_all_again(self, call: int) -> None:
        again = self._children.run(Order(str(self._home), REQUESTS, self._first, call))
        assert again.status == 0
        everything = heard(self._home)
        assert {one.request for one in everything} >= set(
            range(self._first, self._first + REQUESTS)
        )
        assert broken_promises(self._home, everything) == [], call


@pytest.fixture
def sweeps(
    children: Children, prepared: Path, full_log: Path, tmp_path: Path
) -> tuple[Sweep, Sweep]:
    """On a ledger that was closed, and on one whose log is merged on the way."""
    home = tmp_path / "home"
    return (
        Sweep(children, prepared, home, first=0),
        Sweep(children, full_log, home, first=REQUESTS_BEFORE),
    )


def test_killed_before_any_write_every_answer_is_recorded_once(
    sweeps: tuple[Sweep, Sweep],
) -> None:
    for sweep in sweeps:
        for call in range(1, 640, 40):
            sweep.kill_at(call, seed=0, and_send_again=call % 200 == 1)
    assert sum(sweep.killed for sweep in sweeps) >= 27
    assert all(sweep.acknowledged_before_the_kill > 100 for sweep in sweeps)


@pytest.mark.slow
def test_killed_before_each_of_two_thousand_writes_every_answer_is_recorded_once(
    sweeps: tuple[Sweep, Sweep],
) -> None:
    for seed in itertools.count():
        for sweep in sweeps:
            for call in every_call():
                if not sweep.kill_at(call, seed, and_send_again=call % 10 == 1):
                    break
        if sum(sweep.killed for sweep in sweeps) >= 2_000:
            return


def every_call() -> Iterator[int]:
    return itertools.count(1)
