"""What came and what did not: days, places and delays that can be counted by hand."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from features.clock import MICROS_PER_DAY
from monitoring.periods import parse_period
from monitoring.publishing import SiteError
from monitoring.rejected import rejected_rows
from monitoring.sections import feeds as section
from monitoring.statistics.feeds import Delay, Feeds, silent_days, silent_places, too_few
from tests.scored_frames import findings, scored_frame

MARCH = parse_period("2026-03")
HOUR = MICROS_PER_DAY // 24


def every_hour(start: int, end: int, *, but_for_days: tuple[int, ...] = ()) -> np.ndarray:
    """One movement an hour, 24 a day; of days that are left out (from ``start``) none."""
    instants = np.arange(start, end, HOUR)
    return instants[~np.isin((instants - start) // MICROS_PER_DAY, but_for_days)]


def days_found(known_at: np.ndarray, end: int = MARCH.end) -> list[str]:
    before = every_hour(MARCH.start - 28 * MICROS_PER_DAY, MARCH.start)
    return silent_days(known_at, before, MARCH.start, end)["day"].tolist()


def test_a_day_on_which_nothing_came_is_found() -> None:
    assert days_found(every_hour(MARCH.start, MARCH.end)) == []
    missing = every_hour(MARCH.start, MARCH.end, but_for_days=(4, 30))
    assert days_found(missing) == ["2026-03-05", "2026-03-31"]


def test_the_day_that_has_not_passed_is_held_against_its_part() -> None:
    half = MARCH.start + 2 * MICROS_PER_DAY + 6 * HOUR
    assert days_found(every_hour(MARCH.start, half), half) == []


def test_days_of_the_week_are_compared_with_themselves() -> None:
    """Nothing ever comes on Sundays: that it does not is no finding."""
    start = MARCH.start - 28 * MICROS_PER_DAY  # a Sunday, as is the first of March 2026
    sundays = tuple(range(0, 28, 7))
    before = every_hour(start, MARCH.start, but_for_days=sundays)
    now = every_hour(MARCH.start, MARCH.end, but_for_days=tuple(range(0, 31, 7)))
    assert silent_days(now, before, MARCH.start, MARCH.end).empty


def test_without_anything_before_nothing_is_found() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert silent_days(nothing, nothing, MARCH.start, MARCH.end).empty


@pytest.mark.parametrize(
    ("count", "expected"), [(0, 5.0), (0, 9.0), (0, 9.3), (30, 100), (60, 100)]
)
def test_both_rules_have_to_hold(count: int, expected: float) -> None:
    found, by_chance = too_few(np.array([count]), np.array([expected]))
    assert by_chance[0] == pytest.approx(stats.poisson(expected).cdf(count))
    assert found[0] == (count < expected / 2 and by_chance[0] < 1e-4)
    assert found[0] == ((count, expected) in {(0, 9.3), (30, 100)})  # exp(-9.3) < 1e-4 < exp(-9)


def test_a_place_that_sends_no_results_any_more_is_found() -> None:
    before = pd.Series(["GBHRW"] * 90 + ["GBDVR"] * 90 + ["GBLIV"] * 3)
    now = pd.Series(["GBDVR"] * 28)
    found = silent_places(now, before, days=30, days_before=90)
    assert found["place"].tolist() == ["GBHRW"]
    assert found["expected"].tolist() == [30.0]
    assert found["results"].tolist() == [0]


def test_a_delay_is_looked_at_when_it_doubled_and_an_hour_is_lost() -> None:
    def delay(*hours: float) -> Delay:
        return Delay.of(np.zeros(len(hours), np.int64), (np.array(hours) * HOUR).astype(np.int64))

    assert delay(1, 2, 9).median == 2.0
    assert delay(*range(11)).ninth_decile == 9.0
    assert delay(4).grew_from(delay(2))
    assert not delay(3).grew_from(delay(2))
    assert not delay(0.5).grew_from(delay(0.1))
    assert not delay(1).grew_from(delay())


def test_what_was_declared_after_it_was_known_is_counted() -> None:
    """Five minutes are allowed, as everywhere."""
    minutes = np.array([-60, -6, -5, 0, 60])
    delay = Delay.of(np.zeros(5, np.int64), minutes * (HOUR // 60))
    assert (delay.ahead, delay.ahead_share) == (2, 0.4)
    assert np.isnan(Delay.of(minutes[:0], minutes[:0]).ahead_share)


def feeds(**replaced: object) -> Feeds:
    nothing = np.zeros(0, dtype=np.int64)
    usual = Feeds(
        days=31,
        silent_days=silent_days(nothing, nothing, MARCH.start, MARCH.end),
        compared_days=90,
        silent_places=silent_places(pd.Series(["A"] * 30), pd.Series(["A"] * 90), 31, 90),
        places=1,
        delay=Delay(100, 1.0, 2.0),
        delay_before=Delay(300, 1.0, 2.0),
    )
    return usual._replace(**replaced)  # type: ignore[arg-type]


def colours(**replaced: object) -> dict[str, str]:
    found = findings("vehicle", scored_frame([("low", 0.1, None)]), MARCH, feeds=feeds(**replaced))
    drawn = section.figures(found, MARCH)
    return {signal.name: signal.colour for figure in drawn for signal in figure.signals}


def test_signals() -> None:
    rules = ("silent-days", "silent-places", "ledger-delay", "clock-ahead")
    calm = dict.fromkeys(rules, "green")
    assert colours() == calm
    days = pd.DataFrame({"day": ["2026-03-05"], "movements": [0], "expected": [24.0]})
    assert colours(silent_days=days) == calm | {"silent-days": "amber"}
    assert colours(silent_days=pd.concat([days] * 3)) == calm | {"silent-days": "red"}
    assert colours(delay=Delay(9, 3.0, 4.0)) == calm | {"ledger-delay": "amber"}
    assert colours(delay=Delay(1_000, 1.0, 2.0, ahead=10)) == calm | {"clock-ahead": "amber"}
    assert colours(delay=Delay(1_000, 1.0, 2.0, ahead=100)) == calm | {"clock-ahead": "red"}
    nothing = Delay(0, np.nan, np.nan)
    neither = {"compared_days": 0, "places": 0, "delay": nothing, "delay_before": nothing}
    assert set(colours(**neither).values()) == {"grey"}


def test_refused_rows_are_counted_by_rule(tmp_path: Path) -> None:
    """A row that breaks two rules counts under each, and twice under none."""
    rows = ("1,bad_date,/a,x", "1,bad_date,/b,x", "2,bad_date,/a,x", "2,late,,x")
    text = "\n".join(("number,code,pointer,message", *rows, ""))
    now = tmp_path / "march-vehicle-movements-0123abcd.csv"
    old = tmp_path / "april-vehicle-movements-0123abcd.csv"
    for file, moment in ((now, MARCH.start), (old, MARCH.end)):
        file.write_text(text)
        os.utime(file, ns=(moment * 1_000, moment * 1_000))
    (tmp_path / "notes.csv").write_text("mine")
    found = rejected_rows(tmp_path, MARCH.start, MARCH.end)
    assert found.to_dict("list") == {
        "kind": ["vehicle", "vehicle"],
        "about": ["movements", "movements"],
        "code": ["bad_date", "late"],
        "rows": [2, 1],
        "files": [1, 1],
    }
    assert rejected_rows(tmp_path / "none", MARCH.start, MARCH.end).empty
    now.write_text("a,b\n")
    os.utime(now, ns=(MARCH.start * 1_000, MARCH.start * 1_000))
    with pytest.raises(SiteError, match="is no list of refused rows"):
        rejected_rows(tmp_path, MARCH.start, MARCH.end)


def test_what_is_said_of_refused_rows() -> None:
    none = pd.DataFrame(columns=["kind", "about", "code", "rows", "files"])
    assert section.rejected(none, MARCH).says == "No row of a file was refused in March 2026."
    one = pd.DataFrame(
        {"kind": ["vessel"], "about": ["outcomes"], "code": ["late"], "rows": [1_200], "files": [2]}
    )
    said = section.rejected(one, MARCH)
    assert said.says.startswith("1,200 rows of files were refused in March 2026; the most frequent")
    assert said.worry == "look"


def test_movements_that_come_at_once_have_no_delay_to_speak_of() -> None:
    def says(now: Delay, before: Delay) -> str:
        frame = scored_frame([("low", 0.1, None)])
        found = findings("vehicle", frame, MARCH, feeds=feeds(delay=now, delay_before=before))
        return section.figures(found, MARCH)[2].says

    at_once = "Nine in ten of the vehicles were known here within a minute of their declaration."
    assert says(Delay(100, 0.0, 0.01), Delay(300, 0.0, 0.0)) == at_once
    assert "(0 minutes before)" in says(Delay(100, 1.0, 2.0), Delay(300, 0.0, 0.0))
