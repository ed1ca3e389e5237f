"""One browser a module, and pages that open in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.visits import CHROMIUM, DESKTOP, FLAGS, Visit


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}; install Debian's chromium to run these tests")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Any]:
    visits: list[Visit] = []

    def open_page(file: Path, size: tuple[int, int] = DESKTOP) -> Visit:
        visits.append(Visit(browser, file, size))
        return visits[-1]

    yield open_page
    for opened in visits:
        opened.page.context.close()
