"""A real server with real faults: never a silent low, and it goes on without a restart."""

import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.ledger import open_ledger, open_tables
from serving.audit import read_assessments
from tests.integration.small_border import Server, _descendants, client, running
from tests.served_home import healthy_home, pin_small, vehicle

JSON = "application/json"
MOST_SECONDS = 5.0
"""Longer than any limit of one request: a commit 3 s, a read of the ledger 0.1 s."""
NO_REGISTRY = b"this is no database"
Fault = Callable[[Server, Path], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    healthy_home(path)
    (path / "mlflow.db").write_bytes(NO_REGISTRY)
    return path


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    """Started, as every server here, without a registry that could answer."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        with running(home) as started:
            yield started


@contextmanager
def fsync_fails(server: Server, _: Path) -> Iterator[None]:
    with fsync_is("error=EIO", server):
        yield


@contextmanager
def disk_is_slow(server: Server, _: Path) -> Iterator[None]:
    with fsync_is("delay_enter=3500000", server):  # microseconds
        yield


@contextmanager
def fsync_is(what: str, server: Server) -> Iterator[None]:
    """Every fdatasync of every process of the server, as strace injects it."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: no fsync can be tampered with")
    pids = [option for pid in processes(server) for option in ("-p", str(pid))]
    inject = f"inject=fsync,fdatasync:{what}"
    command = ["strace", "-f", "-qq", *pids, "-e", "trace=fsync,fdatasync", "-e", inject]
    tracing = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)  # until it is attached
        if tracing.poll() is not None:
            pytest.skip("strace may not attach to a process here")
        yield
    finally:
        tracing.terminate()
        tracing.wait()


@contextmanager
def no_room(server: Server, home: Path) -> Iterator[None]:
    """No file may grow beyond what the log of the ledger has by now, as on a full disk."""
    full = (home / "ledger.db-wal").stat().st_size
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in processes(server)}
    for pid, (_, hard) in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (full, hard))
    try:
        yield
    finally:
        for pid, before in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def another_writer_hangs(_: Server, home: Path) -> Iterator[None]:
    with closing(open_ledger(f"sqlite:///{home / 'ledger.db'}")) as ledger, ledger.transaction():
        yield


@contextmanager
def ledger_moved_away(_: Server, home: Path) -> Iterator[None]:
    """SQLite itself would write on, to a file that nobody finds again."""
    (home / "ledger.db").rename(home / "away.db")
    try:
        yield
    finally:
        (home / "away.db").rename(home / "ledger.db")


@contextmanager
def ledger_cut(_: Server, home: Path) -> Iterator[None]:
    """Its first page alone is left; then the same file holds again what it held."""
    ledger = home / "ledger.db"
    whole = ledger.read_bytes()
    os.truncate(ledger, 4096)
    try:
        yield
    finally:
        with ledger.open("r+b") as file:
            file.write(whole)


@contextmanager
def audit_table_gone(_: Server, home: Path) -> Iterator[None]:
    with closing(sqlite3.connect(home / "ledger.db")) as database:
        database.execute("ALTER TABLE assessments RENAME TO elsewhere")
        try:
            yield
        finally:
            database.execute("ALTER TABLE elsewhere RENAME TO assessments")


FAULTS: list[Fault] = [
    fsync_fails,
    no_room,
    another_writer_hangs,
    disk_is_slow,
    ledger_moved_away,
    ledger_cut,
    audit_table_gone,
]


def processes(server: Server) -> list[int]:
    return [server._process.pid, *_descendants(server._process.pid)]


def post(asking: httpx.Client, number: int, **changes: Any) -> tuple[int, dict[str, Any]]:
    began = time.monotonic()
    response = asking.post("/v1/scores", json=vehicle(number, **changes))
    assert time.monotonic() - began < MOST_SECONDS
    return response.status_code, response.json()


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_acknowledged_until_it_can_be_recorded(
    server: Server, home: Path, fault: Fault
) -> None:
    first = 1_000 * (1 + FAULTS.index(fault))
    with client(server.url) as asking:
        assert post(asking, first)[0] == 200
        with fault(server, home):
            refused = [post(asking, first + 1)]
            if fault not in (another_writer_hangs, disk_is_slow):  # which are no failures yet
                refused += [post(asking, first + number) for number in (2, 3)]
                assert asking.get("/readyz").status_code == 503
        assert {status for status, _ in refused} == {503}
        assert {said["code"] for _, said in refused} <= {"not_recorded", "recording_slow"}
        until(lambda: asking.get("/readyz").status_code == 200)
        again = [post(asking, first + number) for number in range(4)]
    assert [(status, said["status"], said["band"]) for status, said in again] == [
        (200, "scored", "low")
    ] * 4
    recorded = read_assessments(f"sqlite:///{home / 'ledger.db'}")
    assert {said["score_id"] for _, said in again} <= set(recorded["score_id"])
    with closing(open_ledger(f"sqlite:///{home / 'ledger.db'}")) as ledger:
        ledger.verify()


def test_faults_that_come_and_go_are_followed(server: Server, home: Path) -> None:
    with client(server.url) as asking:
        for number in range(9_000, 9_003):
            with ledger_moved_away(server, home):
                assert post(asking, number)[0] == 503
            until(partial(lambda sent: post(asking, sent)[1].get("band") == "low", number))


