"""Every page of the site, held to axe-core in a real browser: no violation, large or small."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.small_border import site_of_march
from tests.visits import DESKTOP

NARROW = (360, 740)
LARGEST_PAGE = 2_000_000
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
OPEN_ALL = "document.querySelectorAll('details').forEach((d) => { d.open = true })"
VIOLATIONS = """async () => (await axe.run(document)).violations.map(
  (v) => [v.id, v.impact, v.nodes.map((n) => n.html.slice(0, 160))])"""


def pages() -> list[Path]:
    """The list of periods and every page of March, but for Evidently's own."""
    site = site_of_march()
    return [site.list_of_periods, *sorted(site.page.parent.glob("*.html"))]


@pytest.mark.parametrize("size", [DESKTOP, NARROW])
def test_axe_finds_nothing_to_object_to(visit: Any, size: tuple[int, int]) -> None:
    for file in pages():
        page = visit(file, size).page
        page.evaluate(OPEN_ALL)
        page.evaluate(AXE)  # from the test's side: the page's own policy runs no script
        assert page.evaluate(VIOLATIONS) == [], file.name
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], file.name


def test_no_page_is_larger_than_it_may_be() -> None:
    assert {
        file.name: file.stat().st_size for file in pages() if file.stat().st_size > LARGEST_PAGE
    } == {}
