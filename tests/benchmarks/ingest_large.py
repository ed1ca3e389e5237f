"""``python -m tests.benchmarks.ingest_large``: one large file into a new ledger, and its memory.

A child process runs ``foreland ingest`` on a Parquet file of made-up vehicle movements; the
kernel says what its peak memory was. Ten million rows take a quarter of an hour.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
BLOCK = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.ingest_large", description=__doc__
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "movements.parquet"
        _write(path, rows)
        megabytes = path.stat().st_size / 1e6
        print(f"{rows:,} rows, {megabytes:,.0f} MB of Parquet", flush=True)
        started = time.perf_counter()
        peak, cpu = _ingest(path, Path(directory) / "home")
        wall = time.perf_counter() - started
        ledger = (Path(directory) / "home" / "ledger.db").stat().st_size
        print(
            f"ingested in {wall:,.0f} s ({cpu:,.0f} CPU s), {rows / cpu:,.0f} rows per CPU second"
        )
        print(f"peak memory {peak / 1e6:,.0f} MB, ledger {ledger / 1e9:.1f} GB")


def _write(path: Path, rows: int) -> None:
    rng = np.random.default_rng(1)
    with pq.ParquetWriter(path, _block(rng, 0, 1).schema, compression="zstd") as writer:
        for first in range(0, rows, BLOCK):
            writer.write_table(_block(rng, first, min(BLOCK, rows - first)))


def _block(rng: np.random.Generator, first: int, rows: int) -> pa.Table:
    numbers = np.arange(first, first + rows)
    at = 1_740_000_000_000_000 + numbers * 1_000_000
    hauliers = rng.integers(0, 50_000, rows)
    return pa.table(
        {
            "movement_ref": [f"M{number:09d}" for number in numbers],
            "declared_at": pa.array(at, pa.timestamp("us", "UTC")),
            "route_id": [("DUN-DVR", "CAL-DVR", "HOO-HAR")[number % 3] for number in numbers],
            "haulier_eori": [f"XX{haulier:09d}" for haulier in hauliers],
            "vehicle_reg": [f"V{number}" for number in rng.integers(0, 500_000, rows)],
            "gross_mass_kg": pa.array(rng.uniform(1_000, 40_000, rows).round(1)),
        }
    )


def _ingest(path: Path, home: Path) -> tuple[int, float]:
    """Peak memory of the child in bytes, and its CPU seconds."""
    command = [sys.executable, "-m", "foreland", "ingest", "--kind", "vehicle"]
    child = subprocess.Popen(
        [*command, "--movements", str(path)],
        cwd=ROOT,
        env={**os.environ, "FORELAND_HOME": str(home)},
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"the ingest ended with status {child.returncode}")
    return usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
