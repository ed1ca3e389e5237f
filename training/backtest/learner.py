"""What the model of one kind learns from, week by week: rows as they were when decided upon.

A row is made once, when its movement is heard, and kept with the movements that were selected.
That is exact: nothing that becomes known later may change it. So retraining never reads history
again; only the trees and the calibration are fitted anew, since to go on from last week's trees
would give another model than one fitted on the same rows at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.clock import Micros
from features.history.view import LABELS, Standing, heard_of
from features.ledger.events import OutcomeRecorded
from models.booster import TreeModel
from models.calibration import Platt, fit_platt
from training.config import Trees
from training.fit import fit_trees

Floats = NDArray[np.float64]

CALIBRATE_SHARE = 0.25
"""Of the labelled rows, the latest: trees fitted on those before are calibrated on them."""
FEWEST_FINDS = 5
"""In the slice to fit on: below it nothing is learned. In the slice to calibrate on: below it the
margins are taken for the log-odds they were fitted as."""
UNCALIBRATED = Platt(slope=1.0, intercept=0.0)


class Learned(NamedTuple):
    """A model as long as it lasts, until the next week's."""

    trees: TreeModel
    calibration: Platt

    def probabilities(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n], of a find if examined."""
        return self.calibration.probabilities(self.trees.margins(rows))


class Experience:
    """The selected movements of one kind, and what is known of their outcomes."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._rows: list[Floats] = []
        self._of: list[str] = []
        self._heard: dict[str, Standing] = {}

    def selected(self, movements: Sequence[str], rows: Floats) -> None:
        """Pseudonyms, by time, and their rows, float64[k, F]."""
        self._rows.append(rows)
        self._of += movements
        for movement in movements:
            self._heard[movement] = Standing()

    def concluded(self, outcome: OutcomeRecorded, known_at: Micros) -> None:
        self._heard[outcome.movement].hear(heard_of(outcome, known_at, 0))

    def labelled(self) -> tuple[Floats, Floats]:
        """float64[n, F] and float64[n] of 0.0 and 1.0, by time; other outcomes are not labels."""
        labels = np.array([self._label(movement) for movement in self._of], dtype=np.float64)
        known = ~np.isnan(labels)
        if not known.any():
            return np.empty((0, len(self._catalogue.features))), labels[known]
        return np.concatenate(self._rows)[known], labels[known]

    def labels(self) -> dict[str, float]:
        """Pseudonym of each selected movement to 1.0, 0.0, or NaN without a label."""
        return {movement: self._label(movement) for movement in self._of}

    def _label(self, movement: str) -> float:
        verdict = self._heard[movement].verdict
        if verdict is None or verdict.outcome not in LABELS:
            return np.nan
        return float(verdict.outcome == "positive")

    def learn(self, trees: Trees) -> Learned | None:
        """A model of what is known, or None while there are too few finds or nothing else.

        Its trees are fitted on every row. Its calibration is that of trees fitted on the earlier
        rows alone: what they give the later ones is what trees give to rows that they do not know.
        """
        rows, labels = self.labelled()
        fit = round(len(labels) * (1.0 - CALIBRATE_SHARE))
        if not _enough(labels[:fit]):
            return None
        calibration = UNCALIBRATED
        if _enough(labels[fit:]):
            earlier = TreeModel(fit_trees(rows[:fit], labels[:fit], self._catalogue, trees))
            calibration = fit_platt(earlier.margins(rows[fit:]), labels[fit:])
        return Learned(TreeModel(fit_trees(rows, labels, self._catalogue, trees)), calibration)


def _enough(labels: Floats) -> bool:
    finds = labels.sum()
    return bool(min(finds, len(labels) - finds) >= FEWEST_FINDS)
