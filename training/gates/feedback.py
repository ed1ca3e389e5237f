"""Nowhere have finds stopped being reported among movements that were likely to hold something."""

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, iso
from features.ledger import GateResult
from features.ledger.events import MovementDeclared
from training.gates.evidence import Evidence
from training.gates.results import FAILED, NOT_ASSESSABLE, PASSED, gate
from training.labels import Labelled
from training.missing_finds import FEWEST_EXPECTED, LabelledRows, Missing, missing_finds

Floats = NDArray[np.float64]

NAME = "feedback_poisoning"
SUSPECT = -1.55
"""Standard deviations below what was to be expected, from which on approvers are told."""
BY_CHANCE = 0.05
"""How often chance alone may block somewhere: shared among all places and stretches looked at. How
often that is right and wrong on simulated borders is in docs/promotion.md."""

_PLACE_FIELDS: Mapping[str, str] = {"vehicle": "route_id", "vessel": "port", "shipment": "office"}
"""What says where a movement is examined; of a route, the end at home."""
_HOME = "GB"
"""How the ports begin at which this agency examines (UN/LOCODE)."""


def ask(evidence: Evidence) -> GateResult:
    if evidence.reported is None:
        return gate(NAME, NOT_ASSESSABLE, evidence.not_reported)
    found = missing_finds(labelled_rows(*evidence.reported), evidence.bundle.catalogue)
    places = {one.place for one in found}
    if not places:
        return gate(
            NAME,
            NOT_ASSESSABLE,
            f"by what was known before, {FEWEST_EXPECTED:g} finds were to be expected nowhere, so "
            "none could be missed",
        )
    worst = _worst_by_place(found)
    if not worst:
        said = f"at none of {len(places)} places and feeds with enough likely movements"
        return gate(NAME, PASSED, f"{said} are finds missing")
    listed = "; ".join(map(_in_words, worst))
    where = f"at {len(worst)} of {len(places)} places and feeds: {listed}"
    asked = "Compare with random examinations, and ask who reports there"
    if worst[0].deviations < limit(len(found)):
        said = f"finds are missing {where}. {asked}, before a model learns from it"
        return gate(NAME, FAILED, said)
    said = f"finds are few {where}, which chance does too in {len(found)} looks. {asked}"
    return gate(NAME, NOT_ASSESSABLE, said)


def limit(looks: int) -> float:
    """Standard deviations that chance alone reaches with ``BY_CHANCE`` in one of so many looks.

    >>> round(limit(15), 2)
    -2.71
    """
    return NormalDist().inv_cdf(BY_CHANCE / looks)


def labelled_rows(labelled: Labelled, rows: Floats, feeds: Mapping[str, str]) -> LabelledRows:
    """As of ``Reported``."""
    places = [_places(movement) for movement in labelled.movements]
    sources = [feeds.get(movement.movement, "") for movement in labelled.movements]
    at = {
        name: np.array([name in those for those in places]) for name in sorted(set().union(*places))
    }
    if len(set(sources)) > 1:  # the only feed is no place
        at |= {f"feed {name}": np.array(sources) == name for name in sorted(set(sources))}
    return LabelledRows(
        rows=rows,
        labels=labelled.labels,
        days=labelled.as_of // MICROS_PER_DAY,
        known_on=labelled.known_at // MICROS_PER_DAY,
        at=at,
    )


def _places(movement: MovementDeclared) -> frozenset[str]:
    field = _PLACE_FIELDS[movement.kind]
    value = movement.fields.get(field)
    if value is None:
        return frozenset()
    if field != "route_id":
        return frozenset([str(value)])
    at_home = frozenset(end for end in str(value).split("-") if end.startswith(_HOME))
    return at_home or frozenset([str(value)])


def _worst_by_place(found: list[Missing]) -> list[Missing]:
    """Those that are suspect, one for each place, the worst first."""
    worst: dict[str, Missing] = {}
    for one in sorted(found, key=lambda one: one.deviations):
        if one.deviations < SUSPECT:
            worst.setdefault(one.place, one)
    return list(worst.values())


def _in_words(one: Missing) -> str:
    since = iso(one.since * MICROS_PER_DAY)[:10]
    return (
        f"{one.place}, {one.finds} finds in {one.examined} likely movements since {since} where "
        f"{one.expected:.1f} were to be expected ({-one.deviations:.1f} standard deviations)"
    )
