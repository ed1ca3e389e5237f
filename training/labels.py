"""Which movements have a label that can be learned from, and which have none."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros, iso
from features.errors import ForelandError
from features.ledger.events import MovementDeclared
from features.timeline import Timeline
from models.threats import number_of

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]

LABELS = {"positive": 1.0, "negative": 0.0}
"""Every other outcome, and none at all, is unlabelled and never 0."""


class NoLabels(ForelandError):
    """There is nothing to learn from."""


class Labelled(NamedTuple):
    """Movements with a matured label, by the instant they became known, then by position."""

    movements: list[MovementDeclared]
    """As first declared: what stood at ``as_of``, whatever later versions changed."""
    as_of: Instants
    """When the movement became known: the instant that its score would have stood for."""
    known_at: Instants
    """When the outcome became known."""
    examined_at: Instants
    labels: Floats
    """1.0 for a find, 0.0 for none."""
    threats: NDArray[np.int64]
    """Number in ``models.threats.THREATS`` of what a find found; ``NO_THREAT`` if none is known."""
    simulated: NDArray[np.bool_]


def matured_labels(timeline: Timeline, kind: str, *, until: Micros, maturity_days: int) -> Labelled:
    """
    Args:
        timeline: of events with ``available_at < until``.
        until: nothing that became available at or after it is used.
        maturity_days: examinations of the last days before ``until`` are left out.

    Raises:
        NoLabels: no movement, or none with a matured label.
    """
    movements = timeline.of_kind(kind)
    if movements.empty:
        raise NoLabels(
            f"the ledger holds no {kind} movement that was known before {iso(until)}; "
            f"run foreland ingest --kind {kind}, or give a later --until"
        )
    outcomes = timeline.outcomes[timeline.outcomes["kind"] == kind]
    # until 2026-03-01, maturity 30 days -> examined before 2026-01-30
    matured_before = until - maturity_days * MICROS_PER_DAY
    is_label = outcomes["outcome"].isin(list(LABELS))
    matured = outcomes["examined_at"] < matured_before
    chosen = outcomes[is_label & matured & (outcomes["available_at"] < until)]
    if chosen.empty:
        raise NoLabels(
            f"{kind}: no matured label before {iso(until)}: of {len(outcomes)} outcomes, "
            f"{int((~is_label).sum())} are not labels and {int((~matured).sum())} were examined in "
            f"the last {maturity_days} days; ingest outcomes, or give a later --until"
        )
    return _labelled(timeline, movements, chosen)


def _labelled(timeline: Timeline, movements: pd.DataFrame, outcomes: pd.DataFrame) -> Labelled:
    known = outcomes[["movement", "outcome", "threat", "examined_at", "available_at"]]
    known = known.rename(columns={"available_at": "known_at"})
    rows = movements.merge(known, on="movement", validate="one_to_one")
    rows = rows.sort_values(["available_at", "position"]).reset_index(drop=True)
    return Labelled(
        movements=timeline.first_declared(rows),
        as_of=rows["available_at"].to_numpy(np.int64),
        known_at=rows["known_at"].to_numpy(np.int64),
        examined_at=rows["examined_at"].to_numpy(np.int64),
        labels=np.array(rows["outcome"].map(LABELS), dtype=np.float64),
        threats=np.array([number_of(threat) for threat in rows["threat"]], dtype=np.int64),
        simulated=rows["simulated"].to_numpy(bool),
    )
