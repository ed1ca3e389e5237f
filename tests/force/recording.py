"""The service at work in children that are watched at every write: killed there, or recorded.

``python -m tests.force.recording`` imports everything once and forks; a child then costs
milliseconds, so that thousands of kill points are affordable. A child is the whole application
(routes, scorer, group commit, ledger, audit), asked in memory rather than over a socket: a socket
keeps nothing, and each start of a server costs seconds.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Self
from unittest.mock import patch

import httpx
import msgspec
from starlette.applications import Starlette

from features.ledger import postgres  # noqa: F401 - so that no child imports it
from features.settings import Settings
from models.pins import load_pinned
from models.trust import trusted_keys
from serving import pinned
from serving.app import create_app
from serving.metrics import Counters
from serving.state import ServingState
from tests.force.tracer import Call, run_traced
from tests.integration.small_border import ROOT, make_ledger, promote, vehicle
from tests.postgres import backends

MOST_AT_ONCE = 6
"""Requests that wait for one commit."""
MOVEMENTS_BEFORE = 150
SEND_AGAIN_SECONDS, PATIENCE_SECONDS = 0.02, 60.0
_DECLARED_AT = "2026-11-01T08:00:00+00:00"
"""The same at every run: a request that is sent again is byte for byte the same."""


class Order(msgspec.Struct, frozen=True):
    """One child: what it is to do, and where it is to die."""

    home: str
    requests: int
    first: int = 0
    """Number of the first request."""
    seed: int = 0
    kill_before: int = 0
    """The number of the call, from 1, that is never made; 0: none."""
    ledger_url: str = ""
    """Empty: SQLite in the home."""
    counted: str = ""
    """The name of the calls that are counted; empty: all."""
    backend_dies_after_seconds: float | None = None
    """The database crashes in the place of the child, so long after that call was made."""
    calls_to: str = ""
    """The file for what it called; empty: not wanted."""


class Ended(msgspec.Struct, frozen=True):
    killed: bool
    """The child, or the database."""
    status: int
    calls: int
    refused: str = ""
    """Why it could not be traced."""


class Acknowledged(NamedTuple):
    """An answer that had left."""

    request: int
    status: int
    score_id: str
    body_sha256: str


def prepare(home: Path, ledger_url: str | None = None) -> None:
    """A ledger with a past, keys, and a promoted bundle."""
    promote(home, make_ledger(home, MOVEMENTS_BEFORE, url=ledger_url), 1)


def settings_of(home: Path, ledger_url: str = "") -> Settings:
    """Without snapshots: they are written by a process of its own, and are no record."""
    url = ledger_url or f"sqlite:///{home / 'ledger.db'}"
    return Settings(home=home, ledger_url=url, snapshot_minutes=0)


def acknowledgements(home: Path) -> Path:
    return home / "acknowledged"


def heard(home: Path) -> list[Acknowledged]:
    """What had been answered when the last child ended."""
    try:
        return read_acknowledged(acknowledgements(home).read_bytes())
    except FileNotFoundError:
        return []


def read_acknowledged(said: bytes) -> list[Acknowledged]:
    lines = [line.split() for line in said.decode().splitlines()]
    return [Acknowledged(int(request), int(status), *rest) for request, status, *rest in lines]


def score_request(number: int) -> dict[str, Any]:
    """Every fifth is a repetition of an earlier one; the same number is the same request."""
    again = number - 3 if number % 5 == 4 else number
    return vehicle(again, declared_at=_DECLARED_AT)


class Children:
    """The process that forks; used as a context."""

    def __init__(self) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FORELAND_")}
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.force.recording"],
            cwd=ROOT,
            env={**environment, **single, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def run(self, order: Order) -> Ended:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Ended)

    def calls(self, order: Order) -> list[Call]:
        """Every call of a run that comes to its end."""
        found = Path(order.home).with_name("calls")
        ended = self.run(msgspec.structs.replace(order, calls_to=str(found)))
        assert (ended.status, ended.refused) == (0, "")
        return msgspec.msgpack.decode(found.read_bytes(), type=list[Call])


def _record(order: Order) -> None:
    """Runs in the child: ask the application, and say on disk what it has answered."""
    home = Path(order.home)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    answers = os.open(acknowledgements(home), flags, 0o600)
    settings = settings_of(home, order.ledger_url)
    app = create_app(lambda: ServingState(settings), counters=Counters())
    asyncio.run(_ask(app, order, answers))
    os.close(answers)


async def _ask(app: Starlette, order: Order, answers: int) -> None:
    random = Random(order.seed)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
        ) as asking,
    ):
        waiting = list(range(order.first, order.first + order.requests))
        while waiting:
            size = random.randint(1, MOST_AT_ONCE)
            together, waiting = waiting[:size], waiting[size:]
            await asyncio.gather(*(_send(asking, number, answers) for number in together))


async def _send(asking: httpx.AsyncClient, number: int, answers: int) -> None:
    """Again and again, as clients do, while it is refused for the time being."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await asking.post("/v1/scores", json=score_request(number))
        while answer.status_code == 503:
            await asyncio.sleep(SEND_AGAIN_SECONDS)
            answer = await asking.post("/v1/scores", json=score_request(number))
    said: Mapping[str, Any] = answer.json()
    digest = sha256(answer.content).hexdigest()
    line = f"{number} {answer.status_code} {said.get('score_id', said.get('code'))} {digest}\n"
    os.write(answers, line.encode())


def _run(order: Order) -> Ended:
    calls: list[Call] = []
    count = 0

    def before(call: Call) -> bool:
        nonlocal count
        if order.counted not in ("", call.name):
            return False
        count += 1
        if order.calls_to:
            calls.append(call)
        if count != order.kill_before:
            return False
        if order.backend_dies_after_seconds is None:
            return True
        dying.append(_backend_dies(order))
        return False

    dying: list[threading.Thread] = []
    try:
        status = run_traced(lambda: _record(order), before)
    except OSError as exc:
        return Ended(killed=False, status=-1, calls=0, refused=str(exc))
    for thread in dying:  # none may live when the next child is forked
        thread.join()
    if order.calls_to:
        Path(order.calls_to).write_bytes(msgspec.msgpack.encode(calls))
    exited = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1
    died = os.WIFSIGNALED(status) or bool(dying)
    return Ended(killed=died, status=exited, calls=count)


def _backend_dies(order: Order) -> threading.Thread:
    """One process of the database; the others then end themselves, and it recovers from its log."""
    backend = Random(order.seed).choice(backends(order.ledger_url))

    def kill() -> None:
        time.sleep(order.backend_dies_after_seconds or 0.0)
        os.kill(backend, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def _serve(home: Path) -> None:
    """Warm up in this process, so that no child compiles or imports anything; then take orders.

    All homes pin the same bundle. It is proven once, here: that takes a process, which no child
    may start.
    """
    prepare(home)
    proven = load_pinned(home / "pins", "vehicle", trusted_keys(settings_of(home)))
    with patch.object(pinned, "load_pinned", lambda *_: proven):
        _record(Order(str(home), 12))
        for line in sys.stdin.buffer:
            ended = _run(msgspec.json.decode(line, type=Order))
            sys.stdout.buffer.write(msgspec.json.encode(ended) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        _serve(Path(directory))
