"""Figures of performance, worked out by hand; unexamined movements are never clean ones."""

import math
from typing import Any

import pandas as pd
import pytest

from features.clock import MICROS_PER_DAY
from monitoring.performance import (
    FEWEST_EXAMINATIONS,
    find_rates,
    label_lag,
    outcomes,
    volumes,
)
from tests.scored_frames import scored_frame


def by(frame: pd.DataFrame, key: str) -> dict[str, dict[Any, Any]]:
    return {str(row[key]): row for row in frame.to_dict("records")}


def test_find_rate_is_of_those_examined_and_examination_rate_of_all() -> None:
    # 148 high: 15 of 148 examined... the counts of Newcombe (1998), table II, method 3
    high = [("high", 0.9, "positive")] * 15 + [("high", 0.9, "negative")] * 133
    rates = by(find_rates(scored_frame(high + [("high", 0.9, None)] * 148)), "band")["high"]
    assert (rates["movements"], rates["examined"], rates["finds"]) == (296, 148, 15)
    assert rates["examination_rate"] == 0.5
    assert rates["find_rate"] == pytest.approx(15 / 148)
    assert rates["find_rate_low"] == pytest.approx(0.0624, abs=5e-5)
    assert rates["find_rate_high"] == pytest.approx(0.1605, abs=5e-5)


def test_unexamined_and_outcomes_that_are_no_labels_count_as_neither() -> None:
    rows: list[tuple[str, float, str | None]] = [("low", 0.1, "negative")] * 30
    rows += [("low", 0.1, "positive")] * 10
    before = by(find_rates(scored_frame(rows)), "band")["low"]
    rows += [("low", 0.1, other) for other in ("no_show", "missed", "withdrawn", None)] * 25
    after = by(find_rates(scored_frame(rows)), "band")["low"]
    assert after["find_rate"] == before["find_rate"] == 0.25
    assert after["examined"] == before["examined"] == 40
    assert after["examination_rate"] == pytest.approx(40 / 140)


@pytest.mark.parametrize("examined", [0, FEWEST_EXAMINATIONS - 1])
def test_small_numbers_show_neither_rate_nor_finds(examined: int) -> None:
    rows = [("medium", 0.5, "positive")] * examined + [("medium", 0.5, None)] * 50
    row = by(find_rates(scored_frame(rows)), "band")["medium"]
    assert row["examined"] == examined
    assert math.isnan(row["finds"])
    assert math.isnan(row["find_rate"])
    assert math.isnan(row["find_rate_high"])


def test_ten_examinations_are_shown() -> None:
    frame = scored_frame([("medium", 0.5, "positive")] * FEWEST_EXAMINATIONS)
    assert by(find_rates(frame), "band")["medium"]["find_rate"] == 1.0


def test_a_band_without_movements_has_no_rate_at_all() -> None:
    row = by(find_rates(scored_frame([("low", 0.1, None)])), "band")["high"]
    assert row["movements"] == 0
    assert math.isnan(row["examination_rate"])


def test_volumes_have_every_band_and_say_how_they_were_scored() -> None:
    frame = scored_frame(
        [("low", 0.1, None)] * 3 + [("high", 0.9, None)], live=[True, False, False, True]
    )
    counted = by(volumes(frame), "band")
    assert list(counted) == ["high", "medium", "low", "unassessed"]
    assert counted["low"]["movements"] == 3
    assert counted["low"]["live"] == 1
    assert counted["low"]["back_scored"] == 2
    assert counted["low"]["share"] == 0.75
    assert counted["medium"]["movements"] == 0


def test_label_lag_counts_outcomes_known_when_the_period_ended() -> None:
    known = [11.0, 12.0, 20.0, 40.0]  # examined on day 10
    frame = scored_frame(
        [("low", 0.1, "negative")] * 4, outcome_known_at=[d * MICROS_PER_DAY for d in known]
    )
    lag = label_lag(frame, period_end=20 * MICROS_PER_DAY)
    assert (lag.examinations, lag.known_by_end) == (4, 2)  # known on day 20 is not before it
    assert lag.median_days == pytest.approx(6.0)  # 1, 2, 10, 30 days


def test_label_lag_leaves_out_examinations_after_the_period() -> None:
    frame = scored_frame([("low", 0.1, "negative")] * 4)
    assert label_lag(frame, period_end=10 * MICROS_PER_DAY).examinations == 0
    assert math.isnan(label_lag(frame, period_end=10 * MICROS_PER_DAY).median_days)


def test_outcomes_keep_the_unknown_apart_from_the_negative() -> None:
    frame = scored_frame([("low", 0.1, "negative")] * 20 + [("low", 0.1, None)] * 60)
    counted = by(outcomes(frame), "outcome")
    assert counted["negative"]["movements"] == 20
    assert counted["none known"]["movements"] == 60
    assert counted["none known"]["share"] == 0.75
    assert sum(row["movements"] for row in counted.values()) == len(frame)


def test_outcomes_of_fewer_than_ten_examinations_are_kept_back() -> None:
    frame = scored_frame([("low", 0.1, "positive")] * 9 + [("low", 0.1, "no_show")])
    counted = by(outcomes(frame), "outcome")
    assert math.isnan(counted["positive"]["movements"])
    assert math.isnan(counted["negative"]["movements"])
    assert counted["no show"]["movements"] == 1
