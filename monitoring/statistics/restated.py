"""What later outcomes make of published find rates: corrections and late results apart."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from models.proportions import wilson_interval

FEWEST_EXAMINATIONS = 10
COLUMNS = ("band", "corrected", "late", "examined_was", "examined", "finds_was", "finds")


def restated_rates(published: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """Published find rates that outcomes have changed since, as they were and as they are.

    Args:
        published: rows by ``band``, ``all`` among them: ``examined`` and ``finds`` (NaN where they
            were too few to be shown).
        changes: a row per movement whose label changed: ``band``, ``was`` and ``became`` (1.0 after
            a find, 0.0 after an examination without one, NaN for no label).

    Returns:
        One row per changed band: ``band``, ``corrected`` (labels that were known and changed or
        went), ``late`` (labels that came since), ``examined_was``, ``examined``, ``finds_was``,
        ``finds``, and ``find_rate_was`` and ``find_rate``, each with ``_low`` and ``_high``, the
        95 % Wilson interval. Finds and rates are NaN below :data:`FEWEST_EXAMINATIONS`.
    """
    rows = [_restated(row, changes) for row in published.to_dict("records")]
    found = [row for row in rows if row["corrected"] or row["late"]]
    rates = [f"{name}{end}" for name in ("find_rate_was", "find_rate") for end in _ENDS]
    return pd.DataFrame(found, columns=[*COLUMNS, *rates])


_ENDS = ("", "_low", "_high")


def _restated(row: Mapping[Hashable, Any], changes: pd.DataFrame) -> dict[str, Any]:
    mine = changes if row["band"] == "all" else changes[changes["band"] == row["band"]]
    was, became = mine["was"].to_numpy(np.float64), mine["became"].to_numpy(np.float64)
    known = ~np.isnan(was)
    examined_was, finds_was = float(row["examined"]), float(row["finds"])
    examined = examined_was - known.sum() + (~np.isnan(became)).sum()
    finds = finds_was - np.nansum(was) + np.nansum(became)
    return {
        "band": row["band"],
        "corrected": int(known.sum()),
        "late": int((~known).sum()),
        "examined_was": int(examined_was),
        "examined": int(examined),
        **_rate("was", finds_was, int(examined_was)),
        **_rate("", finds, int(examined)),
    }


def _rate(when: str, finds: float, examined: int) -> dict[str, float]:
    count, rate = (f"{name}_{when}".rstrip("_") for name in ("finds", "find_rate"))
    if examined < FEWEST_EXAMINATIONS or np.isnan(finds):
        return {count: np.nan, **dict.fromkeys((f"{rate}{end}" for end in _ENDS), np.nan)}
    low, high = wilson_interval(int(finds), examined)
    return {
        count: finds,
        rate: finds / examined,
        f"{rate}_low": low,
        f"{rate}_high": high,
    }
