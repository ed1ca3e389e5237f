"""The row functions, worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.history.kernel import (
    COUNT,
    DAYS_SINCE_FIRST,
    DAYS_SINCE_LAST,
    DECAYED,
    FIND_RATE,
    NOT_DECLARED,
    UNSEEN,
    State,
    apply,
    empty_state,
    exp2_fraction,
    read,
)
from features.history.statistics import EXAMINATION, FIND, GRADES, MOVEMENT, NEVER_DAYS

DAY = 86_400_000_000
WEEK = 0  # index of the half-life of 7 days
TWO_YEARS = 3  # index of the half-life of 730 days
STRENGTH = 10


def state_of(*changes: tuple[int, int, int]) -> State:
    """One entity in slot 0; each change is what, sign, day."""
    state = empty_state("entity", 1, 3 * len(changes) + 1)
    deltas = [(0, what, sign, day * DAY) for what, sign, day in changes]
    apply(state, np.array(deltas, dtype=np.int64).reshape(-1, 4))
    return state


def value(state: State, operation: int, what: int, day: int, h: int = 0, slot: int = 0) -> float:
    row = np.full(1, -99.0)
    picks = np.array([[0, operation, what, STRENGTH if operation == FIND_RATE else h, 0]])
    read(state, np.array([slot]), day * DAY, 0.1, picks, row)
    return float(row[0])


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_powers_of_two_are_right_to_two_units_in_the_last_place(x: float) -> None:
    assert exp2_fraction(x) == pytest.approx(2.0**x, rel=2 * 2.0**-52)


def test_a_movement_is_worth_half_after_each_half_life() -> None:
    state = state_of((MOVEMENT, 1, 100), (MOVEMENT, 1, 107))
    assert value(state, COUNT, MOVEMENT, 114) == 2.0
    assert value(state, DECAYED, MOVEMENT, 114, WEEK) == 0.25 + 0.5
    assert value(state, DECAYED, MOVEMENT, 121, WEEK) == 0.125 + 0.25
    assert value(state, DECAYED, EXAMINATION, 114, WEEK) == 0.0


def test_the_find_rate_starts_from_the_prior() -> None:
    state = state_of((MOVEMENT, 1, 0), (EXAMINATION, 1, 0), (FIND, 1, 0))
    # One examination and one find, both worth a half after 730 days; prior 0.1, strength 10.
    assert value(state, FIND_RATE, FIND, 730) == (0.5 + 10 * 0.1) / (0.5 + 10)


def test_the_last_find_is_the_last_that_still_stands() -> None:
    state = state_of((FIND, 1, 10), (FIND, 1, 20), (FIND, 1, 30), (FIND, -1, 30))
    assert value(state, DAYS_SINCE_LAST, FIND, 50) == 30.0
    assert value(state, DAYS_SINCE_FIRST, FIND, 50) == 40.0
    apply(state, np.array([[0, FIND, -1, 10 * DAY]]))
    assert value(state, DAYS_SINCE_FIRST, FIND, 50) == 30.0
    apply(state, np.array([[0, FIND, -1, 20 * DAY]]))
    assert value(state, DAYS_SINCE_LAST, FIND, 50) == NEVER_DAYS


def test_an_older_find_that_arrives_later_takes_its_place_by_time() -> None:
    state = state_of((FIND, 1, 20), (FIND, 1, 30), (FIND, 1, 40), (FIND, 1, 10), (FIND, 1, 25))
    for day, last in ((40, 30), (30, 25), (25, 20), (20, 10)):
        apply(state, np.array([[0, FIND, -1, day * DAY]]))
        assert value(state, DAYS_SINCE_LAST, FIND, 50) == 50.0 - last
    assert value(state, DAYS_SINCE_FIRST, FIND, 50) == 40.0


def test_what_is_taken_back_leaves_no_residue() -> None:
    day = 12_345  # its weight is no round number
    state = state_of((FIND, 1, day), (FIND, 1, day + 1), (FIND, -1, day), (FIND, -1, day + 1))
    assert state.sums.tolist() == [[[0.0] * 4] * 3]
    assert value(state, COUNT, FIND, day + 2) == 0.0


@pytest.mark.parametrize("day", [-200_000, -1, 0, 20_000, 60_000, 300_000])
def test_no_date_overflows_or_is_lost(day: int) -> None:
    """1422 to 2791; a 7-day half-life overflows a double 19.6 years after a fixed landmark."""
    state = state_of((MOVEMENT, 1, day), (MOVEMENT, 1, day + 7))
    assert value(state, DECAYED, MOVEMENT, day + 14, WEEK) == pytest.approx(0.75, rel=1e-15)


def test_a_base_moves_by_exact_powers_of_two() -> None:
    years = 80 * 365
    state = state_of((MOVEMENT, 1, 0), (MOVEMENT, 1, years), (MOVEMENT, 1, 1))
    expected = math.fsum(0.5 ** ((years + 7 - day) / 730) for day in (0, 1, years))
    assert value(state, DECAYED, MOVEMENT, years + 7, TWO_YEARS) == pytest.approx(expected, 1e-15)
    assert value(state, DECAYED, MOVEMENT, years + 7, WEEK) == 0.5


def test_never_is_ten_years_and_nothing_is_longer_ago() -> None:
    state = state_of((MOVEMENT, 1, 0))
    assert value(state, DAYS_SINCE_LAST, MOVEMENT, 5_000) == 3650.0
    assert value(state, DAYS_SINCE_LAST, FIND, 5_000) == 3650.0


@pytest.mark.parametrize("grade", GRADES)
def test_an_unseen_key_reads_like_an_empty_one_and_an_undeclared_one_is_nan(grade: str) -> None:
    state = empty_state(grade, 1, 1)  # type: ignore[arg-type]
    operations = [COUNT] if grade == "pair" else [COUNT, DECAYED, FIND_RATE]
    for operation in operations:
        empty = value(state, operation, MOVEMENT, 1)
        assert value(state, operation, MOVEMENT, 1, slot=UNSEEN) == empty
        assert math.isnan(value(state, operation, MOVEMENT, 1, slot=NOT_DECLARED))
