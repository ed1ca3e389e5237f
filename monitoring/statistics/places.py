"""Whether examinations that intelligence asked for find as often as before, place by place.

Somebody who lets a network pass reports that nothing was found. In a sum over all places that
hides, and in all examinations of one place too, since most find nothing anyway. What intelligence
led to finds something in nearly every second examination, and goes on being sent to the place: so
a place that cannot be trusted shows there first. Each place is held against itself, because places
differ in what they see and how deep they look.

References:
    Fisher, R. A. (1932), Statistical Methods for Research Workers, 4th edition, section 21.1:
    -2 Σ ln p of k independent tests is chi-squared with 2 k degrees of freedom.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import chi2

from monitoring.statistics.chance import shares_alike

DAYS = 112
"""The stretch that is looked at, to the end of the period: in a month a place has a handful."""
FEWEST_EXAMINATIONS = 4
"""At a place, in the stretch and before it, led by intelligence."""
COLUMNS = ["place", "examined", "finds", "examined_before", "finds_before", "by_chance"]


class Places(NamedTuple):
    """Examinations that intelligence led to."""

    table: pd.DataFrame
    """One row per place, the surest fall first: :data:`COLUMNS`; ``by_chance`` is that of so few
    finds or fewer, for this place by itself."""
    by_chance: float
    """Of the surest fall, given that so many places were looked at, or of all places together,
    whichever is less; doubled, for there are two looks. NaN without a place."""

    @property
    def examined(self) -> int:
        return int(self.table["examined"].sum())


def finds_by_place(results: pd.DataFrame, start: int) -> Places:
    """
    Args:
        results: ``place``, ``examined_at`` (microseconds) and ``label`` (1.0 or 0.0) of every
            examination that intelligence led to.
        start: of the stretch that is held against everything before it, microseconds.
    """
    now = results["examined_at"].to_numpy(np.int64) >= start
    both = [_counted(results[of]) for of in (now, ~now)]
    table = both[0].join(both[1], rsuffix="_before", how="inner")
    enough = table[["examined", "examined_before"]].min(axis=1) >= FEWEST_EXAMINATIONS
    table = table[enough].reset_index(names="place")
    counts = ("finds", "examined", "finds_before", "examined_before")
    beside = shares_alike(*(table[key].to_numpy(np.int64) for key in counts))
    table = table.assign(by_chance=beside.lower)[COLUMNS]
    table = table.sort_values(["by_chance", "place"], kind="stable").reset_index(drop=True)
    return Places(table, _of_all(table["by_chance"].to_numpy(np.float64)))


def _counted(results: pd.DataFrame) -> pd.DataFrame:
    by_place = results.groupby("place")["label"]
    return pd.DataFrame({"examined": by_place.size(), "finds": by_place.sum().astype(np.int64)})


def _of_all(by_chance: np.ndarray) -> float:
    """
    >>> round(_of_all(np.array([0.01, 0.5])), 3)  # 2 * min(2 * 0.01, P(chi2 of 4 > 10.6))
    0.04
    """
    if not len(by_chance):
        return math.nan
    surest = float(by_chance.min()) * len(by_chance)
    together = float(chi2.sf(-2.0 * np.log(by_chance).sum(), 2 * len(by_chance)))
    return min(1.0, 2.0 * min(surest, together))
