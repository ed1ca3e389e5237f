"""The highest margin that a row could have had, whatever its blank fields would have said.

A tree is walked with some columns *free*: at a split on one, both ways are gone, and the highest
leaf that is met counts. So the sum over the trees is at least the margin of every row that has
these values in the other columns, with any value or none in the free ones:

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
holds bit for bit of the margin.
"""

import re
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
States = NDArray[np.int8]

GIVEN, FREE, AT_MOST = 0, 1, 2
"""What is known of a column: its value; nothing; or that it is its value or anything below."""

ROWS_OF_A_BLOCK = 256

_CATEGORICAL, _NAN_GOES_LEFT, _MISSING_IS_NAN = 1, 2, 8  # bits of LightGBM's decision_type


class PackedTrees(NamedTuple):
    """Every split and leaf of a model, tree after tree."""

    first_split: Ints
    """int64[trees + 1]: where the splits of each tree begin."""
    first_leaf: Ints
    """int64[trees + 1]"""
    feature: Ints
    threshold: Floats
    decision: Ints
    """LightGBM's bits: what a missing value does."""
    left: Ints
    """Of a split: the next split of its tree, or ~leaf."""
    right: Ints
    leaf: Floats


def packed(text: str) -> PackedTrees:
    """From LightGBM's text, which is proven to be one (``models.bundle``).

    Raises:
        ValueError: a split on categories, which training never makes.
    """
    columns: dict[str, list[NDArray[np.float64]]] = {name: [] for name in _NAMES}
    for block in text.split("\nTree=")[1:]:
        for name, values in columns.items():
            line = re.search(rf"^{name}=(.*)$", block, re.MULTILINE)
            values.append(np.array((line[1] if line else "").split(), dtype=np.float64))
    ints = {n: np.concatenate(columns[n]).astype(np.int64) for n in _NAMES[:4]}
    if (ints["decision_type"] & _CATEGORICAL).any():
        raise ValueError("a tree splits on categories; train it on numbers only")
    return PackedTrees(
        _starts(columns["split_feature"]),
        _starts(columns["leaf_value"]),
        ints["split_feature"],
        np.concatenate(columns["threshold"]),
        ints["decision_type"],
        ints["left_child"],
        ints["right_child"],
        np.concatenate(columns["leaf_value"]),
    )


_NAMES = ("split_feature", "decision_type", "left_child", "right_child", "threshold", "leaf_value")


def _starts(of_trees: list[Floats]) -> Ints:
    return np.concatenate([[0], np.cumsum([len(values) for values in of_trees])]).astype(np.int64)


def exact_margins(trees: PackedTrees, rows: Floats) -> Floats:
    """float64[n]: LightGBM's margin bit for bit, several times as fast for a row and for many.

    Tree after tree over a block of rows, so that each tree is read into the cache once a block;
    every row still adds its leaves in the order of the trees. Lets other threads run meanwhile.

    Args:
        rows: float64[n, F].
    """
    found = np.zeros(len(rows))
    _follow(*trees, np.ascontiguousarray(rows), found)
    return found


@numba.njit(cache=True, error_model="numpy", nogil=True)  # type: ignore[untyped-decorator]
def _follow(
    first_split: Ints,
    first_leaf: Ints,
    feature: Ints,
    threshold: Floats,
    decision: Ints,
    left: Ints,
    right: Ints,
    leaf: Floats,
    rows: Floats,
    found: Floats,
) -> None:
    for begin in range(0, len(rows), ROWS_OF_A_BLOCK):
        end = min(begin + ROWS_OF_A_BLOCK, len(rows))
        for tree in range(len(first_split) - 1):
            splits, leaves = first_split[tree], first_leaf[tree]
            root = 0 if first_split[tree + 1] > splits else ~0
            for i in range(begin, end):
                at = root
                while at >= 0:
                    split = splits + at
                    value = rows[i, feature[split]]
                    if value <= threshold[split]:
                        at = left[split]
                    elif value > threshold[split]:
                        at = right[split]
                    elif decision[split] & _MISSING_IS_NAN:
                        at = left[split] if decision[split] & _NAN_GOES_LEFT else right[split]
                    else:  # missing, as LightGBM does where no row of training lacked it
                        at = left[split] if threshold[split] >= 0.0 else right[split]
                found[i] += leaf[leaves + ~at]


def worst_margins(trees: PackedTrees, rows: Floats, states: States) -> Floats:
    """float64[n]: LightGBM's margin bit for bit where all columns are ``GIVEN``.

    Args:
        rows: float64[n, F].
        states: int8[n, F] of ``GIVEN``, ``FREE`` and ``AT_MOST``.
    """
    found = np.empty(len(rows))
    _walk(*trees, np.ascontiguousarray(rows), np.ascontiguousarray(states), found)
    return found


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _walk(
    first_split: Ints,
    first_leaf: Ints,
    feature: Ints,
    threshold: Floats,
    decision: Ints,
    left: Ints,
    right: Ints,
    leaf: Floats,
    rows: Floats,
    states: States,
    found: Floats,
) -> None:
    most_leaves = np.diff(first_leaf).max()
    waiting = np.empty(
        most_leaves, dtype=np.int64
    )  # each way that waits leads to leaves of its own
    for i in range(len(rows)):
        margin = 0.0
        for tree in range(len(first_split) - 1):
            splits, leaves = first_split[tree], first_leaf[tree]
            highest = -np.inf
            waiting[0] = 0 if first_split[tree + 1] > splits else ~0
            left_over = 1
            while left_over > 0:
                left_over -= 1
                at = waiting[left_over]
                while at >= 0:
                    split = splits + at
                    column = feature[split]
                    value, state = rows[i, column], states[i, column]
                    if np.isnan(value) and not decision[split] & _MISSING_IS_NAN:
                        value = 0.0  # as LightGBM, where no row of training lacked it
                    if np.isnan(value):
                        goes_left = decision[split] & _NAN_GOES_LEFT != 0
                    else:
                        goes_left = value <= threshold[split]
                    if state == FREE or (state == AT_MOST and not goes_left):
                        waiting[left_over] = left[split]
                        left_over += 1
                        at = right[split]
                    else:
                        at = left[split] if goes_left else right[split]
                highest = max(highest, leaf[leaves + ~at])
            margin += highest
        found[i] = margin
