"""The site in a real browser, from disk, with the network blocked: what a board member sees."""

from pathlib import Path
from typing import Any

import pytest

from tests.axe import violations
from tests.small_border import site_of_march
from tests.visits import AA_CONTRAST, CONTRASTS, DESKTOP, PHONE

NARROW = (360, 740)
MOST_BYTES = 2_000_000
FILES = ("../index.html", "index.html", "vehicle.html", "vessel.html", "shipment.html")
"""Relative to the folder of March."""
OPEN_ALL = "document.querySelectorAll('details').forEach(one => { one.open = true; })"


def opened(visit: Any, file: str, size: tuple[int, int] = DESKTOP) -> Any:
    return visit((site_of_march().page.parent / file).resolve(), size)


@pytest.mark.parametrize("size", [DESKTOP, PHONE, NARROW])
@pytest.mark.parametrize("file", FILES)
def test_pages_open_with_no_network_and_fit_the_screen(
    visit: Any, file: str, size: tuple[int, int]
) -> None:
    visited = opened(visit, file, size)
    assert visited.asked_for == []
    assert visited.complaints == []
    assert visited.page.locator("h1").is_visible()
    assert visited.page.get_by_text("Simulated.").is_visible()
    assert visited.page.evaluate("document.documentElement.scrollWidth") <= size[0]


def pages() -> list[Path]:
    """The list of periods and every page of March, but for Evidently's own."""
    site = site_of_march()
    return [site.list_of_periods, *sorted(site.page.parent.glob("*.html"))]


@pytest.mark.parametrize("size", [DESKTOP, NARROW])
def test_axe_finds_nothing_to_object_to(visit: Any, size: tuple[int, int]) -> None:
    for file in pages():
        page = visit(file, size).page
        page.evaluate(OPEN_ALL)
        assert violations(page) == [], file.name
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], file.name


@pytest.mark.parametrize("file", FILES)
def test_text_stands_out(visit: Any, file: str) -> None:
    page = opened(visit, file).page
    page.evaluate(OPEN_ALL)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert [(text, ratio) for text, ratio in contrasts if ratio < AA_CONTRAST] == []


def test_no_page_is_larger_than_two_megabytes() -> None:
    assert max(file.stat().st_size for file in pages()) < MOST_BYTES


def test_charts_have_names_and_are_as_wide_as_their_column(visit: Any) -> None:
    charts = opened(visit, "vehicle.html", PHONE).page.get_by_role("img")
    assert charts.count() >= 4
    for chart in charts.all():
        assert chart.get_attribute("aria-label")
        box = chart.bounding_box()
        assert 250 < box["width"] <= PHONE[0]
        assert box["height"] > 80


def test_the_keyboard_alone_reaches_content_and_tables_and_opens_the_numbers(visit: Any) -> None:
    page = opened(visit, "vehicle.html", PHONE).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    regions = page.locator(".scroll")
    assert regions.count() > 5
    assert all(region.get_attribute("tabindex") == "0" for region in regions.all())
    numbers = page.locator("details").first
    assert not numbers.locator("table").is_visible()
    numbers.locator("summary").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert numbers.locator("table").is_visible()


def test_printing_shows_the_numbers_that_the_screen_folds_away(visit: Any) -> None:
    page = opened(visit, "vehicle.html").page
    assert not page.locator("details table").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator("details table").first.bounding_box()["height"] > 20
    assert not page.get_by_role("navigation").first.is_visible()


def test_overview_kinds_annex_and_notes_are_linked_both_ways(visit: Any) -> None:
    visited = opened(visit, "../index.html")
    page = visited.page
    page.get_by_role("link", name="March 2026").click()
    assert page.locator("h1").inner_text() == "Report to the board, March 2026"
    page.get_by_role("link", name="Vehicles", exact=True).first.click()
    assert page.locator("h1").inner_text().startswith("Vehicles")
    page.get_by_role("link", name="How figure 2 is worked out").click()
    assert "#note-vehicle-" in page.url
    page.get_by_role("link", name="Interactive annex for vehicles").click()
    page.get_by_text("Data Drift Summary").wait_for()
    page.get_by_role("link", name="Back to the board page").click()
    page.get_by_role("link", name="All reports").click()
    assert page.locator("h1").inner_text() == "Reports to the board"
    assert visited.asked_for == []
    assert visited.complaints == []


def test_every_link_between_the_pages_leads_to_something_that_is_there(visit: Any) -> None:
    folder = site_of_march().page.parent
    for file in FILES[1:]:
        page = opened(visit, file).page
        for address in page.evaluate("[...document.links].map(a => a.getAttribute('href'))"):
            target, _, anchor = address.partition("#")
            path = folder / (target or file)
            assert path.is_file(), address
            assert not anchor or f'id="{anchor}"' in path.read_text(), address


def test_the_annex_draws_without_a_network(visit: Any) -> None:
    visited = opened(visit, "annex/vehicle.html")
    visited.page.get_by_text("Data Drift Summary").wait_for()
    assert visited.page.get_by_text("Simulated: vehicles").is_visible()
    assert visited.page.get_by_text("haulier.find_rate").first.is_visible()
    assert visited.asked_for == []
    assert visited.complaints == []
