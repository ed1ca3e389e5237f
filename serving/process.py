"""A server in a process of its own, for whoever needs one running for a while."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from features.errors import ForelandError

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 90.0
DRAIN_SECONDS = 15.0


class ServerFailed(ForelandError):
    """The server process ended, or never answered."""


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


@contextmanager
def started(home: Path, port: int) -> Iterator[Callable[[], str]]:
    """``foreland serve`` on the home until the block ends; what it prints goes to ``serve.log``.

    Yields a function that waits until the server is ready and gives its address, so that other
    work can be done while it starts.

    Raises:
        ServerFailed: by that function, when it is not ready within ``START_SECONDS``.
    """
    log = home / "serve.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "foreland", "serve", "--port", str(port)],
            env=os.environ | {"FORELAND_HOME": str(home.resolve())},
            cwd=ROOT,
            stdout=sink,
            stderr=sink,
            start_new_session=True,  # a Ctrl-C of the caller reaches it by ``_stop`` only
        )
    address = f"http://127.0.0.1:{port}"

    def ready() -> str:
        _wait_until_ready(process, address, log)
        return address

    try:
        yield ready
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    import httpx

    patience = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < patience:
        try:
            if httpx.get(f"{address}/readyz", timeout=1).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    last = (log.read_text(errors="replace").splitlines() or ["it said nothing"])[-1]
    raise ServerFailed(f"the scoring service did not start: {last} (the rest is in {log})")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to drain, then insist."""
    process.terminate()
    try:
        process.wait(DRAIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
