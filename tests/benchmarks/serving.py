"""What a score costs over HTTP: alone, beside others, on disk, and by the thousand.

All in one run against bare Starlette and bare LightGBM, so that the ratios hold where times do not.
``python -m tests.benchmarks.serving --sustained`` offers 200 scores a second for five minutes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import lightgbm
import numpy as np
import pyarrow as pa

from features.clock import now_micros
from features.intake import declare
from features.ledger import open_ledger
from features.pseudonyms import load_pseudonyms
from features.rows import feature_rows
from features.timeline import load_timeline
from models.bundle import load_bundle
from serving.auth import key_store
from serving.auth.access import LOCAL
from serving.auth.api_keys import new_key
from serving.auth.key_store import open_keys
from serving.wire import read_score_request
from tests.integration.small_border import (
    ROOT,
    client,
    free_port,
    make_ledger,
    promote,
    running,
    vehicle,
)
from tests.load_generator import Offered, http_request, offer, saturate

TREES, LEAVES = 400, 63
ROWS = 10_000
NUMBERS = count(1)
"""Every movement of a run is another one: a replay is not a score."""


@contextmanager
def served(home: Path, app: str) -> Iterator[tuple[str, int]]:
    """One of ``serving_apps`` under uvicorn, as BentoML runs it: its URL, its process id."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.serving_apps", app, str(port)],
        cwd=ROOT,
        env={**os.environ, "FORELAND_HOME": str(home), "OMP_NUM_THREADS": "1"},  # as foreland serve
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str) -> None:
    with client(url) as asking:
        for _ in range(600):
            try:
                asking.get("/livez")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
    raise RuntimeError(f"{url} does not answer")


def _scores(key: str) -> Iterator[bytes]:
    headers = {"Authorization": f"Bearer {key}"}
    while True:
        yield http_request("/v1/scores?explain=never", vehicle(next(NUMBERS)), headers=headers)


def single_rows(home: Path, key: str, repeats: int, seconds: float) -> Iterator[str]:
    """Medians of runs that take turns."""
    yield f"single scores, closed loop; medians of {repeats} runs of {seconds:g} s in turns"
    apps = ("echo", "unrecorded", "recorded")
    with served(home, apps[0]) as one, served(home, apps[1]) as two, served(home, apps[2]) as three:
        urls = dict(zip(apps, (one[0], two[0], three[0]), strict=True))
        for url in urls.values():
            saturate(url, _scores(key), connections=8, seconds=seconds)
        found: dict[int, dict[str, tuple[float, float]]] = {}
        for connections in (1, 8):
            runs: dict[str, list[Offered]] = {app: [] for app in apps}
            for _ in range(repeats):
                for app, url in urls.items():
                    load = saturate(url, _scores(key), connections=connections, seconds=seconds)
                    runs[app].append(load)
            found[connections] = {app: _middle(of_app) for app, of_app in runs.items()}
        for connections, of_apps in found.items():
            base = of_apps["echo"][0]
            for app, (p50, p99) in of_apps.items():
                yield (
                    f"  {connections} connections, {app}: p50 {p50 * 1e6:,.0f} us "
                    f"({p50 / base:.1f} x echo), p99 {p99 * 1e6:,.0f} us ({p99 / p50:.1f} x p50)"
                )
        sync = _sync_seconds(home)
        added = found[8]["recorded"][0] - found[8]["unrecorded"][0]
        yield (
            f"  one fdatasync {sync * 1e6:,.0f} us; the record adds {added / sync:.1f} of them to "
            "p50 at 8 connections"
        )
        yield f"  resident memory of one worker {_resident_mb(three[1]):,.0f} MB"


def _middle(runs: Sequence[Offered]) -> tuple[float, float]:
    p50s, p99s = ([run.percentile(at, 200) for run in runs] for at in (50, 99))
    return statistics.median(p50s), statistics.median(p99s)


def _sync_seconds(home: Path, times: int = 200) -> float:
    """The median of one fdatasync after a page was appended."""
    found = []
    with tempfile.TemporaryFile(dir=home) as file:
        for _ in range(times):
            os.write(file.fileno(), bytes(4096))
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            found.append(time.perf_counter() - start)
    return statistics.median(found)


def _resident_mb(process_id: int) -> float:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1_000


def batch_rows(home: Path, url: str, key: str, repeats: int) -> Iterator[str]:
    """Rows a second against one thread of LightGBM on the ready matrix of the same rows."""
    yield f"batches of {ROWS:,} rows; medians of {repeats} runs in turns"
    raw = _raw_rows_per_second(home, url, repeats)
    yield f"  Booster.predict, {TREES} trees of {LEAVES} leaves, one thread: {raw:,.0f} rows/s"
    for app in ("recorded", "unrecorded"):
        with served(home, app) as (address, process_id), client(address) as asking:
            asking.headers["Authorization"] = f"Bearer {key}"
            runs: dict[str, list[float]] = {"arrow": [], "json": []}
            for _ in range(repeats):
                for form, of_form in runs.items():
                    of_form.append(_batch_rows_per_second(asking, form))
            for form, of_form in runs.items():
                found = statistics.median(of_form)
                yield f"  {form}, {app}: {found:,.0f} rows/s, {found / raw:.2f} x"
            yield f"  resident memory afterwards {_resident_mb(process_id):,.0f} MB"


