"""The league of selectors and rules in a real browser, on a made-up report that has both."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.clock import MICROS_PER_DAY
from monitoring.board import report_of, write_period
from monitoring.page import Part
from monitoring.periods import parse_period
from monitoring.publishing import Issue
from monitoring.statistics.league import COUNTS, Standing, league
from serving.audit.matched import COLUMNS
from tests.axe import violations
from tests.scored_frames import findings, of_the_service, scored_frame
from tests.visits import AA_CONTRAST, CONTRASTS, DESKTOP, PHONE

MARCH = parse_period("2026-03")
END, DAY = MARCH.end, MICROS_PER_DAY
ISSUE = Issue(period="2026-03", number=1, issued_at=END, as_of=END, ledger_position=77)
LONG = "unaccompanied-from-dunkirk-at-night-by-a-haulier-hardly-ever-see"
"""As long as a name of a rule may be."""
ENTRIES = (
    ("selector", "3f9a1c2b7d04e5f60718", None, "police", "open", 40, 26, 6),
    ("selector", "00112233445566778899", None, "police", "hidden", 25, 22, 0),
    ("selector", "99887766554433221100", None, "national-crime-agency", "contact", 0, 0, 0),
    ("rule", LONG, 1, "border-force", "open", 300, 60, 21),
    ("rule", "tobacco-short-notice", 12, "border-force", "open", 4, 2, 1),
)
"""By, id, version, agency, handling; movements that met it, examined, finds."""


def met() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every match, and every result; each movement met one entry."""
    matches: list[tuple[Any, ...]] = []
    results: list[tuple[str, float, float]] = []
    for by, name, version, agency, handling, movements, examined, finds in ENTRIES:
        for number in range(movements):
            movement = f"{name}-{number}"
            at = END - 10 * DAY
            given = {
                "score_id": f"s-{movement}", "kind": "vehicle", "movement": movement,
                "available_at": at, "by": by, "id": name, "version": version,
                "agency": agency, "handling": handling, "mode": "active",
            }  # fmt: skip
            matches.append(tuple(given[column] for column in COLUMNS))
            if number < examined:
                results.append((movement, float(number < finds), float(at)))
    dtypes = {**dict.fromkeys(COLUMNS, "str"), "available_at": "int64", "version": "Int64"}
    return (
        pd.DataFrame(matches, columns=list(COLUMNS)).astype(dtypes),
        pd.DataFrame(results, columns=["movement", "label", "known_at"]),
    )


@pytest.fixture(scope="module")
def page_of_the_league(tmp_path_factory: pytest.TempPathFactory) -> Path:
    matches, results = met()
    false = matches[matches["id"] == LONG].head(12)[["score_id", "by", "id"]]
    standing = [
        Standing(*entry[:5], END - 200 * DAY, END + ends * DAY, approved)
        for entry, ends, approved in zip(
            ENTRIES[:-1], (90, 20, 90, 300), ("authenticated", *["attributed"] * 3), strict=True
        )
    ]
    table = league(matches, results, false, standing, END)
    assert table[list(COUNTS)].to_numpy().any()
    rows = [("high", 0.9, "positive")] * 30 + [("low", 0.1, "negative")] * 100
    found = (
        findings("vehicle", scored_frame(rows), MARCH),
        findings("vessel", scored_frame([]), MARCH),
        findings("shipment", scored_frame([]), MARCH),
    )
    service = of_the_service(league=table)
    report = report_of(found, MARCH, ISSUE, service, Part(None))
    folder = tmp_path_factory.mktemp("league") / "2026-03"
    folder.mkdir()
    write_period(report, found, MARCH, folder)
    (page,) = [
        page
        for page in sorted(folder.glob("*.html"))
        if 'id="section-league"' in page.read_text("utf-8")
    ]
    return page


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_it_fits_the_screen_and_axe_finds_nothing(
    visit: Any, page_of_the_league: Path, size: tuple[int, int]
) -> None:
    visited = visit(page_of_the_league, size)
    page = visited.page
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.get_by_role("heading", name="Selectors and rules", exact=True).is_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    contrasts = page.evaluate(CONTRASTS)
    assert [(text, ratio) for text, ratio in contrasts if ratio < AA_CONTRAST] == []
    assert (visited.asked_for, visited.complaints) == ([], [])


def test_each_entry_is_a_row_with_what_the_board_may_see(
    visit: Any, page_of_the_league: Path
) -> None:
    page = visit(page_of_the_league).page
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    text = page.locator("main").inner_text()
    for name in (ENTRIES[0][1], f"{LONG}, version 1", "hidden selector no. 1"):
        assert name in text
    assert ENTRIES[1][1] not in text
    assert "authenticated" in text


def test_what_is_to_be_decided_is_seen_without_scrolling(
    visit: Any, page_of_the_league: Path
) -> None:
    page = visit(page_of_the_league).page
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    for words in ("no match in 90 days", "ends within 31 days"):
        cell = page.get_by_role("cell", name=words, exact=True)
        box, region = (
            cell.bounding_box(),
            cell.locator("xpath=ancestor::*[@tabindex]").bounding_box(),
        )
        assert box["x"] + box["width"] <= region["x"] + region["width"]
