"""What a corrected or appealed outcome changed in months that were published before it.

Two questions, both of what stood when a month was published and what stands now: which outcomes
stand differently, and which figures come out differently. A result that merely came late is not a
correction, though it changes figures too.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from monitoring.periods import month_of

TAKEN_BACK = "taken back"
_SAME = 1e-9
"""Relative: a number that went through a CSV file is the same."""


def corrected_outcomes(
    then: pd.DataFrame, now: pd.DataFrame, movements: pd.DataFrame
) -> pd.DataFrame:
    """Outcomes that stood when a month was published and stand differently now.

    Args:
        then, now: as ``Timeline.outcomes`` at the two instants.
        movements: as ``Timeline.movements`` now.

    Returns:
        By movement: ``movement``, ``kind``, ``month`` (``YYYY-MM``, in which the movement became
        known: whose report changes), ``published`` and ``now`` (outcome, or :data:`TAKEN_BACK`),
        ``changed_at`` (microseconds as float, when what stands now became known; NaN where it was
        taken back). Movements that were cancelled since are left out: they are in no month.
    """
    stands = now[["movement", "outcome", "available_at"]].rename(
        columns={"outcome": "now", "available_at": "changed_at"}
    )
    known_at = movements[["movement", "available_at"]]
    both = then[["movement", "kind", "outcome"]].merge(stands, on="movement", how="left")
    both = both.merge(known_at, on="movement", validate="one_to_one")
    changed = both[both["outcome"] != both["now"]].sort_values("movement", kind="stable")
    return pd.DataFrame(
        {
            "movement": changed["movement"],
            "kind": changed["kind"],
            "month": [month_of(int(at)).name for at in changed["available_at"]],
            "published": changed["outcome"],
            "now": changed["now"].fillna(TAKEN_BACK),
            "changed_at": changed["changed_at"].astype(np.float64),
        }
    ).reset_index(drop=True)


def changed_figures(
    published: Mapping[str, pd.DataFrame], recomputed: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Every number and word of a month's tables that comes out differently now.

    Args:
        published, recomputed: the tables of the page by name, as ``Table.frame`` or as read back
            from its CSV; the first column names the row.

    Returns:
        ``table``, ``row``, ``column``, ``published``, ``now``, in the order of what was published.
        A row or table that is there only once has the other value missing. Equal within rounding
        is equal; missing equals missing.
    """
    found: list[tuple[str, str, str, Any, Any]] = []
    for name in [*published, *(name for name in recomputed if name not in published)]:
        cells, again = (_cells(tables.get(name)) for tables in (published, recomputed))
        for place in [*cells, *(place for place in again if place not in cells)]:
            before, now = cells.get(place), again.get(place)
            if not _same(before, now):
                found.append((name, *place, before, now))
    return pd.DataFrame(found, columns=["table", "row", "column", "published", "now"])


Cells = dict[tuple[str, str], Any]


def _cells(table: pd.DataFrame | None) -> Cells:
    """Each value by the name of its row and its column; rows of one name are numbered."""
    if table is None or table.empty:
        return {}
    first = str(table.columns[0])
    cells: Cells = {}
    seen: dict[str, int] = {}
    for record in table.to_dict("records"):
        name = str(record[first])
        seen[name] = seen.get(name, 0) + 1
        row = name if seen[name] == 1 else f"{name} ({seen[name]})"
        cells |= {(row, str(column)): value for column, value in record.items()}
    return cells


def _same(one: Any, other: Any) -> bool:
    missing = (bool(pd.isna(one)), bool(pd.isna(other)))
    if any(missing):
        return all(missing)
    try:
        return bool(np.isclose(float(str(one)), float(str(other)), rtol=_SAME, atol=_SAME))
    except ValueError:
        return str(one) == str(other)
