"""What past examinations at a like probability ended in, and how sure that makes a probability."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.proportions import wilson_interval

Floats = NDArray[np.float64]

MOST_ROWS_PER_GROUP = 200
LIKE = 1.5
"""Probabilities are alike when neither's odds are more than this many times the other's."""
_LIKE_LOG_ODDS = math.log(LIKE)
_NEVER_QUITE = 1e-12
_LOGARITHMS_DIFFER = 1e-9
"""Log-odds are below 28, and both logarithms right to some units in the last place."""
NONE_ALIKE = -1
"""In the place of a group."""


class SimilarExaminations(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True
):
    """The examinations of the calibration slice, in groups of like calibrated probability."""

    probabilities: tuple[float, ...]
    """float[g], g >= 1, rising: the mean of each group."""
    finds: tuple[int, ...]
    examined: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.probabilities) == len(self.finds) == len(self.examined):
            raise ValueError("probabilities, finds and examined do not fit together")
        if not (np.diff(self.probabilities) > 0.0).all():
            raise ValueError("probabilities must rise")

    def at(self, probability: float) -> tuple[int, int]:
        """Finds and examinations of the nearest group; (0, 0) when not even that one is alike."""
        nearest = self._nearest(probability)
        return (0, 0) if nearest == NONE_ALIKE else (self.finds[nearest], self.examined[nearest])

    def groups(self, probabilities: Floats) -> NDArray[np.int64]:
        """float64[n] -> int64[n]: the group that ``at`` finds for each, or ``NONE_ALIKE``."""
        log_odds = np.array(self._log_odds)
        inside = np.clip(probabilities, _NEVER_QUITE, 1.0 - _NEVER_QUITE)
        own = np.log(inside / (1.0 - inside))
        above = np.searchsorted(self.probabilities, probabilities)
        last = len(log_odds) - 1
        before = np.where(above > 0, np.abs(log_odds[np.maximum(above - 1, 0)] - own), np.inf)
        beyond = np.where(above <= last, np.abs(log_odds[np.minimum(above, last)] - own), np.inf)
        distance = np.minimum(before, beyond)
        found = np.where(before <= beyond, above - 1, above)
        found[distance > _LIKE_LOG_ODDS] = NONE_ALIKE
        # numpy's logarithm may end in another bit than Python's, which says what is so.
        close = np.abs(before - beyond) < _LOGARITHMS_DIFFER
        close |= np.abs(distance - _LIKE_LOG_ODDS) < _LOGARITHMS_DIFFER
        for place in np.flatnonzero(close).tolist():
            found[place] = self._nearest(float(probabilities[place]))
        return found

    def _nearest(self, probability: float) -> int:
        own, above = _log_odds(probability), bisect_left(self.probabilities, probability)
        before = abs(self._log_odds[above - 1] - own) if above else math.inf
        beyond = abs(self._log_odds[above] - own) if above < len(self._log_odds) else math.inf
        nearest, distance = (above - 1, before) if before <= beyond else (above, beyond)
        return NONE_ALIKE if distance > _LIKE_LOG_ODDS else nearest

    @cached_property
    def _log_odds(self) -> tuple[float, ...]:
        return tuple(map(_log_odds, self.probabilities))


def interval_around(probability: float, finds: int, examined: int) -> tuple[float, float]:
    """In which the find rate of such examinations lies, 95 %, widened to hold ``probability``.

    Wilson's of what similar examinations found. (0, 1) where none was similar.
    """
    low, high = wilson_interval(finds, examined)
    return min(low, probability), max(high, probability)


def similar_examinations(probabilities: Floats, labels: Floats) -> SimilarExaminations:
    """Groups of at most ``MOST_ROWS_PER_GROUP`` rows that are all alike; ties share a group.

    Args:
        probabilities: float64[n], n >= 1, calibrated.
        labels: float64[n], 0.0 or 1.0.
    """
    values, place, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    finds = np.bincount(place, weights=labels)
    group = _groups([_log_odds(value) for value in values.tolist()], counts.tolist())
    examined = np.bincount(group, weights=counts)
    means = np.bincount(group, weights=values * counts) / examined
    return SimilarExaminations(
        probabilities=tuple(means.tolist()),
        finds=tuple(int(n) for n in np.bincount(group, weights=finds)),
        examined=tuple(int(n) for n in examined),
    )


def _groups(log_odds: Sequence[float], counts: Sequence[int]) -> NDArray[np.int64]:
    """int64[v]: the group of each distinct value, rising, from 0.

    Filled from the highest value, where it matters most, downwards.
    """
    group: list[int] = []
    rows, highest = 0, log_odds[-1]
    for value, count in zip(reversed(log_odds), reversed(counts), strict=True):
        begins = rows + count > MOST_ROWS_PER_GROUP or highest - value > _LIKE_LOG_ODDS
        if begins and rows:
            rows, highest = 0, value
        group.append((group[-1] if group else 0) + (rows == 0 and bool(group)))
        rows += count
    return group[-1] - np.array(group[::-1], dtype=np.int64)


def _log_odds(probability: float) -> float:
    inside = min(max(probability, _NEVER_QUITE), 1.0 - _NEVER_QUITE)
    return math.log(inside / (1.0 - inside))
