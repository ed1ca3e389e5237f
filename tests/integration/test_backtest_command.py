"""``foreland backtest``: the last line, the files, the run in MLflow, and what it refuses."""

import json
from pathlib import Path

import pandas as pd
import pytest

from features.settings import Settings
from tests.command import runner

SMALL = ("--movements-per-week", "500", "--warm-up-weeks", "1", "--weeks", "2", "--seed", "5")


def test_a_backtest_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path))
    run = runner(monkeypatch)
    options = ("--scenario", "new_tactic", "--policy", "epsilon-stratified", *SMALL)
    done = run("backtest", *options)
    assert done.status == 0, done.error
    last = json.loads(done.out.splitlines()[-1])
    assert last["simulated"] is True
    assert (last["policy"], last["weeks"]) == ("epsilon-stratified", 2)
    assert {"examined", "finds", "finds_oracle", "finds_random", "finds_regime"} <= set(last)
    assert all(
        line.startswith(("simulated:", "tables,")) for line in done.error.splitlines() if line
    )
    name = "new_tactic-epsilon-stratified-0.05-seed-5-1+2-weeks-of-500-capacity-0.033"
    made = tmp_path / "backtests" / name
    weeks = pd.read_csv(made / "weeks.csv")
    choices = pd.read_parquet(made / "choices.parquet")
    assert weeks["week"].tolist() == [1, 2]
    assert weeks["finds"].sum() == last["finds"]
    assert weeks["finds_oracle"].sum() == last["finds_oracle"]
    assert len(choices) == weeks["movements"].sum()
    assert choices["propensity"].between(0.0, 1.0).all()
    assert (made / "finds.png").stat().st_size > 10_000
    assert json.loads((made / "backtest.json").read_bytes())["scenario"] == "new_tactic"
    logged = _logged(tmp_path)
    assert logged["finds"] == last["finds"]
    again = run("backtest", *options)
    assert again.out == done.out, "the second run replaces the first and finds the same"


def _logged(home: Path) -> dict[str, float]:
    from training.tracking import BACKTESTS, Tracking

    client = Tracking(Settings(home=home), create=False)._client
    experiment = client.get_experiment_by_name(BACKTESTS)
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.data.tags["simulated"] == "true"
    history = client.get_metric_history(found.info.run_id, "weekly.finds")
    assert sorted(metric.step for metric in history) == [1, 2]
    assert {file.path for file in client.list_artifacts(found.info.run_id)} >= {"finds.png"}
    return dict(found.data.metrics)


def test_what_was_found_is_kept_when_mlflow_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////dev/null/mlflow.db")
    options = ("--scenario", "stationary", "--policy", "greedy", *SMALL)
    done = runner(monkeypatch)("backtest", *options)
    assert done.status == 2
    assert "MLflow" in done.error
    (made,) = (tmp_path / "backtests").iterdir()
    files = {path.name for path in made.iterdir()}
    assert files == {"backtest.json", "weeks.csv", "finds.png", "choices.parquet"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--scenario", "quiet", "--policy", "greedy"), "scenario must be one of"),
        (("--scenario", "drift", "--policy", "magic"), "no policy is named 'magic'"),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_there_are(
    options: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path))
    done = runner(monkeypatch)("backtest", *options, *SMALL)
    assert done.status == 2
    assert sentence in done.error
    assert "Traceback" not in done.error
    assert not any(tmp_path.iterdir()), "nothing was begun"
