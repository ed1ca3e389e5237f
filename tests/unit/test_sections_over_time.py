"""What the page says about months, results and drift: its words, its colours, its silence."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitoring.board import render_page, report_of
from monitoring.findings import KindFindings
from monitoring.over_time import OverTime
from monitoring.page import Figure, Part, Report
from monitoring.periods import parse_period
from monitoring.publishing import Issue
from monitoring.signals import AREAS, Signal
from monitoring.statistics.classifier import DomainClassifier
from monitoring.statistics.lag import kaplan_meier
from monitoring.statistics.referrals import referrals
from monitoring.statistics.weekly import Moved
from tests.months_frames import MAY, choices, over_time_of, world
from tests.scored_frames import findings, of_the_service, scored_frame

EMPTY = scored_frame([])
ROWS = [("high", 0.6, "positive")] * 20 + [("high", 0.6, "negative")] * 20
ROWS += [("low", 0.1, "negative")] * 90 + [("low", 0.1, "positive")] * 10
WEEKS = pd.DataFrame(
    {
        "week": ["2026-05-04", "2026-05-11"],
        "movements": [900, 900],
        "psi": [0.01, 0.4],
        "by_chance": [0.02, 0.02],
        "change": ["little", "large"],
        "high": [0.02, 0.05],
        "high_low": [0.01, 0.04],
        "high_high": [0.03, 0.06],
    }
)
APART = DomainClassifier(
    2_000, 2_000, 0.84, 0.82, 0.86, pd.DataFrame({"what": ["booked at"], "share": [0.9]})
)


def report_about(over_time: OverTime | None, **replaced: Any) -> Report:
    found = findings("vehicle", scored_frame(ROWS), MAY, over_time=over_time, **replaced)
    others: list[KindFindings] = [findings(kind, EMPTY, MAY) for kind in ("vessel", "shipment")]
    issue = Issue(period=MAY.name, number=1, issued_at=0, as_of=0, ledger_position=1)
    return report_of((found, *others), MAY, issue, of_the_service(), Part(None))


def figure(report: Report, name: str) -> Figure:
    return next(f for f in report.figures if f.table.name == f"vehicle-{name}")


def signals(report: Report) -> dict[str, Signal]:
    of_vehicles = (s for f in report.figures for s in f.signals if s.kind == "vehicle")
    return {signal.name: signal for signal in of_vehicles}


def test_a_quiet_border_has_every_rule_green_and_on_the_figure_that_shows_it() -> None:
    report = report_about(over_time_of(world(1)))
    found = signals(report)
    quiet = ("calibration", "finds-as-estimated", "ranking-as-estimated", "find-rate-changed")
    assert {name: found[name].colour for name in quiet} == dict.fromkeys(quiet, "green")
    for signal in found.values():
        assert signal.area in AREAS
        assert "amber" in signal.rule
        assert signal.owner
        assert signal.action
    slugs = {section.slug for section in report.sections}
    assert {"volumes", "find_rate", "performance", "drift"} <= slugs
    html = render_page(report, report.pages[1])
    assert "announced finds in" in html
    assert "Truth lay outside" not in figure(report, "estimated").says or "2026-05" not in html


def test_a_month_in_which_truth_parts_from_the_estimate_is_named_and_red() -> None:
    report = report_about(over_time_of(world(5, truth_of_may=2.2)))
    shown = figure(report, "estimated")
    assert shown.worry == "look"
    assert "Truth lay outside the interval" in shown.says
    assert "2026-05" in shown.says.split("Truth lay outside")[1]
    found = signals(report)
    assert found["finds-as-estimated"].colour == "red"
    assert found["calibration"].colour in {"amber", "red"}
    assert found["find-rate-changed"].colour == "red"
    assert figure(report, "calibration").worry == "look"
    assert shown.name in [listed.name for listed in report.pages[1].to_look_into]
    assert "differs from the months before" in figure(report, "prior").says


def test_a_ranking_that_was_lost_is_told_from_one_that_holds() -> None:
    lost = figure(report_about(over_time_of(world(6, noise_of_may=0.8))), "ranking")
    assert "worse than estimated" in lost.says
    assert lost.worry == "look"
    held = figure(report_about(over_time_of(world(1))), "ranking")
    assert "as well as estimated" in held.says


def test_results_that_are_still_coming_have_no_verdict() -> None:
    over_time = over_time_of(world(5, truth_of_may=2.2))
    late = over_time.maturity.assign(matured=over_time.maturity["month"] < "2026-05")
    report = report_about(over_time._replace(maturity=late))
    assert figure(report, "estimated").table.rows[-1][5] == "results still coming"
    assert signals(report)["finds-as-estimated"].colour == "green"  # of April


def test_nothing_to_judge_is_said_in_words() -> None:
    report = report_about(over_time_of(world(7, learned_until=5)))
    text = " ".join(t for s in report.sections for part in s.parts for t in part.texts)
    assert "without having learned from them" in text
    assert "No choice about vehicles was logged" in text
    assert not {"calibration", "finds-as-estimated"} & signals(report).keys()
    assert "estimated" not in [f.table.name for f in report.figures]
    assert not signals(report_about(None)).keys() - {"precision-at-capacity"}


def test_referrals_beyond_capacity_are_amber_and_those_who_wait_are_counted() -> None:
    logged = pd.concat([choices(40, "risk"), choices(960, "none", 40)])
    days = np.repeat([2.0, 9.0, 30.0], 20)
    over_time = over_time_of(
        world(1),
        referrals=referrals(logged, pd.Series(dtype=np.float64), MAY),
        waits=kaplan_meier(days, days < 30),
    )
    report = report_about(over_time)
    assert signals(report)["referrals-over-capacity"].colour == "amber"
    assert "40 of 1,000 vehicles (4.0%); capacity was planned for 2.1%" in (
        figure(report, "referrals").says
    )
    assert "Half of 60 referrals of vehicles have an outcome within 9.0 days" in (
        figure(report, "waits").says
    )


@pytest.mark.parametrize(("psi", "colour"), [(0.05, "green"), (0.15, "amber"), (0.3, "red")])
def test_scores_that_moved_of_late_and_traffic_that_is_told_apart(psi: float, colour: str) -> None:
    over_time = over_time_of(
        world(1), weekly=WEEKS, moved=Moved(1_800, psi, 0.02), classifier=APART
    )
    report = report_about(over_time)
    assert signals(report)["score-drift"].colour == colour
    assert "first in that of 2026-05-11" in figure(report, "weeks").says
    assert signals(report)["domain-classifier"].colour == "red"
    assert "most of all by booked at" in figure(report, "told-apart").says


def test_the_month_before_may_have_too_few_of_its_results() -> None:
    over_time = over_time_of(world(1))
    few = over_time.maturity.assign(share=0.2)
    report = report_about(over_time._replace(maturity=few))
    assert signals(report)["results-late"].colour == "red"
    april = parse_period("2026-04")
    assert april.name in figure(report, "maturity").table.frame["month"].tolist()


def test_the_same_months_give_the_same_page() -> None:
    reports = [report_about(over_time_of(world(2))) for _ in range(2)]
    one, other = (render_page(report, report.pages[1]) for report in reports)
    assert one == other
    assert one.count("<svg") >= 6
