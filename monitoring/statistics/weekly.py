"""The scores of the period week by week, against the reference that travels with the bundle."""

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY
from models.proportions import wilson_interval
from models.reference import Distribution
from models.stability import psi
from monitoring.drift import chance_bound, change_in_words

FEWEST_MOVEMENTS = 50
"""A week with fewer is left out: five movements a bin say nothing."""
_WEEK = 7 * MICROS_PER_DAY
_MONDAY = 4 * MICROS_PER_DAY
"""1970-01-05, the first Monday of the clock."""


def scores_by_week(reference: Distribution, frame: pd.DataFrame) -> pd.DataFrame:
    """Weeks begin on Monday, 00:00 UTC; the first and the last may be cut by the period.

    Returns:
        One row per week: ``week`` (its Monday), ``movements``, ``psi``, ``by_chance`` (95 % of
        values with no change lie below), ``change``, ``high`` (share in band high) with its 95 %
        Wilson interval.
    """
    scored = frame[frame["probability"].notna()]
    monday = (scored["available_at"].to_numpy(np.int64) - _MONDAY) // _WEEK * _WEEK + _MONDAY
    expected = np.array(reference.counts, dtype=np.int64)
    rows = []
    for start in np.unique(monday):
        week = scored[monday == start]
        if len(week) < FEWEST_MOVEMENTS:
            continue
        actual = reference.count(week["probability"].to_numpy(np.float64))
        value, chance = psi(expected, actual), chance_bound(expected, actual)
        high = int((week["band"] == "high").sum())
        bounds = wilson_interval(high, len(week))
        day = str(np.datetime64(int(start), "us"))[:10]
        change = change_in_words(value, chance)
        rows.append((day, len(week), value, chance, change, high / len(week), *bounds))
    columns = ["week", "movements", "psi", "by_chance", "change", "high", "high_low", "high_high"]
    return pd.DataFrame(rows, columns=columns)
