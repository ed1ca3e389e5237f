"""Files that a model did not learn from, as rows to test it on."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import Micros, iso
from features.errors import InputError
from features.files.mapping import FileMapping
from features.history.view import Standing, heard_of
from features.ingest import Read, read_files
from features.intake import conclude, declare
from features.ledger import MovementDeclared
from features.pseudonyms import Pseudonyms
from training.labels import LABELS


class LeftOut(NamedTuple):
    """Rows of the files that are not tested on, by why."""

    rejected: int
    """Rows that cannot be read."""
    known_in_training: int
    """Movements declared before the model's last day: it may have learned from them."""
    without_label: int
    """Movements without an outcome that is a label: unexamined is never counted as clean."""

    def in_words(self) -> str:
        return (
            f"left out: {self.known_in_training:,} movements declared before the model's last day, "
            f"{self.without_label:,} without a positive or negative outcome, "
            f"{self.rejected:,} rows that cannot be read"
        )


class LaterFiles(NamedTuple):
    movements: list[MovementDeclared]
    """By the time they were declared; of several versions the first."""
    as_of: NDArray[np.int64]
    """int64[n], rising: when each was declared."""
    labels: NDArray[np.float64]
    """float64[n], 0.0 or 1.0."""
    left_out: LeftOut
    simulated: bool


def read_later_files(
    kind: str,
    movements: Path,
    outcomes: Path | None,
    mapping: FileMapping,
    pseudonyms: Pseudonyms,
    *,
    trained_until: Micros,
) -> LaterFiles:
    """
    Raises:
        InputError: a file that cannot be used, or no movement that can be tested on.
    """
    rows, simulated = read_files(kind, movements, outcomes, mapping)
    declared, standings, rejected = _heard(rows, kind, pseudonyms)
    unseen = {name: m for name, m in declared.items() if m.declared_at >= trained_until}
    labels = {name: _label(standings.get(name)) for name in unseen}
    tested = sorted(
        (m for name, m in unseen.items() if labels[name] is not None),
        key=lambda m: (m.declared_at, m.movement),
    )
    left_out = LeftOut(
        rejected=rejected,
        known_in_training=len(declared) - len(unseen),
        without_label=len(unseen) - len(tested),
    )
    if not tested:
        raise InputError(
            f"{movements}: nothing to evaluate on; {left_out.in_words()}. Give movements declared "
            f"at or after {iso(trained_until)}, up to which the model learned, with outcomes"
        )
    return LaterFiles(
        tested,
        np.array([m.declared_at for m in tested], dtype=np.int64),
        np.array([labels[m.movement] for m in tested], dtype=np.float64),
        left_out,
        simulated,
    )


def _heard(
    rows: Iterable[Read], kind: str, pseudonyms: Pseudonyms
) -> tuple[dict[str, MovementDeclared], dict[str, Standing], int]:
    """Movements as first declared and what stands of their outcomes, by pseudonym; rows refused."""
    declared: dict[str, MovementDeclared] = {}
    standings: dict[str, Standing] = {}
    rejected = 0
    for place, row in enumerate(rows):
        rejected += bool(row.problems)
        if row.movement is not None:
            movement = declare(row.movement, pseudonyms)
            earlier = declared.setdefault(movement.movement, movement)
            if movement.version < earlier.version:
                declared[movement.movement] = movement
        if row.outcome is not None:
            outcome = conclude(row.outcome, kind, pseudonyms)
            standing = standings.setdefault(outcome.movement, Standing())
            standing.hear(heard_of(outcome, outcome.examined_at, place))
    return declared, standings, rejected


def _label(standing: Standing | None) -> float | None:
    if standing is None or standing.verdict is None:
        return None
    return LABELS.get(standing.verdict.outcome)
