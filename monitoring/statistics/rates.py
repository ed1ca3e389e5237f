"""Rates of many groups with their intervals, as the columns that tables of the page read."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.proportions import wilson_interval

Floats = NDArray[np.float64]


def rate_columns(
    name: str, hits: ArrayLike, of: ArrayLike, hidden: ArrayLike = False
) -> Mapping[str, Floats]:
    """``name``, ``name_low`` and ``name_high``, float64[n] each: 95 % Wilson intervals.

    Args:
        hits, of: float64[n]; hits never above of.
        hidden: bool[n] or one; NaN there, as where ``of`` is 0.

    >>> {key: value.round(3).tolist() for key, value in rate_columns("r", [5], [10]).items()}
    {'r': [0.5], 'r_low': [0.237], 'r_high': [0.763]}
    """
    hits, of = np.broadcast_arrays(np.asarray(hits, np.float64), np.asarray(of, np.float64))
    gone = np.broadcast_to(np.asarray(hidden, bool), of.shape) | (of == 0)
    ends = [
        (np.nan, np.nan) if absent else wilson_interval(part, whole)
        for part, whole, absent in zip(hits, of, gone, strict=True)
    ]
    low, high = np.array(ends, np.float64).reshape(-1, 2).T
    rates = np.divide(hits, of, out=np.full(of.shape, np.nan), where=~gone)
    return {name: rates, f"{name}_low": low, f"{name}_high": high}


def counts_shown(counts: ArrayLike, hidden: ArrayLike) -> Floats:
    """float64[n]: whole numbers, NaN where they are kept back."""
    return np.where(np.asarray(hidden, bool), np.nan, np.asarray(counts, np.float64))
