"""Power fails at any moment: of what was not synced anything may be lost, and no answer is."""

import itertools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from tests.force.conftest import REQUESTS_BEFORE
from tests.force.disk import Disk
from tests.force.promises import broken_promises
from tests.force.recording import (
    Children,
    Order,
    acknowledgements,
    read_acknowledged,
    settings_of,
)
from tests.force.tracer import Call

REQUESTS = 40
_NOT_DISK = ("ledger.db-shm", "ledger.db-turn", "ledger.db-service", "acknowledged")
"""Memory that is mapped, locks without content, and what the clients have heard."""


class Run:
    """One recorded run of the service, whose disk can be looked at after any of its calls."""

    def __init__(self, before: Path, home: Path, calls: Sequence[Call]) -> None:
        self._home = home
        self._files = {
            str(home / path.relative_to(before)): path.read_bytes()
            for path in before.glob("ledger.db*")
            if path.name not in _NOT_DISK
        }
        self._calls = calls
        self.writes = sum(call.name == "pwrite64" for call in calls)

    def merges_early(self) -> bool:
        """The log goes into the database while scores are recorded, not only at the close."""
        names = [Path(call.path).name for call in self._calls if call.name == "pwrite64"]
        return "ledger.db-wal" in names[names.index("ledger.db") :]

    def images(self, seed: int, every: int, *, obeys_syncs: bool = True) -> Iterator[list[str]]:
        """What is broken after a power failure, ``every`` so many calls."""
        disk, random = Disk(self._files, obeys_syncs=obeys_syncs), Random(seed)
        heard = b""
        for number, call in enumerate(self._calls):
            if Path(call.path) == acknowledgements(self._home):
                heard += call.data
            elif self._is_of_the_ledger(Path(call.path)):
                disk.play(call)
            if (number + seed) % every == 0:
                self._come_up(disk.after_power_failure(random))
                yield broken_promises(self._home, read_acknowledged(heard))

    def _is_of_the_ledger(self, path: Path) -> bool:
        """Its files and their directory; keys and exported heads are written whole, elsewhere."""
        own = path.name.startswith("ledger.db") and path.name not in _NOT_DISK
        return own or path == self._home

    def _come_up(self, files: dict[str, bytes]) -> None:
        for path in self._home.glob("ledger.db*"):
            path.unlink()
        shutil.rmtree(settings_of(self._home).exported_heads, ignore_errors=True)
        for name, content in files.items():
            Path(name).write_bytes(content)


@pytest.fixture
def runs(children: Children, prepared: Path, full_log: Path, tmp_path: Path) -> tuple[Run, Run]:
    """From a closed ledger to a closed one, and over a merge of the log in the middle."""

    def run(before: Path, first: int) -> Run:
        home = tmp_path / f"from-{first}"
        shutil.copytree(before, home)
        return Run(before, home, children.calls(Order(str(home), REQUESTS, first)))

    found = run(prepared, 0), run(full_log, REQUESTS_BEFORE)
    assert all(one.writes > 500 for one in found)
    assert found[1].merges_early()
    return found


def test_power_failure_at_any_moment_loses_no_answer(runs: tuple[Run, Run]) -> None:
    images = [image for run in runs for image in run.images(seed=0, every=25)]
    assert len(images) >= 60
    assert [broken for broken in images if broken] == []


def test_a_disk_that_does_not_sync_is_found_out(runs: tuple[Run, Run]) -> None:
    """The same images of a disk that lies: answers are missing, and damage is seen."""
    images = [image for run in runs for image in run.images(0, every=50, obeys_syncs=False)]
    broken = [sentence for image in images for sentence in image]
    assert any("is not recorded" in sentence for sentence in broken)
    assert sum(bool(image) for image in images) > len(images) / 3


@pytest.mark.slow
def test_two_thousand_power_failures_lose_no_answer(runs: tuple[Run, Run]) -> None:
    count = 0
    for seed in itertools.count():
        for run in runs:
            for broken in run.images(seed, every=3):
                assert broken == [], seed
                count += 1
        if count >= 2_000:
            return
