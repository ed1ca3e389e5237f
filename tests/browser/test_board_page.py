"""The site in a real browser, from disk, with the network blocked: what a board member sees."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.small_border import site_of_march

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP, PHONE = (1200, 900), (390, 844)
AA_CONTRAST = 4.5
"""Least ratio of text to background, WCAG 2.2, success criterion 1.4.3."""

CONTRASTS = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const background = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parts(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || element.closest("svg")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [luminance(parts(style.color)), luminance(background(element))];
    found.push([element.outerHTML.slice(0, 80), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}; install Debian's chromium to run these tests")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield launched
        launched.close()


class Visit:
    """One page, opened from disk without a network; everything it asked for or complained of."""

    def __init__(self, browser: Browser, file: Path, size: tuple[int, int]) -> None:
        self.asked_for: list[str] = []
        self.complaints: list[str] = []
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, offline=True)
        context.route("**/*", self._only_files)
        self.page: Page = context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri(), wait_until="load")

    def _only_files(self, route: Route) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            self.asked_for.append(route.request.url)
            route.abort()

    def _console(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Any]:
    visits: list[Visit] = []

    def open_page(file: Path, size: tuple[int, int] = DESKTOP) -> Visit:
        visits.append(Visit(browser, file, size))
        return visits[-1]

    yield open_page
    for opened in visits:
        opened.page.context.close()


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
