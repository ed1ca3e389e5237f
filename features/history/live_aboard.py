"""The organisations on board of one movement, read from live state.

It is the offline pass with nothing left to apply, so that both give the same bytes.
"""

from collections.abc import Collection

import numpy as np

from features.clock import Micros
from features.history.aboard import READ, fold
from features.history.kernel import Changes, Floats, Ints, Slots, State, replay
from features.history.plan import ABOARD_PICKS, KIND_PICK
from features.history.statistics import PRIOR_RATE, PRIOR_STRENGTH, RATE_STRENGTH

_NO_CHANGES = Changes(
    np.empty(0, dtype=np.int32),
    np.empty(0, dtype=np.int8),
    np.empty(0, dtype=np.int8),
    np.empty(0, dtype=np.int64),
    np.empty(0, dtype=np.int64),
    np.empty((0, 0), dtype=np.bool_),
)
_NO_VERSIONS: Slots = np.empty((0, 1), dtype=np.int32)


def numbers_aboard(
    entities: State,
    categories: State,
    kind: int,
    known: int,
    organisations: Collection[int],
    as_of: Micros,
) -> Floats:
    """float64[9]: see ``fold``.

    Args:
        kind: slot of the movement's own kind, whose find rate all others start from.
        known: how many of its consignments are known.
        organisations: the slots of those that they name, each once.
    """
    itself = np.array([kind], dtype=np.int32)
    own_rate = _read(categories, itself, as_of, PRIOR_RATE, PRIOR_STRENGTH, KIND_PICK, width=1)
    prior = float(own_rate[0, 0])
    slots = np.fromiter(organisations, dtype=np.int32, count=len(organisations))
    numbers = _read(entities, slots, as_of, prior, RATE_STRENGTH, ABOARD_PICKS, width=len(READ))
    of = np.zeros(len(slots), dtype=np.int64)
    return fold(np.array([known]), of, numbers).ravel()


def _read(
    state: State, slots: Slots, as_of: Micros, prior: float, strength: int, picks: Ints, width: int
) -> Floats:
    """float64[n, width]: a row for each of ``slots``."""
    n = len(slots)
    out = np.empty((n, width))
    replay(
        state,
        _NO_CHANGES,
        _NO_VERSIONS,
        slots.reshape(-1, 1),
        np.full(n, as_of),
        np.full(n, prior),
        float(strength),
        np.arange(n),
        picks,
        out,
    )
    return out
