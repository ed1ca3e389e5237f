"""Bands from thresholds, thresholds from capacity."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bands import Thresholds, band_of, thresholds_at_capacity


def test_bands() -> None:
    thresholds = Thresholds(high=0.5, medium=0.2)
    assert [band_of(p, thresholds) for p in (1.0, 0.5, 0.4999, 0.2, 0.1999, 0.0)] == [
        "high",
        "high",
        "medium",
        "medium",
        "low",
        "low",
    ]
    assert band_of(None, thresholds) == band_of(math.nan, thresholds) == "unassessed"


def test_zero_is_a_legal_threshold() -> None:
    assert band_of(0.0, Thresholds(high=0.0, medium=0.0)) == "high"


@pytest.mark.parametrize(("high", "medium"), [(0.1, 0.2), (0.5, -0.1), (0.5, math.nan)])
def test_thresholds_out_of_order(high: float, medium: float) -> None:
    with pytest.raises(ValueError, match="need 0 <= medium <= high"):
        Thresholds(high=high, medium=medium)


def test_capacity_by_hand() -> None:
    # 100 movements: 2 high, 8 more medium
    probabilities = np.arange(100) / 100
    thresholds = thresholds_at_capacity(probabilities)
    assert thresholds == Thresholds(high=0.98, medium=0.90)


def test_a_tie_that_does_not_fit_stays_below() -> None:
    probabilities = np.array([0.9] + [0.5] * 5 + [0.1] * 94)
    thresholds = thresholds_at_capacity(probabilities, high_share=0.02, medium_share=0.10)
    assert thresholds == Thresholds(high=0.9, medium=0.5)
    one_score = thresholds_at_capacity(np.full(50, 0.3))
    assert band_of(0.3, one_score) == "low"


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0]), min_size=1, max_size=200),
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.5),
)
def test_no_band_gets_more_than_its_share(values: list[float], high: float, more: float) -> None:
    probabilities = np.array(values)
    thresholds = thresholds_at_capacity(probabilities, high, high + more)
    bands = [band_of(p, thresholds) for p in values]
    assert bands.count("high") <= high * len(values)
    assert bands.count("high") + bands.count("medium") <= (high + more) * len(values)
