"""The lag of history over all workers, in the text that Prometheus reads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.metrics import Counters

CHILD = """
import sys
from serving.metrics import Counters
counters = Counters()
counters.show_lag(int(sys.argv[1]), 9, float(sys.argv[2]))
if sys.argv[3:]:
    print(counters.exposition().decode())
"""


def values(text: str) -> dict[str, float]:
    lines = [line.split() for line in text.split("\n") if line and line[0] != "#"]
    return {name: float(value) for name, value in lines if name.startswith("foreland_")}


def test_one_process_shows_its_own() -> None:
    counters = Counters()
    counters.show_lag(7, 9, 1.5)
    shown = values(counters.exposition().decode())
    assert shown["foreland_history_position"] == 7
    assert shown["foreland_ledger_position"] == 9
    assert shown["foreland_history_lag_seconds"] == 1.5


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see who lives")
def test_of_several_the_slowest_that_lives_counts(tmp_path: Path) -> None:
    """A worker that died far behind is not shown for ever."""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def worker(*arguments: str) -> str:
        command = [sys.executable, "-c", CHILD, *arguments]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout

    worker("2", "77.5")
    assert list(tmp_path.glob("gauge_livemax_*.db"))
    shown = values(worker("8", "0.5", "show"))
    assert shown["foreland_history_position"] == 8
    assert shown["foreland_history_lag_seconds"] == 0.5
