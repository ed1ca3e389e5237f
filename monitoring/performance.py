"""How well the bands worked, from the movements that were examined: pure, frames in, frames out.

Every function takes a *scored frame* (see :mod:`monitoring.scored`), one row per movement. Its
column ``label`` is 1.0 after a find, 0.0 after an examination that found nothing and NaN for
everything else: nobody looked, or the outcome says nothing about risk. NaN is never counted as 0.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY, Micros
from models.proportions import wilson_interval

BANDS = ("high", "medium", "low", "unassessed")
FEWEST_EXAMINATIONS = 10
"""A find rate from fewer examinations is not shown, nor the finds it would be made of."""


def volumes(scored: pd.DataFrame) -> pd.DataFrame:
    """Movements per band: columns ``band``, ``movements``, ``share``, ``live``, ``back_scored``.

    One row per band in the order of :data:`BANDS`, zero included.
    """
    by_band = scored.groupby("band")["live"].agg(["size", "sum"]).reindex(BANDS, fill_value=0)
    return pd.DataFrame(
        {
            "band": BANDS,
            "movements": by_band["size"].to_numpy(dtype=np.int64),
            "share": by_band["size"].to_numpy() / max(len(scored), 1),
            "live": by_band["sum"].to_numpy(dtype=np.int64),
            "back_scored": (by_band["size"] - by_band["sum"]).to_numpy(dtype=np.int64),
        }
    )


def find_rates(scored: pd.DataFrame) -> pd.DataFrame:
    """Examination rate and find rate per band, and of all movements in the last row.

    Columns: ``band``, ``movements``, ``examined``, ``examination_rate``, ``finds``,
    ``find_rate``, each rate with ``_low`` and ``_high``, the 95 % Wilson interval. ``examined``
    counts examinations that found something or nothing; ``finds`` and ``find_rate`` are NaN
    below :data:`FEWEST_EXAMINATIONS`.
    """
    rows = [_rates(name, scored[scored["band"] == name]) for name in BANDS]
    return pd.DataFrame([*rows, _rates("all", scored)])


def _rates(name: str, part: pd.DataFrame) -> dict[str, object]:
    examined = int(part["label"].notna().sum())
    looked_at = _with_interval("examination_rate", examined, len(part))
    return {"band": name, "movements": len(part), "examined": examined, **looked_at, **_finds(part)}


def _finds(part: pd.DataFrame) -> dict[str, float]:
    labels = part["label"].dropna()
    if len(labels) < FEWEST_EXAMINATIONS:
        return {"finds": math.nan, **_with_interval("find_rate", 0, 0)}
    finds = int(labels.sum())
    return {"finds": float(finds), **_with_interval("find_rate", finds, len(labels))}


def _with_interval(name: str, hits: int, trials: int) -> dict[str, float]:
    if trials == 0:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), math.nan)
    low, high = wilson_interval(hits, trials)
    return {name: hits / trials, f"{name}_low": low, f"{name}_high": high}


class LabelLag(NamedTuple):
    """How long results took; examinations of the period's movements that took place in it."""

    examinations: int
    known_by_end: int
    """Outcomes available before the period ended."""
    median_days: float
    """From examination to known outcome; NaN without any outcome."""
    ninth_decile_days: float


def label_lag(scored: pd.DataFrame, period_end: Micros) -> LabelLag:
    """Lag of every outcome examined before ``period_end`` and known when the report was made."""
    within = scored[scored["examined_at"].notna() & (scored["examined_at"] < period_end)]
    if within.empty:
        return LabelLag(0, 0, math.nan, math.nan)
    days = (within["outcome_known_at"] - within["examined_at"]) / MICROS_PER_DAY
    return LabelLag(
        examinations=len(within),
        known_by_end=int((within["outcome_known_at"] < period_end).sum()),
        median_days=float(days.median()),
        ninth_decile_days=float(days.quantile(0.9)),
    )


OUTCOMES = ("positive", "negative", "no_show", "missed", "insufficient_resources", "withdrawn")


def outcomes(scored: pd.DataFrame) -> pd.DataFrame:
    """What became of the movements: columns ``outcome``, ``movements``, ``share``.

    The last row counts movements without an outcome: not examined, or not known yet. Positive
    and negative are NaN below :data:`FEWEST_EXAMINATIONS`.
    """
    known = scored["outcome"].value_counts().reindex(OUTCOMES, fill_value=0).astype(np.float64)
    if known[["positive", "negative"]].sum() < FEWEST_EXAMINATIONS:
        known[["positive", "negative"]] = np.nan
    counts = [*known.tolist(), float(scored["outcome"].isna().sum())]
    return pd.DataFrame(
        {
            "outcome": [*(name.replace("_", " ") for name in OUTCOMES), "none known"],
            "movements": counts,
            "share": np.array(counts) / max(len(scored), 1),
        }
    )
