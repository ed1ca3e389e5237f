"""Decisions beside advice: worked by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ledger import DecisionTaken
from monitoring.decided import decided_frame, decisions_frame
from monitoring.statistics.decisions import (
    by_band,
    decision_findings,
    find_rates_by_advice,
    followed,
    hours_to_decision,
    override_reasons,
    overrides_beside_advice,
    without_result,
)

HOUR = 3_600_000_000


def taken(score: str, decision: str, at: int, reason: str | None = None) -> DecisionTaken:
    return DecisionTaken(
        kind="vehicle",
        movement=f"m{score}",
        score_id=score,
        decision=decision,
        decided_at=at,
        reason_code=reason,
    )


def answers(**bands: str) -> pd.DataFrame:
    return pd.DataFrame({"score_id": list(bands), "available_at": 0, "band": list(bands.values())})


NO_OUTCOMES = pd.DataFrame({"movement": [], "outcome": []}, dtype=object)
NO_CHOICES = pd.DataFrame(
    {"score_id": pd.Series([], dtype=object), "logged": np.array([], bool), "referred": []}
)


def decided(rows: list[tuple[str, bool, bool, float]], **columns: Any) -> pd.DataFrame:
    """One row per (band, advised, referred, label)."""
    frame = pd.DataFrame(rows, columns=["band", "advised", "referred", "label"])
    frame = frame.astype({"advised": bool, "referred": bool, "label": float})
    frame["movement"] = [f"m{at}" for at in range(len(rows))]
    frame["overridden"] = frame["advised"] != frame["referred"]
    return frame.assign(reason_code=None, hours=1.0, known_at=0).assign(**columns)


def by_first(table: pd.DataFrame) -> dict[str, Any]:
    """Each row by what its first column names."""
    return {str(row[table.columns[0]]): row for row in table.to_dict("records")}


def test_an_override_is_the_opposite_of_what_was_advised() -> None:
    known = decisions_frame(
        (one, 0)
        for one in (
            taken("a", "overridden", 1, "intelligence"),
            taken("b", "overridden", 1, "known_operator"),
            taken("c", "referred", 1),
            taken("d", "released", 1),
            taken("nobody knows", "released", 1),
        )
    )
    bands = answers(a="low", b="high", c="high", d="high")
    frame = decided_frame(known, bands, NO_CHOICES, NO_OUTCOMES, "vehicle")
    by_movement = frame.set_index("movement")
    assert by_movement["advised"].to_dict() == {"ma": False, "mb": True, "mc": True, "md": True}
    assert by_movement["referred"].to_dict() == {"ma": True, "mb": False, "mc": True, "md": False}
    assert not by_movement["overridden"]["md"]  # departed, and called it a release


def test_a_logged_choice_says_what_was_advised_whatever_the_band() -> None:
    choices = pd.DataFrame({"score_id": ["a", "b"], "logged": [True, True], "referred": [True, 0]})
    known = decisions_frame([(taken("a", "referred", 1), 0), (taken("b", "released", 1), 0)])
    bands = answers(a="low", b="high")
    frame = decided_frame(known, bands, choices, NO_OUTCOMES, "vehicle")
    assert frame["advised"].tolist() == [True, False]


def test_the_last_decision_on_an_answer_stands_and_outcomes_are_joined() -> None:
    known = decisions_frame(
        [(taken("a", "released", 9 * HOUR), 5), (taken("a", "referred", 3 * HOUR), 7)]
    )
    outcomes = pd.DataFrame({"movement": ["ma"], "outcome": ["positive"]})
    (row,) = decided_frame(known, answers(a="high"), NO_CHOICES, outcomes, "vehicle").to_dict(
        "records"
    )
    assert (row["referred"], row["hours"], row["label"]) == (False, 9.0, 1.0)
    assert decided_frame(known, answers(a="high"), NO_CHOICES, outcomes, "vessel").empty


def test_departures_are_counted_by_band_and_direction() -> None:
    rows = [("high", True, True, 1.0)] * 15 + [("high", True, False, np.nan)] * 5
    rows += [("low", False, False, np.nan)] * 28 + [("low", False, True, 0.0)] * 2
    table = by_first(by_band(decided(rows)))
    counted = ("decisions", "not_referred", "referred")
    assert [table["high"][key] for key in counted] == [20, 5, 0]
    assert [table["low"][key] for key in counted] == [30, 0, 2]
    assert table["all"]["departed"] == 7 / 50
    assert table["high"]["departed_low"] == pytest.approx(0.1119, abs=1e-4)  # Wilson, 5 of 20
    assert by_first(by_band(decided(rows, overridden=False)))["all"]["not_called"] == 7


def test_a_small_band_is_kept_back_with_what_would_tell_it() -> None:
    rows = [("high", True, True, 1.0)] * 4 + [("medium", False, False, np.nan)] * 12
    rows += [("low", False, False, np.nan)] * 90
    table = by_band(decided(rows)).set_index("band")
    assert table["decisions"].isna().to_dict() == {
        "high": True,
        "medium": True,
        "low": False,
        "unassessed": False,
        "all": False,
    }


def test_officers_referrals_stand_beside_those_that_were_advised() -> None:
    rows = [("high", True, True, 1.0)] * 10 + [("high", True, True, 0.0)] * 90
    rows += [("low", False, True, 1.0)] * 15 + [("low", False, True, 0.0)] * 25
    table = by_first(find_rates_by_advice(decided(rows)))
    assert table["advised and referred"]["find_rate"] == 0.1
    assert table["referred against advice"]["find_rate"] == 0.375
    assert np.isnan(table["advised and not referred"]["find_rate"])
    assert overrides_beside_advice(decided(rows)).by_chance < 0.0005
    level = rows[:100] + [("low", False, True, 1.0)] * 3 + [("low", False, True, 0.0)] * 27
    assert overrides_beside_advice(decided(level)).by_chance > 0.3


def test_advice_that_nobody_departs_from_is_seen_with_its_bound() -> None:
    assert np.isnan(followed(decided([("high", True, True, 1.0)] * 99)).most)
    always = followed(decided([("high", True, True, 1.0)] * 500))
    assert (always.decisions, always.departed) == (500, 0.0)
    assert always.most == pytest.approx(1 - 0.025 ** (1 / 500))  # exact, for none of n
    not_advised = followed(decided([("low", False, False, 1.0)] * 500))
    assert not_advised.decisions == 0  # nothing to follow


def test_time_to_a_decision_is_in_hours_and_a_clock_that_is_off_counts_as_nothing() -> None:
    rows = [("high", True, True, 1.0)] * 10 + [("low", False, False, np.nan)] * 10
    table = hours_to_decision(decided(rows, hours=[*range(-1, 9), *[0.5] * 10]))
    assert table["median"].tolist() == [3.5, 0.5]
    assert table["ninth_decile"].iloc[0] == pytest.approx(7.1)


def test_rare_reasons_stand_together() -> None:
    rows = [("high", True, False, np.nan)] * 40
    reasons = ["no_capacity"] * 25 + ["intelligence"] * 12 + ["other"] * 2 + [None]
    table = override_reasons(decided(rows, reason_code=reasons))
    assert table["reason"].tolist() == ["no capacity", "other reasons together"]
    assert table["overrides"].tolist() == [25, 15]  # 12 would tell the 3


def test_outcomes_without_result_by_cause() -> None:
    known = pd.Series(["positive"] * 50 + ["negative"] * 20 + ["no_show"] * 20 + ["missed"] * 10)
    before = pd.Series(["negative"] * 95 + ["no_show"] * 5)
    table = by_first(without_result(known, before))
    no_show = table["no show"]
    assert (no_show["outcomes"], no_show["share"], no_show["before"]) == (20, 0.2, 0.05)
    assert table["all of these"]["outcomes"] == 30


def test_a_rise_of_overrides_is_told_from_chance() -> None:
    none = pd.Series([], dtype=object)
    calm = [("high", True, True, 1.0)] * 90 + [("high", True, False, np.nan)] * 10
    restless = [("high", True, True, 1.0)] * 70 + [("high", True, False, np.nan)] * 30
    found = decision_findings(decided(restless), decided(calm), none, none)
    assert (found.departing.now, found.departing.before) == (0.3, 0.1)
    assert found.departing.by_chance < 0.0005
    assert decision_findings(decided(calm), decided(calm), none, none).departing.by_chance > 0.4
    assert np.isnan(decision_findings(decided(calm), decided([]), none, none).departing.by_chance)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_every_decision_is_counted_once(pairs: list[tuple[bool, bool]]) -> None:
    frame = decided([("high", a, b, np.nan) for a, b in pairs])
    shown = by_first(by_band(frame))["all"]
    if len(pairs) >= 10:
        assert shown["decisions"] == len(pairs)
        assert shown["not_referred"] + shown["referred"] == sum(a != b for a, b in pairs)
    else:
        assert not pairs or np.isnan(shown["decisions"])
