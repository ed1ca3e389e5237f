"""The policy of a service without a desk: for risk or by chance, with true propensities."""

import datetime

import numpy as np
import pytest

from models.bands import Thresholds
from models.policies import day_key, draw
from models.policies.at_bands import AtBands

POLICY = AtBands(share=0.05, high_share=0.02)
THRESHOLDS = Thresholds(high=0.4, medium=0.1)


@pytest.mark.parametrize(
    ("probability", "drawn", "referred", "reason", "propensity"),
    [
        (0.4, 0.5, True, "risk", 1.0),
        (0.4, 0.0009, True, "exploration", 1.0),  # 0.05 of 0.02 is 0.001
        (0.39, 0.0009, True, "exploration", 0.001),
        (0.39, 0.001, False, "none", 0.001),
        (None, 0.0009, True, "exploration", 0.02),
        (None, 0.019, True, "cold_start", 0.02),
        (None, 0.02, False, "none", 0.02),
    ],
)
def test_a_choice_worked_by_hand(
    probability: float | None, drawn: float, referred: bool, reason: str, propensity: float
) -> None:
    choice = POLICY.choose(probability, THRESHOLDS, drawn)
    assert (choice.referred, choice.reason) == (referred, reason)
    assert choice.propensity == pytest.approx(propensity)
    assert choice.exploration == pytest.approx(0.001)
    assert choice.policy_id == "at-bands(0.05 of 0.02)"


def test_without_exploration_nothing_is_left_to_chance() -> None:
    greedy = AtBands(share=0.0)
    assert not greedy.choose(0.39, THRESHOLDS, 0.0).referred
    assert greedy.choose(0.41, THRESHOLDS, 0.999).reason == "risk"


def test_a_draw_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="a draw of 1"):
        POLICY.choose(0.5, THRESHOLDS, 1.0)


def test_referrals_come_as_often_as_their_propensity_says() -> None:
    key = day_key(bytes(range(32)), datetime.date(2026, 3, 1))
    draws = [draw(key, f"{number:032x}") for number in range(200_000)]
    referred = np.mean([POLICY.choose(0.0, THRESHOLDS, drawn).referred for drawn in draws])
    # 200,000 x 0.001 = 200 expected, standard deviation 14
    assert 0.001 - 4 * 14 / 200_000 < referred < 0.001 + 4 * 14 / 200_000