def test_it_starts_and_scores_without_a_registry(server: Server, home: Path) -> None:
    """The address of MLflow answers nothing, and its own store is no database."""
    with client(server.url) as asking:
        assert post(asking, 8_000)[1]["band"] == "low"
    assert (home / "mlflow.db").read_bytes() == NO_REGISTRY


def test_a_spoilt_bundle_is_refused_and_the_one_before_answers_degraded(
    server: Server, home: Path
) -> None:
    """A leaf is altered, the file is empty, it is gone; between them all is well."""
    with client(server.url) as asking:
        booster = pin_small(home, 2) / "booster.txt"
        whole = booster.read_bytes()
        altered = whole.replace(b"leaf_value=", b"leaf_value=9", 1)
        for number, spoilt in enumerate((altered, b"", None)):
            booster.unlink()
            if spoilt is not None:
                booster.write_bytes(spoilt)
            touch_pin(home)
            until(lambda: asking.get("/v1/models").json()["models"][0]["problem"] is not None)
            status, said = post(asking, 50_000 + 2 * number)
            assert (status, said["status"], said["band"]) == (200, "degraded", "medium")
            assert said["degraded_reasons"][0].startswith("bundle_refused: ")
            booster.write_bytes(whole)
            touch_pin(home)
            until(lambda: asking.get("/v1/models").json()["models"][0]["problem"] is None)
            assert post(asking, 50_001 + 2 * number)[1]["band"] == "low"


def test_bundles_are_swapped_under_load_without_a_failed_request(
    server: Server, home: Path
) -> None:
    stop, seen = threading.Event(), []

    def keep_asking() -> None:
        with client(server.url) as asking:
            for number in range(10_000, 20_000):
                if stop.is_set():
                    return
                status, said = post(asking, number)
                seen.append((status, said["status"], said["model"]["version"]))

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        for version in (3, 4, 5):
            pin_small(home, version)
            until(partial(lambda wanted: bool(seen) and seen[-1][2] == wanted, version))
    finally:
        stop.set()
        asking.join()
    assert {(status, how) for status, how, _ in seen} == {(200, "scored")}


def touch_pin(home: Path) -> None:
    """Written anew, as a promotion does last."""
    pin = home / "pins" / "vehicle.json"
    pin.write_bytes(pin.read_bytes() + b"\n")


def until(done: Callable[[], bool]) -> None:
    """Within ten seconds: the longest pause of a recovery is five."""
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end, "it does not recover"
        time.sleep(0.05)


def test_a_body_that_trickles_in_is_cut_off_and_others_go_on(server: Server) -> None:
    def trickle() -> Iterator[bytes]:
        for _ in range(12):
            yield b" "
            time.sleep(0.5)

    with client(server.url) as asking:
        began = time.monotonic()
        slow = asking.post("/v1/scores", content=trickle(), headers={"Content-Type": JSON})
        assert time.monotonic() - began < 7
        assert (slow.status_code, slow.json()["code"]) == (408, "body_too_slow")
        assert post(asking, 30_000)[0] == 200


def test_two_workers_agree_and_a_stop_lets_requests_end(tmp_path: Path) -> None:
    """What one worker was told is history for both soon."""
    healthy_home(tmp_path)
    with running(tmp_path, "--workers", "2") as server:
        outcome = {
            "kind": "vehicle",
            "event_id": "EXAM-1",
            "movement_ref": vehicle(1)["movement_ref"],
            "outcome": "positive",
            "examined_at": "2026-03-01T17:05:00Z",
            "threat": "cash",
        }
        with client(server.url) as asking:
            assert post(asking, 1)[0] == 200
            receipt = asking.post("/v1/outcomes", json=outcome).json()["outcomes"][0]
        until(lambda: heard_by_all(server, receipt["position"]))
        for number in range(2, 2_000):
            with client(server.url) as asking:  # a connection of its own, which either may take
                status, said = post(asking, number)
            assert status == 200
            assert said["ledger_position"] >= receipt["position"]
            if number % 10 == 0 and workers_that_answered(tmp_path) == 2:
                break
        assert workers_that_answered(tmp_path) == 2
        with ThreadPoolExecutor(1) as pool, client(server.url) as asking:
            with another_writer_hangs(server, tmp_path):
                on_its_way = pool.submit(post, asking, 5_000)
                time.sleep(0.5)
                server._process.terminate()
                time.sleep(0.5)
            assert on_its_way.result()[0] == 200
            assert server._process.wait(30) == 0


def heard_by_all(server: Server, position: int) -> bool:
    """Asked on connections of their own, so that both workers are, save one time in 500."""
    for _ in range(10):
        with client(server.url) as asking:
            if asking.get("/readyz").json()["history_position"] < position:
                return False
    return True


def workers_that_answered(home: Path) -> int:
    with closing(open_tables(f"sqlite:///{home / 'ledger.db'}")) as tables:
        return len(tables.fetch("SELECT DISTINCT stream FROM assessments"))


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 100_000 + b"\r\n", 431),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X-A: 1\r\n" * 1_000, 431),
        (b"GET /livez?a=" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n", 400),
    ],
    ids=["a header of 100 kB", "1,000 headers", "a query of 1 MB"],
)
def test_a_huge_head_is_answered_as_the_page_says_and_the_worker_lives(
    server: Server, request_head: bytes, status: int
) -> None:
    """By the parser or by us: docs/api.md, Limits."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(request_head + b"\r\n")
        assert int(connection.recv(200).split()[1]) == status
    with client(server.url) as asking:
        assert asking.get("/livez").status_code == 200
