"""The rows of history: the offline pass beside other engines, and the online state.

Every engine and size runs in a process of its own, one core, and says its CPU seconds, its peak
memory and the sums of its columns, which must agree before a time is believed. The ratio to our
pass is of all, and of what comes after text is turned into numbers, which is the same for all.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.benchmarks.history_offline import (
    Border,
    Floats,
    made_up,
    numbers_of,
    ours,
    same,
    with_pandas,
)
from tests.benchmarks.history_online import growing, online_microseconds

OURS, RANGE = "numba pass", "DuckDB RANGE window"
OTHERS = ("pandas cumsum + merge_asof", "polars join_asof", "DuckDB ASOF join", RANGE)
CHILD = "child"
NO_HUGE_PAGES = {"NUMPY_MADVISE_HUGEPAGE": "0"}
"""For all engines alike: where the host gives memory on first touch, a huge page costs 2 ms."""
CHECKED = 20_000
"""Movements of which every row is compared before anything is timed."""


class Ran(NamedTuple):
    """One engine over some keys, one after another."""

    cpu_s: float
    numbers_s: float
    """Of it, for turning text into numbers."""
    events: int
    peak_bytes: int
    column_sums: list[list[float]]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--movements", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--others", nargs="*", default=OTHERS, choices=OTHERS)
    parser.add_argument("--keys", type=int, default=2, help="key columns, each a pass of its own")
    parser.add_argument("--window-keys", type=int, default=1, help="the same, for DuckDB's window")
    parser.add_argument("--live-movements", type=int, default=5_000)
    parser.add_argument("--live-keys", type=int, default=1_000_000)


def engine(name: str) -> Callable[[Border], Floats]:
    if name == OURS:
        return ours
    if name.startswith("pandas"):
        return with_pandas
    from tests.benchmarks import history_engines as others  # polars and DuckDB take a second

    found = others.with_duckdb_range if name == RANGE else others.with_duckdb_asof
    return others.with_polars if name.startswith("polars") else found


def offline_table(options: argparse.Namespace) -> None:
    border = made_up(CHECKED, 0)
    expected = ours(border)
    for name in options.others:
        if not same(expected, engine(name)(border)):
            raise SystemExit(f"{name} disagrees with the kernel; the times would mean nothing")
    print("history offline, 20 features a key, one core; equal results; peak with the input in it")
    print(f"{'':28}{'movements':>12}{'keys':>5}{'CPU s/key':>11}{'ns/event':>10}", end="")
    print(f"{'ratio':>8}{'from numbers':>14}{'peak GB':>9}")
    for movements in options.movements:
        kernel = _child(OURS, movements, options.keys, options.repeat)
        _print_row(OURS, movements, kernel, kernel)
        share = kernel.numbers_s / options.keys
        print(f"{'  of it, text to numbers':28}{movements:12,}{'':5}{share:11.2f}", flush=True)
        for name in options.others:
            keys = min(options.keys, options.window_keys) if name == RANGE else options.keys
            ran = _child(name, movements, keys, 1 if name == RANGE else options.repeat)
            if not np.allclose(ran.column_sums, kernel.column_sums[:keys], rtol=1e-9):
                raise SystemExit(f"{name} disagrees at {movements} movements")
            _print_row(name, movements, ran, kernel)


def _print_row(name: str, movements: int, ran: Ran, kernel: Ran) -> None:
    keys = len(ran.column_sums)
    per_event, kernels = ran.cpu_s / ran.events, kernel.cpu_s / kernel.events
    later, kernels_later = ((r.cpu_s - r.numbers_s) / r.events for r in (ran, kernel))
    print(f"{name:28}{movements:12,}{keys:5}{ran.cpu_s / keys:11.2f}", end="")
    print(f"{1e9 * per_event:10.0f}{per_event / kernels:8.1f}{later / kernels_later:14.1f}", end="")
    print(f"{ran.peak_bytes / 1e9:9.2f}", flush=True)


def online_table(options: argparse.Namespace) -> None:
    movements = options.live_movements
    print(f"\nhistory online, {movements:,} movements held, ledger in memory, microseconds")
    print(f"{'':28}{'p50':>10}{'p99':>12}{'max':>8}")
    for name, (p50, p99, worst) in online_microseconds(movements).items():
        print(f"{name:28}{p50:10.1f}{p99:12.1f}{worst:8.0f}")
    print(f"\ngrowing to {options.live_keys:,} entities, one event at a time")
    for name, value in growing(options.live_keys).items():
        print(f"{name:40}{value:12,.2f}")


def _child(name: str, movements: int, keys: int, repeat: int) -> Ran:
    sizes = map(str, (movements, keys, repeat))
    command = [sys.executable, "-m", "tests.benchmarks.history", CHILD, name, *sizes]
    environment = os.environ | NO_HUGE_PAGES
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return Ran(*json.loads(done.stdout))


def run(name: str, movements: int, keys: int, repeat: int) -> Ran:
    work, sums = engine(name), []
    work(made_up(1_000, 0))  # compile, or read the compiled code from disk
    total, numbers, events = 0.0, 0.0, 0
    for seed in range(keys):
        border = made_up(movements, seed)
        numbers += min(_seconds(lambda: numbers_of(border))[0] for _ in range(repeat))  # noqa: B023
        best = float("inf")
        for _ in range(repeat):
            seconds, rows = _seconds(lambda: work(border))  # noqa: B023
            best = min(best, seconds)
            column_sums = rows.sum(axis=0).tolist()
            del rows
        sums.append(column_sums)
        total, events = total + best, events + len(border.instant)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Ran(total, numbers, events, peak, sums)


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main() -> None:
    """These rows alone."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.history")
    add_options(parser)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    offline_table(options)
    online_table(options)


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        print(json.dumps(run(sys.argv[2], *map(int, sys.argv[3:]))))
    else:
        main()
