"""How soon a browser paints each page of a report from disk, and how large the page is.

    python -m tests.benchmarks.report_page FOLDER

``FOLDER`` is one period of a site, such as ``var/reports/2026-03``. Each page is opened five times
with an empty cache; the median and the slowest are given in milliseconds.
"""

import json
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.visits import CHROMIUM, FLAGS

TIMES = 5
FIRST_PAINT = """() => new Promise(done => new PerformanceObserver(list => {
  const [paint] = list.getEntriesByName("first-contentful-paint");
  if (paint) done(paint.startTime);
}).observe({type: "paint", buffered: true}))"""


def first_paint_ms(browser: Browser, file: Path) -> float:
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(file.as_uri(), wait_until="load")
    found = float(page.evaluate(FIRST_PAINT))
    context.close()
    return found


def main(folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for file in sorted(folder.resolve().glob("*.html")):
            taken = [first_paint_ms(browser, file) for _ in range(TIMES)]
            measured = {
                "page": file.name,
                "bytes": file.stat().st_size,
                "first_paint_ms": round(statistics.median(taken)),
                "slowest_ms": round(max(taken)),
            }
            print(json.dumps(measured))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
