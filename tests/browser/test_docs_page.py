"""``/docs`` of a running server, in a real browser that reaches nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route

from tests.integration.small_border import Server, make_ledger, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    make_ledger(home, movements=30)
    with running(home) as started:
        yield started


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})

    def only_here(route: Route) -> None:
        if route.request.url.startswith(server.url):
            route.continue_()
        else:
            elsewhere.append(route.request.url)
            route.abort()

    elsewhere: list[str] = []
    faults: list[str] = []
    context.route("**/*", only_here)
    opened = context.new_page()
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(f"{server.url}/docs")
    opened.wait_for_selector(".opblock")
    yield opened
    context.close()
    assert elsewhere == []
    assert faults == []


def test_every_operation_is_on_the_page_and_one_can_be_tried(page: Page, server: Server) -> None:
    described: dict[str, Any] = httpx.get(f"{server.url}/openapi.json").json()
    operations = [
        operation["operationId"]
        for path in described["paths"].values()
        for operation in path.values()
    ]
    shown = page.locator(".opblock").count()
    assert shown == len(operations)
    block = page.locator("#operations-Scores-score")
    block.locator(".opblock-summary-control").click()
    block.locator("button.execute").click()
    answered = block.locator(".live-responses-table tbody .response-col_status").first
    answered.wait_for()
    assert answered.inner_text().strip().startswith("200")


def test_the_page_can_be_looked_at(page: Page, tmp_path: Path) -> None:
    picture = tmp_path / "docs.png"
    page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 20_000
    assert "Foreland" in page.title()
