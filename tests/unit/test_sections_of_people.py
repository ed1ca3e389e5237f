"""What the sections on decisions, groups, exploration and trends say, on made-up findings."""

import numpy as np
import pandas as pd

from monitoring.page import Figure, Section
from monitoring.periods import parse_period
from monitoring.sections import decisions, exploration, groups, trends
from monitoring.statistics.decisions import decision_findings
from monitoring.statistics.exploration import exploration_findings
from monitoring.statistics.trends import trends as trend_table
from tests.scored_frames import findings, scored_frame
from tests.unit.test_decisions import decided
from tests.unit.test_exploration import CHANCE, LEFT, RISK, chosen
from tests.unit.test_group_table import Row, route, tabled
from tests.unit.test_trends import BEFORE, NOW, WINDOWS, framed, times
from tests.unit.test_trends import Row as TrendRow

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


def test_the_unexamined_are_estimated_in_one_sentence() -> None:
    found = exploration_findings(chosen(RISK + CHANCE + LEFT), chosen([]))
    said = exploration.section([FOUND._replace(exploration=found)], MARCH)
    shown = figures(said)
    assert (
        "an estimated 4.0% (interval 1.0% to 10.4%) would have been a find, against 30.0% of those "
        "referred for risk. That is 36 (9 to 93) finds not made among 900"
    ) in shown["vehicle-unexamined"].says
    assert (
        "50.0% of all referrals of vehicles were by chance"
        in shown["vehicle-exploration-spent"].says
    )
    assert "4 of these finds had no band high" in shown["vehicle-random-slice"].says
    assert (
        "chance was to refer 110.0 and referred 100, as draws do"
        in shown["vehicle-propensities"].says
    )
    assert colours(said) == {
        "no-exploration": "green",
        "chance-referrals-skipped": "green",
        "propensities": "green",
        "unexamined-as-risky": "green",
        "unexamined-rising": "grey",
    }


def test_a_ranking_that_is_no_better_than_chance_is_red() -> None:
    often = [("low", True, "exploration", 1.0)] * 60 + [("low", True, "exploration", 0.0)] * 40
    found = exploration_findings(chosen(RISK + often + LEFT), chosen(CHANCE + LEFT))
    said = exploration.section([FOUND._replace(exploration=found)], MARCH)
    assert colours(said)["unexamined-as-risky"] == "red"
    assert colours(said)["unexamined-rising"] == "red"


def test_an_impossible_log_no_exploration_and_no_log_are_each_said() -> None:
    broken = exploration_findings(chosen(RISK + CHANCE + LEFT, propensity=1.5), chosen([]))
    none = exploration_findings(chosen(RISK + LEFT, exploration=0.0), chosen([]))
    silent = exploration_findings(chosen([]), chosen([]))
    said = [
        exploration.section([FOUND._replace(exploration=one)], MARCH)
        for one in (broken, none, silent)
    ]
    assert colours(said[0])["propensities"] == "red"
    assert colours(said[1])["no-exploration"] == "red"
    assert "nothing is learned of the rest" in figures(said[1])["vehicle-exploration-spent"].says
    assert "not assessable" in said[2].parts[0].texts[0]


def test_a_challenger_that_is_better_on_the_random_slice_is_amber() -> None:
    rows = (RISK + CHANCE + LEFT) * 4
    label = np.array([row[3] for row in rows])
    frame = chosen(
        rows,
        challenger=pd.array([2] * len(rows), dtype="Int64"),
        challenger_probability=np.where(label == 1.0, 0.6, 0.03),
        day=np.arange(len(rows)) % 20,
    )
    said = exploration.section(
        [FOUND._replace(exploration=exploration_findings(frame, chosen([])))], MARCH
    )
    assert colours(said)["challenger-better"] == "amber"
    shown = figures(said)["vehicle-challenger"]
    assert "On 400 results by chance, version 2 in the shadow" in shown.says
    assert "log loss: better" in shown.says
    assert len(shown.table.rows) == 4


def side_by_side(*rows: list[Row]) -> Section:
    table = tabled([row for group in rows for row in group])
    return groups.section([FOUND._replace(groups=table)], MARCH)


def test_groups_that_differ_are_named_with_the_warning_first() -> None:
    said = side_by_side(route("A", 60, 140, 900), route("B", 6, 194, 400))
    assert "Equal find rates do not show" in said.texts[1]
    shown = figures(said)["vehicle-groups-route"]
    assert (
        "By route, referrals of vehicles find more or less often for A (30.0% against 3.0% "
        "elsewhere), B (3.0% against 30.0% elsewhere); scores promise too much or too little for"
    ) in shown.says
    assert shown.worry == "look"
    assert colours(said) == {"groups-outcome-route": "red", "groups-score-route": "red"}
    assert [row[-2:] for row in shown.table.rows] == [["more", "more"], ["less", "less"]]


