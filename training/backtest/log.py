"""What a policy decided about every movement, referred or not, and what came of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from models.left_out import Sample
from models.policies import Choice
from models.unexamined import LoggedChoices
from training.backtest.learner import Experience
from training.backtest.loop import Scored
from training.backtest.selecting import Queue


class ChoiceLog:
    """One row a movement, in the order in which they were decided."""

    def __init__(self) -> None:
        self._weeks: list[pd.DataFrame] = []

    def add(self, week: int, queue: Queue, scored: Scored, choices: Sequence[Choice]) -> None:
        movements = scored.heard.movements
        self._weeks.append(
            pd.DataFrame(
                {
                    "week": np.full(len(choices), week, dtype=np.int32),
                    "kind": queue.kinds,
                    "site": queue.sites,
                    "movement": [movements[place].movement for place in queue.places.tolist()],
                    "day": queue.days,
                    "draw": queue.draws,
                    "never_examined": queue.never_examined,
                    "probability": scored.probability[queue.places],
                    "propensity": [choice.propensity for choice in choices],
                    "exploration": [choice.exploration for choice in choices],
                    "referred": np.array([choice.referred for choice in choices], dtype=bool),
                    "reason": [choice.reason for choice in choices],
                    "policy": [choice.policy_id for choice in choices],
                    "threshold": [choice.threshold for choice in choices],
                    "overflow": [choice.overflow_hours for choice in choices],
                }
            )
        )

    def conclude(self, experience: Mapping[str, Experience]) -> None:
        """Put beside each referred movement what was found: 1.0, 0.0, or NaN without a result."""
        labels: dict[str, float] = {}
        for of in experience.values():
            labels |= of.labels()
        for frame in self._weeks:
            frame["found"] = frame["movement"].map(labels).astype(np.float64)

    def choices(self, kind: str) -> LoggedChoices:
        """For estimates, once concluded."""
        frame = self.table()
        its = frame[frame["kind"] == kind]
        probability = its["probability"].to_numpy()
        scored = ~np.isnan(probability)
        filled = np.where(scored, probability, probability[scored].mean() if scored.any() else 0.0)
        sample = Sample(
            referred=its["referred"].to_numpy(),
            found=its["found"].to_numpy(),
            propensity=its["propensity"].to_numpy(),
            probability=filled,
        )
        explored = (its["reason"] == "exploration").to_numpy()
        return LoggedChoices(sample, explored, its["exploration"].to_numpy())

    def table(self) -> pd.DataFrame:
        return pd.concat(self._weeks, ignore_index=True)

    def write(self, path: Path) -> None:
        """A Parquet file; everything in it is simulated."""
        self.table().to_parquet(path, index=False, compression="zstd")
