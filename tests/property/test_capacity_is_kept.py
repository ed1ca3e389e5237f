"""Whatever arrives: capacity is held over 28 days, and nobody's chance is nothing."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.policies import POLICY_NAMES, Candidate, Capacity, Choice, Desk, policy_named

WINDOW_DAYS = 28
CAPACITY = 20.0

SCORES = (
    "spread",
    "ties",
    "all equal",
    "none",
    "some missing",
    "rising through the day",
    "falling through the day",
)


def probabilities(scores: str, rng: np.random.Generator, volume: int) -> NDArray[np.float64]:
    spread = rng.beta(0.5, 40.0, volume)
    if scores == "ties":
        return np.round(spread, 1)
    if scores in ("all equal", "none"):
        return np.full(volume, 0.01 if scores == "all equal" else np.nan)
    if scores == "some missing":
        return np.where(rng.random(volume) < 0.3, np.nan, spread)
    if scores == "spread":
        return spread
    return np.sort(spread) if scores == "rising through the day" else np.sort(spread)[::-1]


def played(
    name: str, epsilon: float, volumes: list[int], scores: str, seed: int
) -> list[list[Choice]]:
    """The choices of each day, one list a day, an empty one where nothing came."""
    rng = np.random.default_rng(seed)
    desk = Desk(policy_named(name, epsilon), Capacity(hours_per_day=CAPACITY))
    days = []
    for day, volume in enumerate(volumes):
        scored = probabilities(scores, rng, volume)
        draws, never_examined = rng.random(volume), rng.random(volume) < 0.2
        days.append(
            [
                desk.choose(Candidate("vehicle", "HULL", day, float(p), 1.0, bool(never), float(u)))
                for p, u, never in zip(scored, draws, never_examined, strict=True)
            ]
        )
    return days


def referred(day: list[Choice]) -> int:
    return sum(choice.referred for choice in day)


seeds = st.integers(0, 1_000)
policies = st.sampled_from(POLICY_NAMES)
steps = st.lists(
    st.tuples(st.integers(1, 20), st.sampled_from([60, 100, 200, 400])), min_size=1, max_size=5
)


@given(policies, st.sampled_from([0.0, 0.05, 0.2]), steps, st.sampled_from(SCORES), seeds)
def test_capacity_is_held_within_five_percent_over_28_days(
    name: str, epsilon: float, levels: list[tuple[int, int]], scores: str, seed: int
) -> None:
    # volumes of 3 to 20 times the capacity that jump at any time
    volumes = [volume for days, volume in levels for _ in range(days)]
    volumes = (volumes * math.ceil(40 / len(volumes)))[:60]
    days = played(name, epsilon, volumes, scores, seed)
    spent = np.array([referred(day) for day in days])
    windows = np.convolve(spent, np.ones(WINDOW_DAYS), "valid") / (WINDOW_DAYS * CAPACITY)
    # what is owed or overspent at either end of a window, and two deviations of one day's chance
    tolerance = 0.05 + 2 * math.sqrt(CAPACITY) / (WINDOW_DAYS * CAPACITY)
    assert abs(windows - 1.0).max() <= tolerance


@given(
    policies,
    st.sampled_from([0.05, 0.5, 1.0]),
    st.lists(st.sampled_from([0, 0, 1, 10, 100, 1_000]), min_size=2, max_size=15),
    st.sampled_from(SCORES),
)
def test_with_exploration_nobody_has_no_chance_and_overflow_is_bounded(
    name: str, epsilon: float, volumes: list[int], scores: str
) -> None:
    if name == "greedy":
        return
    for day, volume in zip(played(name, epsilon, volumes, scores, 1), volumes, strict=True):
        assert all(0.0 < choice.exploration <= choice.propensity <= 1.0 for choice in day)
        # half a day for risk, and exploration: all the hours there are, 1 + ln(1,000 / 1) times at
        # most, of which never-examined ones get more; 5 standard deviations
        bound = CAPACITY * 1.5 * (1.0 + math.log(1.0 + volume)) + 1
        assert referred(day) <= bound + 5 * math.sqrt(bound)
        if day:
            assert day[-1].overflow_hours == max(0.0, referred(day) - CAPACITY)


@given(st.lists(st.sampled_from([0, 1, 10, 100, 300]), min_size=2, max_size=15), policies)
def test_a_referral_is_a_draw_below_the_propensity_and_is_reproducible(
    volumes: list[int], name: str
) -> None:
    first, second = (played(name, 0.1, volumes, "some missing", 5) for _ in range(2))
    assert first == second
    for day in first:
        assert all(choice.referred == (choice.reason != "none") for choice in day)
        assert all(choice.referred or choice.propensity < 1.0 for choice in day)


@settings(max_examples=20)
@given(policies, st.integers(0, 100))
def test_propensities_are_exact_given_the_state(name: str, seed: int) -> None:
    """The number of referrals less the sum of propensities is a martingale: about 0, within 5
    standard deviations of its own conditional variance."""
    days = played(name, 0.3, [100] * 20, "some missing", seed)
    choices = [choice for day in days for choice in day]
    p = np.array([choice.propensity for choice in choices])
    surplus = sum(choice.referred for choice in choices) - p.sum()
    assert abs(surplus) <= 5 * math.sqrt(float((p * (1 - p)).sum())) + 1e-9


COST_HOURS = {"vehicle": 1.5, "vessel": 6.0, "shipment": 1.0}


@settings(max_examples=20)
@given(policies, st.lists(st.sampled_from([150, 300, 600]), min_size=40, max_size=40), seeds)
def test_officer_hours_that_kinds_and_sites_share_are_held_too(
    name: str, volumes: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    desk = Desk(policy_named(name), Capacity(hours_per_day=100.0, pooling="all"))
    kinds, hours = list(COST_HOURS), np.zeros(len(volumes))
    for day, volume in enumerate(volumes):
        draws, scores = rng.random(volume), rng.beta(0.5, 40.0, volume)
        for place, kind in enumerate(rng.choice(kinds, volume, p=[0.55, 0.15, 0.3])):
            cost, site = COST_HOURS[kind], ("DOVER", "HULL")[place % 2]
            score, luck = float(scores[place]), float(draws[place])
            choice = desk.choose(Candidate(kind, site, day, score, cost, False, luck))
            hours[day] += cost * choice.referred
    windows = np.convolve(hours, np.ones(WINDOW_DAYS), "valid") / (WINDOW_DAYS * 100.0)
    assert 0.95 <= windows.min() <= windows.max() <= 1.05
