"""The model's row: declared features and history, in the order of the catalogue.

Scoring a movement gives exactly the row, byte for byte, that training sees for the same ``as_of``:
``feature_row`` and ``feature_rows`` share the declared functions and the history kernel, and a
property test compares them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.catalogue import Catalogue, CatalogueMismatch
from features.clock import Micros
from features.declared import DeclaredReader
from features.history.consignments import fill_aboard
from features.history.offline import fill_history
from features.history.online import LiveHistory
from features.history.plan import Plan, plan_of
from features.ledger.events import MovementDeclared
from features.movement_columns import MovementColumns
from features.timeline import Timeline

Floats = NDArray[np.float64]
FillHistory = Callable[
    [Timeline, Sequence[MovementDeclared], NDArray[np.int64], Plan, Floats], None
]
"""As ``features.history.offline.fill_history``."""


def feature_rows(
    timeline: Timeline,
    movements: Sequence[MovementDeclared],
    as_of: ArrayLike,
    catalogue: Catalogue,
    *,
    fill: FillHistory = fill_history,
) -> Floats:
    """The row of each movement at its own instant.

    Args:
        movements: of the catalogue's kind; they need not be in the timeline.
        as_of: int64[n], microseconds; nothing with ``available_at >= as_of`` is seen.
        fill: who fills the history columns, with the same bytes: this process, or a cluster
            (``features.history.distributed``). What consignments say is filled here either way.

    Returns:
        float64[n, F], columns in the order of ``catalogue.names``; NaN is missing.

    Raises:
        FutureRefused: an ``as_of`` later than ``timeline.available_before``.
    """
    plan = _readers(catalogue)[1]
    instants = np.ascontiguousarray(as_of, dtype=np.int64)
    if instants.shape != (len(movements),):
        raise ValueError(f"{len(movements)} movements need as many as_of, not {instants.shape}")
    rows = declared_rows(movements, catalogue)
    fill(timeline, movements, instants, plan, rows)
    fill_aboard(timeline, movements, instants, plan, rows)
    return rows


def declared_rows(movements: Sequence[MovementDeclared], catalogue: Catalogue) -> Floats:
    """As ``feature_rows``, but what comes from history is missing, and nobody pays for it.

    float64[n, F].
    """
    _check_kind(movements, catalogue)
    rows = np.empty((len(movements), len(catalogue.features)))
    rows.fill(np.nan)  # half of what np.full takes for one row
    _readers(catalogue)[0].fill(movements, rows)
    return rows


def feature_row(
    history: LiveHistory, movement: MovementDeclared, as_of: Micros, catalogue: Catalogue
) -> Floats:
    """The row of one movement from live state: float64[F], as in ``feature_rows``.

    Everything heard from the ledger with ``available_at < as_of`` is in it.

    Raises:
        FutureRefused: an event with ``available_at >= as_of`` is applied already. State runs
            forward only; pick ``as_of`` after ``follow`` and later than ``newest_available_at``.
    """
    row: Floats = live_rows(history, (movement,), as_of, catalogue)[0]
    return row


def live_rows(
    history: LiveHistory,
    movements: Sequence[MovementDeclared],
    as_of: Micros,
    catalogue: Catalogue,
) -> Floats:
    """The rows of many movements at one instant: float64[n, F], each as ``feature_row`` gives it.

    Raises:
        FutureRefused: as ``feature_row``.
    """
    rows = declared_rows(movements, catalogue)
    history.fill(movements, as_of, _readers(catalogue)[1], rows)
    return rows


def rows_in_time(
    history: LiveHistory,
    movements: Sequence[MovementDeclared],
    as_of: ArrayLike,
    catalogues: Mapping[str, Catalogue],
) -> dict[str, Floats]:
    """The rows of many movements of several kinds from live state, as ``feature_row`` gives each.

    Args:
        as_of: int64[n], microseconds, rising; state runs forward with it.
        catalogues: kind to catalogue.

    Returns:
        Kind to float64[m, F], a row for each of its movements in the order given.

    Raises:
        FutureRefused: as ``feature_row``.
    """
    instants = np.asarray(as_of, dtype=np.int64).tolist()
    of_kind = {kind: [m for m in movements if m.kind == kind] for kind in catalogues}
    rows: dict[str, Floats] = {}
    for kind, catalogue in catalogues.items():
        rows[kind] = np.full((len(of_kind[kind]), len(catalogue.features)), np.nan)
        _readers(catalogue)[0].fill(of_kind[kind], rows[kind])
    filled = dict.fromkeys(catalogues, 0)
    plans = {kind: _readers(catalogue)[1] for kind, catalogue in catalogues.items()}
    for movement, instant in zip(movements, instants, strict=True):
        kind, at = movement.kind, filled[movement.kind]
        history.fill([movement], instant, plans[kind], rows[kind][at : at + 1])
        filled[kind] += 1
    return rows


@lru_cache(maxsize=32)
def _readers(catalogue: Catalogue) -> tuple[DeclaredReader, Plan]:
    """Checked to fill every column between them."""
    asked = {i: f.name for i, f in enumerate(catalogue.features) if f.source == "declared"}
    declared = DeclaredReader(catalogue.kind, asked)
    for place, name in asked.items():
        if place not in declared.columns:
            raise CatalogueMismatch(catalogue, name)
    return declared, plan_of(catalogue)


def _check_kind(movements: Sequence[MovementDeclared], catalogue: Catalogue) -> None:
    for movement in (movements,) if isinstance(movements, MovementColumns) else movements:
        if movement.kind != catalogue.kind:
            raise ValueError(f"a {movement.kind} cannot be read by a {catalogue.kind} catalogue")
