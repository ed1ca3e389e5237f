"""The evaluation page in a real browser, from disk, with the network blocked."""

from pathlib import Path
from typing import Any

import pytest

from tests.evaluated import evaluated
from tests.visits import AA_CONTRAST, CONTRASTS, DESKTOP, PHONE
from training.report import evaluation_page


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evaluation") / "evaluation.html"
    path.write_text(evaluation_page(evaluated()), encoding="utf-8")
    return path


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_it_opens_with_no_network_and_fits_the_screen(
    visit: Any, file: Path, size: tuple[int, int]
) -> None:
    opened = visit(file, size)
    assert opened.asked_for == []
    assert opened.complaints == []
    assert opened.page.locator("h1").is_visible()
    assert opened.page.get_by_text("Simulated.").is_visible()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_charts_have_names_and_text_stands_out(visit: Any, file: Path) -> None:
    page = visit(file, PHONE).page
    charts = page.get_by_role("img")
    assert charts.count() >= 7
    for chart in charts.all():
        assert chart.get_attribute("aria-label")
        assert 250 < chart.bounding_box()["width"] <= PHONE[0]
    contrasts = page.evaluate(CONTRASTS)
    assert [(text, ratio) for text, ratio in contrasts if ratio < AA_CONTRAST] == []


def test_the_keyboard_reaches_the_content_and_wide_tables(visit: Any, file: Path) -> None:
    page = visit(file, PHONE).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    regions = page.locator(".scroll")
    assert regions.count() == page.locator("table").count()
    assert all(region.get_attribute("tabindex") == "0" for region in regions.all())
    page.get_by_role("link", name="By group").click()
    assert page.url.endswith("#groups")
