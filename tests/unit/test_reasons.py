"""Reasons are exact Shapley values: worked out on one tree by hand, then grouped."""

from pathlib import Path

import lightgbm
import numpy as np
import pytest

from features.catalogue import catalogue_for
from models.booster import TreeModel
from models.bundle import load_bundle
from models.reasons import LEAST_CONTRIBUTION, all_reasons, group_sums, reasons_for
from tests.small_models import made_up_rows, write_small_bundle


def one_split() -> TreeModel:
    """100 rows: 30 with a 1 in the first column, 20 of which are finds, and 70 with 7 finds."""
    rows = np.zeros((100, 2))
    rows[:30, 0] = 1.0
    labels = np.zeros(100)
    labels[:20] = labels[30:37] = 1.0
    parameters = {"objective": "binary", "num_leaves": 2, "verbosity": -1, "num_threads": 1}
    data = lightgbm.Dataset(rows, labels, params=parameters)
    return TreeModel(str(lightgbm.train(parameters, data, 1).model_to_string()))


def test_one_split_by_hand() -> None:
    model = one_split()
    low, high = model.margins(np.array([[0.0, 0.0], [1.0, 0.0]]))
    expected = 0.7 * low + 0.3 * high
    (contributions,) = model.contributions(np.array([[1.0, 0.0]]))
    assert contributions == pytest.approx([high - expected, 0.0, expected])
    (contributions,) = model.contributions(np.array([[0.0, 0.0]]))
    assert contributions == pytest.approx([low - expected, 0.0, expected])


def test_contributions_are_summed_by_group() -> None:
    catalogue = catalogue_for("vehicle")
    contributions = np.zeros(len(catalogue.names))
    haulier = [at for at, group in enumerate(catalogue.groups) if group == "haulier"]
    route = [at for at, group in enumerate(catalogue.groups) if group == "route"]
    contributions[haulier[:3]] = 0.5, 0.4, -0.2
    contributions[route[0]] = -0.9
    found = group_sums(catalogue, contributions)
    assert set(found) == set(catalogue.groups)
    assert {group: value for group, value in found.items() if value} == pytest.approx(
        {"haulier": 0.7, "route": -0.9}
    )


def test_reasons_of_a_bundle(tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle")
    row = made_up_rows()[3].copy()
    row[[at for at, one in enumerate(bundle.catalogue.features) if "route_id" in one.fields]] = (
        np.nan
    )
    reasons = reasons_for(bundle, row)
    assert 1 <= len(reasons) <= 5
    strength = [abs(reason.contribution) for reason in reasons]
    assert strength == sorted(strength, reverse=True)
    assert len({reason.group for reason in reasons}) == len(reasons)
    every = list(all_reasons(bundle, row))
    expected_of_any = bundle.contributions(row[np.newaxis, :])[0, -1]
    total = expected_of_any + sum(reason.contribution for reason in every)
    assert total == pytest.approx(bundle.margins(row[np.newaxis, :])[0], abs=1e-12)
    assert {r.group for r in every} >= {*bundle.catalogue.groups, "route not declared"}
    for reason in reasons:
        assert reason in every
        assert abs(reason.contribution) >= LEAST_CONTRIBUTION
        assert reason.effect == ("raises" if reason.contribution > 0 else "lowers")
        assert reason.sentence
    assert reasons_for(bundle, row, limit=2) == reasons[:2]
