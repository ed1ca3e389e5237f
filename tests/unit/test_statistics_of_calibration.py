"""Calibration and precision at capacity: by hand, against slow programs, against chance."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression

from models.calibration import similar_examinations
from monitoring.months import COLUMNS, draw, with_the_period
from monitoring.periods import parse_period
from monitoring.statistics.calibration import (
    SURE_Z,
    LearnedFrom,
    calibration,
    calibration_by_month,
    calibration_slope,
    learned_from,
    not_the_calibration,
    ratio_colour,
    reliability,
    spiegelhalter_z,
)
from monitoring.statistics.capacity import (
    NO_RANKING,
    capacity_colour,
    precision_at_capacity,
    top,
)
from tests.scored_frames import scored_frame

MARCH = parse_period("2026-03")


def made_up(n: int, seed: int, *, finds_more: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities around a tenth, and labels that come true ``finds_more`` times as often."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 9, n)
    return p, (rng.random(n) < np.minimum(finds_more * p, 1.0)).astype(np.float64)


def months_of(p: np.ndarray, y: np.ndarray, month: str = "2026-03") -> pd.DataFrame:
    rows = [("low", probability, None) for probability in p]
    frame = scored_frame(rows, label=y).assign(month=month, stands_for=1.0)
    return frame[list(COLUMNS)]


def test_slope_and_interval_are_those_of_an_unpenalised_regression() -> None:
    p, y = made_up(800, 3)
    x = np.log(p / (1 - p))[:, None]
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000).fit(x, y)
    slope, low, high = calibration_slope(p, y)
    assert slope == pytest.approx(float(oracle.coef_[0, 0]), abs=1e-4)
    fitted = oracle.predict_proba(x)[:, 1]
    design = np.column_stack([np.ones(len(x)), x])
    covariance = np.linalg.inv(design.T @ np.diag(fitted * (1 - fitted)) @ design)
    assert (high - low) / 2 == pytest.approx(1.96 * math.sqrt(covariance[1, 1]), rel=1e-3)


def test_a_slope_needs_some_of_each_class_and_different_scores() -> None:
    p, y = made_up(300, 4)
    assert math.isnan(calibration_slope(p, np.zeros(300))[0])
    assert math.isnan(calibration_slope(np.full(300, 0.1), y)[0])


def test_spiegelhalters_z_is_standard_normal_when_the_scores_are_right() -> None:
    drawn = np.array([spiegelhalter_z(*made_up(500, seed)) for seed in range(400)])
    assert abs(drawn.mean()) < 0.15
    assert drawn.std() == pytest.approx(1.0, abs=0.1)
    assert spiegelhalter_z(*made_up(500, 1, finds_more=2.0)) > 3


def test_spiegelhalters_z_is_how_far_the_brier_score_is_from_what_it_should_be() -> None:
    """By way of the Brier score over every outcome that right scores allow, and their chances."""
    p = [0.1, 0.35, 0.6, 0.9]
    briers, chances = [], []
    for outcomes in itertools.product((0.0, 1.0), repeat=4):
        briers.append(sum((y - q) ** 2 for y, q in zip(outcomes, p, strict=True)) / 4)
        chances.append(math.prod(q if y else 1 - q for y, q in zip(outcomes, p, strict=True)))
    mean = sum(c * b for c, b in zip(chances, briers, strict=True))
    deviation = math.sqrt(sum(c * (b - mean) ** 2 for c, b in zip(chances, briers, strict=True)))
    for outcomes, brier in zip(itertools.product((0.0, 1.0), repeat=4), briers, strict=True):
        found = spiegelhalter_z(np.array(p), np.array(outcomes))
        assert found == pytest.approx((brier - mean) / deviation)


def test_expected_and_observed_by_month_leave_out_what_was_learned_from_or_never_examined() -> None:
    p, y = np.full(40, 0.25), np.repeat([1.0, 0.0], 20)
    judged = months_of(p, y)
    learned = months_of(p, np.ones(40), "2026-02").assign(may_have_seen=True)
    unexamined = months_of(p, np.full(40, np.nan))
    table = calibration_by_month(pd.concat([learned, judged, unexamined])).set_index("month")
    assert table["examined"].to_dict() == {"2026-02": 0, "2026-03": 40}
    march = table[["expected", "observed", "ratio"]].to_dict("index")["2026-03"]
    assert march == {"expected": 0.25, "observed": 0.5, "ratio": 2.0}
    assert table["observed"].isna()["2026-02"]


def test_nine_examinations_say_nothing() -> None:
    found = calibration(np.full(9, 0.5), np.ones(9))
    assert found.examined == 9
    assert all(math.isnan(value) for value in found[1:])


@pytest.mark.parametrize(
    ("finds", "examined", "colour"),
    [(40, 400, "green"), (90, 400, "red"), (68, 400, "amber"), (16, 400, "red"), (2, 10, "green")],
)
def test_a_colour_needs_a_large_distance_that_is_not_chance(
    finds: int, examined: int, colour: str
) -> None:
    y = np.zeros(examined)
    y[:finds] = 1.0
    assert ratio_colour(calibration(np.full(examined, 0.1), y)) == colour
    assert SURE_Z > 3


def test_the_luck_of_the_calibration_counts_as_well() -> None:
    y = np.zeros(400)
    y[:90] = 1.0
    month = calibration(np.full(400, 0.1), y)  # 90 finds where 40 were announced
    assert ratio_colour(month, LearnedFrom(finds=12, expected=12.0)) == "green"
    assert ratio_colour(month, LearnedFrom(finds=200, expected=200.0)) == "red"
    # of 102 finds at exposures of 40 and 12, so many or more in the first: binomial, mid-p
    oracle = binom.sf(90, 102, 40 / 52) + binom.pmf(90, 102, 40 / 52) / 2
    found = not_the_calibration(month, LearnedFrom(finds=12, expected=12.0))
    assert found == pytest.approx(2 * oracle)
    assert math.isnan(not_the_calibration(calibration(y[:9], y[:9]), LearnedFrom(9, 9.0)))


def test_what_a_model_was_calibrated_on_is_in_its_bundle() -> None:
    similar = similar_examinations(np.array([0.1, 0.1, 0.1, 0.6]), np.array([0.0, 0, 1, 1]))
    found = learned_from(similar)
    assert found.finds == 2
    assert found.expected == pytest.approx(0.9)


def test_the_error_of_right_scores_is_within_chance_and_of_wrong_ones_is_not() -> None:
    right = reliability(months_of(*made_up(2_000, 11)))
    wrong = reliability(months_of(*made_up(2_000, 11, finds_more=2.0)))
    assert right.error <= right.error_by_chance < wrong.error
    assert right.bins["examined"].sum() == 2_000
    assert (right.bins["observed_low"] < right.bins["observed"]).all()
    assert reliability(months_of(*made_up(40, 1))).bins.empty


def slow_precision(scores: list[float], labels: list[float], share: float, seed: int) -> float:
    """Ties in a random order, the first of all rows taken, finds among those examined."""
    rng = np.random.default_rng(seed)
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], rng.random()))
    taken = order[: round(share * len(scores))]
    return sum(labels[i] == 1.0 for i in taken) / sum(labels[i] == labels[i] for i in taken)


def test_precision_at_capacity_is_the_mean_over_orders_of_ties() -> None:
    rng = np.random.default_rng(5)
    scores = rng.integers(0, 12, 600) / 10
    labels = np.where(rng.random(600) < 0.7, (rng.random(600) < scores / 2) * 1.0, np.nan)
    table = precision_at_capacity({"coarse": scores}, labels, np.ones(600))
    for row in table.to_dict("records")[:2]:
        draws = [
            slow_precision(scores.tolist(), labels.tolist(), row["share"], seed)
            for seed in range(300)
        ]
        assert row["precision"] == pytest.approx(float(np.mean(draws)), abs=0.01)
    last = table.iloc[-1]
    assert last["ranking"] == NO_RANKING
    assert last["precision"] == pytest.approx(np.nanmean(labels))


def test_a_row_that_stands_for_ten_counts_as_ten() -> None:
    scores = np.array([0.9, 0.8, 0.1])
    many = np.repeat(scores, [1, 10, 9])
    few = top(scores, np.array([1.0, 10.0, 9.0]), 0.3)
    assert few * [1, 10, 9] == pytest.approx([1.0, 5.0, 0.0])
    assert top(many, np.ones(20), 0.3).sum() == pytest.approx(6.0)


def test_a_ranking_that_finds_less_than_no_ranking_is_red_and_a_better_baseline_amber() -> None:
    rng = np.random.default_rng(6)
    labels = (rng.random(4_000) < 0.3).astype(np.float64)
    good, ones = labels + rng.random(4_000), np.ones(4_000)
    worse = precision_at_capacity({"model": -good, "memory": good}, labels, ones)
    assert capacity_colour(worse) == "red"
    blind = precision_at_capacity({"model": rng.random(4_000), "memory": good}, labels, ones)
    assert capacity_colour(blind) == "amber"
    assert capacity_colour(precision_at_capacity({"model": good}, labels, ones)) == "green"
    few = precision_at_capacity({"model": good[:30]}, labels[:30], ones[:30])
    assert capacity_colour(few) == "grey"


def test_the_sample_keeps_the_examined_and_speaks_for_all() -> None:
    examined = np.arange(10_000) % 10 == 0
    drawn = draw(examined, 500, 1_000)
    assert drawn.stands_for.sum() == pytest.approx(10_000)
    assert examined[drawn.places].sum() == 500
    frame = scored_frame([("low", 0.1, None)] * 5)
    assert with_the_period(frame.iloc[:0], frame, MARCH)["month"].tolist() == ["2026-03"] * 5
