"""Each policy's propensity worked by hand, and the bad input a desk must live with."""

import datetime
import hashlib
import hmac
import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import kstest

from features.errors import InputError
from models.bands import band_of
from models.policies import (
    POLICY_NAMES,
    Candidate,
    Capacity,
    Choice,
    Desk,
    EpsilonRandom,
    EpsilonStratified,
    Greedy,
    Policy,
    UnknownPolicy,
    day_key,
    draw,
    draws,
    policy_named,
)
from models.policies.trailing import Ranking, drift_of

NEVER = 1 - 2**-53  # the largest draw: referred only with certainty


def candidate(
    day: int,
    probability: float | None,
    draw: float = NEVER,
    *,
    kind: str = "vehicle",
    cost_hours: float = 1.0,
    never_examined: bool = False,
) -> Candidate:
    return Candidate(kind, "DOVER", day, probability, cost_hours, never_examined, draw)


CAPACITY = Capacity(hours_per_day=10.0, demand_of_pool={("vehicle", "DOVER"): 100.0})
HUNDRED = [place / 100 for place in range(100)]


def settled(
    policy: Policy, scores: Sequence[float | None] = HUNDRED, *, never_examined_every: int = 0
) -> Desk:
    """A desk that saw one day of 100 movements and spent all of its 10 hours: nothing is owed."""
    desk = Desk(policy, CAPACITY)
    for place, score in enumerate(scores):
        never = never_examined_every > 0 and place % never_examined_every == 0
        lucky = 0.0 if place < 10 else NEVER
        desk.choose(candidate(0, score, lucky, never_examined=never))
    return desk


def test_a_cold_start_draws_at_the_rate_of_capacity_and_says_so() -> None:
    # 10 hours for 100 expected movements of 1 hour; nothing scored before
    desk = Desk(Greedy(), CAPACITY)
    first = desk.choose(candidate(0, 0.9, draw=0.05))
    assert first == Choice(True, "cold_start", 0.1, 0.0, "greedy", None, 0.0)
    # one hour is spent and 99 movements are to come: 9 / 99
    second = desk.choose(candidate(0, 0.9, draw=0.95))
    assert (second.referred, second.reason) == (False, "none")
    assert second.propensity == pytest.approx(9 / 99)


def test_greedy_refers_the_riskiest_with_certainty_and_others_never() -> None:
    desk = settled(Greedy())
    high, low = (desk.choose(candidate(1, p)) for p in (0.95, 0.5))
    # 10 of 100 to come -> the threshold is the tenth highest of yesterday, 0.90
    assert (high.propensity, high.reason) == (1.0, "risk")
    assert high.threshold == 0.9
    assert (low.propensity, low.reason) == (0.0, "none")


def test_what_is_owed_makes_the_desk_less_choosy() -> None:
    desk = settled(Greedy())
    # two days nobody came: a day is owed, so 15 hours, and 100 / 16 = 6.25 movements to come
    assert desk.choose(candidate(3, 0.0)).propensity == 1.0
    assert desk.owed_hours("vehicle", "DOVER") == 10.0


def test_epsilon_random_gives_everybody_the_same_chance() -> None:
    desk = settled(EpsilonRandom(0.2))
    # 0.2 * 10 hours over 100 expected -> 0.02 for everybody; risk: (0.10 - 0.02) / 0.98 = 8.16 %
    low = desk.choose(candidate(1, 0.1, draw=0.019))
    assert (low.propensity, low.exploration) == pytest.approx((0.02, 0.02), rel=1e-12)
    assert (low.referred, low.reason) == (True, "exploration")
    high = desk.choose(candidate(1, 0.95, draw=0.019))
    # also drawn: it is exploration, though its risk would have been enough
    assert (high.propensity, high.reason) == (1.0, "exploration")
    assert high.exploration == pytest.approx(0.02)
    assert desk.choose(candidate(1, 0.95, draw=0.5)).reason == "risk"


