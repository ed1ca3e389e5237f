"""What MLflow is told of a run, without a training before it."""

import shutil
from pathlib import Path

import pytest

from features.settings import Settings
from features.signing import SigningKey
from models.bundle import UNNUMBERED, BundleError, load_bundle, write_bundle
from models.card import card_title
from models.trust import bundle_signing_key
from tests.command import runner
from tests.small_models import small_parts, sum_again
from training.pending import PendingError, keep_run, pending_runs
from training.registering import register
from training.run_records import RunRecord, TrialRecord
from training.tracking import Tracking, TrackingUnavailable

TRIALS = (
    TrialRecord(
        number=0,
        parameters={"leaves": 31, "learning_rate": 0.1},
        metrics={"log_loss": 0.25},
        by_fold={"log_loss": (0.3, 0.2)},
    ),
    TrialRecord(
        number=1,
        parameters={"leaves": 7},
        metrics={"log_loss": 0.5},
        by_fold={"log_loss": (0.5,)},
        state="pruned",
    ),
    TrialRecord(number=2, parameters={"leaves": 3}, metrics={}, state="failed"),
)


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database as it makes it, which takes seconds, with nothing in it."""
    settings = Settings(home=tmp_path_factory.mktemp("store") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        Tracking(settings)
    return settings.home / "mlflow.db"


@pytest.fixture
def settings(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_store, home)
    return Settings(home=home)


def keep_small_run(settings: Settings, trials: tuple[TrialRecord, ...] = ()) -> Path:
    """Of the small made-up bundle, with one document; the directory in which it waits."""
    record = RunRecord(
        kind="vehicle",
        parameters={"trees.leaves": 5},
        metrics={"all/model/roc_auc": 0.75},
        tags={"simulated": "true", "verdict": "Made up."},
        columns=small_parts().catalogue.names,
        trials=trials,
    )
    title = card_title("vehicle", UNNUMBERED, simulated=True)
    parts = small_parts(version=UNNUMBERED)._replace(card=f"{title}\n\nMade up.\n")

    def write_document(files: Path) -> None:
        (files / "evaluation.json").write_text("{}")

    return keep_run(settings, parts, record, write_document).directory


def test_trials_of_a_tuning_are_nested_runs(settings: Settings) -> None:
    from mlflow.tracking import MlflowClient

    waiting = keep_small_run(settings, TRIALS)
    run_id = register(settings, Tracking(settings), waiting).run_id
    client = MlflowClient(settings.tracking_store)
    experiment = client.get_run(run_id).info.experiment_id
    nested = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'")
    by_name = {run.info.run_name: run for run in nested}
    assert {name: run.info.status for name, run in by_name.items()} == {
        "trial-0": "FINISHED",
        "trial-1": "KILLED",
        "trial-2": "FAILED",
    }
    first = by_name["trial-0"]
    assert first.data.params == {"leaves": "31", "learning_rate": "0.1"}
    assert first.data.metrics["log_loss"] == 0.25
    assert {run.data.tags["simulated"] for run in nested} == {"true"}
    folds = client.get_metric_history(first.info.run_id, "log_loss/fold")
    assert sorted((item.step, item.value) for item in folds) == [(1, 0.3), (2, 0.2)]
    assert len(client.search_runs([experiment])) == 4


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def test_a_run_that_waited_has_the_bytes_of_one_that_was_registered_at_once(
    settings: Settings,
) -> None:
    """Its number is the one that the registry gives when it is asked, not a guess."""
    waiting = keep_small_run(settings)
    unnumbered = load_bundle(waiting / "bundle")
    assert unnumbered.version == UNNUMBERED
    assert unnumbered.card.startswith("# Model card: vehicle, not numbered yet (simulated)")
    done = register(settings, Tracking(settings), waiting)
    assert not waiting.exists()

    key = bundle_signing_key(settings)
    card = card_of(1)
    at_once = settings.home / "at-once"
    sha256 = write_bundle(at_once, small_parts(version=1)._replace(card=card), key)
    assert (done.version, done.bundle_sha256) == (1, sha256)
    assert contents(done.bundle) == contents(at_once)

    second = register(settings, Tracking(settings), keep_small_run(settings))
    assert second.version == 2
    assert load_bundle(second.bundle).card == card_of(2)


def card_of(version: int) -> str:
    return f"# Model card: vehicle version {version} (simulated)\n\nMade up.\n"


def test_runs_wait_while_mlflow_cannot_be_reached_and_are_uploaded_in_order(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreland = runner(monkeypatch)
    monkeypatch.setenv("FORELAND_HOME", str(settings.home))
    waiting = keep_small_run(settings)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody listens there
    refused = foreland("runs", "upload")
    assert refused.status == 2
    assert "MLflow at http://127.0.0.1:9 could not be opened" in refused.error
    assert foreland("runs", "list").out == f"{waiting.name}: Made up.\n"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert foreland("runs", "upload").out == f"{waiting.name} is version 1\n"
    assert foreland("runs", "upload").out == "no run waits\n"


def test_a_bundle_that_was_altered_while_it_waited_is_not_registered(settings: Settings) -> None:
    waiting = keep_small_run(settings)
    sum_again(waiting / "bundle", key=SigningKey(b"\2" * 32), simulated=False)
    with pytest.raises(BundleError, match="not trusted here"):
        register(settings, Tracking(settings), waiting)
    assert Tracking(settings).versions("vehicle") == []
    (waiting / "run.json").write_text("{")
    with pytest.raises(PendingError, match=r"run\.json cannot be read"):
        register(settings, Tracking(settings), waiting)


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("nth_file", [0, 3, 8, 9, 10])
def test_a_disk_that_is_full_leaves_no_half_of_a_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, nth_file: int
) -> None:
    """Whichever file it is that finds no space; the run is kept by the next try."""
    left, write = [nth_file], Path.write_bytes

    def until_it_is_full(file: Path, content: bytes) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return write(file, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", until_it_is_full)
        with pytest.raises(OSError, match="No space left"):
            keep_small_run(settings)
    assert list(settings.pending_runs.iterdir()) == []
    kept = keep_small_run(settings)
    assert pending_runs(settings) == [kept]


def test_a_disk_that_is_full_while_a_run_is_logged_registers_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = keep_small_run(settings)
    tracking = Tracking(settings)
    with monkeypatch.context() as patched:
        patched.setattr("shutil.copyfile", full)
        patched.setattr("shutil.copy2", full)
        with pytest.raises(TrackingUnavailable, match="No space left"):
            register(settings, tracking, waiting)
    assert tracking.versions("vehicle") == []
    assert not list(settings.bundles.iterdir())
    assert register(settings, tracking, waiting).version == 1
