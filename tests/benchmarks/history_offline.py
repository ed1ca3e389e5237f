"""All statistics of one entity key for every movement: our pass, and the usual pandas way.

Both start from the same columns (keys as text, unsorted within nothing: events by time) and end
with float64[n, 20]; both pay for turning keys into numbers and for every array they make.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY
from features.history.kernel import empty_state, replay
from features.history.plan import pick
from features.history.statistics import FULL, HALF_LIVES, NEVER_DAYS, STATISTICS, WHATS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PRIOR = 0.07


class Events(NamedTuple):
    """What happened to keys, by time, and the questions: each movement's key at its own time."""

    key: NDArray[np.object_]
    what: Ints
    instant: Ints
    asked: NDArray[np.object_]
    as_of: Ints


def made_up(movements: int, seed: int) -> Events:
    """A year of movements of keys of very unequal size; 7 % examined, 7 % of those with a find."""
    rng = np.random.default_rng(seed)
    keys = max(10, movements // 20)
    names = np.array([f"organisation:{number:032x}" for number in range(keys)], dtype=object)
    as_of = np.sort(rng.integers(0, 365 * MICROS_PER_DAY, movements))
    asked = names[(keys * rng.random(movements) ** 3).astype(np.int64)]
    examined = np.flatnonzero(rng.random(movements) < 0.07)
    found = examined[rng.random(len(examined)) < 0.07]
    delay = rng.integers(MICROS_PER_DAY // 24, 20 * MICROS_PER_DAY, movements)
    key = np.concatenate([asked, asked[examined], asked[found]])
    instant = np.concatenate([as_of, (as_of + delay)[examined], (as_of + delay)[found]])
    what = np.repeat([0, 1, 2], [movements, len(examined), len(found)])
    order = np.argsort(instant, kind="stable")
    return Events(key[order], what[order], instant[order], asked, as_of)


def ours(events: Events) -> Floats:
    numbers, uniques = pd.factorize(np.concatenate([events.key, events.asked]))
    slots = numbers.astype(np.int64)
    n = len(events.as_of)
    deltas = np.column_stack(
        [slots[: len(events.key)], events.what, np.ones_like(events.what), events.instant]
    )
    state = empty_state("entity", len(uniques), len(deltas))
    out = np.empty((n, len(FULL)))
    asked = np.ascontiguousarray(slots[len(events.key) :].reshape(-1, 1))
    replay(
        state,
        deltas,
        events.instant,
        asked,
        events.as_of,
        np.full(n, PRIOR),
        np.arange(n),
        PICKS,
        out,
    )
    return out


PICKS = np.array([pick(0, STATISTICS[name], "entity", i) for i, name in enumerate(FULL)])


def with_pandas(events: Events) -> Floats:
    """Running totals by key, then the last one before each movement."""
    numbers, _ = pd.factorize(np.concatenate([events.key, events.asked]))
    frame = pd.DataFrame(
        {"key": numbers[: len(events.key)], "what": events.what, "instant": events.instant}
    )
    asked = pd.DataFrame({"key": numbers[len(events.key) :], "instant": events.as_of})
    landmark = int(events.instant[0])
    found: dict[str, Floats] = {}
    for what, word in enumerate(WHATS):
        totals = frame[frame["what"] == what].copy()
        by_key = totals["key"]
        totals["count"] = totals.groupby("key").cumcount() + 1.0
        for days in HALF_LIVES["entity"]:
            weight = np.exp2((totals["instant"] - landmark) / (days * MICROS_PER_DAY))
            totals[f"{days}d"] = weight.groupby(by_key).cumsum()
        totals["last"] = totals["instant"]
        totals["first"] = totals.groupby("key")["instant"].transform("first")
        joined = pd.merge_asof(asked, totals, on="instant", by="key", allow_exact_matches=False)
        found[f"{word}s"] = joined["count"].fillna(0.0).to_numpy()
        for days in HALF_LIVES["entity"]:
            scale = np.exp2((asked["instant"] - landmark) / (days * MICROS_PER_DAY))
            found[f"{word}s_{days}d"] = (joined[f"{days}d"].fillna(0.0) / scale).to_numpy()
        for which in ("last", "first"):
            days_since = (asked["instant"] - joined[which]) / MICROS_PER_DAY
            found[f"days_since_{which}_{word}"] = days_since.fillna(NEVER_DAYS).to_numpy()
    found["find_rate"] = (found["finds_730d"] + 10 * PRIOR) / (found["examinations_730d"] + 10)
    return np.column_stack([found[name] for name in FULL])


def same(a: Floats, b: Floats) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-9))


def timed(work: Callable[[Events], Floats], events: Events, repeat: int) -> float:
    """CPU seconds of the best run."""
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        work(events)
        best = min(best, time.process_time() - start)
    return best