@pytest.mark.parametrize(
    ("name", "threshold", "high", "examined", "never_examined"),
    [
        ("greedy", 0.90, 1.0, 0.0, 0.0),
        ("epsilon-random", 0.91, 1.0, 0.02, 0.02),
        ("epsilon-stratified", 0.91, 1.0, 0.01, 0.06),
        ("adaptive", 0.91, 1.0, 0.02, 0.02),
    ],
)
def test_the_worked_example_of_the_document(
    name: str, threshold: float, high: float, examined: float, never_examined: float
) -> None:
    def first(probability: float, never_examined: bool = False) -> Choice:
        desk = settled(policy_named(name, 0.2), never_examined_every=5)
        return desk.choose(candidate(1, probability, never_examined=never_examined))

    assert first(0.95).threshold == threshold
    assert first(0.95).propensity == high
    assert first(0.5).propensity == pytest.approx(examined)
    assert first(0.5, never_examined=True).propensity == pytest.approx(never_examined)


def test_a_tie_at_the_threshold_is_shared() -> None:
    desk = settled(Greedy(), [0.3] * 100)
    assert desk.choose(candidate(1, 0.3)).propensity == pytest.approx(0.1)
    assert desk.choose(candidate(1, 0.31)).propensity == 1.0
    assert desk.choose(candidate(1, 0.29)).propensity == 0.0


def test_stratified_prefers_the_never_examined_and_forgets_nobody() -> None:
    desk = settled(EpsilonStratified(0.2), never_examined_every=5)
    # a fifth never examined: 0.02 * 3 and 0.02 * 0.5
    assert desk.choose(candidate(1, 0.1, never_examined=True)).propensity == pytest.approx(0.06)
    assert desk.choose(candidate(1, 0.1)).propensity == pytest.approx(0.01)


def test_adaptive_explores_more_when_scores_drift() -> None:
    rng = np.random.default_rng(3)
    capacity = Capacity(hours_per_day=10.0)

    def exploration_after(shift: float) -> float:
        desk = Desk(policy_named("adaptive", 0.05), capacity)
        for day in range(28):
            scores = rng.beta(2, 50, 200) + (shift if day >= 21 else 0.0)
            for place, score in enumerate(scores):
                lucky = 0.0 if place < 10 else NEVER
                desk.choose(candidate(day, float(score), lucky))
        return desk.choose(candidate(28, 0.0)).exploration

    steady, drifting = exploration_after(0.0), exploration_after(0.05)
    # the same pool, but for what is owed: four times the exploration, give or take its budget
    assert drifting / steady == pytest.approx(4.0, rel=0.5)


def test_exploration_goes_on_when_the_hours_are_spent_and_the_overflow_is_logged() -> None:
    desk = settled(EpsilonRandom(0.2))
    for _ in range(12):
        desk.choose(candidate(1, 0.99, draw=0.0))
    late = desk.choose(candidate(1, 0.99, draw=0.001))
    assert late.propensity == pytest.approx(0.02)
    assert late.reason == "exploration"
    assert late.overflow_hours > 0.0
    assert late.threshold == math.inf


def test_kinds_share_hours_by_probability_per_hour() -> None:
    capacity = Capacity(hours_per_day=10.0, pooling="site", demand_of_pool={("DOVER",): 100.0})
    desk = Desk(Greedy(), capacity)
    for place in range(94):
        desk.choose(candidate(0, place / 94, draw=0.0 if place < 10 else NEVER))
    desk.choose(candidate(0, 0.9, kind="vessel", cost_hours=6.0))
    vehicle = desk.choose(candidate(1, 0.95))
    vessel = desk.choose(candidate(1, 0.95, kind="vessel", cost_hours=6.0))
    # 10 of 100 hours -> from 84 / 94 an hour, which a vessel of 6 hours cannot reach
    assert (vehicle.propensity, vessel.propensity) == (1.0, 0.0)
    assert vehicle.threshold == pytest.approx(84 / 94)
    assert vessel.threshold == pytest.approx(6 * 84 / 94)


@pytest.mark.parametrize("probability", [None, math.nan])
def test_what_was_not_assessed_is_drawn_at_the_rate_of_capacity(probability: float | None) -> None:
    choice = settled(Greedy()).choose(candidate(1, probability, draw=0.01))
    assert (choice.propensity, choice.reason, choice.threshold) == (0.1, "cold_start", None)


