"""Links read by themselves, from live state."""

from collections.abc import Sequence

import numpy as np

from features.history.link_tables import LinkTable
from features.history.live_kernel import read_live
from features.history.tables import Tables


def numbers_of_links(
    table: LinkTable, tables: Tables, slot: int, as_of: int, places: Sequence[int]
) -> list[float]:
    """
    Args:
        places: in ``LINK_STATISTICS``.
    """
    picks = np.array([(place, column) for column, place in enumerate(places)], dtype=np.int64)
    none, row = np.empty((0, 3), dtype=np.int64), np.full((1, len(places)), -1.0)
    slots = np.array([[0, slot]], dtype=np.int32)
    read_live(
        tables.addresses,
        table.address,
        slots,
        as_of,
        (0.5, 1.0),
        1.0,
        (none, none, none),
        picks,
        np.empty(0, dtype=np.int64),
        np.empty(0),
        row,
    )
    found: list[float] = row[0].tolist()
    return found
