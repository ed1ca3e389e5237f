"""Exact tests against sums over every table, and adjusted p-values against scipy's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from monitoring.statistics.chance import (
    as_expected,
    colour_of,
    false_discovery,
    rates_alike,
    shares_alike,
)


def tail(weights: list[float], at: int) -> float:
    """Of what lies above ``at``, and half of what lies on it."""
    return (sum(weights[at + 1 :]) + 0.5 * weights[at]) / sum(weights)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 12), st.integers(1, 12))
def test_shares_are_compared_over_all_tables_with_the_same_margins(
    hits: int, other: int, of: int, other_of: int
) -> None:
    hits, other = min(hits, of), min(other, other_of)
    total = hits + other
    ways = [math.comb(of, k) * math.comb(other_of, total - k) for k in range(total + 1)]
    found = shares_alike(hits, of, other, other_of)
    assert float(found.higher) == pytest.approx(tail([*map(float, ways)], hits), abs=1e-12)
    assert float(found.higher + found.lower) == pytest.approx(1.0)


@given(st.integers(0, 15), st.integers(0, 15), st.floats(0.1, 9.0), st.floats(0.1, 9.0))
def test_rates_are_compared_as_tosses_of_one_coin(
    count: int, other: int, exposure: float, other_exposure: float
) -> None:
    heads, total = exposure / (exposure + other_exposure), count + other
    ways = [math.comb(total, k) * heads**k * (1 - heads) ** (total - k) for k in range(total + 1)]
    found = rates_alike(count, exposure, other, other_exposure)
    assert float(found.higher) == pytest.approx(tail(ways, count), abs=1e-9)


def test_nothing_to_compare_is_not_a_number() -> None:
    assert np.isnan(shares_alike([0, 3], [0, 3], [1, 0], [5, 0]).either).all()
    assert np.isnan(rates_alike(0, 0.0, 3, 1.0).higher)
    assert colour_of(math.nan) == "grey"


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_adjusted_p_values_are_scipys(p_values: list[float]) -> None:
    expected = false_discovery_control(p_values)
    assert false_discovery(p_values) == pytest.approx(expected, abs=1e-12)
    with_gaps = false_discovery([math.nan, *p_values, math.nan])
    assert with_gaps[1:-1] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(with_gaps[[0, -1]]).all()


def test_more_than_the_probabilities_say_is_told_by_its_tail() -> None:
    # 100 movements at 0.2: 20 expected, standard deviation 4; 28 are two of them away
    found = as_expected(28, 20.0, 16.0)
    assert float(found.higher) == pytest.approx(0.02275, abs=1e-5)
    assert float(found.either) == pytest.approx(0.0455, abs=1e-4)
