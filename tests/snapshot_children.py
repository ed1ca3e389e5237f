"""Writes snapshots in forked children that are killed on the way, at any call into C.

Started once as a process of its own, with everything imported, so that a child costs milliseconds.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Self

from features.history.online import LiveHistory
from features.history.resuming import keep
from features.ledger import open_ledger


class Ended(NamedTuple):
    killed: bool
    calls: int
    """Into C, of a run that came to its end; 0 of one that did not."""


class SnapshotChildren:
    """The process that forks; used as a context."""

    def __init__(self, url: str, directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.snapshot_children", url, str(directory)],
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def write(self, last_call: int = 0) -> Ended:
        """Catch up and write, killed before that call; 0: not killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(last_call, file=self._process.stdin, flush=True)
        return Ended(*json.loads(self._process.stdout.readline()))


class _Counter:
    def __init__(self, last_call: int) -> None:
        self.calls = 0
        self._last_call = last_call

    def __call__(self, _frame: object, event: str, _argument: object) -> None:
        self.calls += event == "c_call"
        if self.calls == self._last_call != 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _child(url: str, directory: Path, last_call: int, counts: int) -> None:
    with closing(open_ledger(url)) as ledger:
        history = LiveHistory()
        history.follow(ledger)
        counter = _Counter(last_call)
        sys.setprofile(counter)
        keep(directory, history, ledger)
        sys.setprofile(None)
    os.write(counts, str(counter.calls).encode())
    os._exit(0)


def _serve(url: str, directory: Path) -> None:
    with closing(open_ledger(url)) as ledger:
        LiveHistory().follow(ledger)  # compiled code is loaded once for all children
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _child(url, directory, int(line), writing)
        os.close(writing)
        _, status = os.waitpid(pid, 0)
        calls = int(os.read(reading, 20) or 0)
        os.close(reading)
        print(json.dumps([os.WIFSIGNALED(status), calls]), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]))
