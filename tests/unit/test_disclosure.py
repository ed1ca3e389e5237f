"""No small count is shown, and none can be worked out from what is shown."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitoring.statistics.disclosure import kept_back


def test_a_second_count_is_kept_back_with_the_first() -> None:
    assert kept_back(np.array([4, 300, 25, 60])).tolist() == [True, False, True, False]
    assert kept_back(np.array([4, 8, 25, 60])).tolist() == [True, True, False, False]
    assert kept_back(np.array([4, 3, 25, 60])).tolist() == [True, True, True, False]  # 7 is small
    assert not kept_back(np.array([0, 25, 60])).any()


def test_a_part_that_lies_inside_another_tables_part_is_no_way_round() -> None:
    # regions Europe 104, Asia 40; routes of Europe 100 and 4, of Asia 40
    counts = np.array([104, 40, 100, 4, 40])
    table = np.array([0, 0, 1, 1, 1])
    inside = np.zeros((5, 5), bool)
    inside[0, [2, 3]] = inside[1, 4] = inside[4, 1] = True
    alone = kept_back(counts[2:])
    assert alone.tolist() == [False, True, True]  # Europe less its first route would tell the 4
    hidden = kept_back(counts, table, inside)
    assert hidden[[2, 3]].all()


def test_what_lies_inside_something_kept_back_does_not_give_it_away() -> None:
    # regions 4, 24 and 61; routes 4, 12 + 12, 11 + 50: the 24 is kept back for the sake of the 4
    counts = np.array([4, 24, 61, 4, 12, 12, 11, 50])
    table = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    inside = np.zeros((8, 8), bool)
    inside[0, 3] = inside[3, 0] = inside[1, [4, 5]] = inside[2, [6, 7]] = True
    hidden = kept_back(counts, table, inside)
    assert hidden[[0, 1]].all()
    assert hidden[[4, 5]].any()  # both together would tell the 24


movements = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=60
)


def masks(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Table and members of every part: two attributes, and a coarser form of the first."""
    columns = [rows[:, 0], rows[:, 1], rows[:, 0] // 2]
    parts = [(at, c == name) for at, c in enumerate(columns) for name in np.unique(c)]
    return np.array([at for at, _ in parts]), np.array([mask for _, mask in parts])


@given(movements, st.integers(1, 12))
def test_nothing_small_follows_from_all_sums_that_are_shown(
    drawn: list[tuple[int, int, int]], times: int
) -> None:
    """The attacker adds and subtracts everything: no kept back count is the solution alone."""
    rows = np.repeat(np.array(drawn)[:, :2], np.array(drawn)[:, 2] * times, axis=0)
    if len(rows) < 10:
        return
    table, members = masks(rows)
    counts = members.sum(axis=1)
    inside = (members[:, None, :] >= members[None, :, :]).all(axis=2)
    inside &= table[:, None] != table[None, :]
    hidden = kept_back(counts, table, inside)
    assert hidden[(counts > 0) & (counts < 10)].all()
    kinds, number = np.unique(members.T, axis=0, return_counts=True)  # who share all their groups
    known = np.vstack([kinds.T[~hidden], np.ones(len(kinds))]).astype(float)
    for at in np.flatnonzero(hidden):
        asked = kinds.T[at].astype(float)
        solved = np.linalg.lstsq(known.T, asked, rcond=None)[0]
        if np.allclose(known.T @ solved, asked):
            assert asked @ number >= 10, "a small count follows from what is shown"
