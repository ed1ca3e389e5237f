"""Are the trees in a LightGBM text trees? Looked at before this process lets LightGBM follow them.

LightGBM believes its text. A child or a feature that is not there makes it read, at the one row
that comes by, memory that is not its own, perhaps long after a bundle was loaded. Golden rows
cannot come by everywhere; this does.
"""

import itertools
import math
import re
from collections import Counter

_END = "end of trees\n"
_CATEGORICAL = 1  # bits of decision_type, of LightGBM's include/LightGBM/tree.h
_DECISION_BITS = 0b1111
_PER_SPLIT = ("split_feature", "threshold", "decision_type", "left_child", "right_child")


class NoTree(Exception):
    """What is wrong with a tree, as a phrase."""


def check_trees(text: str, features: int) -> None:
    """Every split is on one of ``features`` columns and leads to two places of its own, every
    number is one, and the trees lie where the text says.

    Raises:
        NoTree: one of that does not hold, or a tree is of a sort that training never makes:
            with categories, with lines in its leaves.
    """
    header, start, _ = text.partition("Tree=0\n")
    trees, end, _ = (start + text[len(header) + len(start) :]).partition(_END)
    if not start or not end:
        raise NoTree("it has no trees, or they do not end")
    sizes = _fields(header).get("tree_sizes", "").split()
    try:
        offsets = list(itertools.accumulate(map(int, sizes), initial=0))
        if offsets[-1] != len(trees.encode()):
            raise NoTree("its trees are not as long as it says")
        for number, (begin, stop) in enumerate(itertools.pairwise(offsets)):
            _check_tree(trees[begin:stop], number, features)
    except (ValueError, KeyError) as exc:
        raise NoTree(f"a tree holds something that is no number, or lacks it: {exc}") from exc


def _check_tree(tree: str, number: int, features: int) -> None:
    if not tree.startswith(f"Tree={number}\n"):
        raise NoTree(f"tree {number} is not where the text says")
    fields = _fields(tree)
    leaves = int(fields["num_leaves"])
    values = [float(value) for value in fields["leaf_value"].split()]
    if len(values) != leaves or not all(map(math.isfinite, values)):
        raise NoTree(f"tree {number} has not {leaves} leaves of finite values")
    if int(fields["num_cat"]) or int(fields.get("is_linear", "0")):
        raise NoTree(f"tree {number} has categories or lines, and training makes neither")
    columns = {name: fields[name].split() for name in _PER_SPLIT}
    if any(len(column) != leaves - 1 for column in columns.values()):
        raise NoTree(f"tree {number} has not {leaves - 1} splits")
    _check_splits(columns, number, leaves, features)


def _check_splits(columns: dict[str, list[str]], number: int, leaves: int, features: int) -> None:
    if not all(0 <= int(feature) < features for feature in columns["split_feature"]):
        raise NoTree(f"tree {number} splits on a feature that is not there")
    if any(math.isnan(float(threshold)) for threshold in columns["threshold"]):
        raise NoTree(f"tree {number} has a threshold that is no number")
    kinds = [int(kind) for kind in columns["decision_type"]]
    if any(kind & _CATEGORICAL or kind & ~_DECISION_BITS for kind in kinds):
        raise NoTree(f"tree {number} has a split of another sort than training makes")
    left, right = (map(int, columns[side]) for side in ("left_child", "right_child"))
    children = list(zip(left, right, strict=True))
    places = Counter(itertools.chain.from_iterable(children))
    wanted = Counter([*range(1, leaves - 1), *range(-leaves, 0)]) if leaves > 1 else Counter()
    rises = all(child < 0 or child > at for at, pair in enumerate(children) for child in pair)
    if places != wanted or not rises:
        raise NoTree(f"tree {number} is no tree: a branch leads nowhere, back or twice to a place")


def _fields(lines: str) -> dict[str, str]:
    found = re.findall(r"^([^=\n]+)=(.*)$", lines, re.MULTILINE)
    if len(dict(found)) != len(found):
        raise NoTree("it says something twice")
    return dict(found)
