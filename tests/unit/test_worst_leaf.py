"""The worst leaf, by hand and against every value that a free column could have."""

import re
from itertools import product

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from models.booster import TreeModel
from models.packed_trees import PackedTrees, packed
from models.tree_kernel import MOST_BITS
from models.worst_leaf import AT_MOST, FEW_FREE, FEW_ROWS, FREE, GIVEN, exact_margins, worst_margins

TWO_TREES = """
Tree=0
num_leaves=3
split_feature=0 1
threshold=1.5 10
decision_type=10 8
left_child=1 -2
right_child=-1 -3
leaf_value=0.5 -1 0.25

Tree=1
num_leaves=1
leaf_value=0.125
"""
"""Column 0 up to 1.5, and missing: column 1 up to 10 is -1, above and missing 0.25; else 0.5."""


def margin(
    row: tuple[float, float], states: tuple[int, int], trees: PackedTrees | None = None
) -> float:
    """The same of a row alone and of some."""
    packed_trees = trees or packed(TWO_TREES)
    rows, known = np.array([row] * FEW_FREE), np.array([states] * FEW_FREE, dtype=np.int8)
    alone = worst_margins(packed_trees, rows[:1], known[:1])
    assert worst_margins(packed_trees, rows, known).tolist() == alone.tolist() * FEW_FREE
    return float(alone[0]) - 0.125


@pytest.mark.parametrize(
    ("row", "states", "expected"),
    [
        ((2.0, 0.0), (GIVEN, GIVEN), 0.5),
        ((1.5, 10.0), (GIVEN, GIVEN), -1.0),
        ((np.nan, 11.0), (GIVEN, GIVEN), 0.25),
        ((1.0, np.nan), (GIVEN, GIVEN), 0.25),
        ((1.0, 0.0), (FREE, GIVEN), 0.5),
        ((1.0, 0.0), (GIVEN, FREE), 0.25),
        ((2.0, 0.0), (GIVEN, FREE), 0.5),
        ((1.0, 11.0), (GIVEN, AT_MOST), 0.25),
        ((1.0, 9.0), (GIVEN, AT_MOST), -1.0),
    ],
)
def test_two_trees_by_hand(
    row: tuple[float, float], states: tuple[int, int], expected: float
) -> None:
    assert margin(row, states) == expected


def test_at_most_goes_where_less_would_have_gone() -> None:
    falling = packed(
        "\nTree=0\nsplit_feature=0\nthreshold=1.5\ndecision_type=8\n"
        "left_child=-1\nright_child=-2\nleaf_value=3 2\n"
    )
    assert margin((2.0, 0.0), (GIVEN, GIVEN), falling) == 2.0 - 0.125
    assert margin((2.0, 0.0), (AT_MOST, GIVEN), falling) == 3.0 - 0.125


def test_a_split_on_categories_is_refused() -> None:
    with pytest.raises(ValueError, match="categories"):
        packed(TWO_TREES.replace("decision_type=10", "decision_type=1"))


def fitted(rows: NDArray[np.float64], labels: NDArray[np.float64], leaves: int = 9) -> TreeModel:
    parameters = {"objective": "binary", "num_leaves": leaves, "verbosity": -1, "num_threads": 1}
    parameters |= {"min_data_in_leaf": 3, "deterministic": True, "force_row_wise": True}
    data = lightgbm.Dataset(rows, labels, params=parameters)
    return TreeModel(str(lightgbm.train(parameters, data, 30).model_to_string()))


@pytest.mark.parametrize("seed", range(4))
def test_no_value_of_a_free_column_gives_more_and_nothing_free_is_lightgbm(seed: int) -> None:
    """Four columns of few values, one never missing: every filling is tried, and NaN."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 4, size=(300, 4)).astype(np.float64)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[:, 3] = rng.integers(0, 4, size=300)
    labels = (rng.random(300) < 0.1 + 0.2 * np.nan_to_num(rows[:, 0] * rows[:, 3] / 4)).astype(
        float
    )
    model = fitted(rows, labels)
    trees = packed(model.text)
    given = np.full(rows.shape, GIVEN, dtype=np.int8)
    assert worst_margins(trees, rows, given).tobytes() == model.margins(rows).tobytes()
    assert exact_margins(trees, rows).tobytes() == model.margins(rows).tobytes()
    assert exact_margins(trees, rows[:1]).tobytes() == model.margins(rows[:1]).tobytes()
    values = [-1.0, 0.0, 1.0, 2.0, 3.0, np.nan]
    for free in ([0], [1, 2], [0, 3]):
        states = given.copy()
        states[:, free] = FREE
        worst = worst_margins(trees, rows, states)
        assert worst_margins(trees._replace(splits=None), rows, states).tobytes() == worst.tobytes()
        highest_of_tree = np.full((len(rows), model.tree_count), -np.inf)
        for filling in product(values, repeat=len(free)):
            filled = rows.copy()
            filled[:, free] = filling
            assert (worst >= model.margins(filled)).all()
            highest_of_tree = np.maximum(highest_of_tree, leaf_values(model, filled))
        assert worst == pytest.approx(highest_of_tree.sum(axis=1), abs=1e-12)  # and no more than it


def leaf_values(model: TreeModel, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    values = re.findall(r"^leaf_value=(.*)$", model.text, re.MULTILINE)
    leaf = [np.array(line.split(), dtype=np.float64) for line in values]
    return np.column_stack(
        [of_tree[at] for of_tree, at in zip(leaf, model.leaves(rows).T, strict=True)]
    )


@pytest.mark.parametrize("leaves", [2, 9, MOST_BITS, MOST_BITS + 1, 200])
def test_a_row_alone_is_as_among_others(leaves: int) -> None:
    """In trees whose leaves are as many as bits, and in larger ones, which are only walked."""
    rng = np.random.default_rng(9)
    rows = rng.normal(size=(900, 3)).round(2)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    odd = np.nan_to_num(rows, nan=1.0).sum(axis=1) * 3 % 2 < 1
    model = fitted(rows, odd.astype(np.float64), leaves)
    trees = packed(model.text)
    assert trees.nodes.most_leaves == leaves
    assert (trees.splits is None) == (leaves > MOST_BITS)
    states = rng.integers(0, 3, size=rows.shape).astype(np.int8)
    together, exact = worst_margins(trees, rows, states), exact_margins(trees, rows)
    assert exact.tobytes() == model.margins(rows).tobytes()
    for at in range(0, 900, 17):
        one = slice(at, at + 1)
        assert worst_margins(trees, rows[one], states[one])[0] == together[at]
        assert exact_margins(trees, rows[one])[0] == exact[at]


def test_every_number_of_rows_gives_each_its_own() -> None:
    """Around the sizes of a few rows, of eight and of a block."""
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(140, 3))
    model = fitted(rows, (rows[:, 0] > 0).astype(np.float64))
    trees, expected = packed(model.text), model.margins(rows)
    for count in (0, 1, FEW_ROWS - 1, FEW_ROWS, 8, 9, 63, 64, 65, 128, 129):
        assert exact_margins(trees, rows[:count]).tobytes() == expected[:count].tobytes()
