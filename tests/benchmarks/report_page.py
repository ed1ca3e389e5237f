"""How soon a browser paints a report from disk: ``python -m tests.benchmarks.report_page``.

The pages are those of the small border's March; a folder with another report may be given. Nothing
is asserted: what a browser takes depends on the machine.
"""

import sys
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from tests.small_border import site_of_march
from tests.visits import CHROMIUM, DESKTOP, FLAGS, Visit

RUNS = 5
FIRST_PAINT_MS = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def first_paint_ms(browser: Browser, file: Path) -> float | None:
    """Of a page opened anew; None when the browser painted nothing before it had loaded."""
    visit = Visit(browser, file, DESKTOP)
    visit.page.wait_for_timeout(100)
    painted = visit.page.evaluate(FIRST_PAINT_MS)
    visit.page.context.close()
    return painted if painted is None else float(painted)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else site_of_march().page.parent
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for file in sorted(folder.glob("*.html")):
            painted = [first_paint_ms(browser, file) for _ in range(RUNS)]
            known = [one for one in painted if one is not None]
            took = f"{median(known):5.0f} ms, worst {max(known):5.0f}" if known else "not painted"
            print(f"{file.name:16} {file.stat().st_size / 1e3:7,.0f} kB   first paint {took}")
        browser.close()


if __name__ == "__main__":
    main()
