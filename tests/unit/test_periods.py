"""Months: parsing, bounds, and which one a report without ``--period`` is about."""

from datetime import UTC, datetime

import numpy as np
import pytest

from features.clock import to_micros
from features.errors import InputError
from monitoring.periods import (
    NothingToReport,
    choose_period,
    month_of,
    named,
    parse_days,
    parse_period,
    refuse_the_future,
)


def at(*parts: int) -> int:
    return to_micros(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type,misc]


def test_a_month_starts_at_its_first_instant_and_ends_before_the_next() -> None:
    march = parse_period("2026-03")
    assert (march.start, march.end) == (at(2026, 3, 1), at(2026, 4, 1))
    instants = np.array([march.start - 1, march.start, march.end - 1, march.end])
    assert march.covers(instants).tolist() == [False, True, True, False]


def test_december_ends_in_the_next_year() -> None:
    assert parse_period("2025-12").end == at(2026, 1, 1)


@pytest.mark.parametrize(
    "text",
    ["2026-13", "2026-00", "2026-3", "2026", "March 2026", "", "2026-03-01", "2026-03 ", "1969-12",
     "9999-12", "２０２６-03", "--2026-03"],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_period(text)
    assert "--period must be a month such as 2026-03" in str(refused.value)
    assert repr(text) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_a_period_the_latest_month_that_is_over_is_taken() -> None:
    known = np.array([at(2026, 1, 5), at(2026, 2, 27), at(2026, 3, 9)])
    assert choose_period(known, now=at(2026, 3, 31)).name == "2026-02"
    assert choose_period(known, now=at(2026, 4, 1)).name == "2026-03"
    assert choose_period(known, now=at(2027, 1, 1)).name == "2026-03"


def test_what_there_is_when_no_month_is_over() -> None:
    known = np.array([at(2026, 3, 2), at(2026, 3, 9)])
    assert choose_period(known, now=at(2026, 3, 10)).name == "2026-03"


def test_an_empty_ledger_has_nothing_to_report() -> None:
    with pytest.raises(NothingToReport, match="foreland ingest"):
        choose_period(np.array([], dtype=np.int64), now=0)


def test_a_month_can_be_reported_on_from_its_first_instant() -> None:
    march = parse_period("2026-03")
    refuse_the_future(march, now=march.start)
    with pytest.raises(InputError, match=r"March 2026 has not begun.*is 2026-02"):
        refuse_the_future(march, now=march.start - 1)


def test_month_of_an_instant_is_the_month_that_covers_it() -> None:
    instant = at(2024, 2, 29, 23, 59, 59)
    assert month_of(instant).name == "2024-02"
    assert month_of(instant).covers(np.array([instant])).all()


def test_other_days_run_up_to_the_day_that_ends_them_and_are_found_by_their_name() -> None:
    days = parse_days("2026-01-05", "2026-03-01", now=at(2026, 3, 1))
    assert (days.start, days.end) == (at(2026, 1, 5), at(2026, 3, 1))
    assert named(days.name) == days
    assert named("2026-03") == parse_period("2026-03")


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("2026-03-01", "2026-03-01", "must lie before --until"),
        ("2026-03-02", "2026-03-01", "must lie before --until"),
        ("2026-02-30", "2026-03-01", "--since must be a day such as"),
        ("2026-02-01", "20260301", "--until must be a day such as"),
        ("2026-02-01", "2026-03-02", "lies in the future"),
    ],
)
def test_days_that_cannot_be_reported_on_are_refused_in_one_line(
    since: str, until: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        parse_days(since, until, now=at(2026, 3, 1))
    assert "\n" not in str(refused.value)
