"""What MLflow is told of a run, without a training before it."""

from pathlib import Path

import pytest

from features.settings import Settings
from tests.small_models import small_parts, write_small_bundle
from training.run_records import RunRecord, TrialRecord
from training.tracking import Tracking

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


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Settings(home=tmp_path / "home")


def small_run(directory: Path, version: int = 1, trials: tuple[TrialRecord, ...] = ()) -> RunRecord:
    """Of the small made-up bundle, with one document."""
    sha256 = write_small_bundle(directory / "bundle", version=version)
    (directory / "files").mkdir()
    (directory / "files" / "card.md").write_text("# A made-up model\n")
    return RunRecord(
        kind="vehicle",
        version=version,
        parameters={"trees.leaves": 5},
        metrics={"all/model/roc_auc": 0.75},
        tags={"bundle_sha256": sha256, "simulated": "true"},
        columns=small_parts().catalogue.names,
        bundle=directory / "bundle",
        files=directory / "files",
        trials=trials,
    )


def test_trials_of_a_tuning_are_nested_runs(settings: Settings, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    run_id = Tracking(settings).record(small_run(tmp_path, trials=TRIALS))
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
