"""What each family of features is worth: the trees fitted again without it, on the same slices."""

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from models.booster import TreeModel
from models.bootstrap import Draws, Interval, day_block_draws, percentile_interval
from models.evaluation import JUDGED_SHARE
from models.families import FAMILIES, Ablated, Family, families_of, without
from models.metrics import at_capacity, number_at, roc_auc
from training.config import Trees
from training.fit import fit_trees

Floats = NDArray[np.float64]


def ablate(
    catalogue: Catalogue,
    fitted: tuple[Floats, Floats],
    tested: tuple[Floats, Floats],
    days: NDArray[np.int64],
    trees: Trees,
) -> tuple[Ablated, ...]:
    """
    Args:
        fitted, tested: rows, float64[n, F], and labels, float64[n], of either slice.
        days: int64[n], the day of each tested row.
        trees: the settings of the run, its seed too.
    """
    rows, labels = fitted
    tested_rows, tested_labels = tested

    def margins(family: Family | None) -> Floats:
        learned, asked = (
            part if family is None else without(part, catalogue, family)
            for part in (rows, tested_rows)
        )
        return TreeModel(fit_trees(learned, labels, catalogue, trees)).margins(asked)

    present = families_of(catalogue)
    draws = _draws(margins(None), tested_labels, days, trees.seed)
    found = []
    for family in FAMILIES:
        if family not in present:
            continue
        scores = margins(family)
        found.append(
            _ablated(
                family,
                present.count(family),
                scores,
                tested_labels,
                draws,
                _draws(scores, tested_labels, days, trees.seed),
            )
        )
    return tuple(found)


def _draws(scores: Floats, labels: Floats, days: NDArray[np.int64], seed: int) -> Draws | None:
    return day_block_draws(scores, labels, days, share=JUDGED_SHARE, seed=seed)


def _ablated(
    family: Family,
    features: int,
    scores: Floats,
    labels: Floats,
    of_all: Draws | None,
    of_rest: Draws | None,
) -> Ablated:
    auc_lost: Interval | None = None
    precision_lost: Interval | None = None
    if of_all is not None and of_rest is not None:
        auc_lost = percentile_interval(of_all.roc_auc - of_rest.roc_auc)
        precision_lost = percentile_interval(of_all.precision - of_rest.precision)
    return Ablated(
        family=family,
        features=features,
        roc_auc=roc_auc(scores, labels),
        roc_auc_lost=auc_lost,
        precision=at_capacity(scores, labels, number_at(JUDGED_SHARE, len(labels))).precision,
        precision_lost=precision_lost,
    )
