"""Whether a model can tell the period's movements from earlier ones, and by which features.

Univariate comparisons miss what changes only in combination. A small LightGBM model is trained to
say which of two samples a movement is from; each row is judged by a model that has not seen it.
AUC 0.5: no difference. What counts history grows with the ledger and is left out.

References:
    Rabanser, S., Günnemann, S. and Lipton, Z. C. (2019), "Failing loudly: an empirical study of
    methods for detecting dataset shift", NeurIPS 32, section 3 (domain classifiers).
    Hanley, J. A. and McNeil, B. J. (1982), "The meaning and use of the area under a receiver
    operating characteristic (ROC) curve", Radiology 143(1), 29-36: the standard error.
"""

import math
from typing import NamedTuple

import lightgbm
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.bundle import Bundle
from models.metrics import roc_auc
from models.proportions import Z_95
from monitoring.drift import short_name
from monitoring.signals import Colour
from monitoring.statistics.calibration import SURE_Z

Floats = NDArray[np.float64]

MOST_ROWS = 5_000
"""Of each sample."""
FEWEST_ROWS = 200
FOLDS, ROUNDS, SEED = 3, 40, 20_260_304
MOST_NAMED = 5
AMBER_FROM, RED_FROM = 0.65, 0.80
"""Of the AUC. Traffic has its seasons: a little is told apart in any two months."""


class DomainClassifier(NamedTuple):
    earlier: int
    now: int
    """Movements of each sample."""
    auc: float
    """Cross-fitted; NaN with fewer than 200 of either."""
    auc_low: float
    auc_high: float
    """95 %, Hanley and McNeil."""
    features: pd.DataFrame
    """``what`` and ``share`` of the gain, the 5 most useful at most; empty without an AUC."""


def tell_apart(bundle: Bundle, earlier: Floats, now: Floats) -> DomainClassifier:
    """
    Args:
        earlier, now: float64[n, F] in the catalogue's order; the first :data:`MOST_ROWS` of a
            fixed shuffle of each are used.
    """
    declared = [i for i, f in enumerate(bundle.catalogue.features) if f.source == "declared"]
    samples = [_some(rows)[:, declared] for rows in (earlier, now)]
    sizes = (len(samples[0]), len(samples[1]))
    nothing = pd.DataFrame(columns=["what", "share"])
    if min(sizes) < FEWEST_ROWS or not declared:
        return DomainClassifier(*sizes, math.nan, math.nan, math.nan, nothing)
    rows = np.vstack(samples)
    labels = np.repeat([0.0, 1.0], sizes)
    scores, gains = _cross_fitted(rows, labels)
    auc = roc_auc(scores, labels)
    assert auc is not None  # both classes are there
    half = Z_95 * auc_error(auc, sizes[1], sizes[0])
    order = np.argsort(-gains, kind="stable")[:MOST_NAMED]
    named = [
        (short_name(bundle.catalogue.features[declared[place]]), gains[place] / gains.sum())
        for place in order
        if gains[place] > 0
    ]
    features = pd.DataFrame(named, columns=["what", "share"])
    return DomainClassifier(*sizes, auc, max(0.0, auc - half), min(1.0, auc + half), features)


def auc_error(auc: float, positives: int, negatives: int) -> float:
    """Standard error of an AUC; their example: 51 abnormal and 58 normal images, 0.893.

    >>> round(auc_error(0.893, 51, 58), 4)
    0.0325
    """
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    of = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return math.sqrt(of / (positives * negatives))


def _some(rows: Floats) -> Floats:
    rng = np.random.default_rng(SEED)
    return rows[rng.permutation(len(rows))[:MOST_ROWS]]


def _cross_fitted(rows: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """Scores by models that have not seen the row, and the gain of each feature over all folds."""
    fold = np.random.default_rng(SEED).permutation(len(rows)) % FOLDS
    parameters = {
        "objective": "binary", "num_leaves": 8, "learning_rate": 0.1, "min_data_in_leaf": 50,
        "verbosity": -1, "num_threads": 1, "seed": 1, "deterministic": True,
    }  # fmt: skip
    scores, gains = np.empty(len(rows)), np.zeros(rows.shape[1])
    for number in range(FOLDS):
        held_out = fold == number
        learned = lightgbm.Dataset(rows[~held_out], labels[~held_out], params=parameters)
        booster = lightgbm.train(parameters, learned, ROUNDS)
        scores[held_out] = booster.predict(rows[held_out])
        gains += booster.feature_importance("gain")
    return scores, gains


def classifier_colour(found: DomainClassifier) -> Colour:
    """Amber or red from those AUCs, when the AUC is surely above a half."""
    if math.isnan(found.auc):
        return "grey"
    if found.auc - SURE_Z * auc_error(found.auc, found.now, found.earlier) <= 0.5:
        return "green"
    return "red" if found.auc >= RED_FROM else "amber" if found.auc >= AMBER_FROM else "green"
