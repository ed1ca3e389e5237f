"""What the sections on decisions, groups, exploration and trends say, on made-up findings."""

import numpy as np
import pandas as pd

from monitoring.page import Figure, Section
from monitoring.periods import parse_period
from monitoring.sections import decisions
from monitoring.statistics.decisions import decision_findings
from tests.scored_frames import findings, scored_frame
from tests.unit.test_decisions import decided

MARCH = parse_period("2026-03")
FOUND = findings("vehicle", scored_frame([("high", 0.9, "positive")] * 20), MARCH)
NONE = pd.Series([], dtype=object)


def figures(section: Section) -> dict[str, Figure]:
    return {figure.table.name: figure for part in section.parts for figure in part.figures}


def colours(section: Section) -> dict[str, str]:
    every = figures(section).values()
    return {signal.name: signal.colour for figure in every for signal in figure.signals}


FOLLOWING = [("high", True, True, 1.0)] * 60 + [("high", True, True, 0.0)] * 240
DEPARTING = [("low", False, True, 1.0)] * 30 + [("high", True, False, np.nan)] * 40


def test_overrides_that_rise_and_find_more_ask_for_a_look() -> None:
    found = decision_findings(decided(FOLLOWING + DEPARTING), decided(FOLLOWING), NONE, NONE)
    said = decisions.section([FOUND._replace(decisions=found)], MARCH)
    assert colours(said) == {
        "overrides-rising": "red",
        "advice-always-followed": "green",
        "overrides-find-more": "red",
    }
    shown = figures(said)
    assert shown["vehicle-overrides"].worry == "look"
    assert "departed from the advice on vehicles in 18.9% of 370" in shown["vehicle-overrides"].says
    assert "more than chance explains" in shown["vehicle-overrides"].says
    assert "officers find more" in shown["vehicle-override-finds"].says


def test_advice_that_is_always_followed_is_amber_and_says_why() -> None:
    found = decision_findings(decided(FOLLOWING * 2), decided([]), NONE, NONE)
    said = decisions.section([FOUND._replace(decisions=found)], MARCH)
    assert colours(said)["advice-always-followed"] == "amber"
    assert "check that officers look for themselves" in figures(said)["vehicle-overrides"].says


def test_no_decision_at_all_is_said_and_no_result_still_shown() -> None:
    outcomes = pd.Series(["positive"] * 60 + ["no_show"] * 40)
    before = pd.Series(["positive"] * 290 + ["no_show"] * 10)
    found = decision_findings(decided([]), decided([]), outcomes, before)
    said = decisions.section([FOUND._replace(decisions=found), FOUND], MARCH)
    assert "nobody can say whether the advice was followed" in said.parts[0].texts[0]
    assert "not gathered" in said.parts[1].texts[0]
    assert colours(said) == {"results-missing": "red"}
    assert "40.0% say nothing about risk" in figures(said)["vehicle-no-results"].says


def test_few_decisions_are_not_shown() -> None:
    found = decision_findings(decided(FOLLOWING[:7]), decided([]), NONE, NONE)
    said = decisions.section([FOUND._replace(decisions=found)], MARCH)
    assert set(colours(said).values()) == {"grey"}
    for figure in figures(said).values():
        assert not figure.table.frame.select_dtypes("number").gt(0).any(axis=None)
