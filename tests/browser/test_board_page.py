"""The site in a real browser, from disk, with the network blocked: what a board member sees."""

from typing import Any

import pytest

from tests.small_border import site_of_march
from tests.visits import AA_CONTRAST, CONTRASTS, DESKTOP, PHONE


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_pages_open_with_no_network_and_fit_the_screen(visit: Any, size: tuple[int, int]) -> None:
    result = site_of_march()
    for file in (result.list_of_periods, result.page):
        opened = visit(file, size)
        assert opened.asked_for == []
        assert opened.complaints == []
        assert opened.page.locator("h1").is_visible()
        assert opened.page.get_by_text("Simulated.").is_visible()
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_charts_have_names_and_are_as_wide_as_their_column(visit: Any) -> None:
    opened = visit(site_of_march().page, PHONE)
    charts = opened.page.get_by_role("img")
    assert charts.count() >= 4
    for chart in charts.all():
        assert chart.get_attribute("aria-label")
        box = chart.bounding_box()
        assert 250 < box["width"] <= PHONE[0]
        assert box["height"] > 80


def test_text_stands_out_from_its_background(visit: Any) -> None:
    result = site_of_march()
    for file in (result.list_of_periods, result.page):
        contrasts = visit(file).page.evaluate(CONTRASTS)
        assert len(contrasts) > 10
        faint = [(text, ratio) for text, ratio in contrasts if ratio < AA_CONTRAST]
        assert faint == []


def test_the_keyboard_alone_reaches_the_content_and_wide_tables(visit: Any) -> None:
    page = visit(site_of_march().page, PHONE).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    regions = page.locator(".scroll")
    assert regions.count() > 5
    assert all(region.get_attribute("tabindex") == "0" for region in regions.all())


def test_list_page_annex_and_notes_are_linked_both_ways(visit: Any) -> None:
    opened = visit(site_of_march().list_of_periods)
    page = opened.page
    page.get_by_role("link", name="March 2026").click()
    assert page.locator("h1").inner_text() == "Report to the board, March 2026"
    page.get_by_role("link", name="How figure 2 is worked out").click()
    assert page.url.endswith("#note-2")
    page.get_by_role("link", name="Interactive annex for vehicles").click()
    page.get_by_text("Data Drift Summary").wait_for()
    page.get_by_role("link", name="Back to the board page").click()
    page.get_by_role("link", name="All reports").click()
    assert page.locator("h1").inner_text() == "Reports to the board"
    assert opened.asked_for == []
    assert opened.complaints == []


def test_the_annex_draws_without_a_network(visit: Any) -> None:
    opened = visit(site_of_march().annexes[0])
    opened.page.get_by_text("Data Drift Summary").wait_for()
    assert opened.page.get_by_text("Simulated: vehicles").is_visible()
    assert opened.page.get_by_text("haulier.find_rate").first.is_visible()
    assert opened.asked_for == []
    assert opened.complaints == []
