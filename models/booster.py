"""A LightGBM model read from its text: margins and exact contributions, float64 in and out."""

from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROWS_FOR_ALL_CORES = 2048
"""Fewer rows are computed by one thread: waking others costs more than it saves, and a server
has other requests for them."""


class UnreadableModel(Exception):
    """LightGBM's own words on a text that it cannot read."""


class TreeModel:
    """Immutable. The text is trusted here; ``models.bundle`` proves it in another process first.

    Raises:
        UnreadableModel: for some of the texts that are wrong; others end the process.
    """

    def __init__(self, text: str) -> None:
        try:
            self._booster = lightgbm.Booster(model_str=text)
        except (lightgbm.basic.LightGBMError, ValueError) as exc:
            raise UnreadableModel(f"LightGBM refuses it: {exc}") from exc
        self.text = text

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(self._booster.feature_name())

    @property
    def tree_count(self) -> int:
        return int(self._booster.num_trees())

    def margins(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n], log-odds before calibration; any finite number."""
        return self._predict(rows, raw_score=True)

    def contributions(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n, F + 1], exact TreeSHAP in log-odds before calibration.

        The last column is what the model expects of any row; each row sums to its margin. Costs
        about 90 times a margin.

        References:
            Lundberg, S. M., Erion, G. G. and Lee, S. (2018), "Consistent individualized feature
            attribution for tree ensembles", arXiv:1802.03888, algorithm 2.
        """
        return self._predict(rows, pred_contrib=True)

    def leaves(self, rows: Floats) -> NDArray[np.int64]:
        """float64[n, F] -> int64[n, trees], the leaf that each row falls into."""
        return np.atleast_2d(self._predict(rows, pred_leaf=True)).astype(np.int64)

    def gains(self) -> Floats:
        """float64[F], how much each feature lowered the loss in training, in all its splits."""
        gains = self._booster.feature_importance(importance_type="gain")
        return np.asarray(gains, dtype=np.float64)

    def _predict(self, rows: Floats, **what: bool) -> Floats:
        threads = 0 if len(rows) >= ROWS_FOR_ALL_CORES else 1  # 0: as many as there are cores
        found: Any = self._booster.predict(
            np.ascontiguousarray(rows, dtype=np.float64), num_threads=threads, **what
        )
        return np.asarray(found, dtype=np.float64)
