"""What chance referred, on made-up logs: worked by hand, and against a world with known truth."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitoring.chosen import chosen_frame, sample_of
from monitoring.statistics.exploration import (
    exploration_findings,
    log_of,
    random_slice_by_band,
    spent,
)

E = 0.1
"""Chance of exploration in these logs."""


def chosen(rows: Sequence[tuple[str, bool, str, float]], **columns: Any) -> pd.DataFrame:
    """One row per (band, referred, reason, label); high is certain, the rest at ``E``."""
    frame = pd.DataFrame(rows, columns=["band", "referred", "reason", "label"])
    high = (frame["band"] == "high").to_numpy()
    frame = frame.astype({"referred": bool, "label": float})
    defaults = {
        "movement": [f"m{at}" for at in range(len(frame))],
        "available_at": np.arange(len(frame)),
        "day": np.arange(len(frame)) % 28,
        "probability": np.where(high, 0.5, 0.05),
        "propensity": np.where(high, 1.0, E),
        "exploration": E,
        "challenger": pd.array([None] * len(frame), dtype="Int64"),
        "challenger_probability": np.nan,
    }
    return frame.assign(**{**defaults, **columns})


RISK = [("high", True, "risk", 1.0)] * 30 + [("high", True, "risk", 0.0)] * 70
CHANCE = [("low", True, "exploration", 1.0)] * 4 + [("low", True, "exploration", 0.0)] * 96
LEFT = [("low", False, "none", np.nan)] * 900
BEFORE = chosen([])


def test_the_random_slice_speaks_for_those_that_were_let_go() -> None:
    found = exploration_findings(chosen(RISK + CHANCE + LEFT), BEFORE)
    assert found.headline is not None
    assert found.headline.value == pytest.approx(0.04)  # 4 of 100 that stand for 900
    assert found.missed is not None
    assert found.missed.finds_missed == pytest.approx(36.0)
    assert (found.missed.unexamined, found.missed.finds_made) == (900, 34)
    assert found.missed.share_made == pytest.approx(34 / 70)
    low, high = found.missed.share_made_interval
    assert low < 34 / 70 < high
    assert found.referred_for_risk == (30, 100)


def test_referrals_without_a_result_bound_what_the_rate_may_be() -> None:
    silent = [("low", True, "exploration", np.nan)] * 25
    table = exploration_findings(chosen(RISK + CHANCE[:75] + silent + LEFT), BEFORE).estimates
    row = table[(table["estimator"] == "hajek") & (table["when"] == "this period")].iloc[0]
    assert row["rate"] == pytest.approx(4 / 75)
    assert (row["at_least"], row["at_most"]) == pytest.approx((4 / 100, 29 / 100))


def test_what_others_examined_is_left_out_and_counted() -> None:
    tips = [("low", False, "none", 1.0)] * 40
    found = exploration_findings(chosen(RISK + CHANCE + LEFT + tips), BEFORE)
    assert found.by_others == 40
    assert found.headline is not None
    assert found.headline.value == pytest.approx(0.04)
    assert len(sample_of(chosen(RISK + CHANCE + LEFT + tips)).referred) == 1_100


def test_estimates_hold_the_truth_of_a_simulated_world_in_19_of_20() -> None:
    """Simulated: risk, draws and finds of 4,000 movements, 50 times."""
    rng, held, naive = np.random.default_rng(4), 0, 0
    for _ in range(50):
        risk = rng.beta(1, 12, 4_000)
        high = risk > np.quantile(risk, 0.98)
        found = rng.random(4_000) < risk
        referred = high | (rng.random(4_000) < E)
        frame = chosen([("low", False, "none", np.nan)] * 4_000).assign(
            referred=referred,
            reason=np.where(high, "risk", np.where(referred, "exploration", "none")),
            propensity=np.where(high, 1.0, E),
            probability=risk,
            label=np.where(referred, found, np.nan),
        )
        truth = found[~referred].mean()
        table = exploration_findings(frame, BEFORE).estimates
        now = table[table["when"] == "this period"].set_index("estimator")
        held += now["rate_low"]["hajek"] <= truth <= now["rate_high"]["hajek"]
        naive += now["rate_low"]["naive"] <= truth <= now["rate_high"]["naive"]
    assert held >= 44
    assert naive < held


def test_a_log_that_cannot_be_is_counted_and_left_out() -> None:
    rows = RISK + CHANCE + LEFT
    propensity = np.where(np.arange(len(rows)) < 100, 1.0, E)
    propensity[:2] = (np.nan, 1.5)
    propensity[2] = 0.0  # referred all the same
    propensity[-3:] = 0.0
    log = log_of(chosen(rows, propensity=propensity))
    assert (log.answers, log.impossible, log.without_a_chance) == (1_100, 3, 3)
    assert log.least == 0.0
    found = exploration_findings(chosen(rows, propensity=propensity), BEFORE)
    assert found.headline is not None
    assert "no chance of a referral" in (found.headline.reason or "")
    assert found.missed is None


def test_draws_that_do_not_follow_the_log_are_seen() -> None:
    fair = log_of(chosen(RISK + CHANCE + LEFT))
    assert fair.drawn == 100
    assert fair.expected == pytest.approx(110.0)
    assert fair.by_chance > 0.2
    never_drawn = log_of(chosen(RISK + CHANCE[:40] + LEFT))
    assert never_drawn.by_chance < 0.0005
    assert np.isnan(log_of(chosen(CHANCE[:50])).by_chance)  # five expected


def test_referrals_are_counted_by_why() -> None:
    table = spent(chosen(RISK + CHANCE + LEFT)).set_index("why")
    assert table["referrals"].to_dict() == {
        "for what an agency knows": 0,
        "by a rule": 0,
        "for risk": 100,
        "by chance": 100,
        "no model spoke": 0,
        "all referrals": 200,
    }
    assert table["share"]["by chance"] == 0.5
    few = spent(chosen(RISK + CHANCE[:5] + LEFT)).set_index("why")
    assert np.isnan(few["referrals"]["by chance"])
    assert np.isnan(few["referrals"]["for risk"])  # less all referrals it would tell the 5


def test_chance_finds_by_band() -> None:
    both = [*CHANCE, *[("high", True, "exploration", 1.0)] * 12]
    table = random_slice_by_band(chosen(RISK + both)).set_index("band")
    assert table["finds"].fillna(-1).to_dict() == {
        "high": 12,
        "medium": -1,
        "low": 4,
        "unassessed": -1,
        "all": 16,
    }
    assert table["drawn"]["medium"] == 0


def test_more_finds_by_chance_than_before_are_told_from_luck() -> None:
    often = [("low", True, "exploration", 1.0)] * 20 + CHANCE[4:84]
    found = exploration_findings(chosen(often + LEFT), chosen(CHANCE + LEFT))
    assert found.rising < 0.0005
    assert exploration_findings(chosen(CHANCE), chosen(CHANCE)).rising == pytest.approx(0.5)
    assert np.isnan(exploration_findings(chosen(CHANCE[:9]), chosen(CHANCE)).rising)


def test_referrals_by_chance_that_are_skipped_are_seen() -> None:
    skipped = [("low", True, "exploration", np.nan)] * 60 + CHANCE[:40]
    assert exploration_findings(chosen(RISK + skipped), BEFORE).less_examined < 0.0005
    assert exploration_findings(chosen(RISK + CHANCE), BEFORE).less_examined > 0.3


def test_a_challenger_is_compared_on_the_random_slice_alone() -> None:
    rows = RISK + CHANCE + LEFT
    label = np.array([row[3] for row in rows])
    knows = np.where(label == 1.0, 0.9, 0.1)
    version = pd.array([2] * len(rows), dtype="Int64")
    frame = chosen(rows, challenger=version, challenger_probability=knows)
    found = exploration_findings(frame, BEFORE)
    assert (found.challenger_version, found.challenger_results) == (2, 100)
    by_measure = {one.measure: one for one in found.challenger}
    assert by_measure["ROC AUC"].second == 1.0
    assert by_measure["log loss"].says in {"better", "not told apart"}
    few = chosen(RISK + CHANCE[:9], challenger=2, challenger_probability=0.5)
    assert exploration_findings(few, BEFORE).challenger == ()


def test_of_several_versions_the_largest_propensity_counts() -> None:
    choices = pd.DataFrame(
        {
            "score_id": ["a", "b", "c", "d"],
            "kind": "vehicle",
            "movement": ["m1", "m1", "m2", "m3"],
            "available_at": [5, 6, 7, 99],
            "probability": [0.9, 0.1, 0.1, 0.1],
            "band": ["high", "low", "low", "low"],
            "logged": [True, True, True, True],
            "referred": [True, False, False, True],
            "reason": ["risk", "none", "none", "exploration"],
            "propensity": [1.0, E, E, E],
            "exploration": E,
            "challenger": pd.array([None] * 4, dtype="Int64"),
            "challenger_probability": np.nan,
        }
    )
    outcomes = pd.DataFrame(
        {"kind": "vehicle", "movement": ["m1", "m2"], "outcome": ["positive", "no_show"]}
    )
    frame = chosen_frame(choices, outcomes, "vehicle", 5, 99)
    assert frame["movement"].tolist() == ["m1", "m2"]
    assert frame["reason"].tolist() == ["risk", "none"]
    assert frame["label"].fillna(-1).tolist() == [1.0, -1.0]  # a no show is no result
    assert chosen_frame(choices, outcomes, "vessel", 5, 99).empty


def test_no_movement_at_all_is_no_estimate() -> None:
    found = exploration_findings(BEFORE, BEFORE)
    assert found.headline is None
    assert found.missed is None
    assert found.estimates.empty
