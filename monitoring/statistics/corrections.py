"""Which figures of a published month come out differently when it is issued again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

_SAME = 1e-9
"""Relative: a number that went through a CSV file is the same."""


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
