"""What changes a little every week: by scipy's line, under no change, and with a known slope."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

from features.catalogue import catalogue_for
from features.clock import MICROS_PER_DAY
from monitoring.periods import parse_period
from monitoring.statistics.gradual import gradual_changes, gradual_colour, straight_line

CATALOGUE = catalogue_for("vehicle", {})
DECLARED = [i for i, f in enumerate(CATALOGUE.features) if f.source == "declared"]
HISTORY = next(i for i, f in enumerate(CATALOGUE.features) if f.source == "history")
MONDAY = parse_period("2026-06").start
WEEKS, A_WEEK = 24, 200


def looked_at(
    seed: int, place: int = DECLARED[0], slope: float = 0.0, follows: float = 0.0
) -> pd.DataFrame:
    """Normal features; one moves by ``slope`` a week, and all weeks follow the one before."""
    rng = np.random.default_rng(seed)
    week = np.repeat(np.arange(WEEKS), A_WEEK)
    rows = rng.normal(size=(WEEKS * A_WEEK, len(CATALOGUE.names)))
    drifts = np.zeros((WEEKS, rows.shape[1]))
    for number in range(1, WEEKS):
        drifts[number] = follows * drifts[number - 1]
        drifts[number] += rng.normal(0, 0.1 * follows, rows.shape[1])
    rows += drifts[week]
    rows[:, place] += slope * week
    at = MONDAY + week * 7 * MICROS_PER_DAY + rng.integers(0, 7 * MICROS_PER_DAY, len(week))
    return gradual_changes(CATALOGUE, rows, at, np.ones(len(week)), np.zeros(len(week), np.int64))


def test_the_line_is_that_of_scipy_where_weeks_do_not_follow_one_another() -> None:
    week = np.arange(20.0)
    means = 0.3 * week + np.tile([1.0, -1.0], 10)  # one week up, one down: nothing follows
    oracle = linregress(week, means)
    line = straight_line(week, means, np.full(20, 7.0))
    assert line == pytest.approx((oracle.slope, oracle.stderr))


def test_weeks_that_follow_one_another_are_worth_less() -> None:
    rng = np.random.default_rng(1)
    week, noise = np.arange(200.0), rng.normal(size=200)
    walked = noise.copy()
    for at in range(1, 200):
        walked[at] += 0.6 * walked[at - 1]
    plain = linregress(week, walked).stderr
    # variance times (1 + 0.6) / (1 - 0.6) = 4
    assert straight_line(week, walked, np.ones(200)).error == pytest.approx(2 * plain, rel=0.25)


def test_a_slow_change_is_named_with_its_size() -> None:
    table = looked_at(2, slope=0.02)
    first = table.iloc[0]
    assert first["name"] == CATALOGUE.names[DECLARED[0]]
    # 23 weeks of 0.02 standard deviations; ranks are near those in the middle
    assert first["change"] == pytest.approx(0.46, abs=0.1)
    assert first["change_low"] < first["change"] < first["change_high"]
    assert (first["weeks"], first["movements"]) == (WEEKS, WEEKS * A_WEEK)
    assert gradual_colour(table) == "red"
    assert gradual_colour(looked_at(2, slope=-0.02)) == "red"
    assert gradual_colour(looked_at(3, slope=0.01)) == "amber"


def test_history_that_grows_with_the_ledger_is_not_looked_at() -> None:
    table = looked_at(4, place=HISTORY, slope=1.0)
    assert CATALOGUE.names[HISTORY] not in set(table["name"])
    assert gradual_colour(table) == "green"


@pytest.mark.parametrize("follows", [0.0, 0.5])
def test_a_border_that_does_not_change_is_green(follows: float) -> None:
    """Simulated: 20 borders; each has 22 features of 24 weeks, independent or not."""
    colours = [gradual_colour(looked_at(seed, follows=follows)) for seed in range(20)]
    assert colours.count("green") >= 19


def test_a_season_in_the_mix_of_traffic_is_no_change() -> None:
    rng = np.random.default_rng(6)
    week = np.repeat(np.arange(WEEKS), A_WEEK)
    at = MONDAY + week * 7 * MICROS_PER_DAY + rng.integers(0, 7 * MICROS_PER_DAY, len(week))
    yachts = (rng.random(len(week)) < 0.2 + 0.6 * week / WEEKS).astype(np.int64)
    rows = rng.normal(size=(len(week), len(CATALOGUE.names))) + 3.0 * yachts[:, None]
    rows[:, DECLARED[1]] = yachts  # says nothing but what class it is
    weights = np.ones(len(week))
    mixed = gradual_changes(CATALOGUE, rows, at, weights, np.zeros(len(week), np.int64))
    apart = gradual_changes(CATALOGUE, rows, at, weights, yachts)
    assert (gradual_colour(mixed), gradual_colour(apart)) == ("red", "green")
    assert CATALOGUE.names[DECLARED[1]] not in set(apart["name"])
    unknown = gradual_changes(CATALOGUE, rows, at, weights, np.full(len(week), -1))
    assert gradual_colour(unknown) == "grey"


def test_a_week_in_part_and_a_week_with_few_are_left_out() -> None:
    rng = np.random.default_rng(5)
    week = np.repeat(np.arange(WEEKS), A_WEEK)
    at = MONDAY + week * 7 * MICROS_PER_DAY + rng.integers(0, 7 * MICROS_PER_DAY, len(week))
    rows = rng.normal(size=(len(week), len(CATALOGUE.names)))
    cut = at < MONDAY + (7 * WEEKS - 3) * MICROS_PER_DAY  # the last week ends on its Thursday
    few = cut & ((week != 4) | (rng.random(len(week)) < 0.1))
    kept, alike = rows[few], np.zeros(few.sum(), np.int64)
    table = gradual_changes(CATALOGUE, kept, at[few], np.ones(few.sum()), alike)
    assert set(table["weeks"]) == {WEEKS - 2}


def test_three_months_are_needed() -> None:
    rows, at = np.empty((0, len(CATALOGUE.names))), np.empty(0, dtype=np.int64)
    none = gradual_changes(CATALOGUE, rows, at, np.empty(0), at)
    assert none.empty
    assert gradual_colour(none) == "grey"
