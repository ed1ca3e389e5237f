"""The checker of accessibility, run inside a page."""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """What axe-core complains of, a line per rule and element; every rule that it has on."""
    script = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(script)
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(results => results.violations)")
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]
