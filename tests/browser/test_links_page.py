"""The neighbourhood on an assessment's page in a real browser: on a desk, on a phone, on paper."""

from pathlib import Path
from typing import Any

import pytest

from features.neighbourhood.walk import Neighbourhood
from serving.neighbourhood_picture import picture
from serving.neighbourhoods import Around
from serving.officer_page import page_of
from tests.assessments import ANSWER, recorded_as
from tests.neighbourhoods import ALONE, EIGHT, SIXTY
from tests.visits import AA_CONTRAST, CONTRASTS, DESKTOP

SMALL_PHONE = (360, 740)
LEAST_DIGITS = 7.0
"""Pixels that the digits of a mark are high at the least, on the small phone."""


@pytest.fixture(params=[ALONE, EIGHT, SIXTY], ids=["1", "8", "60"])
def around(request: pytest.FixtureRequest) -> Neighbourhood:
    chosen: Neighbourhood = request.param
    return chosen


@pytest.fixture
def file(around: Neighbourhood, tmp_path: Path) -> Path:
    named = tuple(one.key for one in around.neighbours if one.step == 0)
    drawn = picture(around) if around.links else None
    page = tmp_path / "assessment.html"
    page.write_bytes(page_of(recorded_as(ANSWER), Around(named, around, drawn)))
    return page


@pytest.mark.parametrize("size", [DESKTOP, SMALL_PHONE])
def test_it_fits_the_screen_and_fetches_nothing(
    visit: Any, file: Path, around: Neighbourhood, size: tuple[int, int]
) -> None:
    opened = visit(file, size)
    assert opened.asked_for == []
    assert opened.complaints == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    drawings = opened.page.locator(".neighbourhood svg")
    assert drawings.count() == bool(around.links)
    if around.links:
        heights = drawings.locator("text").evaluate_all(
            "all => all.filter(t => /^\\d+$/.test(t.textContent)).map("
            "t => t.getBoundingClientRect().height)"
        )
        assert len(heights) == len(around.neighbours)
        assert min(heights) >= LEAST_DIGITS


def test_the_table_says_all_of_it(visit: Any, file: Path, around: Neighbourhood) -> None:
    page = visit(file).page
    page.locator("details").evaluate("table => table.open = true")
    rows = page.locator(".neighbourhood tbody tr")
    assert rows.count() == len(around.neighbours)
    contrasts = page.evaluate(CONTRASTS)
    assert [(text, ratio) for text, ratio in contrasts if ratio < AA_CONTRAST] == []
