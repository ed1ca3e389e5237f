"""Which counts are kept back, so that no small one is shown and none follows by subtraction.

A count from 1 to 9 could point to one haulier or one case. Keeping it back is not enough: who
knows a total and all the other parts of it knows the missing part. So of every total that is
shown, what is left after the parts that are shown is nothing, or at least 10 in two or more parts.

References:
    Hundepool, A. et al. (2012), "Statistical Disclosure Control", section 4.4: secondary cell
    suppression, here for parts that lie whole inside one another.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

FEWEST_SHOWN = 10


def kept_back(
    counts: ArrayLike,
    table: Ints | None = None,
    inside: Bools | None = None,
    already: Bools | None = None,
) -> Bools:
    """bool[n]: the counts not to show; a zero is shown unless it lies inside something kept back.

    Args:
        counts: int64[n], of parts of one whole whose total everybody knows.
        table: int64[n], which table a part stands in; the parts of a table make up the whole. One
            table by default.
        inside: bool[n, n], [a, b] where all that b counts is counted in a too; nothing by default.
        already: bool[n], kept back in any case.

    >>> kept_back(np.array([4, 300, 25, 60]))  # 25 too, or 4 would follow from the total
    array([ True, False,  True, False])
    """
    counts = np.asarray(counts, np.int64)
    table = np.zeros(len(counts), np.int64) if table is None else table
    inside = np.zeros((len(counts), len(counts)), bool) if inside is None else inside
    hidden = (counts > 0) & (counts < FEWEST_SHOWN)
    if already is not None:
        hidden |= already
    while True:
        before = hidden.copy()
        hidden |= inside[hidden].any(axis=0)
        for one in np.unique(table):
            of_table = table == one
            _protect(counts, int(counts[of_table].sum()), of_table, hidden)
            for whole in np.flatnonzero(~hidden & ~of_table):
                parts = of_table & inside[whole]
                if parts.any() and not _protect(counts, int(counts[whole]), parts, hidden):
                    hidden[whole] = True
        if (hidden == before).all():
            return hidden


def _protect(counts: Ints, total: int, parts: Bools, hidden: Bools) -> bool:
    """Hide more of the parts, the smallest first, until nothing follows from the total.

    False when all of them are hidden and something still follows.
    """
    while _tells(counts, total, parts, hidden):
        shown = np.flatnonzero(parts & ~hidden & (counts > 0))
        if not len(shown):
            return False
        hidden[shown[np.argmin(counts[shown])]] = True
    return True


def _tells(counts: Ints, total: int, parts: Bools, hidden: Bools) -> bool:
    left = total - int(counts[parts & ~hidden].sum())
    elsewhere = total > int(counts[parts].sum())  # counted in the total and in none of the parts
    pieces = int((parts & hidden & (counts > 0)).sum())
    if left == 0:
        return False
    return left < FEWEST_SHOWN or (pieces > 0 and pieces + elsewhere < 2)
