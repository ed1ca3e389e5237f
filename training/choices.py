"""The log of who was chosen for examination: as a file brings it, and joined to the ledger.

A file has one row a movement of the time that it covers, chosen or not. ``foreland backtest``
writes one; so can any desk that logs its propensities.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros
from features.errors import InputError
from features.pseudonyms import Pseudonyms
from features.timeline import Timeline
from models.left_out import Sample
from models.unexamined import LoggedChoices
from training.labels import LABELS

Floats = NDArray[np.float64]

EXPLORATION = "exploration"
"""The reason of a referral that chance made."""
COLUMNS = ("kind", "propensity", "exploration", "referred", "reason")
"""Beside them ``movement_ref``, or ``movement`` with the ledger's own pseudonyms."""


class ChosenMovements(NamedTuple):
    """Movements of a test window with what was logged of each, by the instant they became known."""

    movements: pd.DataFrame
    """Rows of ``Timeline.movements``."""
    log: LoggedChoices
    """Without probabilities: nobody has scored them yet."""


def read_choices(path: Path, kind: str, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """The logged choices of one kind, index ``movement``: columns as ``COLUMNS``.

    Args:
        path: Parquet, as ``foreland backtest`` writes ``choices.parquet``.

    Raises:
        InputError: a file that cannot be read, a column that is missing, a movement twice, a
            propensity that is none.
    """
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as exc:
        raise InputError(f"--choices {path} cannot be read as Parquet: {exc}") from exc
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing or not {"movement", "movement_ref"} & set(table.columns):
        raise InputError(
            f"--choices {path} lacks {', '.join(missing) or 'movement_ref'}; it needs "
            f"{', '.join(COLUMNS)} and movement_ref (docs/selective-labels.md)"
        )
    table = table[table["kind"] == kind]
    if "movement_ref" in table.columns:
        named = [pseudonyms.movement(kind, str(ref)) for ref in table["movement_ref"]]
        table = table.assign(movement=named)
    table = table.set_index("movement")[list(COLUMNS)]
    _check(table, path)
    return table


def _check(table: pd.DataFrame, path: Path) -> None:
    twice = table.index[table.index.duplicated()]
    if len(twice):
        raise InputError(f"--choices {path} has a movement twice; keep the choice that stood")
    for name in ("propensity", "exploration"):
        if not table[name].between(0.0, 1.0).all():
            raise InputError(
                f"--choices {path}: {name} is missing or outside [0, 1]; give what was logged"
            )


def chosen_of(
    timeline: Timeline,
    choices: pd.DataFrame,
    kind: str,
    *,
    since: Micros,
    until: Micros,
    maturity_days: int,
) -> ChosenMovements:
    """The logged movements that became known at or after ``since`` and have had time to mature.

    One that the log did not refer and that was examined all the same is left out: others chose it.
    A referral whose outcome is no label, or not matured, is one without a result.
    """
    # until 2026-03-01, maturity 30 days -> known before 2026-01-30
    matured_before = until - maturity_days * MICROS_PER_DAY
    movements = timeline.of_kind(kind)
    known = movements["available_at"]
    movements = movements[(known >= since) & (known < matured_before)]
    movements = movements[movements["movement"].isin(choices.index)]
    outcomes = timeline.outcomes.set_index("movement")
    outcomes = outcomes[outcomes["examined_at"] < matured_before]
    of_movement = movements["movement"].map(outcomes["outcome"].map(LABELS))
    result = np.asarray(of_movement, dtype=np.float64)
    logged = choices.loc[movements["movement"]]
    referred = logged["referred"].to_numpy(bool)
    kept = referred | np.isnan(result)
    sample = Sample(
        referred=referred[kept],
        found=result[kept],
        propensity=logged["propensity"].to_numpy(np.float64)[kept],
    )
    explored = referred & (logged["reason"] == EXPLORATION).to_numpy(bool)
    log = LoggedChoices(sample, explored[kept], logged["exploration"].to_numpy(np.float64)[kept])
    return ChosenMovements(movements[kept], log)
