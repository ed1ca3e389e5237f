"""``foreland train --tune``: interrupted by hand, gone on with, and in MLflow trial by trial."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from features.settings import Settings
from models.bundle import load_bundle
from models.trust import trusted_keys
from tests.integration.test_training import fill

TRIALS = 4


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    fill(Settings(home=tmp_path / "home").ledger)
    return tmp_path / "home"


def start_training(home: Path, trials: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "foreland", "train", "--kind", "vehicle", "--tune", str(trials)],
        env=os.environ | {"FORELAND_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_trials(home: Path, process: subprocess.Popen[str], trials: int) -> Path:
    patience = time.monotonic() + 120
    while time.monotonic() < patience and process.poll() is None:
        for file in (home / "tuning").glob("vehicle-*.jsonl"):
            if file.read_bytes().count(b"\n") >= trials:
                return file
        time.sleep(0.02)
    raise AssertionError(f"no {trials} trials: {process.communicate(timeout=10)}")


@pytest.mark.filterwarnings(  # until MLflow asks without SQLAlchemy's noload
    "ignore:The ``noload`` loader strategy"
)
def test_ctrl_c_keeps_what_was_finished_and_the_same_command_goes_on(home: Path) -> None:
    interrupted = start_training(home, 10_000)
    file = wait_for_trials(home, interrupted, 2)
    interrupted.send_signal(signal.SIGINT)
    out, said = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130 and out == ""
    assert "finished trials are kept, the same command goes on from them" in said
    assert "Traceback" not in said

    kept = file.read_bytes()
    resumed = start_training(home, TRIALS)
    out, said = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, said
    assert file.read_bytes().startswith(b"".join(kept.splitlines(keepends=True)[:TRIALS]))

    settings = Settings(home=home)
    bundle = load_bundle(settings.bundles / "vehicle-1", trusted=trusted_keys(settings))
    assert bundle.metrics["tuning"]["trials"] == TRIALS
    assert "settings tried on later months within the fit slice" in bundle.card
    assert json.loads(out.splitlines()[-1])["version"] == 1
    client = MlflowClient(settings.tracking_store)
    (experiment,) = client.search_experiments(filter_string="name = 'foreland-vehicle'")
    runs = client.search_runs([experiment.experiment_id])
    nested = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(nested) == TRIALS
    assert all("log_loss" in run.data.metrics for run in nested)


def test_a_disk_that_is_full_while_tuning_ends_in_a_sentence(home: Path) -> None:
    (home / "tuning").touch()  # a file where the directory must go, as good as no space
    process = start_training(home, 2)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2 and "Traceback" not in said
    assert "check the path, its permissions and free space" in said