def test_no_capacity_refers_nobody() -> None:
    desk = Desk(EpsilonRandom(0.5), Capacity(hours_per_day=0.0))
    choices = [desk.choose(candidate(day, p, draw=0.0)) for day in range(3) for p in HUNDRED]
    assert {choice.propensity for choice in choices} == {0.0}


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_capacity_above_volume_refers_everybody(name: str) -> None:
    demand = CAPACITY.demand_of_pool
    desk = Desk(policy_named(name), Capacity(hours_per_day=1_000.0, demand_of_pool=demand))
    choices = [desk.choose(candidate(day, p)) for day in range(3) for p in HUNDRED]
    assert {choice.propensity for choice in choices} == {1.0}


def test_another_capacity_counts_from_the_next_day_on() -> None:
    desk = settled(Greedy())
    desk.choose(candidate(1, 0.5))
    desk.plan(Capacity(hours_per_day=20.0))
    today = [desk.choose(candidate(1, score)).threshold for score in HUNDRED][-1]
    tomorrow = desk.choose(candidate(2, 0.5)).threshold
    assert today is not None and tomorrow is not None
    assert today >= 0.89 and tomorrow == pytest.approx(0.8, abs=0.03)


def test_a_site_that_planned_for_nothing_gets_its_hours_when_it_does() -> None:
    desk = Desk(EpsilonRandom(0.1), Capacity(hours_per_day=0.0))
    closed = [desk.choose(candidate(0, score)).propensity for score in HUNDRED]
    desk.plan(CAPACITY)
    opened = [desk.choose(candidate(1, score)).propensity for score in HUNDRED]
    assert max(closed) == 0.0 and min(opened) > 0.0
    desk.plan(Capacity(hours_per_day=0.0))
    assert desk.choose(candidate(2, 1.0)).propensity == 0.0


def test_a_capacity_that_is_shared_in_another_way_needs_another_desk() -> None:
    with pytest.raises(ValueError, match="shares capacity by kind_and_site, not site"):
        settled(Greedy()).plan(Capacity(hours_per_day=1.0, pooling="site"))


def test_a_new_model_brings_new_thresholds() -> None:
    desk = settled(Greedy())
    # the new model gives a tenth of the old one's probabilities
    desk.rescore([candidate(0, place / 1000) for place in range(100)])
    assert desk.choose(candidate(1, 0.0905)) == Choice(True, "risk", 1.0, 0.0, "greedy", 0.09, 0.0)


def test_bands_follow_from_the_capacity() -> None:
    desk = settled(Greedy())
    desk.choose(candidate(1, 0.0))
    thresholds = desk.bands("vehicle", "DOVER")
    assert thresholds is not None
    scores = [place / 100 for place in range(100)]
    bands = [band_of(score, thresholds) for score in scores]
    # 10 of 100 can be examined, and medium goes on to five times as many
    assert (bands.count("high"), bands.count("medium")) == (10, 40)
    assert Desk(Greedy(), Capacity(hours_per_day=1.0)).bands("vehicle", "DOVER") is None


def test_days_in_order() -> None:
    desk = settled(Greedy())
    desk.choose(candidate(3, 0.5))
    with pytest.raises(ValueError, match="day 2 comes after day 3"):
        desk.choose(candidate(2, 0.5))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (candidate(0, 0.5, cost_hours=0.0), "0 hours; give more"),
        (candidate(0, 0.5, cost_hours=math.nan), "nan hours; give more"),
        (candidate(0, 0.5, draw=1.0), "a draw of 1"),
        (candidate(0, 1.5), "a probability of 1.5"),
    ],
)
def test_a_candidate_that_cannot_be(wrong: Candidate, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Desk(Greedy(), CAPACITY).choose(wrong)


def test_capacity_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="-1 hours a day"):
        Capacity(hours_per_day=-1.0)
    with pytest.raises(ValueError, match="use one of kind_and_site, site, all"):
        Capacity(hours_per_day=1.0, pooling="port")  # type: ignore[arg-type]


