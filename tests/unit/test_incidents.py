"""Stops, degraded days and corrected outcomes, worked by hand."""

import math
from datetime import date
from typing import Any

import pandas as pd

from features.clock import MICROS_PER_DAY
from features.ledger import OutcomeRecorded
from monitoring.findings import Verification
from monitoring.periods import parse_period
from monitoring.reviews import reviews
from monitoring.sections import incidents as section
from monitoring.signals import Signal
from monitoring.statistics.incidents import (
    Stop,
    Word,
    by_day,
    by_reason,
    corrections,
    share_taken_back,
    stops,
)
from tests.scored_frames import of_the_service

MARCH = parse_period("2026-03")
HOUR = MICROS_PER_DAY // 24


def word(at: int, *kinds: str, suspends: bool = True) -> Word:
    return Word(at, kinds, suspends, "Ann" if suspends else "Ben", "why")


def test_a_stop_lasts_from_the_first_suspension_to_the_next_resumption_of_its_kind() -> None:
    said = [
        word(10, "vehicle"),
        word(20, "vehicle", "vessel"),  # vehicles stand still already
        word(30, "vehicle", suspends=False),
        word(40, "shipment", suspends=False),  # never stopped
        word(50, "vehicle"),
    ]
    found = [(stop.kind, stop.began_at, stop.ended_at) for stop in stops(said)]
    assert found == [("vehicle", 10, 30), ("vessel", 20, None), ("vehicle", 50, None)]


def test_only_the_hours_within_the_month_count() -> None:
    stop = Stop("vessel", MARCH.start - 5 * HOUR, MARCH.start + 3 * HOUR, "A", "r", "B", "s")
    assert stop.hours_within(MARCH.start, MARCH.end) == 3
    assert stop.hours_within(MARCH.end, MARCH.end + HOUR) == 0


def not_whole(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["day", "status", "reason", "answers", "first"])


def test_an_answer_with_two_reasons_is_one_degraded_answer() -> None:
    rows = not_whole(
        ("2026-03-02", "degraded", "history_stale", 4, 4),
        ("2026-03-02", "degraded", "clock_jumped", 4, 0),
        ("2026-03-03", "unassessed", "suspended", 1, 1),
    )
    days = by_day({"2026-03-03": 1, "2026-03-02": 8}, rows)
    assert days["day"].tolist() == ["2026-03-02", "2026-03-03"]
    assert days["degraded"].tolist() == [4, 0]
    assert days["unassessed"].tolist() == [0, 1]
    assert days["share"].tolist() == [0.5, 1.0]
    reasons = by_reason(9, rows)
    assert reasons["reason"].tolist() == ["clock_jumped", "history_stale", "suspended"]
    assert reasons["share"].tolist() == [4 / 9, 4 / 9, 1 / 9]


def outcome(message: str, result: str, corrects: str | None = None) -> OutcomeRecorded:
    return OutcomeRecorded(
        kind="vehicle", movement="m", examined_at=0, outcome=result, message=message,
        corrects=corrects,
    )  # fmt: skip


def test_a_correction_says_what_was_said_first_and_in_which_month() -> None:
    february = MARCH.start - MICROS_PER_DAY
    told = [
        outcome("a", "positive"),
        outcome("b", "positive"),
        outcome("a2", "negative", corrects="a"),
        outcome("b2", "withdrawn", corrects="b"),
        outcome("x", "negative", corrects="never came"),
        outcome("late", "negative", corrects="b2"),
    ]
    known = [february, february, MARCH.start, MARCH.start + 1, MARCH.start + 2, MARCH.end]
    found = corrections(told, known, MARCH.start, MARCH.end)
    assert found.fillna("none").to_numpy().tolist() == [
        ["vehicle", "not known here", "negative", "none", 1],
        ["vehicle", "positive", "negative", "2026-02", 1],
        ["vehicle", "positive", "taken back", "2026-02", 1],
    ]
    assert share_taken_back(found, 40) == 2 / 40
    assert math.isnan(share_taken_back(found, 9))


def signals(**replaced: Any) -> dict[str, Signal]:
    made = section.section(of_the_service(**replaced), MARCH)
    return {s.name: s for part in made.parts for f in part.figures for s in f.signals}


def test_the_colours_of_reviews_follow_their_days() -> None:
    due = {"DPIA": date(2026, 3, 31), "EIA": date(2026, 4, 1), "Security": date(2027, 1, 1)}
    found = signals(reviews=reviews(due, date(2026, 4, 1)))
    colours = {name: signal.colour for name, signal in found.items() if "review" in name}
    assert colours == {
        "review-dpia": "red",
        "review-eia": "amber",  # due today
        "review-atrs": "amber",  # nobody has set a day
        "review-security": "green",
    }


def test_a_log_that_was_never_verified_is_not_green() -> None:
    assert signals()["audit-chain"].colour == "amber"
    fresh = Verification(MARCH.end - MICROS_PER_DAY, 100, 0, 0)
    assert signals(verified=fresh)["audit-chain"].colour == "green"
    old = fresh._replace(at=MARCH.end - 36 * MICROS_PER_DAY)
    assert signals(verified=old)["audit-chain"].colour == "amber"
    assert signals(verified=fresh._replace(findings=1))["audit-chain"].colour == "red"


def test_a_stop_that_goes_on_is_red_and_one_that_ended_is_amber() -> None:
    began = Stop("vehicle", MARCH.start, None, "Ann", "drift", None, None)
    assert signals(stops=(began,))["suspended"].colour == "red"
    ended = began._replace(ended_at=MARCH.start + HOUR, ended_by="Ben", why_ended="checked")
    assert signals(stops=(ended,))["suspended"].colour == "amber"
    later = began._replace(began_at=MARCH.end)
    assert "suspended" not in signals(stops=(later,))


def test_one_answer_in_twenty_that_is_not_whole_is_red() -> None:
    def colour(degraded: int) -> str:
        rows = not_whole(("2026-03-02", "degraded", "no_model", degraded, degraded))
        return signals(days=by_day({"2026-03-02": 1000}, rows))["degraded-share"].colour

    assert [colour(9), colour(10), colour(50)] == ["green", "amber", "red"]


def test_degraded_days_are_drawn_where_there_is_something_to_see() -> None:
    def drawn(answers: dict[str, int], degraded: int) -> bool:
        rows = not_whole(("2026-03-02", "degraded", "no_model", degraded, degraded))
        made = section.section(of_the_service(days=by_day(answers, rows)), MARCH)
        figures = {f.name: f for part in made.parts for f in part.figures}
        return figures["degraded-days"].chart is not None

    assert drawn({"2026-03-02": 50, "2026-03-03": 50}, 5)
    assert not drawn({"2026-03-02": 50}, 5)
    assert not drawn({"2026-03-02": 50, "2026-03-03": 50}, 0)
