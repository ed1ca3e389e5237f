"""The governance site served to a real browser that logs in with a key."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Error

from features.ledger import open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.metrics import Counters
from serving.state import ServingState
from tests.unit.test_reports_route import key_of, views

STEALING = "<script>fetch('/reports/').then(r => document.title = 'read ' + r.status)</script>"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home")
    march = made.reports / "2026-03"
    (march / "annex").mkdir(parents=True)
    (made.reports / "index.html").write_text(
        '<title>All reports</title><a href="2026-03/index.html">March</a>'
    )
    (march / "index.html").write_text(
        f'<title>March</title><a href="annex/vehicle.html">Annex</a>{STEALING}'
    )
    (march / "annex" / "vehicle.html").write_text(
        "<title>Annex</title><script>document.title = 'Annex drawn'</script>"
        f'{STEALING}<a href="../index.html">Back</a>'
    )
    open_ledger(made.ledger).close()
    return made


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    app = create_app(lambda: ServingState(settings), counters=Counters())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def test_a_browser_logs_in_and_follows_links_and_no_page_can_use_the_log_in(
    browser: Browser, settings: Settings
) -> None:
    key = key_of(settings)
    with served(settings) as address:
        credentials = {"username": "board", "password": key}
        context = browser.new_context(http_credentials=credentials)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{address}/reports")
        assert page.title() == "All reports"
        page.get_by_text("March").click()
        page.wait_for_load_state()
        assert page.title() == "March"  # its script does not run
        page.get_by_text("Annex").click()
        page.wait_for_load_state()
        page.wait_for_timeout(300)
        assert page.title() == "Annex drawn"  # runs, and reads nothing in the reader's name
        page.get_by_text("Back").click()
        page.wait_for_load_state()
        assert page.title() == "March"
        context.close()
    assert [path for path, _, _ in views(settings)] == [
        "index.html",
        "2026-03/index.html",
        "2026-03/annex/vehicle.html",
        "2026-03/index.html",
    ]


def test_without_a_key_the_browser_shows_why(browser: Browser, settings: Settings) -> None:
    key_of(settings)
    with served(settings) as address:
        page = browser.new_page()
        try:
            answer = page.goto(f"{address}/reports/")
            assert answer is not None
            assert answer.status == 401
            assert page.get_by_text("report.read").is_visible()
        except Error as exc:  # a browser without a screen may give up on the question
            assert "ERR_INVALID_AUTH_CREDENTIALS" in str(exc)
        page.context.close()
    assert views(settings) == []
