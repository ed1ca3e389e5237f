"""What a search for settings tried: a line of its file, and what is said of it afterwards."""

from typing import Any, Literal

import msgspec
import numpy as np

from training.config import Trees
from training.run_records import TrialRecord


class FinishedTrial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the study's file."""

    number: int
    """From 0; the configuration's own settings."""
    state: Literal["complete", "pruned"]
    settings: dict[str, float | int]
    log_loss_by_fold: tuple[float, ...]
    """Mean log loss of the rows judged, oldest fold first; a pruned trial has seen only some."""

    @property
    def log_loss(self) -> float:
        return float(np.mean(self.log_loss_by_fold))


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    trees: Trees
    """The best settings, with the configuration's own seed."""
    trials: tuple[FinishedTrial, ...]
    best: int
    """Number of the best trial; 0 when nothing beat the configuration."""
    resumed: int
    """Trials that an earlier, interrupted search had finished."""

    def as_metrics(self) -> dict[str, Any]:
        """For ``metrics.json``: how much there is to win on the folds, and by how many tries."""
        best, first = self.trials[self.best], self.trials[0]
        return {
            "trials": len(self.trials),
            "pruned": sum(trial.state == "pruned" for trial in self.trials),
            "best_trial": self.best,
            "best_log_loss": best.log_loss,
            "configured_log_loss": first.log_loss,
            "best_log_loss_by_fold": best.log_loss_by_fold,
            "configured_log_loss_by_fold": first.log_loss_by_fold,
        }

    def in_words(self) -> str:
        """For the model card."""
        found = self.as_metrics()
        chosen = (
            f"trial {self.best} was the best"
            if self.best
            else "none was better than the configuration, which was kept"
        )
        return (
            f"{found['trials']} settings tried on later months within the fit slice: {chosen} "
            f"(mean log loss {found['best_log_loss']:.4f}, as configured "
            f"{found['configured_log_loss']:.4f}; the best of many tries flatters itself, the test "
            "slice does not)"
        )

    def records(self) -> tuple[TrialRecord, ...]:
        """As MLflow keeps them, nested in the run."""
        return tuple(
            TrialRecord(
                number=trial.number,
                parameters=dict(trial.settings),
                metrics={"log_loss": trial.log_loss},
                by_fold={"log_loss": trial.log_loss_by_fold},
                state=trial.state,
            )
            for trial in self.trials
        )
