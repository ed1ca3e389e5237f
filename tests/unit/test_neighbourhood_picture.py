"""The picture of a neighbourhood: the same bytes each time, all entities apart, all told apart."""

import re
from itertools import combinations

import pytest

from features.neighbourhood.walk import Neighbourhood
from serving import neighbourhood_picture
from serving.neighbourhood_picture import drawn_elsewhere, label, picture, placed
from serving.page_of_links import sentence
from tests.neighbourhoods import ALONE, DEEP, EIGHT, SIXTY

ALL = pytest.mark.parametrize(
    "around", [ALONE, EIGHT, SIXTY, DEEP], ids=["1", "8", "60", "two steps"]
)


@ALL
def test_the_same_neighbourhood_gives_the_same_bytes_here_and_elsewhere(
    around: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbourhood_picture, "PATIENCE_SECONDS", 60.0)  # the machine is busy
    drawn = picture(around)
    assert drawn == picture(around)
    assert drawn_elsewhere(around) == drawn
    assert drawn.startswith('<svg role="img" aria-label="Neighbourhood of ')
    for number in range(1, len(around.neighbours) + 1):
        assert re.search(rf">{number}</text>", drawn), f"{number} stands in no mark"


@ALL
def test_no_mark_covers_another(around: Neighbourhood) -> None:
    places = placed(around, 2.0)
    assert set(places) == {one.key for one in around.neighbours}
    least = 0.27 if len(places) > 24 else 0.38
    for one, other in combinations(places.values(), 2):
        assert abs(complex(*one) - complex(*other)) > least
        assert abs(complex(*one)) <= 2.0 + 1e-9


def test_links_that_were_left_out_lose_nobody() -> None:
    bare = EIGHT._replace(links=EIGHT.links[:1])
    assert set(placed(bare, 2.0)) == {one.key for one in bare.neighbours}


def test_a_picture_that_takes_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbourhood_picture, "PATIENCE_SECONDS", 0.001)
    assert drawn_elsewhere(EIGHT) is None


def test_it_is_said_in_one_sentence() -> None:
    assert label(EIGHT).startswith("Neighbourhood of 8 entities and 8 links; 2 with finds.")
    assert sentence(EIGHT) == (
        "3 organisations are tied with what this movement names: 1 with a find, the last known on "
        "2025-11-08, 1 never examined, which is not the same as clean."
    )
    assert sentence(ALONE).startswith("Nobody was tied with what this movement names.")
