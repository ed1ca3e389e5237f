"""Estimates under selective labels: published intervals, worked by hand, and a slow oracle."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from models.intervals import clopper_pearson, weighted_count
from models.left_out import Sample, finds_left_out
from models.selective import (
    Estimate,
    Target,
    estimates,
    find_rate,
    find_rate_unexamined,
    highest,
    precision_at,
    recall_at,
)

NAN = math.nan


def by_name(found: tuple[Estimate, ...]) -> dict[str, Estimate]:
    return {item.estimator: item for item in found}


# Two certain referrals (a find and none), four of ten at 0.25 and 0.5 referred, six let go.
SMALL = Sample(
    referred=np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0], dtype=bool),
    found=np.array([1, 0, 1, 0, 1, 0, NAN, NAN, NAN, NAN, NAN, NAN]),
    propensity=np.array([1, 1, 0.25, 0.25, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.5, 0.5]),
    probability=np.array([0.9, 0.8, 0.2, 0.1, 0.4, 0.4, 0.1, 0.1, 0.2, 0.1, 0.4, 0.3]),
)


def test_intervals_as_published() -> None:
    # Clopper and Pearson's 95 % limits of 3 in 10, and Garwood's of 0 and 1 events
    assert clopper_pearson(3, 10) == pytest.approx((0.0667, 0.6525), abs=5e-5)
    assert weighted_count(0.0, 0.0, 1.0, 1.0) == pytest.approx((0.0, 3.6889), abs=5e-5)
    assert weighted_count(1.0, 1.0, 1.0, 1.0) == pytest.approx((0.0253, 5.5716), abs=5e-5)
    # weights scale it: 1 event of weight 7
    assert weighted_count(7.0, 49.0, 7.0, 49.0) == pytest.approx((0.0253 * 7, 5.5716 * 7), abs=5e-4)
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_the_unexamined_by_hand() -> None:
    found = by_name(find_rate_unexamined(SMALL))
    assert found["naive"].value == 3 / 6
    # weights (1 - p) / p: 3, 3, 1, 1; finds weigh 3 + 1, and six were let go
    assert found["horvitz-thompson"].value == pytest.approx(4 / 6)
    assert found["hajek"].value == pytest.approx(4 / 8)
    # the model expects 1.2 among the six; it was wrong by 3 (1 - .2) - 3 (.1) + (1 - .4) - .4
    assert found["doubly robust"].value == pytest.approx((1.2 + 2.4 - 0.3 + 0.6 - 0.4) / 6)
    assert found["hajek"].effective_sample_size == pytest.approx(8**2 / (9 + 9 + 1 + 1))
    assert (found["hajek"].results, found["hajek"].finds) == (4, 2)


def test_all_of_them_is_what_is_known_and_what_is_estimated() -> None:
    found = by_name(find_rate(SMALL))
    # three finds are known, of twelve movements
    assert found["horvitz-thompson"].value == pytest.approx((3 + 4) / 12)
    assert found["hajek"].value == pytest.approx((3 + 6 * 4 / 8) / 12)
    # the same as dividing every result by its propensity
    weights = SMALL.found[:6] / SMALL.propensity[:6]
    assert found["horvitz-thompson"].value == pytest.approx(weights.sum() / 12)


def test_precision_and_recall_by_hand() -> None:
    scores = SMALL.propensity  # the certain ones first, then those at one half, half of them
    precision = by_name(precision_at(SMALL, scores, 4))
    # of the tie of four at one half, two: half a known find, and half of 1 find let go
    assert precision["horvitz-thompson"].value == pytest.approx((1 + 0.5 + 0.5) / 4)
    recall = by_name(recall_at(SMALL, scores, 4))
    assert recall["horvitz-thompson"].value == pytest.approx(2 / 7)
    assert recall["naive"].value == pytest.approx(1.5 / 3)


def test_fractions_of_a_tie() -> None:
    assert highest(np.array([3.0, 3.0, 3.0, 1.0]), 1).tolist() == pytest.approx([1 / 3] * 3 + [0])
    with pytest.raises(ValueError, match=r"capacity 5 is not in \[1, 4\]"):
        highest(np.zeros(4), 5)


def every_outcome(p: NDArray[np.float64]) -> list[tuple[float, NDArray[np.bool_]]]:
    """Probability and referrals of all 2**n draws."""
    return [
        (math.prod(q if r else 1 - q for q, r in zip(p, drawn, strict=True)), np.array(drawn))
        for drawn in itertools.product([False, True], repeat=len(p))
    ]


@pytest.mark.parametrize("estimator", ["horvitz-thompson", "doubly robust"])
def test_unbiased_over_every_possible_draw(estimator: str) -> None:
    """The oracle: the estimate's mean over all draws is the truth, whatever the model says."""
    p = np.array([1.0, 0.7, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15])
    truth = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0])
    model = np.array([0.9, 0.1, 0.2, 0.3, 0.6, 0.5, 0.0, 0.0]) / 50
    within = np.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.5, 0.5, 1.0])
    mean = 0.0
    for chance, referred in every_outcome(p):
        sample = Sample(referred, np.where(referred, truth, NAN), p, model)
        left_out = finds_left_out(sample, within, clip=1e-4)
        total = left_out.totals[estimator]
        assert total is not None
        assert total.value == pytest.approx(plainly(sample, within, estimator))
        assert left_out.examined_finds == pytest.approx((within * truth)[referred].sum())
        mean += chance * (left_out.examined_finds + total.value)
    assert mean == pytest.approx((within * truth).sum())


def plainly(sample: Sample, within: NDArray[np.float64], estimator: str) -> float:
    """Finds among those let go, one movement after the other."""
    total = 0.0
    assert sample.probability is not None
    for place, p in enumerate(sample.propensity):
        model = sample.probability[place] if estimator == "doubly robust" else 0.0
        if sample.referred[place]:
            total += within[place] * (1 - p) / p * (sample.found[place] - model)
        else:
            total += within[place] * model
    return total


