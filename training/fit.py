"""LightGBM on one slice: the same rows and seed give the same text, whatever else runs."""

from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from training.config import Trees

THREADS = 1
"""Fixed, because the number is written into the text; one, because LightGBM's threads wait for each
other by spinning: beside other work on two cores, two threads took ten times as long as one."""


FitTrees = Callable[[NDArray[np.float64], NDArray[np.float64], Catalogue, Trees], str]
"""As ``fit_trees``."""


def fit_trees(
    rows: NDArray[np.float64], labels: NDArray[np.float64], catalogue: Catalogue, trees: Trees
) -> str:
    """LightGBM's model text, constrained to the catalogue's directions.

    Args:
        rows: float64[n, F], NaN is missing.
        labels: float64[n], 0.0 or 1.0.
    """
    parameters = {**parameters_of(catalogue, trees), "num_threads": THREADS}
    names = list(catalogue.names)
    data = lightgbm.Dataset(rows, labels, feature_name=names, params=parameters)
    booster = lightgbm.train(parameters, data, num_boost_round=trees.rounds)
    return str(booster.model_to_string())


def parameters_of(catalogue: Catalogue, trees: Trees) -> dict[str, Any]:
    """LightGBM's, but for the rounds and the threads."""
    return {
        "objective": "binary",
        "learning_rate": trees.learning_rate,
        "num_leaves": trees.leaves,
        "min_data_in_leaf": trees.least_rows_per_leaf,
        "lambda_l2": trees.l2,
        "feature_fraction": trees.feature_share,
        "bagging_fraction": trees.row_share,
        "bagging_freq": 1 if trees.row_share < 1 else 0,
        "monotone_constraints": list(catalogue.directions),
        # The other methods let constrained features fall where another feature is missing (ADR 16).
        "monotone_constraints_method": "basic",
        "seed": trees.seed,
        "deterministic": True,
        "force_row_wise": True,  # else the faster layout is found by timing both
        "verbosity": -1,
    }
