"""Waiting times against a published example, maturity against a truth, referrals by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from features.clock import MICROS_PER_DAY
from monitoring.months import COLUMNS
from monitoring.statistics.lag import (
    days_until,
    kaplan_meier,
    maturity_by_month,
    maturity_colour,
    referral_waits,
)
from monitoring.statistics.referrals import referrals, referrals_colour
from tests.months_frames import MAY, choices
from tests.scored_frames import scored_frame

WEEKS_IN_REMISSION = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
"""Freireich and others (1963), 6-MP, as in Kalbfleisch and Prentice (2002), table 1.1."""


def test_the_curve_of_the_leukaemia_patients_is_the_published_one() -> None:
    days = np.array(WEEKS_IN_REMISSION + CENSORED, dtype=np.float64)
    ended = np.repeat([True, False], [len(WEEKS_IN_REMISSION), len(CENSORED)])
    curve = kaplan_meier(days, ended).iloc[1:]
    assert curve["days"].tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    published = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve["waiting"].tolist() == pytest.approx(published, abs=5e-4)
    # R's survfit with conf.type = "log-log" at 6 and 23 weeks
    low, high = (curve[f"waiting_{end}"].tolist() for end in ("low", "high"))
    assert (low[0], high[0]) == pytest.approx((0.620, 0.952), abs=5e-4)
    assert (low[-1], high[-1]) == pytest.approx((0.188, 0.680), abs=1.5e-3)
    assert days_until(curve, 0.5) == 23
    assert math.isnan(days_until(curve, 0.9))


def test_without_censoring_the_curve_is_the_share_that_is_left() -> None:
    days = np.random.default_rng(1).integers(0, 9, 200).astype(np.float64)
    for row in kaplan_meier(days, np.ones(200, dtype=bool)).iloc[1:].to_dict("records"):
        assert row["waiting"] == pytest.approx((days > row["days"]).mean())


def test_who_is_referred_waits_until_an_outcome_or_until_now() -> None:
    referred = pd.DataFrame(
        {
            "movement": ["a", "a", "b", "c", "d"],
            "available_at": np.array([0, 5, 0, 0, 0]) * MICROS_PER_DAY,
            "referred": [True, True, True, False, True],
        }
    )
    known = pd.Series({"a": 2 * MICROS_PER_DAY, "b": 30 * MICROS_PER_DAY, "c": 1})
    curve = referral_waits(referred, known, as_of=10 * MICROS_PER_DAY)
    assert curve["at_risk"].tolist() == [3, 3]  # c was not referred; b came after now, d not yet
    assert curve["waiting"].tolist() == [1.0, pytest.approx(2 / 3)]


def results(seed: int, as_of_day: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four months of examinations, finds known late; what is known by a day, and all of it."""
    rng = np.random.default_rng(seed)
    n = 8_000
    day = rng.uniform(0, 120, n)
    found = rng.random(n) < 0.2
    known = day + np.where(found, rng.exponential(12, n), rng.exponential(2, n))
    frame = scored_frame([("low", 0.1, None)] * n)
    frame = frame.assign(
        label=found.astype(np.float64),
        month=np.char.add("2026-0", (day // 30 + 1).astype(int).astype(str)),
        stands_for=1.0,
        examined_at=day * MICROS_PER_DAY,
        outcome_known_at=known * MICROS_PER_DAY,
    )[list(COLUMNS)].sort_values("month")
    return frame[frame["outcome_known_at"] < as_of_day * MICROS_PER_DAY], frame


def test_the_share_that_is_in_is_estimated_from_how_late_earlier_results_were() -> None:
    known, everything = results(2, as_of_day=120)
    table = maturity_by_month(known, 120 * MICROS_PER_DAY).set_index("month")
    truth = known.groupby("month").size() / everything.groupby("month").size()
    assert truth["2026-04"] < 0.92
    for month in truth.index:
        assert table.at[month, "share"] == pytest.approx(truth[month], abs=0.02)
    finds = everything[everything["label"] == 1.0].groupby("month").size()
    finds_in = known[known["label"] == 1.0].groupby("month").size() / finds
    assert table.at["2026-04", "share_of_finds"] == pytest.approx(finds_in["2026-04"], abs=0.06)
    assert table["matured"].to_dict() == {
        "2026-01": True,
        "2026-02": True,
        "2026-03": True,
        "2026-04": False,  # its finds are still in the laboratory
    }


def test_a_month_with_few_results_is_not_matured() -> None:
    known, _ = results(3, as_of_day=120)
    table = maturity_by_month(known.tail(9), 120 * MICROS_PER_DAY)
    assert not table["matured"].any()
    assert table["share"].isna().all()


@pytest.mark.parametrize(
    ("share", "colour"), [(1.0, "green"), (0.5, "green"), (0.49, "amber"), (0.2, "red")]
)
def test_late_results_have_a_colour(share: float, colour: str) -> None:
    assert maturity_colour(share) == colour


def test_referrals_are_counted_by_reason_and_held_against_the_plan() -> None:
    logged = pd.concat([choices(40, "risk", 0), choices(960, "none", 40)])
    before = choices(500, "risk", 5_000).assign(available_at=MAY.start - 1)
    label = pd.Series({f"m{number}": 0.0 for number in range(30)})
    found = referrals(pd.concat([before, logged]), label, MAY)
    assert (found.movements, found.referred) == (1_000, 40)
    assert found.planned == pytest.approx(0.021)
    rows = found.by_reason.set_index("reason")
    assert rows["movements"].tolist() == [0, 0, 40, 0, 0, 960]
    assert rows.at["for risk", "examined"] == 30
    assert referrals_colour(found) == "amber"
    again = pd.concat([logged, choices(5, "risk", 990)])  # the last choice about a movement counts
    assert referrals(again, label, MAY).referred == 45
    assert referrals_colour(referrals(choices(200, "risk", 0), label, MAY)) == "red"
    assert referrals_colour(referrals(choices(0, "risk", 0), label, MAY)) == "grey"