def test_equal_chances_have_an_exact_interval() -> None:
    referred = np.arange(20_000) < 100
    found = np.where(referred, np.where(np.arange(20_000) < 2, 1.0, 0.0), NAN)
    sample = Sample(referred, found, np.full(20_000, 0.005))
    hajek = by_name(find_rate_unexamined(sample))["hajek"]
    # 2 finds in 100, less half a per cent for what the same draws left out
    assert hajek.value == pytest.approx(0.02)
    assert hajek.interval == pytest.approx(clopper_pearson(2 * 0.995, 99.5))
    assert hajek.interval == pytest.approx(clopper_pearson(2, 100), rel=0.01)


def test_one_tiny_chance_does_not_undo_the_interval() -> None:
    # 1,000 movements at 0.1, nothing found in 100, and one at 0.001 that was let go
    referred = np.arange(1_001) < 100
    found = np.where(referred, 0.0, NAN)
    propensity = np.where(np.arange(1_001) == 1_000, 0.001, 0.1)
    (_, weighted, *_) = find_rate_unexamined(Sample(referred, found, propensity))
    assert weighted.interval is not None
    # without it 3.69 finds of weight 9 among 900; its own weight would be 999
    mean, square = (9_000 + 999) / 1_001, (81_000 / 0.9 + 999**2 / 0.999) / 1_001
    expected = weighted_count(0.0, 0.0, mean, square)[1] / 901
    assert weighted.interval[1] == pytest.approx(expected)
    assert weighted.interval[1] < 4 * 3.69 * 9 / 900


def test_what_had_no_chance_is_not_assessable() -> None:
    p = np.where(np.arange(12) == 11, 0.0, SMALL.propensity)
    for item in find_rate_unexamined(SMALL._replace(propensity=p))[1:]:
        assert (item.value, item.interval) == (None, None)
        assert item.not_assessable_share == pytest.approx(1 / 12)
        assert item.reason is not None
        assert "8.3% of the movements had no chance" in item.reason
    rest = Target((p > 0).astype(float), "unexamined")
    assert by_name(estimates(SMALL._replace(propensity=p), rest))["hajek"].value is not None


def test_greedy_is_not_assessable_and_the_naive_rate_is_still_shown() -> None:
    referred = np.arange(10) < 2
    sample = Sample(referred, np.where(referred, 1.0, NAN), referred.astype(float))
    naive, *others = find_rate_unexamined(sample)
    assert naive.value == 1.0
    assert [item.value for item in others] == [None, None]


def test_referrals_without_a_result_give_bounds() -> None:
    found = SMALL.found.copy()
    found[3] = NAN  # a no-show at propensity 0.25
    now = by_name(find_rate_unexamined(SMALL._replace(found=found)))
    # with a result: weights 3, 1, 1 of 8, so each stands for 8 / 5 times as many
    assert now["horvitz-thompson"].value == pytest.approx(min(1.0, 4 * 8 / 5 / 6))
    assert now["horvitz-thompson"].bounds == pytest.approx((4 / 6, 1.0))
    assert now["hajek"].value == pytest.approx(4 / 5)
    assert now["hajek"].bounds == pytest.approx((4 / 8, 7 / 8))
    assert by_name(find_rate_unexamined(SMALL))["hajek"].bounds is None


def test_no_result_at_all() -> None:
    nothing = SMALL._replace(found=np.full(12, NAN))
    assert {item.value for item in find_rate(nothing)} == {None}
    nobody = Sample(np.zeros(3, dtype=bool), np.full(3, NAN), np.full(3, 0.5))
    found = by_name(find_rate(nobody))
    assert found["hajek"].value is None
    assert found["horvitz-thompson"].interval == (0.0, 1.0)
    empty = Sample(np.zeros(0, dtype=bool), np.zeros(0), np.zeros(0))
    assert {item.value for item in find_rate(empty)} == {None}


def test_everybody_examined_leaves_nothing_to_estimate() -> None:
    sample = Sample(np.ones(4, dtype=bool), np.array([1.0, 0, 0, 0]), np.ones(4))
    assert by_name(find_rate(sample))["hajek"].interval == (0.25, 0.25)
    assert by_name(find_rate_unexamined(sample))["hajek"].reason == "every movement was referred"


def test_no_find_at_all_has_no_recall() -> None:
    sample = Sample(np.ones(4, dtype=bool), np.zeros(4), np.ones(4))
    naive, weighted, _ = recall_at(sample, np.arange(4.0), 1)
    assert (naive.value, naive.reason) == (None, "no find")
    assert (weighted.value, weighted.reason) == (None, "no find is known or estimated")


def test_clipping_is_counted() -> None:
    found = by_name(find_rate_unexamined(SMALL, clip=0.3))
    assert found["hajek"].clipped_share == 0.5
    # (1 - 0.25) / 0.3 = 2.5 in place of 3
    assert found["horvitz-thompson"].value == pytest.approx((2.5 + 1) / 6)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (SMALL._replace(propensity=np.full(12, 1.1)), "outside"),
        (SMALL._replace(propensity=np.full(12, NAN)), "missing or outside"),
        (SMALL._replace(propensity=np.zeros(12)), "referred at propensity 0"),
        (SMALL._replace(found=np.zeros(12)), "result of a movement that was not referred"),
        (SMALL._replace(probability=np.full(12, NAN)), "a probability is missing"),
        (SMALL._replace(found=np.zeros(11)), "differ in length"),
    ],
)
def test_a_sample_that_cannot_be(wrong: Sample, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        find_rate(wrong)
