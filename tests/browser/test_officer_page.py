"""The page of one assessment in a real browser: on a desk, on a phone, on paper, without colour."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from serving.officer_page import page_of
from tests.assessments import ANSWER, recorded_as
from tests.visits import AA_CONTRAST, CONTRASTS, DESKTOP

SMALL_PHONE = (360, 740)
OLD = "history_stale: newest vehicle outcome is from 2026-09-01, more than 35 days before"
STALE = replace(ANSWER, status="degraded", band="medium", degraded_reasons=(OLD,))


@pytest.fixture(params=[ANSWER, STALE], ids=["scored", "degraded"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    page = tmp_path / "assessment.html"
    page.write_bytes(page_of(recorded_as(request.param)))
    return page


@pytest.mark.parametrize("size", [DESKTOP, SMALL_PHONE])
def test_it_fits_the_screen_and_fetches_nothing(
    visit: Any, file: Path, size: tuple[int, int]
) -> None:
    opened = visit(file, size)
    assert opened.asked_for == []
    assert opened.complaints == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert opened.page.get_by_text("Simulated.").is_visible()
    assert opened.page.locator("script").count() == 0
    band = opened.page.locator("[aria-current]")
    assert band.inner_text().startswith("▶"), "told by a mark and a frame, not by colour"


def test_text_stands_out_and_headings_come_in_order(visit: Any, file: Path) -> None:
    page = visit(file).page
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert [(text, ratio) for text, ratio in contrasts if ratio < AA_CONTRAST] == []
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => h.tagName)")
    assert levels[0] == "H1"
    assert set(levels[1:]) == {"H2"}


def test_what_decides_is_on_the_first_screen(visit: Any, file: Path) -> None:
    page = visit(file, DESKTOP).page
    for text in ("similar past examinations found", "raises the risk", "an officer decides."):
        box = page.get_by_text(text).last.bounding_box()
        assert box["y"] + box["height"] <= DESKTOP[1], text


def test_it_prints_on_one_sheet(visit: Any, file: Path) -> None:
    printed: bytes = visit(file).page.pdf(format="A4")
    assert printed.count(b"/Type /Page\n") == 1
