"""``python -m tests.benchmarks``: history offline, online, restarted and on a cluster, ingest,
and the service (of which ``python -m tests.benchmarks.serving`` runs that part alone).

Small by default; ``--movements 1000000 10000000 --keys 8`` for more. CPU seconds of one process, so
that a busy machine does not change the ratio; the best of ``--repeat`` runs.
"""

import argparse

from tests.benchmarks.history import add_options, offline_table, online_table
from tests.benchmarks.history_dask import dask_rows
from tests.benchmarks.history_restart import restart_rows
from tests.benchmarks.intake_rows import append_rows, ingest_rows, validation_rows
from tests.benchmarks.serving import serving_rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    add_options(parser)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--restart-entities", type=int, default=200_000)
    parser.add_argument("--cluster-movements", type=int, default=50_000)
    parser.add_argument("--ingest-days", type=int, default=100, help="of a simulated border")
    parser.add_argument("--records", type=int, default=30_000, help="validated, of each kind")
    parser.add_argument("--events", type=int, default=100_000, help="appended to each ledger")
    parser.add_argument("--serving-seconds", type=float, default=3.0, help="of each closed loop")
    options = parser.parse_args()
    offline_table(options)
    online_table(options)
    for rows in (
        restart_rows(options.restart_entities),
        dask_rows(options.cluster_movements),
        validation_rows(options.records),
        ingest_rows(options.ingest_days, options.repeat),
        append_rows(options.events),
        serving_rows(options.repeat, options.serving_seconds),
    ):
        print()
        for row in rows:
            print(row, flush=True)


if __name__ == "__main__":
    main()
