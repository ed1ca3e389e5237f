"""Runs ``foreland ingest`` in forked children that are killed or run out of disk on the way.

Started once as a process of its own, with everything imported, so that a child costs
milliseconds: hundreds of kill points are affordable.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Self

TOUCHING = frozenset(
    {"execute", "executemany", "fsync", "write", "writerow", "replace", "unlink", "open", "flock"}
)
"""Calls into C by which a run touches a file."""


class Ended(NamedTuple):
    killed: bool
    status: int
    calls: int
    """All calls of the run, Python and C, counted if it came to its end."""
    touches: int
    """Those of ``TOUCHING``."""
    out: str
    error: str


class Children:
    """The process that forks; used as a context."""

    def __init__(self, directory: Path, home: Path, **settings: str) -> None:
        """``settings`` are set in their environment, ``FORELAND_LEDGER_URL`` for instance."""
        self._directory = directory
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FORELAND_")}
        environment |= {"FORELAND_HOME": str(home), "FORELAND_PSEUDONYM_KEY": "07" * 32}
        environment |= settings
        environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the repository stays as it is
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ingest_children", str(directory)],
            cwd=Path(__file__).resolve().parents[1],
            env=environment,
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

    def run(self, *arguments: str, **where: Any) -> Ended:
        """``calls=`` or ``touches=`` kill at that call, ``seconds=`` at that time, ``wal=`` when
        the write-ahead log has that many bytes, ``before_remembering=`` between the commit that
        finds a conflict and the note of it; ``largest=`` limits the size of files."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"arguments": arguments, **where}), file=self._process.stdin, flush=True)
        return Ended(*json.loads(self._process.stdout.readline()))


def _child(directory: Path, order: dict[str, Any]) -> None:
    import features.files.tabular
    import features.ingest.loading
    import foreland

    features.ingest.loading.ROWS_PER_COMMIT = 100
    features.files.tabular.BATCH = 50
    if "largest" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest"],) * 2)
    os.chdir(directory)
    for number, name in ((1, "out"), (2, "error")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv = ["foreland", *order["arguments"]]
    if "before_remembering" in order:
        _die_before_remembering()
    counter = _Counter(order.get("calls", 0), order.get("touches", 0))
    if order.get("counted", True):
        sys.setprofile(counter)
    status = 99
    try:
        foreland.main()
    except SystemExit as exc:
        status = int(exc.code or 0)
    finally:
        sys.setprofile(None)
        sys.stdout.flush()
        sys.stderr.flush()
        if "largest" not in order:
            Path("counts").write_text(json.dumps([counter.calls, counter.touches]))
        os._exit(status)


class _Counter:
    """Counts calls, and kills its own process at one of them."""

    def __init__(self, last_call: int, last_touch: int) -> None:
        self.calls = self.touches = 0
        self._last_call, self._last_touch = last_call, last_touch

    def __call__(self, _frame: object, event: str, argument: object) -> None:
        self.calls += 1
        if event.startswith("c_") and getattr(argument, "__name__", "") in TOUCHING:
            self.touches += 1
        if self.calls == self._last_call or self.touches == self._last_touch != 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _die_before_remembering() -> None:
    from features.ingest.conflicts import Conflicts

    remember = Conflicts.remember

    def killing(self: Conflicts, rows: Any) -> None:
        if rows:
            os.kill(os.getpid(), signal.SIGKILL)
        remember(self, rows)

    Conflicts.remember = killing  # type: ignore[method-assign]


def _watch(pid: int, order: dict[str, Any]) -> int:
    """Wait for the child, or end it; its wait status."""
    started = time.monotonic()
    wal = Path(os.environ["FORELAND_HOME"]) / "ledger.db-wal"
    watched = "seconds" in order or "wal" in order
    while True:
        done, status = os.waitpid(pid, os.WNOHANG if watched else 0)
        if done:
            return status
        late = time.monotonic() - started >= order.get("seconds", float("inf"))
        try:
            size = wal.stat().st_size
        except FileNotFoundError:  # not yet, or merged and gone
            size = 0
        if late or size >= order.get("wal", float("inf")):
            os.kill(pid, signal.SIGKILL)
            return os.waitpid(pid, 0)[1]


def _serve(directory: Path) -> None:
    for name in ("foreland", "features.cli", "features.ingest.loading", "features.files.starter"):
        import_module(name)  # before the fork, once for all children
    for line in sys.stdin:
        order = json.loads(line)
        (directory / "counts").write_text("[0, 0]")
        pid = os.fork()
        if pid == 0:
            _child(directory, order)
        status = _watch(pid, order)
        calls, touches = json.loads((directory / "counts").read_text())
        texts = [(directory / name).read_text() for name in ("out", "error")]
        exited = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1
        print(json.dumps([os.WIFSIGNALED(status), exited, calls, touches, *texts]), flush=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
