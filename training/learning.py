"""What is learned from the slices: trees and usual histories on the first, calibration and bands on
the second, of margins as they are once defended.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bands import Thresholds, thresholds_at_capacity
from models.booster import TreeModel
from models.calibration import (
    Calibration,
    CalibrationChoice,
    SimilarExaminations,
    choose_calibration,
    similar_examinations,
)
from models.defences import Defences, DefendedModel, learn_defences
from models.golden import choose_golden_rows
from models.threats import ThreatShares
from training.config import TrainingConfig
from training.data import TrainingData
from training.delays import counts_for_the_late
from training.fit import FitTrees, fit_trees
from training.threats import ThreatRecord, learn_threats

Floats = NDArray[np.float64]


class Learned(NamedTuple):
    text: str
    """LightGBM's."""
    defences: Defences
    calibration: Calibration
    choice: CalibrationChoice
    similar: SimilarExaminations
    threats: ThreatShares
    threat_record: ThreatRecord
    thresholds: Thresholds
    of_window: Floats
    """Probabilities of all movements of the calibration window."""
    of_test: Floats
    """Probabilities of the test slice."""
    of_logged: Floats
    """Probabilities of the movements whose choice was logged; empty without a log."""
    golden_rows: Floats


def learn(data: TrainingData, options: TrainingConfig, fit: FitTrees = fit_trees) -> Learned:
    """Fit on the first slice, calibrate on the second, never look at the third but to score it.

    Args:
        fit: who fits the trees: this process, or a cluster (``training.cluster_fit``).
    """
    labels, slices = data.labelled.labels, data.slices
    fitted = data.matrix[slices.fit]
    text = fit(fitted, labels[slices.fit], data.catalogue, options.trees)
    defences = learn_defences(data.catalogue, fitted)
    model = DefendedModel(TreeModel(text), defences, data.catalogue)
    margins = model.margins(data.matrix[slices.calibrate])
    calibration, choice = choose_calibration(
        margins, labels[slices.calibrate], label_counts(data, slices.calibrate)
    )
    threats, threat_record = _threats(data, options)
    of_window = calibration.probabilities(model.margins(data.window))
    return Learned(
        text=text,
        defences=defences,
        calibration=calibration,
        choice=choice,
        similar=similar_examinations(calibration.probabilities(margins), labels[slices.calibrate]),
        threats=threats,
        threat_record=threat_record,
        thresholds=thresholds_at_capacity(
            of_window, options.bands.high_share, options.bands.medium_share
        ),
        of_window=of_window,
        of_logged=calibration.probabilities(model.margins(data.logged_matrix)),
        of_test=calibration.probabilities(model.margins(data.matrix[slices.test])),
        golden_rows=choose_golden_rows(model, fitted),
    )


def label_counts(data: TrainingData, chosen: NDArray[np.int64]) -> Floats:
    """How often each label of the calibration slice counts, for those still unknown at its end."""
    labelled = data.labelled
    known = np.flatnonzero(labelled.known_at < data.slices.test_from)
    counts = np.ones(len(labelled.labels))
    counts[known] = counts_for_the_late(
        labelled.labels[known],
        labelled.examined_at[known],
        labelled.known_at[known],
        known_before=data.slices.test_from,
    )
    return counts[chosen]


def _threats(data: TrainingData, options: TrainingConfig) -> tuple[ThreatShares, ThreatRecord]:
    fit, calibrate = (
        (data.matrix[chosen], data.labelled.threats[chosen])
        for chosen in (data.slices.fit, data.slices.calibrate)
    )
    return learn_threats(fit, calibrate, data.catalogue, options.trees.seed)
