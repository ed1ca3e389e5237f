"""The row functions, worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.history.kernel import (
    COUNTS,
    NOT_DECLARED,
    SUMS,
    UNSEEN,
    Changes,
    State,
    exp2_fraction,
    replay,
)
from features.history.layout import empty_state
from features.history.link_tables import LinkTable
from features.history.live_kernel import state_address
from features.history.plan import pick
from features.history.statistics import CATEGORY, FULL, GRADES, NEVER_DAYS, PAIR, STATISTICS, Grade

DAY = 86_400_000_000
MOVEMENT, EXAMINATION, FIND = 0, 1, 2
FIRST = 1  # the first slot


NO_KEYS = np.zeros((0, 1), dtype=np.int32)
NO_INSTANTS = np.zeros(0, dtype=np.int64)
NO_CHANGES = Changes(
    of=np.zeros(0, dtype=np.int32),
    what=np.zeros(0, dtype=np.int8),
    sign=np.zeros(0, dtype=np.int8),
    instant=NO_INSTANTS,
    visible_from=NO_INSTANTS,
    unchanged=np.zeros((0, 0), dtype=bool),
)


def change(state: State, *changes: tuple[int, int, int]) -> None:
    states = state, empty_state("category", 0, 0), empty_state("pair", 0, 0)
    addresses, links = np.array([state_address(one) for one in states]), LinkTable()
    for what, sign, day in changes:
        links.apply(addresses, 1, np.array([what, sign, day * DAY, 1, FIRST * 3]))


def state_of(*changes: tuple[int, int, int]) -> State:
    state = empty_state("entity", 1, len(changes))
    change(state, *changes)
    return state


def value(state: State, name: str, day: int, slot: int = FIRST, grade: Grade = "entity") -> float:
    out = np.full((1, 1), -99.0)
    replay(
        state,
        NO_CHANGES,
        NO_KEYS,
        np.array([[slot]], dtype=np.int32),
        np.array([day * DAY]),
        np.array([0.1]),
        10.0,
        np.array([0]),
        np.array([pick(0, STATISTICS[name], grade, 0)]),
        out,
    )
    return float(out[0, 0])


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_powers_of_two_are_right_to_two_units_in_the_last_place(x: float) -> None:
    assert exp2_fraction(x) == pytest.approx(2.0**x, rel=2 * 2.0**-52)


def test_a_movement_is_worth_half_after_each_half_life() -> None:
    state = state_of((MOVEMENT, 1, 100), (MOVEMENT, 1, 107))
    assert value(state, "movements", 114) == 2.0
    assert value(state, "movements_7d", 114) == 0.25 + 0.5
    assert value(state, "movements_7d", 121) == 0.125 + 0.25
    assert value(state, "examinations_7d", 114) == 0.0


def test_the_find_rate_starts_from_the_prior() -> None:
    state = state_of((MOVEMENT, 1, 0), (EXAMINATION, 1, 0), (FIND, 1, 0))
    # One examination and one find, both worth a half after 730 days; prior 0.1, strength 10.
    assert value(state, "find_rate", 730) == (0.5 + 10 * 0.1) / (0.5 + 10)


def test_the_last_find_is_the_last_that_still_stands() -> None:
    state = state_of((FIND, 1, 10), (FIND, 1, 20), (FIND, 1, 30), (FIND, -1, 30))
    assert value(state, "days_since_last_find", 50) == 30.0
    change(state, (FIND, -1, 10))
    assert value(state, "days_since_last_find", 50) == 30.0
    change(state, (FIND, -1, 20))
    assert value(state, "days_since_last_find", 50) == NEVER_DAYS


def test_the_first_movement_is_the_first_that_still_stands() -> None:
    state = state_of((MOVEMENT, 1, 10), (MOVEMENT, 1, 20), (MOVEMENT, 1, 30))
    assert value(state, "days_since_first_movement", 50) == 40.0
    change(state, (MOVEMENT, -1, 10))
    assert value(state, "days_since_first_movement", 50) == 30.0
    change(state, (MOVEMENT, -1, 30), (MOVEMENT, -1, 20))
    assert value(state, "days_since_first_movement", 50) == NEVER_DAYS


def test_an_older_movement_that_arrives_later_takes_its_place_by_time() -> None:
    state = state_of(*((MOVEMENT, 1, day) for day in (20, 30, 40, 10, 25)))
    for day, last in ((40, 30), (30, 25), (25, 20), (20, 10)):
        change(state, (MOVEMENT, -1, day))
        assert value(state, "days_since_last_movement", 50) == 50.0 - last
    assert value(state, "days_since_first_movement", 50) == 40.0


def test_what_is_taken_back_leaves_no_residue() -> None:
    day = 12_345  # its weight is no round number
    state = state_of((FIND, 1, day), (FIND, 1, day + 1), (FIND, -1, day), (FIND, -1, day + 1))
    assert state.values[FIRST, COUNTS : SUMS + 3 * 4].tolist() == [0.0] * 15
    assert value(state, "days_since_last_find", day + 2) == NEVER_DAYS
    assert value(state, "finds", day + 2) == 0.0


@pytest.mark.parametrize("day", [-200_000, -1, 0, 20_000, 60_000, 300_000])
def test_no_date_overflows_or_is_lost(day: int) -> None:
    """1422 to 2791; a 7-day half-life overflows a double 19.6 years after a fixed landmark."""
    state = state_of((MOVEMENT, 1, day), (MOVEMENT, 1, day + 7))
    assert value(state, "movements_7d", day + 14) == pytest.approx(0.75, rel=1e-15)


def test_an_era_ends_by_exact_powers_of_two() -> None:
    years = 80 * 365
    state = state_of((MOVEMENT, 1, 0), (MOVEMENT, 1, years), (MOVEMENT, 1, 1))
    expected = math.fsum(0.5 ** ((years + 7 - day) / 730) for day in (0, 1, years))
    assert value(state, "movements_730d", years + 7) == pytest.approx(expected, 1e-15)
    assert value(state, "movements_7d", years + 7) == 0.5


def test_never_is_ten_years_and_nothing_is_longer_ago() -> None:
    state = state_of((MOVEMENT, 1, 0))
    assert value(state, "days_since_last_movement", 5_000) == 3650.0
    assert value(state, "days_since_last_find", 5_000) == 3650.0


READ: dict[Grade, tuple[str, ...]] = {"entity": FULL, "category": CATEGORY, "pair": PAIR}


@pytest.mark.parametrize("grade", GRADES)
def test_an_unseen_key_reads_like_an_empty_one_and_an_undeclared_one_is_nan(grade: Grade) -> None:
    state = empty_state(grade, 1, 1)
    for name in READ[grade]:
        empty = value(state, name, 1, grade=grade)
        assert value(state, name, 1, UNSEEN, grade) == empty
        assert math.isnan(value(state, name, 1, NOT_DECLARED, grade))
