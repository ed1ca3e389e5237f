"""From margins to probabilities, worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import (
    LEAST_SLOPE,
    Platt,
    SimilarExaminations,
    fit_platt,
    similar_examinations,
)


def test_platt_by_hand() -> None:
    # 4 finds, 4 none: targets 5/6 and 1/6. One of four finds at margin 0: mean target
    # (5/6 + 3/6) / 4 = 1/3; three of four at margin 1: 2/3. Two margins, two weights: exact.
    margins = np.array([0.0] * 4 + [1.0] * 4)
    labels = np.array([1.0, 0, 0, 0, 1, 1, 1, 0])
    fitted = fit_platt(margins, labels)
    assert fitted.intercept == pytest.approx(-math.log(2), abs=1e-9)
    assert fitted.slope == pytest.approx(2 * math.log(2), abs=1e-9)
    assert fitted.probabilities(np.array([0.0, 1.0])) == pytest.approx([1 / 3, 2 / 3])


def test_a_model_that_ranks_backwards_is_not_turned_round() -> None:
    margins = np.linspace(-3, 3, 40)
    labels = (margins < 0).astype(np.float64)
    fitted = fit_platt(margins, labels)
    assert fitted.slope == LEAST_SLOPE
    assert fitted.probabilities(margins).mean() == pytest.approx(0.5, abs=1e-6)


def test_perfect_ranking_does_not_run_away() -> None:
    margins = np.concatenate([np.full(30, -8.0), np.full(10, 8.0)])
    labels = (margins > 0).astype(np.float64)
    fitted = fit_platt(margins, labels)
    assert fitted.probabilities(margins[-1:])[0] == pytest.approx(11 / 12)  # (10 + 1) / (10 + 2)
    assert fitted.probabilities(margins[:1])[0] == pytest.approx(1 / 32)


def test_the_slope_is_above_zero_by_construction() -> None:
    with pytest.raises(ValueError, match="slope must be above 0"):
        Platt(slope=0.0, intercept=1.0)


@given(
    st.lists(st.floats(-8, 8), min_size=2, max_size=30),
    st.floats(LEAST_SLOPE, 4),
    st.floats(-5, 5),
)
def test_a_higher_margin_is_never_a_lower_probability(
    margins: list[float], slope: float, intercept: float
) -> None:
    ordered = np.sort(np.array(margins))
    probabilities = Platt(slope=slope, intercept=intercept).probabilities(ordered)
    assert (np.diff(probabilities) >= 0).all()
    apart = np.diff(ordered) > 1e-6
    surely = (probabilities[1:] < 0.999) & (probabilities[:-1] > 1e-9)
    assert (np.diff(probabilities)[apart & surely] > 0).all()


def test_similar_examinations_by_hand() -> None:
    # 150 rows, 50 a bin; 10, 20 and 30 finds
    probabilities = np.repeat([0.1, 0.2, 0.3], 50)
    labels = np.concatenate([np.arange(50) < finds for finds in (10, 20, 30)]).astype(np.float64)
    similar = similar_examinations(probabilities, labels)
    assert similar.edges == (0.2, 0.3)
    assert similar.at(0.0) == similar.at(0.1) == (10, 50)
    assert similar.at(0.19999) == (10, 50)
    assert similar.at(0.2) == (20, 50)
    assert similar.at(0.3) == similar.at(1.0) == (30, 50)


def test_ties_share_a_bin() -> None:
    probabilities = np.array([0.1] * 120 + [0.5] * 30)
    similar = similar_examinations(probabilities, (probabilities > 0.3).astype(np.float64))
    assert similar == SimilarExaminations(edges=(), finds=(30,), examined=(150,))


@given(st.lists(st.sampled_from([0.1, 0.2, 0.21, 0.5, 0.9]), min_size=1, max_size=400))
def test_every_examination_is_in_one_bin(values: list[float]) -> None:
    probabilities = np.array(values)
    labels = (np.arange(len(values)) % 3 == 0).astype(np.float64)
    similar = similar_examinations(probabilities, labels)
    assert sum(similar.examined) == len(values)
    assert sum(similar.finds) == labels.sum()
    assert min(similar.examined) > 0
    for value in values:
        finds, examined = similar.at(value)
        assert 0 <= finds <= examined
