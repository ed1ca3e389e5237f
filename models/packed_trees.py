"""The trees of a model as compiled code goes through them (``models.tree_kernel``)."""

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.history.layout import in_lines
from models.tree_kernel import (
    CHILD,
    HIGHEST,
    LANES,
    MISSING_LEFT,
    MOST_BITS,
    SPLIT,
    WHAT,
    Floats,
    Ints,
    Nodes,
    Splits,
)

_CATEGORICAL, _NAN_GOES_LEFT, _MISSING_IS_NAN = 1, 2, 8  # bits of LightGBM's decision_type
_NODES_PER_LINE = 4


class PackedTrees(NamedTuple):
    nodes: Nodes
    splits: Splits | None
    """None where a tree has more than 64 leaves."""


class _Tree(NamedTuple):
    """As LightGBM lists it; children come after their parents."""

    feature: Ints
    threshold: Floats
    missing_left: NDArray[np.bool_]
    children: Ints
    """int64[splits, 2], left and right: the next split, or ~leaf."""
    leaf: Floats


def packed(text: str) -> PackedTrees:
    """From LightGBM's text, which is proven to be one (``models.bundle``).

    Raises:
        ValueError: a split on categories, which training never makes.
    """
    trees = [_tree(block) for block in text.split("\nTree=")[1:]]
    few_leaves = all(len(tree.leaf) <= MOST_BITS for tree in trees)
    return PackedTrees(_nodes(trees), _splits(trees) if few_leaves else None)


def _tree(block: str) -> _Tree:
    def column(name: str) -> Floats:
        line = re.search(rf"^{name}=(.*)$", block, re.MULTILINE)
        return np.array((line[1] if line else "").split(), dtype=np.float64)

    decision, threshold = column("decision_type").astype(np.int64), column("threshold")
    if (decision & _CATEGORICAL).any():
        raise ValueError("a tree splits on categories; train it on numbers only")
    missing_left = np.where(
        decision & _MISSING_IS_NAN,
        decision & _NAN_GOES_LEFT,
        threshold >= 0.0,  # taken for 0, as LightGBM does where no row of training lacked it
    )
    children = np.column_stack([column("left_child"), column("right_child")]).astype(np.int64)
    feature = column("split_feature").astype(np.int64)
    return _Tree(feature, threshold, missing_left.astype(bool), children, column("leaf_value"))


def _nodes(trees: Sequence[_Tree]) -> Nodes:
    """Each tree begins with a cache line, of which the first place is left free: so pairs of
    children never lie on two."""
    sizes = [-(-2 * len(tree.leaf) // _NODES_PER_LINE) * _NODES_PER_LINE for tree in trees]
    begins = list(accumulate(sizes, initial=0))
    memory = in_lines(begins[-1] + 1, 2)
    words, numbers = memory.view(np.int32), memory.view(np.float64)
    words[-1, CHILD] = begins[-1]
    for tree, begin in zip(trees, begins, strict=False):
        count = len(tree.feature)
        children = np.concatenate([[0 if count else ~0], tree.children.ravel()])
        places = begin + 1 + np.arange(len(children))
        inner = children >= 0
        of_split = np.empty(count, dtype=np.int64)
        of_split[children[inner]] = places[inner]
        numbers[of_split, 0] = tree.threshold
        words[of_split, CHILD] = begin + 2 + 2 * np.arange(count)
        words[of_split, WHAT] = 4 * tree.feature + SPLIT + MISSING_LEFT * tree.missing_left
        of_leaf = places[~inner]
        numbers[of_leaf, 0] = tree.leaf[~children[~inner]]
        words[of_leaf, CHILD] = of_leaf
    roots = [begin + 1 for begin in begins[:-1]]
    roots += [begins[-1]] * (-len(roots) % LANES)
    most_leaves = max((len(tree.leaf) for tree in trees), default=1)
    return Nodes(words, numbers, np.array(roots, dtype=np.int32), most_leaves)


def _splits(trees: Sequence[_Tree]) -> Splits:
    leaf = np.zeros((len(trees), MOST_BITS))
    for at, tree in enumerate(trees):
        leaf[at, : len(tree.leaf)] = np.sort(tree.leaf)[::-1]
    looked_at = np.concatenate([2 * tree.feature + tree.missing_left for tree in trees])
    columns, column = np.unique(looked_at, return_inverse=True)
    ways = [way for tree in trees for way in _ways(tree)]
    if_left, if_right = np.array(ways, dtype=np.uint64).reshape(-1, 2).T.copy()
    return Splits(
        columns // 2,
        np.where(columns % 2, -np.inf, np.inf),
        np.cumsum([0, *(len(tree.feature) for tree in trees)]),
        column,
        np.minimum(np.concatenate([tree.threshold for tree in trees]), HIGHEST),
        if_left,
        if_right,
        leaf,
    )


def _ways(tree: _Tree) -> list[tuple[int, int]]:
    """Of each split the bits that stay where the left way is open, and the right one."""
    every_bit = 2**MOST_BITS - 1
    from_highest = np.argsort(np.argsort(-tree.leaf, kind="stable")).tolist()
    beyond = [0] * len(tree.feature)
    ways = [(0, 0)] * len(tree.feature)
    for at, children in reversed(list(enumerate(tree.children.tolist()))):
        left, right = [
            beyond[child] if child >= 0 else 1 << from_highest[~child] for child in children
        ]
        beyond[at] = left | right
        ways[at] = every_bit ^ right, every_bit ^ left
    return ways
