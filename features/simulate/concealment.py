"""How what is smuggled is concealed: by networks each in its own way, by the others as it comes.

All of it is drawn from streams of its own, so that nothing else at the border depends on it: a
method changes neither how likely a find is nor who is examined.
"""

from collections.abc import Mapping
from typing import get_args

import numpy as np

from features.records import KINDS
from features.records.outcome import Concealment
from features.simulate.codes import Bools, Ints
from features.simulate.networks import EMERGING, NETWORKS, THREATS
from features.simulate.sensitivity import PAPER, PERSONS
from features.simulate.traffic import choose
from features.simulate.world import HONEST, NOBODY

CONCEALMENTS: tuple[str, ...] = get_args(Concealment)
METHODS: Mapping[str, Mapping[str, float]] = {
    "vehicle": {
        "carried_openly": 0.15, "cover_load": 0.25, "inside_goods": 0.15, "in_packaging": 0.10,
        "vehicle_structure": 0.20, "trailer_or_container_structure": 0.10, "tank": 0.03,
        "other": 0.02,
    },
    "vessel": {
        "carried_openly": 0.25, "cover_load": 0.10, "inside_goods": 0.05, "in_packaging": 0.10,
        "vessel_structure": 0.35, "tank": 0.10, "other": 0.05,
    },
    "shipment": {
        "misdeclared_goods": 0.35, "cover_load": 0.20, "inside_goods": 0.20, "in_packaging": 0.15,
        "trailer_or_container_structure": 0.07, "other": 0.03,
    },
}  # fmt: skip
"""Of opportunists, with shares; a network takes any of its kind but ``other``."""
METHODS_FOR_PERSONS: Mapping[str, Mapping[str, float]] = {
    "vehicle": {"cover_load": 0.6, "trailer_or_container_structure": 0.3, "vehicle_structure": 0.1},
    "vessel": {"carried_openly": 0.7, "vessel_structure": 0.3},
    "shipment": {"cover_load": 1.0},
}
"""The same where people are brought in."""
MISDECLARED = CONCEALMENTS.index("misdeclared_goods")
"""Of goods that are an offence on paper, whoever brings them."""
NEW_IN_FREIGHT = ("in_packaging", "trailer_or_container_structure")
NEW_IN_VESSELS = ("vessel_structure", "tank")
"""One of each is kept for the networks that emerge: none of those before conceals like that."""

_ON_PAPER: Bools = np.array([threat in PAPER for threat in THREATS] + [False])
_PERSONS: Bools = np.array([threat in PERSONS for threat in THREATS] + [False])


class Methods:
    """Of every network in every kind; ``adaptation.py`` changes them."""

    def __init__(self, rng: np.random.Generator) -> None:
        freight, vessels = (str(rng.choice(names)) for names in (NEW_IN_FREIGHT, NEW_IN_VESSELS))
        self._new = {"vehicle": freight, "vessel": vessels, "shipment": freight}
        self.of_network: Mapping[str, Ints] = {
            kind: np.array(
                [self._drawn(rng, kind, number) for number in range(len(NETWORKS))], dtype=np.int64
            )
            for kind in KINDS
        }
        """int64[networks], numbers in ``CONCEALMENTS``, by kind."""

    def _drawn(self, rng: np.random.Generator, kind: str, network: int) -> int:
        if EMERGING[network]:
            return CONCEALMENTS.index(self._new[kind])
        return int(rng.choice(self._usual(kind, network)))

    def another(self, rng: np.random.Generator, kind: str, network: int) -> int:
        """What the network might do instead; it may be the same."""
        return int(rng.choice(self._usual(kind, network)))

    def _usual(self, kind: str, network: int) -> list[int]:
        """What fits the kind and the threat, and was done before anything emerged."""
        threat = NETWORKS[network].threat
        if threat in PAPER:
            return [MISDECLARED]
        methods = METHODS_FOR_PERSONS if threat in PERSONS else METHODS
        unusual = {"other", *self._new.values()}
        return [CONCEALMENTS.index(name) for name in methods[kind] if name not in unusual]

    def of_movements(
        self, rng: np.random.Generator, kind: str, network: Ints, threat: Ints
    ) -> Ints:
        """Number in ``CONCEALMENTS`` of each movement; ``NOBODY`` of those that smuggle nothing."""
        n = threat.size
        usual = _any_of(rng, n, METHODS[kind])
        of_persons = _any_of(rng, n, METHODS_FOR_PERSONS[kind])
        opportunists = np.where(_PERSONS[threat], of_persons, usual)
        method = np.where(network == HONEST, opportunists, self.of_network[kind][network])
        method = np.where(_ON_PAPER[threat], MISDECLARED, method)
        return np.where(threat == NOBODY, NOBODY, method)


def _any_of(rng: np.random.Generator, n: int, shares: Mapping[str, float]) -> Ints:
    numbers: Ints = np.array([CONCEALMENTS.index(name) for name in shares])
    return numbers[choose(rng, n, list(shares.values()))]
