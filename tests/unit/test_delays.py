"""How much of what is still unknown the known must stand for, worked out by hand."""

import numpy as np
import pytest

from training.delays import MOST_COUNTED, counts_for_the_late, share_known

DAY = 86_400_000_000


def test_shares_by_hand() -> None:
    # Three of age 10: known after 1, 1 and 5 days; one of age 2, known after 1. At 5 days one of
    # the three that could have been that late was: 1/3 are later than 1 day.
    delay, age = np.array([1, 1, 5, 1]), np.array([10, 10, 10, 2])
    assert share_known(delay, age) == pytest.approx([1.0, 1.0, 1.0, 2 / 3])


def test_an_age_that_equals_a_delay_could_have_been_seen() -> None:
    # a delay of 5 could be seen at ages 5 and 10, and one of the two had it: half are earlier
    delay, age = np.array([1, 1, 5]), np.array([5, 2, 10])
    assert share_known(delay, age) == pytest.approx([1.0, 0.5, 1.0])


def test_without_delay_each_counts_once() -> None:
    days = np.arange(50) * DAY
    counts = counts_for_the_late(np.tile([0.0, 1.0], 25), days, days + 1, known_before=51 * DAY)
    assert counts.tolist() == [1.0] * 50


def test_each_label_waits_for_its_own_kind() -> None:
    # finds take 1 or 9 days in turn, clean results none; what is known before day 60 is left
    number = np.arange(120)
    labels, examined = (number % 2).astype(np.float64), number // 2 * DAY
    delay = np.where(labels == 0.0, 0, np.where(number % 4 == 1, 1, 9) * DAY)
    known = examined + delay < 60 * DAY
    counts = counts_for_the_late(
        labels[known], examined[known], (examined + delay)[known], known_before=60 * DAY
    )
    of_find = counts[labels[known] == 1.0]
    assert (counts[labels[known] == 0.0] == 1.0).all()
    assert of_find[0] == 1.0, "old enough to be known whatever it waited for"
    assert of_find[-1] == pytest.approx(2.0, abs=0.1), "one of two is still unknown"
    assert len(of_find) < 56
    assert of_find.sum() == pytest.approx(60, abs=2), "as many as there are"


@pytest.mark.parametrize("seed", range(5))
def test_the_counts_add_up_to_what_there_is(seed: int) -> None:
    """Simulated: two in five wait for a laboratory, twelve days in the middle."""
    rng = np.random.default_rng(seed)
    examined = rng.integers(0, 100 * DAY, 4_000)
    waits = np.where(rng.random(4_000) < 0.4, rng.lognormal(np.log(12), 0.75, 4_000), 0.2)
    known_at = examined + (waits * DAY).astype(np.int64)
    known = known_at < 100 * DAY
    counts = counts_for_the_late(
        np.ones(known.sum()), examined[known], known_at[known], known_before=100 * DAY
    )
    assert known.sum() < 3_850
    assert counts.sum() == pytest.approx(4_000, rel=0.015)


def test_none_stands_for_more_than_a_few() -> None:
    # all of the old ones took 20 days; the young one is the only one of its age
    examined = np.array([0] * 30 + [99]) * DAY
    known_at = np.array([20] * 30 + [99]) * DAY
    counts = counts_for_the_late(np.ones(31), examined, known_at, known_before=100 * DAY)
    assert counts.max() == MOST_COUNTED
