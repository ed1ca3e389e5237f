"""The highest margin that a row could have had, whatever its blank fields would have said.

A tree is walked with some columns *free*: at a split on one, both ways are open, and the highest
leaf in reach counts. So the sum over the trees is at least the margin of every row that has
these values in the other columns, with any value or none in the free ones:

>>> from models.packed_trees import packed
>>> trees = packed('''
... Tree=0
... num_leaves=2
... split_feature=0
... threshold=1.5
... decision_type=10
... left_child=-1
... right_child=-2
... leaf_value=-0.25 0.5
... ''')
>>> row = np.array([[1.0]])
>>> float(worst_margins(trees, row, np.array([[GIVEN]], dtype=np.int8))[0])
-0.25
>>> float(worst_margins(trees, row, np.array([[FREE]], dtype=np.int8))[0])
0.5

Sums of doubles in a fixed order never fall when no term falls, so what holds of single trees
holds bit for bit of the margin. Whichever way ``models.tree_kernel`` finds the leaves, it adds
them in the order of the trees.
"""

import numpy as np

from models.packed_trees import PackedTrees
from models.tree_kernel import AT_MOST, FREE, GIVEN, Floats, States, follow, sweep, walk

__all__ = ["AT_MOST", "FREE", "GIVEN", "exact_margins", "worst_margins"]

FEW_ROWS, FEW_FREE = 6, 3
"""From so many on, asking every split of all of them is faster than to go down tree by tree: of
rows that are given, and of rows that go both ways at some splits."""
_ALL_GIVEN: States = np.empty((0, 0), dtype=np.int8)


def exact_margins(trees: PackedTrees, rows: Floats) -> Floats:
    """float64[n]: LightGBM's margin bit for bit, several times as fast for a row and for many.

    Lets other threads run meanwhile.

    Args:
        rows: float64[n, F], row after row in memory.
    """
    found = np.zeros(len(rows))
    if trees.splits is not None and len(rows) >= FEW_ROWS:
        sweep(*trees.splits, rows, _ALL_GIVEN, found)
    else:
        words, numbers, roots, _ = trees.nodes
        follow(words, numbers, roots, rows, found)
    return found


def worst_margins(trees: PackedTrees, rows: Floats, states: States) -> Floats:
    """float64[n]: LightGBM's margin bit for bit where all columns are ``GIVEN``.

    Args:
        rows: float64[n, F], row after row in memory.
        states: int8[n, F] of ``GIVEN``, ``FREE`` and ``AT_MOST``, likewise.
    """
    found = np.zeros(len(rows))
    if trees.splits is not None and len(rows) >= FEW_FREE:
        sweep(*trees.splits, rows, states, found)
    else:
        walk(*trees.nodes, rows, states, found)
    return found
