"""Matured labels that none of some models has learned from: what they can be judged by."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.clock import MICROS_PER_DAY, Micros, iso
from features.errors import ForelandError
from features.ledger.events import MovementDeclared
from features.rows import feature_rows
from features.timeline import Timeline
from models.bundle import Bundle
from models.evaluation import FEWEST_FINDS
from training.config import Labels
from training.data import just_after_newest
from training.labels import Labelled, matured_labels

Floats = NDArray[np.float64]
RowsOf = Callable[[Catalogue], Floats]
"""float64[n, F]: the rows of the movements that are judged, of one catalogue."""


class NothingToJudge(ForelandError):
    """Every matured label was learned from by one of the models."""


class Judged(NamedTuple):
    """Examined movements with a matured label, by rising ``as_of``."""

    movements: list[MovementDeclared]
    as_of: NDArray[np.int64]
    labels: Floats
    rows: tuple[Floats, ...]
    """float64[n, F] for each model, of its own catalogue, as of each movement."""
    probabilities: tuple[Floats, ...]
    """float64[n] for each model."""
    since: Micros
    warning: str | None
    """Why the rows are not as good as they could be; None when no model saw them at all."""
    simulated: bool

    @property
    def days(self) -> NDArray[np.int64]:
        return self.as_of // MICROS_PER_DAY

    @property
    def can_be_judged(self) -> bool:
        return _can_be_judged(self.labels)


class ToJudge(NamedTuple):
    """As ``Judged``, before any model was asked."""

    movements: list[MovementDeclared]
    as_of: NDArray[np.int64]
    labels: Floats
    simulated: bool
    warning: str | None

    def by(self, bundles: Sequence[Bundle], rows_of: RowsOf) -> Judged:
        """
        Args:
            rows_of: asked once for every catalogue among the bundles.
        """
        catalogues = {bundle.catalogue.sha256: bundle.catalogue for bundle in bundles}
        made = {sha256: rows_of(catalogue) for sha256, catalogue in catalogues.items()}
        rows = tuple(made[bundle.catalogue.sha256] for bundle in bundles)
        return Judged(
            movements=self.movements,
            as_of=self.as_of,
            labels=self.labels,
            rows=rows,
            probabilities=tuple(b.probabilities(r) for b, r in zip(bundles, rows, strict=True)),
            since=int(self.as_of[0]),
            warning=self.warning,
            simulated=self.simulated,
        )


def judged(timeline: Timeline, bundles: Sequence[Bundle], *, since: Micros | None = None) -> Judged:
    """Every bundle on the same rows, with features of its own catalogue as of each movement.

    Raises:
        ForelandError: as ``to_judge``.
    """
    chosen = to_judge(timeline, bundles, since=since)
    return chosen.by(
        bundles,
        lambda catalogue: feature_rows(timeline, chosen.movements, chosen.as_of, catalogue),
    )


def to_judge(
    timeline: Timeline,
    bundles: Sequence[Bundle],
    *,
    since: Micros | None = None,
    maturity_days: int = Labels().maturity_days,
) -> ToJudge:
    """What the bundles can be judged by together.

    Best are movements that became known when all the models had been trained. Where they hold too
    few finds or clean ones to be judged, the models' common test slices are taken: none of them
    learned from those, but people looked at the results, and the warning says so.

    Args:
        timeline: of all that the ledger knows.
        since: nothing that became known before it is judged by.

    Raises:
        NoLabels: no matured label at all.
        NothingToJudge: none that no model has learned from.
    """
    kind = bundles[0].kind
    until = just_after_newest(timeline, kind)
    labelled = matured_labels(timeline, kind, until=until, maturity_days=maturity_days)
    trained_until = max(bundle.manifest.trained_until for bundle in bundles)
    fresh = _from(labelled, max(trained_until, since or 0))
    if _can_be_judged(labelled.labels[fresh]):
        return _to_judge(labelled, fresh, None)
    tested_from = max(map(first_not_learned, bundles))
    common = _from(labelled, max(tested_from, since or 0))
    if not len(common):
        raise NothingToJudge(
            f"no {kind} that became known since {iso(tested_from)[:10]} has a matured label, and "
            "all before were learned from; ingest later outcomes, or wait until they mature"
        )
    names = " and ".join(f"version {bundle.version}" for bundle in bundles)
    warning = (
        f"only {len(fresh)} examined movements became known since {iso(trained_until)[:10]}, when "
        f"the last of {names} was trained: judged on the common test slice instead, whose results "
        "were known when people chose"
    )
    return _to_judge(labelled, common, warning)


def first_not_learned(bundle: Bundle) -> Micros:
    """When the first movement of its test slice became known: from there it learned nothing."""
    for item in bundle.metrics.get("slices", ()):
        if item["name"] == "test":
            return int(item["first"])
    return bundle.manifest.trained_until


def _from(labelled: Labelled, instant: Micros) -> NDArray[np.int64]:
    return np.flatnonzero(labelled.as_of >= instant)


def _can_be_judged(labels: Floats) -> bool:
    finds = int(labels.sum())
    return min(finds, len(labels) - finds) >= FEWEST_FINDS


def _to_judge(labelled: Labelled, chosen: NDArray[np.int64], warning: str | None) -> ToJudge:
    return ToJudge(
        movements=[labelled.movements[at] for at in chosen.tolist()],
        as_of=labelled.as_of[chosen],
        labels=labelled.labels[chosen],
        simulated=bool(labelled.simulated[chosen].any()),
        warning=warning,
    )