def test_names() -> None:
    assert [policy_named(name, 0.1).policy_id for name in POLICY_NAMES] == [
        "greedy",
        "epsilon-random(0.1)",
        "epsilon-stratified(0.1)",
        "adaptive(0.1-0.4)",
    ]
    with pytest.raises(UnknownPolicy, match="greedy, epsilon-random, epsilon-stratified, adaptive"):
        policy_named("thompson")
    with pytest.raises(InputError, match="from 0 to 1"):
        policy_named("epsilon-random", 1.2)


def test_ranking_by_hand() -> None:
    # hours from the top: 0.9 -> 6 of 10, 0.5 -> 9 of 10, 0.1 -> 10 of 10
    ranking = Ranking(np.array([0.1, 0.5, 0.5, 0.9]), np.array([1.0, 1.0, 2.0, 6.0]))
    assert ranking.threshold(0.3) == pytest.approx((0.9, 0.5))
    assert ranking.threshold(0.6) == pytest.approx((0.9, 1.0))
    assert ranking.threshold(0.7) == pytest.approx((0.5, 1 / 3))
    assert ranking.threshold(0.99) == pytest.approx((0.1, 0.9))


def test_drift_of_few_scores_is_none() -> None:
    assert drift_of(np.zeros(19), np.ones(1_000)) == 0.0
    assert drift_of(np.arange(100.0), np.arange(100.0) + 200) > 1.0


KEY = day_key(b"a secret of thirty-two bytes....", datetime.date(2026, 3, 1))


def test_draws_are_uniform_and_unlike_from_day_to_day() -> None:
    draws = np.array([draw(KEY, f"{number:032x}") for number in range(20_000)])
    assert kstest(draws, "uniform").pvalue > 0.01
    other = day_key(b"a secret of thirty-two bytes....", datetime.date(2026, 3, 2))
    again = np.array([draw(other, f"{number:032x}") for number in range(20_000)])
    assert abs(np.corrcoef(draws, again)[0, 1]) < 0.02
    assert 0.0 <= draws.min() < draws.max() < 1.0


def test_many_are_drawn_for_as_each_is() -> None:
    movements = [f"{n:032x}" for n in range(300)]
    assert draws(KEY, movements).tolist() == [draw(KEY, one) for one in movements]


def test_an_auditor_recomputes_a_draw_from_the_disclosed_key_alone() -> None:
    # with `openssl dgst -sha256 -hmac` of both steps; the first 53 bits of the tag
    info = b"foreland 1 draws of 2026-03-01\x01"
    key = hmac.new(b"a secret of thirty-two bytes....", info, hashlib.sha256).digest()
    tag = hmac.new(key, b"4f0c", hashlib.sha256).hexdigest()
    assert draw(KEY, "4f0c") == int(f"{int(tag, 16):0256b}"[:53], 2) / 2**53


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes, not 5"):
        day_key(b"short", datetime.date(2026, 3, 1))


def test_stratified_spends_its_share_however_rare_the_never_examined_are() -> None:
    policy = EpsilonStratified(0.05)
    for share in (0.0, 0.0001, 0.001, 0.01, 0.02, 0.2, 0.9, 1.0):
        mean = share * policy.weight(True, share) + (1.0 - share) * policy.weight(False, share)
        assert mean == pytest.approx(1.0), share


def test_stratified_on_a_first_day_gives_everybody_the_same_chance() -> None:
    """Nobody knows yet how many were never examined: to favour them would spend all at once."""
    desk = Desk(EpsilonStratified(1.0), Capacity(hours_per_day=40.0, demand_of_pool={}))
    numbers = np.random.default_rng(1).random(1_000).tolist()
    choices = [
        desk.choose(Candidate("vehicle", "DOVER", 0, None, 1.0, True, number)) for number in numbers
    ]
    assert sum(choice.referred for choice in choices) < 2 * 40


def test_a_pool_without_capacity_calls_nothing_high() -> None:
    desk = Desk(Greedy(), Capacity(hours_per_day=0.0))
    for day in range(2):
        for number in range(40):
            desk.choose(Candidate("vehicle", "DOVER", day, number / 40, 1.0, False, 0.5))
    bands = desk.bands("vehicle", "DOVER")
    assert bands is not None
    assert bands.high == math.inf
