"""Settings of the trees by trial: Optuna proposes, later months judge, weak ones end early.

Each finished trial is a line of JSON in the study's file before the next begins. Every proposal
follows from the seed, the trial's number and the trials before it, so that a search that was
interrupted goes on as if nothing had happened, and two searches agree to the last digit.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from models.booster import TreeModel
from training.config import Trees
from training.data import TrainingData
from training.fit import fit_trees
from training.folds import Fold, rolling_folds
from training.trials import FinishedTrial, Tuned

Floats = NDArray[np.float64]
Advance = Callable[[int], None]

SPACE: Mapping[str, BaseDistribution] = {
    "rounds": IntDistribution(50, 600, step=50),
    "learning_rate": FloatDistribution(0.01, 0.2, log=True),
    "leaves": IntDistribution(2, 64, log=True),
    "least_rows_per_leaf": IntDistribution(5, 100, log=True),
    "l2": FloatDistribution(0.1, 100.0, log=True),
    "feature_share": FloatDistribution(0.05, 1.0, log=True),
    "row_share": FloatDistribution(0.5, 1.0),
}
"""What is searched. The configuration's own settings are trial 0, wherever they lie."""

STARTUP_TRIALS = 8
"""Drawn at random before proposals follow from results."""


def study_file(directory: Path, data: TrainingData, trees: Trees) -> Path:
    """Where a search on these rows from these settings keeps its trials: another file for other
    rows, settings or search space."""
    space = {name: repr(distribution) for name, distribution in SPACE.items()}
    identity = json.dumps([data.sha256, msgspec.to_builtins(trees), space], sort_keys=True)
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return directory / f"{data.catalogue.kind}-{digest[:16]}.jsonl"


def tune(
    data: TrainingData,
    trees: Trees,
    trials: int,
    *,
    gap_days: int,
    file: Path,
    advance: Advance = lambda _: None,
) -> Tuned:
    """The settings with the lowest mean log loss over rolling folds of the fit slice.

    Args:
        trees: where the search starts; never left for something worse on the folds.
        trials: how many there shall be in all, those of ``file`` included; at least 1.
        file: of ``study_file``; made when it is not there.
        advance: is told of trials that are done, 1 at a time, the resumed ones at once.

    Raises:
        NothingToTuneOn: too few labels.
        OSError: the file cannot be written; what is in it stays.
    """
    folds = rolling_folds(data, gap_days)
    file.parent.mkdir(parents=True, exist_ok=True)
    finished = _read(file)[:trials]
    resumed = len(finished)
    study = _study(finished)
    advance(resumed)
    while len(finished) < trials:
        number = len(finished)
        if number == 0:
            ended = _judged_in_full(data, trees, folds)
            _remember(study, ended)
        else:
            study.sampler = _sampler(trees.seed, number)
            ended = _run(study, number, data, trees, folds)
        _append(file, ended)
        finished.append(ended)
        advance(1)
    complete = [trial for trial in finished if trial.state == "complete"]
    best = min(complete, key=lambda trial: (trial.log_loss, trial.number))
    found = msgspec.structs.replace(trees, **best.settings) if best.number else trees
    return Tuned(trees=found, trials=tuple(finished), best=best.number, resumed=resumed)


def _judged_in_full(data: TrainingData, trees: Trees, folds: Sequence[Fold]) -> FinishedTrial:
    """Trial 0, the configuration's own settings."""
    settings = {name: getattr(trees, name) for name in SPACE}
    losses = tuple(_log_loss(data, trees, fold) for fold in folds)
    return FinishedTrial(number=0, state="complete", settings=settings, log_loss_by_fold=losses)


def _run(
    study: optuna.Study, number: int, data: TrainingData, trees: Trees, folds: Sequence[Fold]
) -> FinishedTrial:
    """Judge a proposal fold by fold; given up once it is worse than the median of those before."""
    trial = study.ask(dict(SPACE))
    proposed = msgspec.structs.replace(trees, **trial.params)
    losses: list[float] = []
    state: Literal["complete", "pruned"] = "complete"
    for step, fold in enumerate(folds):
        losses.append(_log_loss(data, proposed, fold))
        trial.report(float(np.mean(losses)), step)
        if step + 1 < len(folds) and trial.should_prune():
            state = "pruned"
            break
    if state == "pruned":
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, float(np.mean(losses)))
    return FinishedTrial(
        number=number, state=state, settings=dict(trial.params), log_loss_by_fold=tuple(losses)
    )


def _log_loss(data: TrainingData, trees: Trees, fold: Fold) -> float:
    """Of the margins taken for log-odds: what they are fitted as, before any calibration."""
    labels = data.labelled.labels
    text = fit_trees(data.matrix[fold.fit], labels[fold.fit], data.catalogue, trees)
    margins = TreeModel(text).margins(data.matrix[fold.judge])
    return float(np.mean(np.logaddexp(0.0, margins) - labels[fold.judge] * margins))


def _study(finished: Sequence[FinishedTrial]) -> optuna.Study:
    """In memory, with what the file remembers."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="minimize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS // 2),
    )
    for trial in finished:
        _remember(study, trial)
    return study


def _remember(study: optuna.Study, trial: FinishedTrial) -> None:
    """A configuration outside what is searched tells the search nothing."""
    if all(SPACE[name]._contains(value) for name, value in trial.settings.items()):
        study.add_trial(_remembered(trial))


def _remembered(trial: FinishedTrial) -> FrozenTrial:
    means = np.cumsum(trial.log_loss_by_fold) / np.arange(1, len(trial.log_loss_by_fold) + 1)
    complete = trial.state == "complete"
    return optuna.trial.create_trial(
        state=TrialState.COMPLETE if complete else TrialState.PRUNED,
        params=trial.settings,
        distributions=dict(SPACE),
        value=trial.log_loss if complete else None,
        intermediate_values=dict(enumerate(means.tolist())),
    )


def _sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """Its own for each trial, so that it needs no memory of the draws before."""
    own = np.random.SeedSequence([seed, number]).generate_state(1)[0]
    return optuna.samplers.TPESampler(seed=int(own), n_startup_trials=STARTUP_TRIALS)


def _read(file: Path) -> list[FinishedTrial]:
    """What was finished; a last line that was cut off by a crash is dropped from the file too."""
    if not file.exists():
        return []
    text = file.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        with file.open("r+b") as torn:
            torn.truncate(len(whole))
    return [msgspec.json.decode(line, type=FinishedTrial) for line in whole.splitlines()]


def _append(file: Path, trial: FinishedTrial) -> None:
    with file.open("ab") as study:
        study.write(msgspec.json.encode(trial) + b"\n")
        study.flush()
        os.fsync(study.fileno())
