"""Large files: memory stays flat, and one bad byte far down refuses the whole file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.ledger import open_ledger
from features.simulate import simulate

ROOT = Path(__file__).resolve().parents[2]
MARGIN_MB = 64
NOTES = """
[columns]
movement_ref = "Ref"
declared_at = "When"
vehicle_reg = "Plate"
"""


class Done(NamedTuple):
    status: int
    error: str
    peak_mb: float


def run(home: Path, *arguments: str) -> Done:
    """The command in a process of its own, with the most memory it ever held.

    Not ``ru_maxrss``: that begins with what the parent held when it forked.
    """
    code = """
import json, re, sys
from pathlib import Path
import foreland
status = 0
try:
    foreland.main()
except SystemExit as exc:
    status = exc.code or 0
held = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps([status, int(held[1]) / 1024]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={
            "FORELAND_HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    status, peak_mb = json.loads(done.stdout.splitlines()[-1])
    return Done(status, done.stderr, peak_mb)


def with_a_bad_byte(path: Path, size: int) -> int:
    """A CSV file of about ``size`` bytes; where the bad one is."""
    notes = b"x" * 960
    with path.open("wb") as file:
        file.write(b"Ref,When,Plate,Notes\n")
        number = 0
        while file.tell() < size:
            lines = (
                b"M%d,2026-03-01T08:30:00Z,AB%d,%s\n" % (n, n % 1_000, notes)
                for n in range(number, number + 1_000)
            )
            file.write(b"".join(lines))
            number += 1_000
        at = file.tell() - 400_000
        file.seek(at)
        file.write(b"\xe9")
    return at


def refused(tmp_path: Path, size: int) -> float:
    """Ingest a file with one bad byte; the peak of memory in MB."""
    at = with_a_bad_byte(tmp_path / "m.csv", size)
    (tmp_path / "m.toml").write_text(NOTES)
    files = ("--movements", str(tmp_path / "m.csv"), "--mapping", str(tmp_path / "m.toml"))
    done = run(tmp_path / "home", "ingest", "--kind", "vehicle", *files)
    lines = [line for line in done.error.splitlines() if not line.startswith("checked ")]
    assert done.status == 2
    assert len(lines) == 1
    assert f"is not UTF-8 text: line {1 + line_of(at)}, byte offset {at} holds 0xe9" in lines[0]
    ledger = open_ledger(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}", create=False)
    assert ledger.last_position() == 0
    ledger.close()
    assert not (tmp_path / "home" / "rejects").exists()
    (tmp_path / "m.csv").unlink()
    return done.peak_mb


def line_of(offset: int) -> int:
    """Of the line that holds a byte after the header; row n has ``M<n>`` and ``AB<n % 1000>``."""
    end = 21
    number = 0
    while end <= offset:
        end += (
            960 + len("M,2026-03-01T08:30:00Z,AB,\n") + len(str(number)) + len(str(number % 1_000))
        )
        number += 1
    return number


def test_one_bad_byte_in_ten_megabytes(tmp_path: Path) -> None:
    assert refused(tmp_path, 10_000_000) < 400


@pytest.mark.slow
def test_one_bad_byte_in_a_gigabyte(tmp_path: Path) -> None:
    small = refused(tmp_path, 30_000_000)
    assert refused(tmp_path, 1_000_000_000) < small + MARGIN_MB


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    simulate(tmp_path / "border", seed=1, days=60, movements_per_day=600)
    movements = pq.read_table(tmp_path / "border" / "vehicle-movements.parquet")
    peaks = {}
    for rows in (500_000, 2_000_000):
        path = tmp_path / f"{rows}.parquet"
        write_many(movements, rows, path)
        files = ("--kind", "vehicle", "--movements", str(path))
        checked = run(tmp_path / "none", "ingest", *files, "--dry-run")
        loaded = run(tmp_path / f"home-{rows}", "ingest", *files)
        assert (checked.status, loaded.status) == (0, 0)
        peaks[rows] = (checked.peak_mb, loaded.peak_mb)
    assert peaks[2_000_000][0] < peaks[500_000][0] + MARGIN_MB
    assert peaks[2_000_000][1] < peaks[500_000][1] + MARGIN_MB


def write_many(movements: pa.Table, rows: int, path: Path) -> None:
    """The same movements again and again, each time under other references."""
    place = movements.schema.get_field_index("movement_ref")
    refs = movements["movement_ref"].to_pylist()
    with pq.ParquetWriter(path, movements.schema) as writer:
        for copy in range(-(-rows // movements.num_rows)):
            own = pa.array([f"{ref}-{copy}" for ref in refs])
            part = movements.set_column(place, movements.schema.field(place), own)
            writer.write_table(part.slice(0, rows - copy * movements.num_rows))
