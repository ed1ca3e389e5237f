"""The first pass of an ingest, against reading the same file into Python values and no more."""

import csv
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow.csv as pc
import pyarrow.parquet as pq

from features.files.mapping import read_mapping
from features.ingest import ingest
from features.keys import Keyring, PseudonymKey
from features.pseudonyms import Pseudonyms
from features.simulate import simulate


class Measured(NamedTuple):
    name: str
    rows: int
    checked_s: float
    """CPU seconds of a dry run."""
    read_s: float
    """CPU seconds of a bare reader."""


def dry_runs(days: int, repeat: int) -> list[Measured]:
    """Simulated vehicle movements as Parquet and as CSV."""
    with tempfile.TemporaryDirectory() as directory:
        simulate(Path(directory) / "border", seed=1, days=days, movements_per_day=600)
        parquet = Path(directory) / "border" / "vehicle-movements.parquet"
        text = Path(directory) / "v.csv"
        table = pq.read_table(parquet)
        pc.write_csv(table, text)
        return [
            Measured(
                path.suffix[1:],
                table.num_rows,
                _best(lambda path=path: _check(path), repeat),  # type: ignore[misc]
                _best(lambda path=path, read=read: read(path), repeat),  # type: ignore[misc]
            )
            for path, read in ((parquet, _read_parquet), (text, _read_csv))
        ]


def _check(path: Path) -> None:
    key = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
    plain = read_mapping(None, "vehicle")
    report = ingest(None, "vehicle", path, None, plain, key, dry_run=True)
    if report.rejected_rows:
        raise SystemExit(f"{report.rejected_rows} rows refused; the times would mean nothing")


def _read_parquet(path: Path) -> None:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(5_000, use_threads=False):
            for column in batch.columns:
                column.to_pylist()


def _read_csv(path: Path) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        for _ in csv.reader(file):
            pass


def _best(work: Callable[[], None], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)
