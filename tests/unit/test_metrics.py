"""Every metric worked out by hand once, ties included."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from models.bootstrap import FEWEST_DAYS, day_block_draws, percentile_interval, ratio_draws
from models.evaluation import MODEL, evaluate_slice
from models.metrics import (
    AtCapacity,
    at_capacity,
    at_daily_capacity,
    average_precision,
    brier,
    calibration_bins,
    calibration_error,
    number_at,
    roc_auc,
)
from models.proportions import wilson_interval
from models.reference import distribution
from models.stability import psi

SCORES = np.array([0.9, 0.8, 0.8, 0.8, 0.3, 0.1])
LABELS = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 0.0])


def test_capacity_without_a_tie_at_the_edge() -> None:
    assert at_capacity(SCORES, LABELS, 1) == AtCapacity(1, 1.0, 1.0, 1 / 3)
    assert at_capacity(SCORES, LABELS, 4) == AtCapacity(4, 2.0, 0.5, 2 / 3)
    assert at_capacity(SCORES, LABELS, 6) == AtCapacity(6, 3.0, 0.5, 1.0)


def test_a_tie_at_the_edge_counts_as_the_mean_of_its_orders() -> None:
    # the second place goes to one of three rows, one of which is a find: 1 + 1/3
    found = at_capacity(SCORES, LABELS, 2)
    assert found.finds == pytest.approx(4 / 3)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(4 / 9)


@given(st.permutations(range(6)), st.integers(1, 6))
def test_the_order_of_a_file_says_nothing(order: list[int], examined: int) -> None:
    again = at_capacity(SCORES[order], LABELS[order], examined)
    assert again.finds == pytest.approx(at_capacity(SCORES, LABELS, examined).finds)


@pytest.mark.parametrize("examined", [0, 7])
def test_capacity_out_of_range(examined: int) -> None:
    with pytest.raises(ValueError, match="is not in"):
        at_capacity(SCORES, LABELS, examined)


def test_recall_without_a_find_is_not_known() -> None:
    assert at_capacity(SCORES, np.zeros(6), 3).recall is None


def test_number_at() -> None:
    assert number_at(0.29, 100) == 29  # 0.29 * 100 is 28.999999999999996
    assert number_at(0.01, 20) == 1
    assert number_at(1.0, 20) == 20


def test_auc_and_average_precision() -> None:
    # finds 0.9, 0.8, 0.3 against 0.8, 0.8, 0.1: 3 + (1/2 + 1/2 + 1) + 1 of 9 pairs
    assert roc_auc(SCORES, LABELS) == pytest.approx(6 / 9)
    # at the places after which a tie ends: 1/3 · 1/1 + 1/3 · 2/4 + 1/3 · 3/5
    assert average_precision(SCORES, LABELS) == pytest.approx((1 + 2 / 4 + 3 / 5) / 3)
    assert roc_auc(SCORES, np.ones(6)) is None
    assert average_precision(SCORES, np.zeros(6)) is None


def test_brier() -> None:
    assert brier(np.array([0.9, 0.5]), np.array([1.0, 1.0])) == pytest.approx((0.01 + 0.25) / 2)


def test_calibration_error_by_hand() -> None:
    # two bins of two: predicted 0.15 and 0.85, observed 0.5 and 1: (2 · 0.35 + 2 · 0.15) / 4
    probabilities = np.array([0.8, 0.1, 0.9, 0.2])
    labels = np.array([1.0, 0.0, 1.0, 1.0])
    first, second = calibration_bins(probabilities, labels, bins=2)
    assert (first.rows, first.finds, first.observed) == (2, 1, 0.5)
    assert (second.rows, second.finds, second.observed) == (2, 2, 1.0)
    assert [first.predicted, second.predicted] == pytest.approx([0.15, 0.85])
    assert calibration_error(probabilities, labels, bins=2) == pytest.approx(0.25)


def test_calibration_of_ties_does_not_depend_on_their_order() -> None:
    probabilities = np.full(10, 0.3)
    labels = (np.arange(10) < 3).astype(np.float64)
    assert calibration_error(probabilities, labels) == pytest.approx(0.0)
    assert calibration_error(probabilities, labels[::-1]) == pytest.approx(0.0)


def test_wilson_interval() -> None:
    # Newcombe (1998), table I: 81 of 263 and 0 of 20
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(29, 29) == pytest.approx((0.8830, 1.0), abs=5e-5)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_psi_by_hand() -> None:
    # shares (10.5, 20.5) / 31 against (20.5, 10.5) / 31: 2 · (10/31) · ln(20.5/10.5)
    value = psi(np.array([10, 20]), np.array([20, 10]))
    assert value == pytest.approx(2 * 10 / 31 * math.log(20.5 / 10.5))
    assert psi(np.array([10, 20, 0]), np.array([100, 200, 0])) == pytest.approx(0.0, abs=1e-3)
    assert math.isfinite(psi(np.array([10, 0]), np.array([0, 10])))


def test_distributions_count_missing_values_apart() -> None:
    values = np.array([1.0, 2.0, 2.0, 3.0, math.nan, math.nan])
    found = distribution("x", values, most_bins=4)
    assert found.edges == (1.0, 2.0)
    assert found.counts == (1, 2, 1, 2)
    assert found.count(np.array([-9.0, 2.5, 99.0, math.nan])).tolist() == [1, 0, 2, 1]
    assert distribution("x", np.full(3, math.nan)).counts == (0, 3)
    assert distribution("x", np.full(3, 7.0)).counts == (3, 0)


def days_of(rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return (np.arange(rows) // 5).astype(np.int64)


def test_a_draw_is_what_repeated_rows_would_give() -> None:
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 9, 100).astype(np.float64)
    labels = (rng.random(100) < 0.4).astype(np.float64)
    draws = day_block_draws(
        scores, labels, days_of(100), share=0.1, also=(0.03, 0.5), seed=4, resamples=5
    )
    assert draws is not None
    again = np.random.default_rng(4)
    for auc, precision, mean_precision, others in zip(*draws, strict=True):
        blocks = again.integers(0, 20, 20)
        rows = np.concatenate([np.arange(100)[days_of(100) == block] for block in blocks])
        assert auc == pytest.approx(roc_auc_score(labels[rows], scores[rows]))
        at = {n: at_capacity(scores[rows], labels[rows], n).precision for n in (10, 3, 50)}
        assert precision == pytest.approx(at[10])
        assert others == pytest.approx([at[3], at[50]])
        assert mean_precision == pytest.approx(average_precision_score(labels[rows], scores[rows]))


def test_a_ratio_is_drawn_with_the_same_days() -> None:
    rng = np.random.default_rng(3)
    above, below = rng.random(100), rng.random(100)
    drawn = ratio_draws(above, below, days_of(100), seed=4, resamples=5)
    assert drawn is not None
    again = np.random.default_rng(4)
    for value in drawn:
        blocks = again.integers(0, 20, 20)
        rows = np.concatenate([np.arange(100)[days_of(100) == block] for block in blocks])
        assert value == pytest.approx(above[rows].sum() / below[rows].sum())
    assert ratio_draws(above[:40], below[:40], days_of(40)) is None  # eight days
    never = ratio_draws(above, np.zeros(100), days_of(100), resamples=2)
    assert never is not None
    assert np.isnan(never).all()


def test_daily_capacity_is_spent_day_by_day() -> None:
    rng = np.random.default_rng(7)
    scores = rng.integers(0, 6, 90).astype(np.float64)
    labels = (rng.random(90) < 0.3).astype(np.float64)
    days = rng.integers(0, 12, 90)
    found = at_daily_capacity(scores, labels, days, 4)
    for day, examined, finds in zip(found.days, found.examined, found.finds, strict=True):
        of_day = days == day
        assert examined == min(4, of_day.sum())
        assert finds == pytest.approx(at_capacity(scores[of_day], labels[of_day], examined).finds)
    assert sorted(set(days.tolist())) == found.days.tolist()


def test_days_that_are_alike_inside_widen_the_interval() -> None:
    rng = np.random.default_rng(5)
    of_day = np.repeat(rng.random(40) < 0.3, 5).astype(np.float64)  # all finds of a day or none
    scores = rng.random(200)
    widths = []
    for days in (days_of(200), np.arange(200)):
        draws = day_block_draws(scores, of_day, days, share=0.25)
        assert draws is not None
        low, high = percentile_interval(draws.precision) or (0.0, 0.0)
        widths.append(high - low)
    assert widths[0] > 1.2 * widths[1]


def test_too_few_days_or_one_class_give_no_interval() -> None:
    scores, labels = np.arange(60.0), (np.arange(60) % 2).astype(np.float64)
    few = (np.arange(60) % (FEWEST_DAYS - 1)).astype(np.int64)
    assert day_block_draws(scores, labels, few, share=0.1) is None
    assert day_block_draws(scores, np.ones(60), days_of(60), share=0.1) is None
    assert day_block_draws(scores[:0], labels[:0], few[:0], share=0.1) is None


def test_a_slice_compares_rankings_on_the_same_rows_and_days() -> None:
    rng = np.random.default_rng(8)
    labels = (rng.random(300) < 0.3).astype(np.float64)
    good = np.clip(0.3 * labels + 0.5 * rng.random(300), 0, 1)
    scores = {MODEL: good, "twin": good, "none": np.zeros(300)}
    found = evaluate_slice(scores, labels, days_of(300), per_day=(1, 5))
    assert (found.rows, found.finds, found.days) == (300, int(labels.sum()), 60)
    assert found.difference("twin").roc_auc == (0.0, 0.0)
    low, high = found.difference("none").roc_auc or (0.0, 0.0)
    assert 0.0 < low < high
    assert found.ranking(MODEL).brier is not None
    assert found.ranking("twin").brier is None
    assert found.ranking("none").roc_auc == 0.5
    assert found.ranking("none").at(0.05).precision == pytest.approx(labels.mean())
    one, all_of_day = found.ranking(MODEL).daily
    assert (one.per_day, one.examined, all_of_day.examined) == (1, 60, 300)  # 5 rows a day
    assert all_of_day.precision == pytest.approx(labels.mean())
    assert all_of_day.recall == 1.0
    assert one.interval is not None
    assert one.interval[0] < one.precision < one.interval[1]
    for item in found.ranking(MODEL).capacity:
        assert item.interval is not None
        assert item.interval[0] <= item.precision <= item.interval[1]
    low, high = found.ranking(MODEL).brier_interval or (0.0, 0.0)
    assert low < (found.ranking(MODEL).brier or 0.0) < high


def test_an_empty_slice_has_no_rankings() -> None:
    empty = np.empty(0)
    found = evaluate_slice({MODEL: empty, "none": empty}, empty, empty.astype(np.int64))
    assert (found.rows, found.rankings, found.can_be_judged) == (0, (), False)
