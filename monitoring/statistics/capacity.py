"""What the top of a ranking finds, beside what needs no model: precision at capacity."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.proportions import Z_95, wilson_interval
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.signals import Colour
from monitoring.statistics.calibration import SURE_Z

Floats = NDArray[np.float64]

NO_RANKING = "all that were examined"
SHARES = (0.05, 0.10)
UK_AVERAGE = 0.07
"""Finds among searches of freight in the United Kingdom, as published: what any targeting has to
beat before it is worth its officers."""


def precision_at_capacity(
    rankings: Mapping[str, Floats], labels: Floats, stands_for: Floats
) -> pd.DataFrame:
    """Find rate among the examined movements in the top of each ranking.

    The top is a share of *all* movements, examined or not; ties at its end count in part, as the
    mean over all orders.

    Args:
        rankings: name to float64[n], NaN where there is no score.
        labels: float64[n], NaN where nobody looked.
        stands_for: float64[n], how many movements each row speaks for.

    Returns:
        One row per share and ranking: ``share``, ``ranking``, ``examined``, ``finds``,
        ``precision`` with its 95 % Wilson interval; NaN below :data:`FEWEST_EXAMINATIONS`. The
        last row is what no knowledge gives: all that were examined.
    """
    nothing_known = np.zeros(len(labels))
    rows = [
        {"share": share, "ranking": name, **_precision(scores, labels, stands_for, share)}
        for share in SHARES
        for name, scores in rankings.items()
    ]
    everything = _precision(nothing_known, labels, stands_for, 1.0)
    rows.append({"share": 1.0, "ranking": NO_RANKING, **everything})
    columns = ["share", "ranking", "examined", "finds", *_ENDS]
    return pd.DataFrame(rows, columns=columns)


_ENDS = ("precision", "precision_low", "precision_high")


def _precision(
    scores: Floats, labels: Floats, stands_for: Floats, share: float
) -> dict[str, float]:
    within = top(scores, stands_for, share) * ~np.isnan(labels)
    examined = float(within.sum())
    if round(examined) < FEWEST_EXAMINATIONS:
        return {"examined": round(examined), "finds": math.nan, **dict.fromkeys(_ENDS, math.nan)}
    finds = float(np.nansum(within * labels))
    rate = finds / examined
    low, high = wilson_interval(rate * round(examined), round(examined), Z_95)
    found = dict(zip(_ENDS, (rate, low, high), strict=True))
    return {"examined": round(examined), "finds": round(finds), **found}


def top(scores: Floats, stands_for: Floats, share: float) -> Floats:
    """How much of each row is in the top ``share`` of all movements: float64[n] in [0, 1].

    >>> top(np.array([0.9, 0.5, 0.5, 0.1]), np.ones(4), 0.5)
    array([1. , 0.5, 0.5, 0. ])
    """
    known = ~np.isnan(scores)
    inside = np.zeros(len(scores))
    values, group = np.unique(-scores[known], return_inverse=True)
    weight = np.bincount(group, weights=stands_for[known], minlength=len(values))
    room = share * weight.sum() - (np.cumsum(weight) - weight)
    inside[known] = np.clip(room / np.where(weight > 0, weight, 1.0), 0.0, 1.0)[group]
    return inside


def capacity_colour(capacity: pd.DataFrame) -> Colour:
    """Of the model at the first share: red when it surely finds less often than examinations do on
    average, amber when surely less often than 7 %, or than the best baseline's lower end."""
    model, *baselines = capacity[capacity["share"] == SHARES[0]].to_dict("records")
    if math.isnan(model["precision"]):
        return "grey"
    _, at_most = wilson_interval(model["finds"], model["examined"], SURE_Z)
    if at_most < float(capacity["precision"].iloc[-1]):
        return "red"
    best = np.nanmax([UK_AVERAGE, *(row["precision_low"] for row in baselines)])
    return "amber" if at_most < best else "green"