def test_groups_that_are_alike_or_too_small_say_so() -> None:
    alike = side_by_side(route("A", 30, 70, 900), route("B", 31, 69, 400))
    shown = figures(alike)["vehicle-groups-route"]
    assert "not shown to find more in one group than others" in shown.says
    assert shown.worry == "calm"
    small = side_by_side(route("A", 30, 70, 900), route("B", 1, 2, 0))
    assert set(colours(small).values()) == {"grey"}
    shown = figures(small)["vehicle-groups-route"]
    assert "too few referrals of vehicles have a result" in shown.says
    assert "too few finds to compare what scores promise" in shown.says
    assert "under 10, or kept back" in shown.table.rows[1]


def test_an_attribute_with_one_group_is_said_and_not_drawn() -> None:
    said = side_by_side(route("not declared", 30, 70, 900))
    assert figures(said) == {}
    assert "by route (not declared)" in said.parts[0].texts[0]


def test_groups_without_a_model_or_learned_from_are_not_judged() -> None:
    said = groups.section(
        [FOUND, FOUND._replace(groups=tabled([("A", True, 0.1, 1.0)])[:0])], MARCH
    )
    assert "No model serves vehicles" in said.parts[0].texts[0]
    assert "may have learned from all" in said.parts[1].texts[0]


ROUTES = (("route",), ("goods",))


def trends_of(rows: list[TrendRow]) -> Section:
    table = trend_table(framed(rows), WINDOWS, ROUTES)
    return trends.section([FOUND._replace(trends=table)], MARCH)


def test_a_new_tactic_is_red_and_stands_beside_the_examination_rate() -> None:
    rows = times(30, BEFORE, "R1", "24", 1.0, "cash") + times(270, BEFORE, "R1", "24", 0.0, None)
    rows += times(30, NOW, "R1", "24", 1.0, "cash") + times(270, NOW, "R1", "24", 0.0, None)
    rows += times(24, NOW, "R2", "87", 1.0, "firearms") + times(36, NOW, "R2", "87", 0.0, None)
    said = trends_of(rows + times(40, NOW, "R2", "87", np.nan, None))
    assert colours(said) == {"finds-rising": "red"}
    shown = figures(said)["vehicle-trends-finds"]
    assert shown.worry == "look"
    assert "5 new (goods 87; goods 87, threat firearms; route R2; and 2 more)" in shown.says
    assert "were never among finds before, luck or not" in shown.says
    first = dict(zip((c.key for c in shown.table.columns), shown.table.rows[0], strict=True))
    assert first["combination"] == "goods 87"
    assert (first["examined"], first["finds"]) == ("60", "24")
    assert first["find_rate"].startswith("40.0% (")
    assert first["examination_rate"].startswith("60.0% (")
    moving = figures(said)["vehicle-trends-movements"]
    assert "2 new, 2 falling" in moving.says
    assert "new" in {row[4] for row in moving.table.rows}


def test_a_few_finds_are_named_and_turn_no_light() -> None:
    rows = times(200, BEFORE, "R1", None, 0.0, None)
    for finds, colour in ((4, "green"), (5, "red")):
        said = trends_of(rows + times(finds, NOW, "R1", None, 1.0, None))
        assert colours(said) == {"finds-rising": colour}
        assert "1 new (route R1)" in figures(said)["vehicle-trends-finds"].says


def test_counts_of_a_trend_are_rounded_and_small_ones_not_shown() -> None:
    rows = times(200, BEFORE, "R1", None, 0.0, None)
    found, nothing = times(7, NOW, "R1", None, 1.0, None), times(27, NOW, "R1", None, 0.0, None)
    said = trends_of(rows + found + nothing)
    frame = figures(said)["vehicle-trends-finds"].table.frame
    assert frame["examined"].tolist() == [30]  # 34, to the nearest ten
    assert frame["finds"].isna().all()
    few = trends_of(rows + found)
    assert figures(few)["vehicle-trends-finds"].table.frame["find_rate"].isna().all()


def test_a_border_that_does_not_change_is_green_and_an_empty_one_says_so() -> None:
    rows = times(30, BEFORE, "R1", None, 1.0, None) + times(270, BEFORE, "R1", None, 0.0, None)
    rows += times(30, NOW, "R1", None, 1.0, None) + times(270, NOW, "R1", None, 0.0, None)
    said = trends_of(rows)
    assert colours(said) == {"finds-rising": "green"}
    assert "none is shown to find more or less" in figures(said)["vehicle-trends-finds"].says
    assert "none changed its share" in figures(said)["vehicle-trends-movements"].says
    assert "too few vehicles" in trends_of([]).parts[0].texts[0]
    assert "not gathered" in trends.section([FOUND], MARCH).parts[0].texts[0]
