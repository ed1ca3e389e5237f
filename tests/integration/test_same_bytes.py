"""The same data and seed, in fresh processes that differ in all that must not matter."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from features.settings import Settings
from models.bundle import FILES, MANIFEST, SIGNATURE
from models.trust import bundle_signing_key
from tests.integration.test_training import fill


def kept_bundle(home: Path, ledger: str, **odd: str) -> Path:
    """Of a training that reaches no MLflow, so that no number makes a difference."""
    environment = {"FORELAND_HOME": str(home), "MLFLOW_TRACKING_URI": "http://127.0.0.1:9", **odd}
    command = ["train", "--kind", "vehicle", "--tune", "2", "--ledger", ledger]
    ended = subprocess.run(
        [sys.executable, "-m", "foreland", *command],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    (kept,) = (home / "pending-runs").iterdir()
    return kept / "bundle"


def test_hash_seed_threads_and_time_zone_change_no_byte(tmp_path: Path) -> None:
    first, second = Settings(home=tmp_path / "first"), Settings(home=tmp_path / "second")
    first.home.mkdir()
    fill(first.ledger)
    bundle_signing_key(first)
    shutil.copytree(first.keys, second.keys)
    one = kept_bundle(first.home, first.ledger, PYTHONHASHSEED="1", OMP_NUM_THREADS="1", TZ="UTC")
    two = kept_bundle(
        second.home,
        first.ledger,
        PYTHONHASHSEED="2",
        OMP_NUM_THREADS="2",
        OPENBLAS_NUM_THREADS="2",
        NUMBA_NUM_THREADS="1",
        TZ="Pacific/Auckland",
    )
    for name in (MANIFEST, SIGNATURE, *FILES):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
