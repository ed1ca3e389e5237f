"""LightGBM's text of models of one split a tree, written by hand."""

from collections.abc import Sequence
from typing import NamedTuple


class Split(NamedTuple):
    """``at_most`` where the feature is at most ``threshold``, else ``above``."""

    feature: str
    threshold: float
    at_most: float
    above: float
    nan_left: bool = False
    at_most_rows: int = 50
    """Of 100 rows that it was fitted on; the expectation is weighted with them."""


def model_text(names: Sequence[str], *splits: Split) -> str:
    header = [
        "tree",
        "version=v4",
        "num_class=1",
        "num_tree_per_iteration=1",
        "label_index=0",
        f"max_feature_idx={len(names) - 1}",
        "objective=binary sigmoid:1",
        f"feature_names={' '.join(names)}",
        f"feature_infos={' '.join(['[-1e+300:1e+300]'] * len(names))}",
    ]
    trees = [_tree(number, names.index(one.feature), one) for number, one in enumerate(splits)]
    sizes = "tree_sizes=" + " ".join(str(len(tree)) for tree in trees)
    body = "".join(trees)
    return (
        "\n".join([*header, sizes, "", body]) + "end of trees\n\nparameters:\nend of parameters\n"
    )


def _tree(number: int, column: int, split: Split) -> str:
    left, right = split.at_most_rows, 100 - split.at_most_rows
    lines = [
        f"Tree={number}",
        "num_leaves=2",
        "num_cat=0",
        f"split_feature={column}",
        "split_gain=1",
        f"threshold={split.threshold!r}",
        f"decision_type={10 if split.nan_left else 8}",
        "left_child=-1",
        "right_child=-2",
        f"leaf_value={split.at_most!r} {split.above!r}",
        f"leaf_weight={left} {right}",
        f"leaf_count={left} {right}",
        f"internal_value={(left * split.at_most + right * split.above) / 100!r}",
        "internal_weight=100",
        "internal_count=100",
        "is_linear=0",
        "shrinkage=1",
        "",
        "",
        "",
    ]
    return "\n".join(lines)
