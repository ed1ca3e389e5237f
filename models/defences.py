"""What keeps a declarant from gaining by saying less, or by a made-up name; ADR 16.

**Blanking never pays.** The margin of a row is the highest that it could have had, whatever the
required fields that were left out would have said: the worst leaf of each tree
(``models.worst_leaf``) with every feature *free* that such a field could have changed. What one
more field leaves out is free in addition, and nothing else changes, so the margin cannot fall:

- a feature that the field could have changed is free (``features.requirements`` says which);
- ``blank_fields`` and ``unregistered_parties`` do not fall, and are taken for at most what they
  are, which has a leaf at least as high whatever the trees say;
- ``failed_checks`` may fall by the checks of the field, and is taken for at most what it is with
  all of these failed.

**A fresh identifier costs at least what an average history costs.** Where an entity was never
seen, the row is also read with the usual history in the place of what is not there, and the
higher margin counts. Both readings are free in the same features, so the first rule holds of each
of them, and of the higher one too: a role's history is among what its field could have changed.

Rows that leave nothing out and name nobody new have LightGBM's margin, bit for bit.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.history.roles import roles_of
from features.requirements import Requirement, requirements_of
from models.blanks import Blanks, place_of
from models.booster import TreeModel
from models.packed_trees import packed
from models.worst_leaf import exact_margins, worst_margins

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Newcomer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in for the history of an entity that was never seen."""

    label: str
    movements: str
    """The feature that is 0 of an entity that was never seen."""
    usual: dict[str, float]
    """Feature to its median over the fitted movements whose entity had been seen."""


class Defences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a bundle: what counts as left out, and what as never seen."""

    requirements: tuple[Requirement, ...]
    newcomers: tuple[Newcomer, ...]


NONE = Defences(requirements=(), newcomers=())
"""The margins of the trees as they are, for comparison."""


def learn_defences(catalogue: Catalogue, rows: Floats) -> Defences:
    """
    Args:
        rows: float64[n, F] that the trees are fitted on.
    """
    return Defences(
        requirements=requirements_of(catalogue),
        newcomers=tuple(
            newcomer
            for role in roles_of(catalogue.kind)
            if role.grade == "entity"
            for newcomer in _newcomer(catalogue, role.label, role.name, role.parts[0].field, rows)
        ),
    )


def _newcomer(
    catalogue: Catalogue, label: str, role: str, field: str, rows: Floats
) -> tuple[Newcomer, ...]:
    """One, or none where nobody was ever seen again, and so no history is usual."""
    movements = f"{role}.movements"
    seen = rows[rows[:, catalogue.names.index(movements)] > 0.0]
    usual = {
        feature.name: float(np.nanmedian(seen[:, at]))
        for at, feature in enumerate(catalogue.features)
        if field in feature.fields and np.isfinite(seen[:, at]).any()
    }
    return (Newcomer(label=label, movements=movements, usual=usual),) if usual else ()


class Step(NamedTuple):
    """One of the reasons why a margin is higher than that of the trees."""

    label: str
    cause: str
    """``blank`` or ``new``."""
    raised_by: float
    """Log-odds, 0 or more."""


class DefendedModel:
    """Trees and their defences; immutable, safe to share between threads.

    Raises:
        ValueError: the defences name a feature that the catalogue does not have.
    """

    def __init__(self, trees: TreeModel, defences: Defences, catalogue: Catalogue) -> None:
        self.trees = trees
        self.defences = defences
        self._packed = packed(trees.text)
        places = {name: at for at, name in enumerate(catalogue.names)}
        self._blanks = Blanks(defences.requirements, places)
        self._newcomers = [_Usual.of(newcomer, places) for newcomer in defences.newcomers]

    def margins(self, rows: Floats) -> Floats:
        """float64[n, F] -> float64[n], log-odds before calibration; at least the trees' own."""
        rows = np.ascontiguousarray(rows)
        if self.defences == NONE:
            return exact_margins(self._packed, rows)
        blank, new = self._blanks.left_out(rows), self._never_seen(rows)
        guarded = np.flatnonzero(blank.any(axis=1) | new.any(axis=1))
        if len(guarded) == len(rows):
            return self._guarded(rows, blank, new)
        margins = exact_margins(self._packed, rows)
        if len(guarded):
            margins[guarded] = self._guarded(rows[guarded], blank[guarded], new[guarded])
        return margins

    def steps(self, row: Floats) -> list[Step]:
        """Why the margin of a row, float64[F], is above that of the trees: newcomers together,
        then one field left out after the other. The steps add up to the difference.
        """
        rows = row[np.newaxis, :]
        blank, new = self._blanks.left_out(rows), self._never_seen(rows)
        reached = float(exact_margins(self._packed, rows)[0])
        found, so_far = [], np.zeros_like(blank)
        stages: list[tuple[str, str, int | None]] = []
        if new.any():
            names = " and ".join(
                newcomer.label
                for newcomer, is_new in zip(self.defences.newcomers, new[0], strict=True)
                if is_new
            )
            stages.append((names, "new", None))
        stages += [
            (self.defences.requirements[at].label, "blank", int(at))
            for at in np.flatnonzero(blank[0])
        ]
        for label, cause, at in stages:
            if at is not None:
                so_far[0, at] = True
            margin = float(self._guarded(rows, so_far, new)[0])
            found.append(Step(label, cause, margin - reached))
            reached = margin
        return found

    def provoked(self, row: Floats) -> Floats:
        """float64[d, F]: a row, float64[F], once for each defence, so changed as to call on it."""
        found = np.repeat(row[np.newaxis, :], len(self.defences.requirements), axis=0)
        self._blanks.leave_out(found)
        strangers = np.repeat(row[np.newaxis, :], len(self._newcomers), axis=0)
        for stranger, usual in zip(strangers, self._newcomers, strict=True):
            stranger[usual.columns] = stranger[usual.movements] = 0.0
        return np.concatenate([found, strangers])

    def _never_seen(self, rows: Floats) -> Bools:
        """bool[n, newcomers]"""
        places = [usual.movements for usual in self._newcomers]
        return np.asarray(rows[:, places] == 0.0)

    def _guarded(self, rows: Floats, blank: Bools, new: Bools) -> Floats:
        """The higher of both readings, found together."""
        states, as_is = self._blanks.taken(rows, blank)
        strangers = np.flatnonzero(new.any(axis=1))
        usual = as_is[strangers]
        for at, newcomer in enumerate(self._newcomers):
            newcomer.put(usual, new[strangers, at])
        both = worst_margins(
            self._packed,
            np.concatenate([as_is, usual]),
            np.concatenate([states, states[strangers]]),
        )
        highest, of_usual = both[: len(rows)], both[len(rows) :]
        highest[strangers] = np.maximum(highest[strangers], of_usual)
        return highest


class _Usual(NamedTuple):
    movements: int
    columns: NDArray[np.int64]
    values: Floats

    @classmethod
    def of(cls, newcomer: Newcomer, places: dict[str, int]) -> "_Usual":
        return cls(
            place_of(places, newcomer.movements),
            np.array([place_of(places, name) for name in newcomer.usual], dtype=np.int64),
            np.array(list(newcomer.usual.values()), dtype=np.float64),
        )

    def put(self, rows: Floats, new: Bools) -> None:
        """In place of what is not missing: a pair needs its other half."""
        chosen = np.ix_(np.flatnonzero(new), self.columns)
        rows[chosen] = np.where(np.isnan(rows[chosen]), np.nan, self.values)
