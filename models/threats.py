"""What a find would be, given that there is one: a distribution over the threats.

Trees that were fitted on finds alone tell the frequent threats apart. They are mixed with the base
rates by as much as held-out finds bear out; with few finds the base rates stand alone. It says
nothing about whether there is a find: no threat enters a probability, a band or a reason.
"""

from typing import get_args

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from features.records.outcome import Threat
from models.booster import TreeModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

THREATS: tuple[str, ...] = get_args(Threat)
NO_THREAT = -1
_SUM_TO_ONE = 1e-9
_IMAGINED_FINDS = 0.5
"""Of each threat, so that one that was never found keeps a chance (Jeffreys' prior)."""


def number_of(threat: str | None) -> int:
    """
    >>> number_of("other_drugs"), number_of(None)
    (1, -1)
    """
    return NO_THREAT if threat is None else THREATS.index(threat)


class ThreatShares(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base rates, the trees and how much they count, as a bundle holds them."""

    base: tuple[float, ...]
    """float[10]: shares of finds of this kind of movement by the threats in ``THREATS``."""
    finds: int
    """How many finds with a known threat the base rates rest on."""
    told_apart: tuple[int, ...] = ()
    """Numbers in ``THREATS``, rising, of the trees' classes; empty without trees."""
    weight: float = 0.0
    """Of the trees, in [0, 1]; the base rates have the rest."""
    trees: str = ""
    """LightGBM's text, of class ``told_apart[k]`` the k-th."""

    def __post_init__(self) -> None:
        if len(self.base) != len(THREATS) or min(self.base) <= 0.0:
            raise ValueError(f"base needs {len(THREATS)} shares above 0")
        if abs(sum(self.base) - 1.0) > _SUM_TO_ONE:
            raise ValueError("the base rates do not sum to 1")
        if not 0.0 <= self.weight <= 1.0:
            raise ValueError(f"weight must be in [0, 1], not {self.weight:g}")
        if bool(self.trees) != (len(self.told_apart) >= 2):
            raise ValueError("trees need two classes or more, and classes need trees")
        numbers = set(range(len(THREATS)))
        if list(self.told_apart) != sorted(numbers.intersection(self.told_apart)):
            raise ValueError("told_apart must name threats, rising")


class ThreatModel:
    """Shares with their trees parsed; immutable, safe to share between threads."""

    def __init__(self, shares: ThreatShares) -> None:
        """
        Raises:
            UnreadableModel: LightGBM refuses the trees.
        """
        self.shares = shares
        self._trees = TreeModel(shares.trees) if shares.trees else None

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """None without trees."""
        return None if self._trees is None else self._trees.feature_names

    def margins(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n, classes] before the softmax; no column without trees."""
        if self._trees is None:
            return np.empty((len(rows), 0))
        return self._trees.margins(rows).reshape(len(rows), -1)

    def distribution(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n, 10], each row summing to 1."""
        base = np.tile(np.array(self.shares.base), (len(rows), 1))
        if self._trees is None:
            return base
        return mixed(by_trees(self.margins(rows), self.shares), base, self.shares.weight)


def by_trees(margins: Floats, shares: ThreatShares) -> Floats:
    """float64[n, classes] -> float64[n, 10]: what is not told apart keeps its base rate."""
    base = np.array(shares.base)
    classes = list(shares.told_apart)
    found = np.tile(base, (len(margins), 1))
    found[:, classes] = softmax(margins, axis=1) * base[classes].sum()
    return found


def mixed(by_trees: Floats, base: Floats, weight: float) -> Floats:
    return np.asarray(weight * by_trees + (1.0 - weight) * base, dtype=np.float64)


def base_rates(threats: Ints) -> tuple[float, ...]:
    """Of numbers in ``THREATS``, int64[n], n >= 0; none of them 0, and together 1."""
    counts = np.bincount(threats, minlength=len(THREATS)) + _IMAGINED_FINDS
    shares: list[float] = (counts / counts.sum()).tolist()
    return tuple(shares)
