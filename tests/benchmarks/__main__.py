"""``python -m tests.benchmarks``: history offline against pandas, online reads, and ingest.

Small by default; ``--movements 1000000 --keys 8`` for more. CPU seconds of one process, so that a
busy machine does not change the ratio; the best of ``--repeat`` runs.
"""

import argparse

from tests.benchmarks.history_offline import Events, made_up, ours, same, timed, with_pandas
from tests.benchmarks.history_online import online_microseconds
from tests.benchmarks.intake_rows import append_rows, ingest_rows, validation_rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--movements", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=2, help="key columns, each a pass of its own")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--live-movements", type=int, default=5_000)
    parser.add_argument("--ingest-days", type=int, default=100, help="of a simulated border")
    parser.add_argument("--records", type=int, default=30_000, help="validated, of each kind")
    parser.add_argument("--events", type=int, default=100_000, help="appended to each ledger")
    options = parser.parse_args()
    columns = [made_up(options.movements, seed) for seed in range(options.keys)]
    _offline(columns, options.repeat)
    _online(options.live_movements)
    for rows in (
        validation_rows(options.records),
        ingest_rows(options.ingest_days, options.repeat),
        append_rows(options.events),
    ):
        print()
        for row in rows:
            print(row, flush=True)


def _offline(columns: list[Events], repeat: int) -> None:
    ours(made_up(1_000, 0))  # compile, or read the compiled code from disk
    if not all(same(ours(events), with_pandas(events)) for events in columns):
        raise SystemExit("pandas and the kernel disagree; the times would mean nothing")
    kernel = sum(timed(ours, events, repeat) for events in columns)
    pandas = sum(timed(with_pandas, events, repeat) for events in columns)
    events = sum(len(column.instant) for column in columns)
    print(
        f"history offline, {len(columns[0].as_of):,} movements x {len(columns)} keys, 20 features"
    )
    print(f"{'':24}{'CPU s':>10}{'ns/event':>12}{'ratio':>8}")
    for name, seconds in (("numba pass", kernel), ("pandas cumsum+asof", pandas)):
        print(f"{name:24}{seconds:10.3f}{1e9 * seconds / events:12.0f}{seconds / kernel:8.1f}")


def _online(movements: int) -> None:
    print(f"\nhistory online, {movements:,} movements held, ledger in memory, microseconds")
    print(f"{'':24}{'p50':>10}{'p99':>12}{'max':>8}")
    for name, (p50, p99, worst) in online_microseconds(movements).items():
        print(f"{name:24}{p50:10.1f}{p99:12.1f}{worst:8.0f}")


if __name__ == "__main__":
    main()
