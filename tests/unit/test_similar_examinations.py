"""Like past examinations and the interval that they give, worked out by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.calibration import SimilarExaminations, interval_around, similar_examinations
from models.calibration.similar import LIKE, MOST_ROWS_PER_GROUP, NONE_ALIKE
from models.proportions import wilson_interval


def odds(probability: float) -> float:
    return probability / (1.0 - probability)


def test_groups_by_hand() -> None:
    # odds 1/9, 1/4, 3/7 and 1/2 (p = 1/3): the last two are alike (7/6), the others are not
    probabilities = np.repeat([0.1, 0.2, 0.3, 1 / 3], 50)
    found = (4, 11, 14, 18)
    labels = np.concatenate([np.arange(50) < finds for finds in found]).astype(np.float64)
    similar = similar_examinations(probabilities, labels)
    assert similar.probabilities == pytest.approx((0.1, 0.2, (0.3 + 1 / 3) / 2))
    assert similar.examined == (50, 50, 100)
    assert similar.finds == (4, 11, 32)
    assert similar.at(0.3) == (32, 100)
    assert similar.at(0.11) == (4, 50)
    assert similar.at(0.14) == (4, 50)  # odds 0.163: 1.47 times those of 0.1, and 1/1.54 of 0.2's


def test_where_nothing_was_alike_nothing_is_claimed() -> None:
    similar = SimilarExaminations(probabilities=(0.1, 0.2), finds=(9, 22), examined=(100, 100))
    for probability in (0.0, 0.01, 0.3, 0.9, 1.0):
        assert similar.at(probability) == (0, 0)
        assert interval_around(probability, *similar.at(probability)) == (0.0, 1.0)


def test_the_interval_is_wilsons_of_what_was_found() -> None:
    similar = SimilarExaminations(probabilities=(0.3,), finds=(34,), examined=(112,))
    assert interval_around(0.3, *similar.at(0.3)) == wilson_interval(34, 112)


def test_the_interval_never_leaves_its_probability_out() -> None:
    similar = SimilarExaminations(probabilities=(0.3,), finds=(2,), examined=(100,))
    low, high = interval_around(0.31, *similar.at(0.31))
    assert (low, high) == (wilson_interval(2, 100)[0], 0.31)


def test_the_highest_are_not_drowned_in_many_that_are_lower() -> None:
    """As before: 48 % beside "8 of 74 similar", of which 70 had been given 10 %."""
    probabilities = np.concatenate([np.full(70, 0.1), [0.44, 0.46, 0.48, 0.5]])
    labels = np.concatenate([np.arange(70) < 6, [0, 1, 1, 0]]).astype(np.float64)
    assert similar_examinations(probabilities, labels).at(0.48) == (2, 4)


def test_ties_share_a_group() -> None:
    similar = similar_examinations(np.full(500, 0.1), np.arange(500) % 10 == 0)
    assert similar == SimilarExaminations(probabilities=(0.1,), finds=(50,), examined=(500,))


@given(st.lists(st.floats(1e-9, 1.0 - 1e-9), min_size=1, max_size=400), st.integers(0, 6))
def test_every_examination_is_in_one_group_of_its_like(values: list[float], every: int) -> None:
    probabilities = np.array(values)
    labels = (np.arange(len(values)) % (every + 1) == 0).astype(np.float64)
    similar = similar_examinations(probabilities, labels)
    assert sum(similar.examined) == len(values)
    assert sum(similar.finds) == labels.sum()
    ordered = np.sort(probabilities)
    ends = np.cumsum(similar.examined)
    for begin, end in zip([0, *ends[:-1]], ends, strict=True):
        low, high = ordered[begin], ordered[end - 1]
        assert odds(high) <= odds(low) * LIKE * (1 + 1e-6)
        assert end - begin <= MOST_ROWS_PER_GROUP or low == high
    for value in values:
        finds, examined = similar.at(value)
        assert 0 <= finds <= examined
        low, high = interval_around(value, *similar.at(value))
        assert 0.0 <= low <= value <= high <= 1.0


@pytest.mark.parametrize("probability", [0.0, 1.0, 5e-324, math.nextafter(1.0, 0.0)])
def test_the_ends_are_legal(probability: float) -> None:
    similar = similar_examinations(np.array([probability] * 3), np.array([1.0, 0.0, 0.0]))
    assert similar.at(probability) == (1, 3)


@pytest.mark.parametrize(
    ("probabilities", "finds", "examined"),
    [((), (), ()), ((0.1, 0.1), (1, 1), (2, 2)), ((0.2, 0.1), (1, 1), (2, 2)), ((0.1,), (), (1,))],
)
def test_what_does_not_fit_together_is_refused(
    probabilities: tuple[float, ...], finds: tuple[int, ...], examined: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"fit together|must rise"):
        SimilarExaminations(probabilities=probabilities, finds=finds, examined=examined)


@given(st.sets(st.integers(1, 999), min_size=1), st.integers(0, 1000))
@example({425, 575}, 500)  # both as near, to the last bit
def test_the_nearest_group_is_the_nearest_of_all(means: set[int], of_a_thousand: int) -> None:
    """The lower of two that are as near."""
    similar = SimilarExaminations(
        probabilities=tuple(mean / 1000 for mean in sorted(means)),
        finds=tuple(range(len(means))),
        examined=(99_999,) * len(means),
    )

    def log_odds(probability: float) -> float:
        return math.log(odds(min(max(probability, 1e-12), 1.0 - 1e-12)))

    own = log_odds(of_a_thousand / 1000)
    distances = [abs(log_odds(mean) - own) for mean in similar.probabilities]
    nearest = distances.index(min(distances))
    alike = distances[nearest] <= math.log(LIKE)
    assert similar.at(of_a_thousand / 1000) == ((nearest, 99_999) if alike else (0, 0))


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9, unique=True).map(sorted),
    st.lists(st.floats(0.0, 1.0), max_size=20),
)
def test_many_find_the_group_that_each_finds(means: list[float], asked: list[float]) -> None:
    """Also where two groups are as near, and where one is just alike."""
    numbers = tuple(range(len(means)))
    similar = SimilarExaminations(
        probabilities=tuple(means), finds=numbers, examined=tuple(9 + n for n in numbers)
    )
    odd = [LIKE * odds(one) for one in means if one < 1.0]
    asked = [*asked, *means, *((one / (1.0 + one)) for one in odd)]
    asked += [(one + other) / 2 for one, other in pairwise(means)]
    for group, one in zip(similar.groups(np.array(asked)).tolist(), asked, strict=True):
        found = (0, 0) if group == NONE_ALIKE else (numbers[group], 9 + numbers[group])
        assert found == similar.at(one)