def _raw_rows_per_second(home: Path, url: str, repeats: int) -> float:
    pseudonyms = load_pseudonyms(home / "keys")
    sent = [json.dumps(vehicle(next(NUMBERS))).encode() for _ in range(ROWS)]
    movements = [declare(read_score_request(row), pseudonyms) for row in sent]
    bundle = load_bundle(home / "bundles" / "vehicle-1")
    with closing(open_ledger(url)) as ledger:
        timeline = load_timeline(ledger, available_before=now_micros())
    as_of = np.full(ROWS, now_micros() - 1_000_000, dtype=np.int64)
    as_of = np.minimum(as_of, timeline.available_before)
    matrix = feature_rows(timeline, movements, as_of, bundle.catalogue)
    model = lightgbm.Booster(model_file=str(home / "bundles" / "vehicle-1" / "booster.txt"))
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        model.predict(matrix, num_threads=1)
        taken.append(time.perf_counter() - start)
    return ROWS / statistics.median(taken)


def _batch_rows_per_second(asking: httpx.Client, form: str) -> float:
    rows = [vehicle(next(NUMBERS)) for _ in range(ROWS)]
    media_type, body = "application/json", json.dumps(rows).encode()
    if form == "arrow":
        media_type, body = "application/vnd.apache.arrow.stream", _as_arrow(rows)
    start = time.perf_counter()
    answer = asking.post("/v1/scores/batch", content=body, headers={"Content-Type": media_type})
    taken = time.perf_counter() - start
    answer.raise_for_status()
    return ROWS / taken


def _as_arrow(rows: Sequence[dict[str, Any]]) -> bytes:
    table = pa.Table.from_pylist(list(rows))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stream: bytes = sink.getvalue().to_pybytes()
    return stream


def beside_rows(home: Path, key: str, seconds: float, per_second: float = 50.0) -> Iterator[str]:
    """What a single score waits for while another client sends one batch after the other."""
    yield f"single scores, {per_second:g} a second offered for {seconds:g} s, all recorded"
    done, rows = threading.Event(), list[float]()
    with served(home, "recorded") as (url, _), client(url) as asking:
        asking.headers["Authorization"] = f"Bearer {key}"

        def send_batches() -> None:
            while not done.is_set():
                rows.append(_batch_rows_per_second(asking, "arrow"))

        offer(url, _scores(key), per_second=per_second, seconds=seconds / 4)
        loads = {"alone": offer(url, _scores(key), per_second=per_second, seconds=seconds)}
        sending = threading.Thread(target=send_batches)
        sending.start()
        try:
            load = offer(url, _scores(key), per_second=per_second, seconds=seconds)
            loads["beside batches"] = load
        finally:
            done.set()
            sending.join()
    for name, load in loads.items():
        p50, p99 = (load.percentile(at, 200) * 1e3 for at in (50, 99))
        yield f"  {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {load.statuses()[200]} answered"
    yield f"  batches beside them: {statistics.median(rows):,.0f} rows/s"


def sustained_row(home: Path, key: str, per_second: float, seconds: float) -> str:
    """``foreland serve`` itself, offered a rate whether or not it keeps up."""
    with running(home) as server:
        load = offer(server.url, _scores(key), per_second=per_second, seconds=seconds)
    return f"sustained by foreland serve: {json.dumps(load.summary())}"


def serving_rows(repeats: int, seconds: float) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        url, key = _border(home)
        yield from single_rows(home, key, repeats, seconds)
        yield from batch_rows(home, url, key, repeats)
        yield from beside_rows(home, key, seconds=5 * seconds)


def _border(home: Path) -> tuple[str, str]:
    """Enough labels for trees that are as large as they may be, and a client's API key."""
    url = make_ledger(home, movements=20_000)
    promote(home, url, 1, rounds=TREES - 1, learning_rate=0.02, num_leaves=LEAVES)
    key, stored = new_key(LOCAL, created_at=now_micros())
    with closing(open_ledger(url)) as ledger:
        open_keys(ledger).close()  # which makes the tables
        key_store.add(ledger, stored)
    return url, key


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each closed loop")
    parser.add_argument("--sustained", action="store_true")
    parser.add_argument("--per-second", type=float, default=200.0)
    parser.add_argument("--for-seconds", type=float, default=300.0)
    options = parser.parse_args()
    if options.sustained:
        with tempfile.TemporaryDirectory() as directory:
            _, key = _border(Path(directory))
            print(sustained_row(Path(directory), key, options.per_second, options.for_seconds))
        return
    for row in serving_rows(options.repeat, options.seconds):
        print(row, flush=True)


if __name__ == "__main__":
    main()
