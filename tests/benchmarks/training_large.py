"""``python -m tests.benchmarks.training_large``: a training run on a large ledger, and its memory.

Made-up vehicle movements over two years, 3 % of them examined; a child process trains, and the
kernel says what CPU and memory it took. A million movements take some minutes, most of it to
write the ledger. Nothing is to be learned from what is made up here but the time it takes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np

from features.clock import MICROS_PER_DAY
from features.ledger import Event, MovementDeclared, OutcomeRecorded, open_ledger
from features.settings import Settings
from tests.benchmarks.history_online import made_up_movement

ROOT = Path(__file__).resolve().parents[2]
START, DAYS = 19_700 * MICROS_PER_DAY, 730
EXAMINED_SHARE = 0.03


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.training_large", description=__doc__
    )
    parser.add_argument("--movements", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, help="kept, and not filled again; else thrown away")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        home = options.home or Path(directory)
        settings = Settings(home=home)
        if not (home / "ledger.db").exists():
            home.mkdir(parents=True, exist_ok=True)
            with closing(open_ledger(settings.ledger)) as ledger:
                ledger.backfill(_events(options.movements))
        _train(home)


def _events(movements: int) -> Iterator[Event]:
    rng = np.random.default_rng(1)
    for number in range(movements):
        at = START + number * DAYS * MICROS_PER_DAY // movements
        declared = made_up_movement(rng, number)
        yield _event(f"{number}:1", at, msgspec.structs.replace(declared, declared_at=at))
        if rng.random() < EXAMINED_SHARE:
            finds = 0.3 if int(declared.entities["haulier_eori"][-1], 16) == 0 else 0.05
            outcome = OutcomeRecorded(
                kind="vehicle",
                movement=declared.movement,
                examined_at=at + MICROS_PER_DAY // 4,
                outcome="positive" if rng.random() < finds else "negative",
            )
            yield _event(f"{number}:o", at + MICROS_PER_DAY, outcome)


def _event(name: str, at: int, payload: MovementDeclared | OutcomeRecorded) -> Event:
    return Event(
        source="simulation", event_id=name, occurred_at=at, available_at=at, payload=payload
    )


def _train(home: Path) -> None:
    started = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "foreland", "train", "--kind", "vehicle"],
        cwd=ROOT,
        env=os.environ | {"FORELAND_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"the training ended with status {child.returncode}")
    wall, cpu = time.perf_counter() - started, usage.ru_utime + usage.ru_stime
    print(f"trained in {wall:,.0f} s, {cpu:,.0f} CPU s, load {os.getloadavg()[0]:.0f}")
    print(f"peak memory {usage.ru_maxrss / 1e6:,.1f} GB")


if __name__ == "__main__":
    main()
