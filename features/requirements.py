"""What a row shows of the fields that its kind and mode require: which of them were left out.

It is told from the row alone, because a score is recomputed from its row years later.
"""

import math
from collections.abc import Mapping
from functools import cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue, Feature
from features.records import REQUIRED, Mode, Required, declared_fields

SIGNS: Mapping[Mode, Mapping[str, float]] = {
    "always": {},
    "accompanied": {"is_unaccompanied": 0.0},
    "unaccompanied": {"is_unaccompanied": 1.0},
    "freight": {"is_tourist": 0.0},
    "laden": {"is_tourist": 0.0, "is_empty": 0.0},
    "commercial": {"is_commercial": 1.0},
    "small": {"is_commercial": 0.0},
    "pleasure": {"is_pleasure_craft": 1.0},
}
"""By which features a row shows each mode; where one of them is missing it may be that mode."""


class Requirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field, or several of which one is enough, in the features of a catalogue."""

    label: str
    """As an officer calls it."""
    shown_by: tuple[str, ...]
    """Features that are all missing when it was left out."""
    mode: dict[str, float]
    """It is required unless one of these features has another value."""
    features: tuple[str, ...]
    """Every feature that would be another number if it had been declared."""
    checks: int
    """How many checks it could have failed."""


def requirements_of(catalogue: Catalogue) -> tuple[Requirement, ...]:
    """Those of the catalogue's kind, but for those that no feature of the catalogue is made of."""
    found = [_requirement(catalogue, required) for required in REQUIRED[catalogue.kind]]
    return tuple(requirement for requirement in found if requirement.features)


def _requirement(catalogue: Catalogue, required: Required) -> Requirement:
    signs = SIGNS[required.mode]
    labels, checked = _labels(catalogue.kind), _checked(catalogue.kind)
    return Requirement(
        label=" or ".join(labels[field] for field in required.fields),
        shown_by=tuple(
            name for field in required.fields for name in _shown_by(catalogue.features, field)
        ),
        mode={name: value for name, value in signs.items() if name in catalogue.names},
        features=tuple(
            f.name for f in catalogue.features if not set(f.fields).isdisjoint(required.fields)
        ),
        checks=sum(field in checked for field in required.fields),
    )


def required_of(catalogue: Catalogue, row: NDArray[np.float64]) -> list[Required]:
    """What is required in the mode that a row, float64[F], shows, or in any that it may be."""
    shown = dict(zip(catalogue.names, row.tolist(), strict=True))
    return [
        required
        for required in REQUIRED[catalogue.kind]
        if not any(
            math.isfinite(shown.get(name, math.nan)) and shown[name] != value
            for name, value in SIGNS[required.mode].items()
        )
    ]


def _shown_by(features: tuple[Feature, ...], field: str) -> tuple[str, ...]:
    """The first feature that is made of this field alone, else the first that needs it."""
    alone = [f.name for f in features if f.fields == (field,)]
    needing = [f.name for f in features if field in f.fields]
    return tuple((alone or needing)[:1])


@cache
def _labels(kind: str) -> Mapping[str, str]:
    return {field.name: field.label for field in declared_fields(kind)}


@cache
def _checked(kind: str) -> frozenset[str]:
    """Fields that can fail a check (``features.identifiers``)."""
    fields = declared_fields(kind)
    return frozenset(f.name for f in fields if f.namespace is not None or f.check is not None)
