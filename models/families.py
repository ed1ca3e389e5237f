"""Families of features, and what a model is worth without each."""

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue, Feature
from features.history import aboard
from features.history.roles import roles_of
from models.bootstrap import Interval

Family = Literal[
    "the movement itself",
    "history of entities",
    "history of routes and categories",
    "new pairs",
    "links",
    "consignments on board",
]
FAMILIES: tuple[Family, ...] = get_args(Family)
_BY_GRADE: dict[str, Family] = {
    "entity": "history of entities",
    "category": "history of routes and categories",
    "pair": "new pairs",
}


class Ablated(msgspec.Struct, frozen=True, kw_only=True):
    """All features less all but one family's: what the family adds on the same tested rows.

    Both are trees alone: neither calibrated nor with defences, which would mix what is known with
    what is made of it.
    """

    family: Family
    features: int
    """In the family."""
    roc_auc: float | None
    """Without it."""
    roc_auc_lost: Interval | None
    """All less without: 95 %, whole days resampled, the same days for both."""
    precision: float
    """Without it, at the judged share."""
    precision_lost: Interval | None


def families_of(catalogue: Catalogue) -> tuple[Family, ...]:
    """The family of each feature, in the order of the columns."""
    grades = {role.name: role.grade for role in roles_of(catalogue.kind)}
    return tuple(_family(feature, grades) for feature in catalogue.features)


def _family(feature: Feature, grades: Mapping[str, str]) -> Family:
    if feature.source == "declared":
        return "the movement itself"
    role = feature.name.rpartition(".")[0]
    if role == aboard.ROLE:
        return "consignments on board"
    if role.endswith("_links"):
        return "links"
    return _BY_GRADE[grades.get(role, "category")]  # an attribute's history is of its values


def without(rows: NDArray[np.float64], catalogue: Catalogue, family: Family) -> NDArray[np.float64]:
    """A copy of float64[n, F] whose columns of the family say nothing: the same 0 in every row.

    Trees never split on a constant, so a fit on it is a fit without the family.
    """
    kept = np.array([of != family for of in families_of(catalogue)])
    blinded: NDArray[np.float64] = np.where(kept, rows, 0.0)
    return blinded
