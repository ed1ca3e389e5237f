"""Performance before results: against Monte Carlo and slow sums, and where they part."""

import math

import numpy as np
import pandas as pd
import pytest

from models.metrics import roc_auc
from monitoring.statistics.estimation import (
    Estimate,
    auc_colour,
    estimated_by_month,
    expected_auc,
    expected_rate,
    rate_colour,
)
from tests.months_frames import world


def slow_expected_auc(scores: list[float], p: list[float]) -> float:
    above = pairs = 0.0
    for i, first in enumerate(scores):
        for j, second in enumerate(scores):
            if i != j:
                weight = p[i] * (1 - p[j])
                pairs += weight
                above += weight * (1.0 if first > second else 0.5 if first == second else 0.0)
    return above / pairs


def test_the_expected_auc_is_the_sum_over_pairs_and_what_comes_true_on_average() -> None:
    rng = np.random.default_rng(1)
    scores = rng.integers(1, 60, 300) / 100
    p = np.clip(scores * 0.7, 0, 1)
    assert expected_auc(scores, p) == pytest.approx(slow_expected_auc(scores.tolist(), p.tolist()))
    drawn = [roc_auc(scores, (rng.random(300) < p).astype(np.float64)) for _ in range(2_000)]
    assert expected_auc(scores, p) == pytest.approx(np.mean(np.array(drawn, float)), abs=0.004)
    assert math.isnan(expected_auc(scores[:1], p[:1]))


def test_the_expected_rate_is_a_weighted_mean_of_probabilities() -> None:
    assert expected_rate(np.array([0.5, 0.1]), np.array([1.0, 0.5])) == pytest.approx(0.55 / 1.5)
    assert math.isnan(expected_rate(np.array([0.5]), np.array([0.0])))


def by_month(frame: pd.DataFrame) -> dict[str, Estimate]:
    table = estimated_by_month(frame)
    fields = list(Estimate._fields)
    return {
        str(row["month"]): Estimate(*(row[field] for field in fields))
        for row in table.to_dict("records")
    }


def test_scores_that_announce_too_much_are_put_right_by_matured_results() -> None:
    found = by_month(world(4, announced=2.0))
    first, last = found["2026-01"], found["2026-05"]
    assert first.recalibrated_on == 0
    assert first.expected > 1.6 * first.realised
    assert last.recalibrated_on > 2_000
    assert last.expected_low < last.realised < last.expected_high
    assert last.estimated == pytest.approx(last.expected, abs=0.02)


def test_realised_lies_within_the_interval_when_nothing_changes() -> None:
    outside = total = 0
    for seed in range(6):
        table = estimated_by_month(world(seed))
        outside += int(table["parted"].sum())
        total += len(table)
    assert outside <= 0.2 * total  # two intervals of 95 % a month
    for seed in range(2):
        for row in by_month(world(seed)).values():
            colour = "green" if row.recalibrated_on else "grey"
            assert (rate_colour(row), auc_colour(row)) == (colour, colour)


def test_the_month_in_which_estimate_and_truth_part_is_found() -> None:
    table = estimated_by_month(world(5, truth_of_may=2.2)).set_index("month")
    assert table["parted"]["2026-05"]
    row = by_month(world(5, truth_of_may=2.2))["2026-05"]
    assert row.realised > row.expected_high
    assert rate_colour(row) == "red"
    lost = by_month(world(6, noise_of_may=0.8))["2026-05"]
    assert lost.auc_realised < lost.auc_expected_low
    assert auc_colour(lost) == "amber"


def test_months_that_were_learned_from_neither_teach_nor_are_judged() -> None:
    found = by_month(world(7, learned_until=4))
    assert list(found) == ["2026-05"]
    assert found["2026-05"].recalibrated_on == 0


def test_a_month_without_results_has_an_estimate_and_no_colour() -> None:
    frame = world(8)
    frame.loc[frame["month"] == "2026-05", "label"] = np.nan
    row = by_month(frame)["2026-05"]
    assert 0.2 < row.estimated < 0.6
    assert math.isnan(row.realised)
    assert math.isnan(row.auc_realised)
    assert (rate_colour(row), auc_colour(row)) == ("grey", "grey")
