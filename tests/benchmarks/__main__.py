"""``python -m tests.benchmarks``: history offline and online, and ingest.

Small by default; ``--movements 1000000 10000000 --keys 8`` for more. CPU seconds of one process, so
that a busy machine does not change the ratio; the best of ``--repeat`` runs.
"""

import argparse

from tests.benchmarks.history import add_options, offline_table, online_table
from tests.benchmarks.ingesting import dry_runs


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    add_options(parser)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--ingest-days", type=int, default=100, help="of a simulated border")
    options = parser.parse_args()
    offline_table(options)
    online_table(options)
    _ingest(options.ingest_days, options.repeat)


def _ingest(days: int, repeat: int) -> None:
    print("\nfirst pass of an ingest, every rule of every row, one core")
    print(f"{'':24}{'rows':>10}{'rows/s':>12}{'of bare reading':>18}")
    for name, rows, checked, read in dry_runs(days, repeat):
        print(f"{name:24}{rows:10,}{rows / checked:12,.0f}{checked / read:17.1f}x")


if __name__ == "__main__":
    main()
