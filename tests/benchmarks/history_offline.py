"""All statistics of one key for every movement: our pass, and the usual pandas way.

Both start from the same columns, Arrow as read from Parquet: what each movement calls the key, as
text, and what became known of which movement and when. Both end with float64[n, 20], and both pay
for turning text into numbers and for every array they make.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY
from features.history.kernel import Changes
from features.history.offline import Pass, run_pass
from features.history.plan import pick
from features.history.statistics import (
    FULL,
    HALF_LIVES,
    NEVER_DAYS,
    RATE_STRENGTH,
    STATISTICS,
    WHATS,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PRIOR = 0.07
MOVEMENTS_A_KEY = 20
PICKS = np.array([pick(0, STATISTICS[name], "entity", i) for i, name in enumerate(FULL)])


class Border(NamedTuple):
    """Movements by time, each asked about as of its own time, and all that happened, by time."""

    key: pa.StringArray
    as_of: Ints
    of: Ints
    """Which movement it happened to."""
    what: Ints
    instant: Ints


def made_up(movements: int, seed: int) -> Border:
    """A year of movements of keys of very unequal size; 7 % examined, 7 % of those with a find."""
    rng = np.random.default_rng(seed)
    keys = max(10, movements // MOVEMENTS_A_KEY)
    names = pa.array([f"organisation:{number:032x}" for number in range(keys)])
    as_of = np.sort(rng.integers(0, 365 * MICROS_PER_DAY, movements))
    key = names.take((keys * rng.random(movements) ** 3).astype(np.int64))
    examined = np.flatnonzero(rng.random(movements) < 0.07)
    found = examined[rng.random(len(examined)) < 0.07]
    known = as_of + rng.integers(MICROS_PER_DAY // 24, 20 * MICROS_PER_DAY, movements)
    of = np.concatenate([np.arange(movements), examined, found])
    instant = np.concatenate([as_of, known[examined], known[found]])
    what = np.repeat([0, 1, 2], [movements, len(examined), len(found)])
    order = np.argsort(instant, kind="stable")
    return Border(key, as_of, of[order], what[order], instant[order])


def numbers_of(border: Border) -> tuple[NDArray[np.int32], int]:
    """The keys as numbers from 0, and how many there are."""
    encoded: Any = border.key.dictionary_encode()
    return encoded.indices.to_numpy(), len(encoded.dictionary)


def ours(border: Border) -> Floats:
    numbers, count = numbers_of(border)
    slots = numbers.reshape(-1, 1) + np.int32(1)
    n = len(border.as_of)
    changes = Changes(
        border.of.astype(np.int32),
        border.what.astype(np.int8),
        np.ones(len(border.of), dtype=np.int8),
        border.instant,
        border.instant,
        np.zeros((0, 0), dtype=bool),
    )
    out = np.empty((n, len(FULL)))
    priors = np.full(n, PRIOR)
    one = Pass("entity", count, changes, slots, slots)
    run_pass(one, border.as_of, priors, np.arange(n), PICKS, out)
    return out


def with_pandas(border: Border) -> Floats:
    """Running totals by key, then the last one before each movement."""
    numbers, _ = numbers_of(border)
    frame = pd.DataFrame(
        {"key": numbers[border.of], "what": border.what, "instant": border.instant}
    )
    asked = pd.DataFrame({"key": numbers, "instant": border.as_of})
    landmark = int(border.instant[0])
    found: dict[str, Floats] = {}
    for what, word in enumerate(WHATS):
        totals = frame[frame["what"] == what].drop(columns="what")
        by_key = totals["key"]
        totals["count"] = totals.groupby("key").cumcount() + 1.0
        for days in HALF_LIVES["entity"]:
            weight = np.exp2((totals["instant"] - landmark) / (days * MICROS_PER_DAY))
            totals[f"{days}d"] = weight.groupby(by_key).cumsum()
        totals["last"] = totals["instant"]
        if what == 0:
            totals["first"] = totals.groupby("key")["instant"].transform("first")
        joined = pd.merge_asof(asked, totals, on="instant", by="key", allow_exact_matches=False)
        found[f"{word}s"] = joined["count"].fillna(0.0).to_numpy()
        for days in HALF_LIVES["entity"]:
            scale = np.exp2((asked["instant"] - landmark) / (days * MICROS_PER_DAY))
            found[f"{word}s_{days}d"] = (joined[f"{days}d"].fillna(0.0) / scale).to_numpy()
        for which in ("last", "first") if what == 0 else ("last",):
            days_since = (asked["instant"] - joined[which]) / MICROS_PER_DAY
            found[f"days_since_{which}_{word}"] = days_since.fillna(NEVER_DAYS).to_numpy()
    return in_order(found)


def in_order(found: dict[str, Floats]) -> Floats:
    """float64[n, 20] as ours, from all columns but the find rate."""
    rate = (found["finds_730d"] + RATE_STRENGTH * PRIOR) / (
        found["examinations_730d"] + RATE_STRENGTH
    )
    return np.column_stack([found[name] if name != "find_rate" else rate for name in FULL])


def same(a: Floats, b: Floats) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-9))
