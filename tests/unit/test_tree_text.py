"""A text is one of trees, whichever branch a row may take; LightGBM itself does not look."""

import re

import lightgbm
import numpy as np
import pytest

from models.tree_text import NoTree, check_trees
from tests.small_models import small_parts

TEXT = small_parts().model_text
FEATURES = len(small_parts().catalogue.names)


def edited(pattern: str, by: str) -> str:
    """With its first tree edited, and the sizes of trees put right again."""
    text, edits = re.subn(pattern, by, TEXT, count=1, flags=re.MULTILINE)
    assert edits == 1
    first = re.search(r"^tree_sizes=(\d+)", TEXT, re.MULTILINE)
    assert first is not None
    size = int(first[1]) + len(text) - len(TEXT)
    return text.replace(first[0], f"tree_sizes={size}", 1)


def test_what_training_makes_is_trees() -> None:
    check_trees(TEXT, FEATURES)
    assert edited("^num_cat=0$", "num_cat=0") == TEXT


def test_a_tree_of_one_leaf_is_a_tree() -> None:
    rows, labels = np.random.default_rng(1).normal(size=(50, 3)), np.arange(50) % 2
    parameters = {"objective": "binary", "verbosity": -1, "min_data_in_leaf": 50}
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows, labels), 2)
    text = str(booster.model_to_string())
    assert "num_leaves=1\n" in text
    check_trees(text, 3)


@pytest.mark.parametrize(
    ("pattern", "by", "said"),
    [
        (r"^split_feature=\d+", f"split_feature={FEATURES}", "a feature that is not there"),
        (r"^split_feature=\d+", "split_feature=-1", "a feature that is not there"),
        (r"^left_child=\S+", "left_child=0", "leads nowhere, back or twice"),
        (r"^left_child=\S+", "left_child=-9", "leads nowhere, back or twice"),
        (r"^right_child=\S+", "right_child=77", "leads nowhere, back or twice"),
        (r"^right_child=(\S+) (\S+)", r"right_child=\1 \1", "leads nowhere, back or twice"),
        (r"^num_leaves=5", "num_leaves=4", "has not 4 leaves of finite values"),
        (r"^leaf_value=\S+", "leaf_value=inf", "has not 5 leaves of finite values"),
        (r"^threshold=\S+", "threshold=nan", "a threshold that is no number"),
        (r"^threshold=\S+ ", "threshold=", "has not 4 splits"),
        (r"^threshold=\S+", "threshold=x", "is no number"),
        (r"^decision_type=\d+", "decision_type=1", "of another sort"),
        (r"^decision_type=\d+", "decision_type=64", "of another sort"),
        (r"^num_cat=0", "num_cat=1", "has categories or lines"),
        (r"^is_linear=0", "is_linear=1", "has categories or lines"),
        (r"^num_cat=0", "num_cats=0", "lacks it: 'num_cat'"),
        (r"^num_cat=0", "num_cat=0\nnum_cat=1", "says something twice"),
        (r"^Tree=1$", "Tree=7", "tree 1 is not where the text says"),
        (r"^Tree=0$", "Tree=1", "it has no trees"),
        (r"^end of trees$", "end", "or they do not end"),
    ],
)
def test_what_is_no_tree_is_said(pattern: str, by: str, said: str) -> None:
    with pytest.raises(NoTree, match=said):
        check_trees(edited(pattern, by), FEATURES)


def test_trees_that_are_not_as_long_as_they_say_are_refused() -> None:
    with pytest.raises(NoTree, match="not as long as it says"):
        check_trees(TEXT.replace("tree_sizes=", "tree_sizes=9", 1), FEATURES)
    sizes = re.search(r"^tree_sizes=(\d+) (\d+)", TEXT, re.MULTILINE)
    assert sizes is not None
    moved = f"tree_sizes={int(sizes[1]) + 1} {int(sizes[2]) - 1}"
    with pytest.raises(NoTree, match="tree 1 is not where the text says"):
        check_trees(TEXT.replace(sizes[0], moved, 1), FEATURES)
