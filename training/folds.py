"""Rolling origins inside the fit slice: settings are compared on what came later, never on a test.

The slice is cut at shares of its rows. Each fold is fitted on what was known before its cut, a gap
left out, and judged on the rows between its cut and the next::

    |------------ fitted on ------------| gap |-- judged --|
    |------------------- fitted on -------------------| gap |-- judged --|
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY
from features.errors import ForelandError
from training.data import TrainingData

FIRST_CUT = 0.5
"""Share of the fit slice's rows before the first cut: fewer would judge settings for less data."""
FOLDS = 4
FEWEST_FINDS = 5
"""Of finds, and of labels that are none, on each side of a cut."""


class NothingToTuneOn(ForelandError):
    """Too few labels to compare settings on."""


class Fold(NamedTuple):
    """Row numbers of ``TrainingData.matrix``, int64, rising."""

    fit: NDArray[np.int64]
    judge: NDArray[np.int64]


def rolling_folds(data: TrainingData, gap_days: int) -> list[Fold]:
    """``FOLDS`` of the fit slice, or those of them that have finds enough, oldest first.

    Args:
        gap_days: the last days before a cut are not fitted on, as between the slices.

    Raises:
        NothingToTuneOn: no fold has ``FEWEST_FINDS`` of each label on both sides.
    """
    rows, labels = data.slices.fit, data.labelled.labels
    as_of, known_at = data.labelled.as_of[rows], data.labelled.known_at[rows]
    # 1,000 rows -> cuts at the instants of rows 500, 625, 750 and 875
    shares = FIRST_CUT + (1.0 - FIRST_CUT) * np.arange(FOLDS) / FOLDS
    cuts = [*as_of[(shares * len(rows)).astype(np.int64)].tolist(), int(as_of[-1]) + 1]
    folds = []
    for cut, following in pairwise(cuts):
        before = (as_of < cut - gap_days * MICROS_PER_DAY) & (known_at < cut)
        fold = Fold(rows[before], rows[(as_of >= cut) & (as_of < following)])
        if all(_enough(labels[side]) for side in fold):
            folds.append(fold)
    if not folds:
        finds = int(labels[rows].sum())
        raise NothingToTuneOn(
            f"{data.catalogue.kind}: the fit slice holds {len(rows)} labels, {finds} of them "
            f"finds; no part of it has {FEWEST_FINDS} finds before and after it to tune on: train "
            "without --tune, or ingest more outcomes"
        )
    return folds


def _enough(labels: NDArray[np.float64]) -> bool:
    finds = labels.sum()
    return bool(min(finds, len(labels) - finds) >= FEWEST_FINDS)
