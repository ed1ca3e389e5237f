"""A search that was interrupted ends as one that was not, and never with something worse."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.timeline import timeline_of
from models.threats import NO_THREAT
from training.config import Trees
from training.data import TrainingData
from training.folds import NothingToTuneOn, rolling_folds
from training.labels import Labelled
from training.splits import Slices
from training.trials import FinishedTrial, Tuned
from training.tune import SPACE, study_file, tune

DAY = 86_400_000_000
SMALL = Trees(rounds=50, leaves=4, learning_rate=0.1)


def made_up_data(rows: int = 400, finds: int = 100, *, known_after_days: int = 1) -> TrainingData:
    """One row a quarter of a day, all in the fit slice; two columns say something."""
    rng = np.random.default_rng(1)
    catalogue = catalogue_for("vehicle")
    matrix = rng.normal(size=(rows, len(catalogue.names)))
    merit = matrix[:, 0] + 0.5 * matrix[:, 1] + rng.normal(size=rows)
    labels = np.zeros(rows)
    labels[np.argsort(-merit)[:finds]] = 1.0
    as_of = np.arange(rows, dtype=np.int64) * (DAY // 4)
    none = np.empty(0, dtype=np.int64)
    labelled = Labelled(
        movements=[],
        as_of=as_of,
        known_at=as_of + known_after_days * DAY,
        examined_at=as_of,
        labels=labels,
        threats=np.full(rows, NO_THREAT),
        simulated=np.zeros(rows, dtype=bool),
    )
    slices = Slices(np.arange(rows), none, none, int(as_of[-1]) + 1, int(as_of[-1]) + 1)
    return TrainingData(
        catalogue=catalogue, labelled=labelled, slices=slices, matrix=matrix,
        window=matrix[:10], until=int(as_of[-1]) + 1, erased=(),
        timeline=timeline_of([], int(as_of[-1]) + 1),
    )  # fmt: skip


def search(file: Path, trials: int, trees: Trees = SMALL) -> Tuned:
    return tune(made_up_data(), trees, trials, gap_days=2, file=file)


def test_folds_by_hand() -> None:
    """400 rows, four a day: cuts at rows 200, 250, 300, 350, and two days before each are a gap."""
    folds = rolling_folds(made_up_data(), gap_days=2)
    assert [(fold.fit[-1], fold.judge[0], fold.judge[-1]) for fold in folds] == [
        (191, 200, 249),
        (241, 250, 299),
        (291, 300, 349),
        (341, 350, 399),
    ]


def test_what_was_not_known_at_the_cut_is_not_fitted_on() -> None:
    folds = rolling_folds(made_up_data(known_after_days=10), gap_days=2)
    assert folds[0].fit[-1] == 200 - 4 * 10 - 1


def test_too_few_finds_to_compare_on() -> None:
    with pytest.raises(NothingToTuneOn, match=r"400 labels, 4 of them finds.*without --tune"):
        rolling_folds(made_up_data(finds=4), gap_days=2)


def test_an_interrupted_search_ends_like_one_that_was_not(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole.jsonl", 12)
    search(tmp_path / "parts.jsonl", 5)
    with (tmp_path / "parts.jsonl").open("ab") as file:  # killed while it wrote the sixth line
        file.write(b'{"number":5,"state":"comp')
    resumed = search(tmp_path / "parts.jsonl", 12)
    assert resumed.resumed == 5
    assert resumed.trials == whole.trials and resumed.trees == whole.trees
    assert (tmp_path / "whole.jsonl").read_bytes() == (tmp_path / "parts.jsonl").read_bytes()
    assert {trial.state for trial in whole.trials} == {"complete", "pruned"}


def test_the_configuration_is_trial_0_and_never_left_for_worse(tmp_path: Path) -> None:
    tuned = search(tmp_path / "study.jsonl", 6)
    assert tuned.trials[0].settings == {name: getattr(SMALL, name) for name in SPACE}
    assert tuned.trials[tuned.best].log_loss <= tuned.trials[0].log_loss
    assert tuned.trees.seed == SMALL.seed


def test_one_trial_keeps_the_configuration(tmp_path: Path) -> None:
    assert search(tmp_path / "study.jsonl", 1).trees == SMALL


def test_a_configuration_outside_what_is_searched_is_judged_all_the_same(tmp_path: Path) -> None:
    odd = Trees(rounds=37, leaves=4)
    tuned = search(tmp_path / "study.jsonl", 3, odd)
    assert tuned.trials[0].settings["rounds"] == 37 and len(tuned.trials) == 3
    assert search(tmp_path / "study.jsonl", 5, odd).resumed == 3


def test_a_pruned_trial_is_never_the_best(tmp_path: Path) -> None:
    file = tmp_path / "study.jsonl"
    search(file, 1)
    lucky = FinishedTrial(
        number=1, state="pruned", settings={name: getattr(SMALL, name) for name in SPACE},
        log_loss_by_fold=(0.0001,),
    )  # fmt: skip
    with file.open("ab") as study:
        study.write(msgspec.json.encode(lucky) + b"\n")
    assert search(file, 2).best == 0


def test_other_rows_or_settings_are_another_study(tmp_path: Path) -> None:
    data = made_up_data()
    files = {
        study_file(tmp_path, data, SMALL),
        study_file(tmp_path, data, Trees()),
        study_file(tmp_path, made_up_data(rows=399), SMALL),
    }
    assert len(files) == 3 and study_file(tmp_path, data, SMALL) in files
