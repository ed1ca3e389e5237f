"""Months that went wrong: the report still appears, and says what is wrong where it shows.

Each case alters the small border's story for the model that learned from the usual one.
"""

import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import pandas as pd
import pytest

from features.clock import MICROS_PER_DAY
from features.errors import InputError
from features.ledger import Event, MovementDeclared, OutcomeRecorded
from monitoring import annex
from monitoring.report import write_report
from tests.small_border import (
    TRAINED_UNTIL,
    Alteration,
    event,
    home_with_model,
    outcome,
)

HOUR = MICROS_PER_DAY // 24


@pytest.fixture(autouse=True)
def _no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    """The annex's process ends at once, as when Evidently cannot be imported."""
    monkeypatch.setattr(annex, "COMMAND", ("false",))


def every_result(result: str) -> Alteration:
    def alter(event: Event) -> Iterable[Event]:
        if isinstance(event.payload, OutcomeRecorded):
            payload = msgspec.structs.replace(event.payload, outcome=result)
            event = msgspec.structs.replace(event, payload=payload)
        yield event

    return alter


def declared_in_march(event: Event, **replaced: object) -> Event:
    """The movement with other contents, when it became known in March."""
    payload = event.payload
    if not isinstance(payload, MovementDeclared) or (event.available_at or 0) < TRAINED_UNTIL:
        return event
    return msgspec.structs.replace(event, payload=msgspec.structs.replace(payload, **replaced))


def without_mass(event: Event) -> Iterable[Event]:
    yield declared_in_march(event, fields={"route_id": "R1"})


def clock_ahead(event: Event) -> Iterable[Event]:
    yield declared_in_march(event, declared_at=(event.available_at or 0) + HOUR)


def clock_behind(event: Event) -> Iterable[Event]:
    yield declared_in_march(event, declared_at=(event.available_at or 0) - HOUR)


def three_vessels_examined(original: Event) -> Iterable[Event]:
    yield original
    payload = original.payload
    if isinstance(payload, MovementDeclared) and payload.movement in {"s00001", "s00002", "s00003"}:
        found = outcome(payload, original.available_at or 0, "positive")
        yield event(original.source, found)


class Case(NamedTuple):
    what: str
    alter: Alteration
    table: str
    """The figure that shows it."""
    worry: str
    said: str
    """In its sentence."""


LOOK, CALM, CANNOT_SAY = "Look into this", "No concern", "Cannot say yet"
CASES = (
    Case("only finds", every_result("positive"), "vehicle-find-rates", CANNOT_SAY, "100.0% ("),
    Case("no finds", every_result("negative"), "vehicle-find-rates", CANNOT_SAY, "rated high"),
    Case("no labels", every_result("no_show"), "vehicle-find-rates", CANNOT_SAY, "Too few"),
    Case("a feature vanished", without_mass, "vehicle-missing", LOOK, "before: gross mass."),
    Case("and drifts", without_mass, "vehicle-drift", LOOK, "most of all gross mass"),
    Case("clock ahead", clock_ahead, "vehicle-delay", LOOK, "a time zone is wrong"),
    Case("clock behind", clock_behind, "vehicle-delay", LOOK, "come later than they did"),
)


@cache
def pages_of_march(alter: Alteration) -> str:
    """All pages of the report on the altered story."""
    with home_with_model(alter) as settings:
        folder = write_report(settings, "2026-03", settings.home / "site").page.parent
        return " ".join(page.read_text() for page in folder.glob("*.html"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_the_report_appears_and_says_what_is_wrong(case: Case) -> None:
    pages = pages_of_march(case.alter)
    worry, said = sentence_above(case.table, pages)
    assert (worry, case.said in said) == (case.worry, True), said
    assert not re.search(r">(nan|NaN|None|-?inf)\b", pages)


def sentence_above(table: str, pages: str) -> tuple[str, str]:
    """Whether to worry, and the sentence, of the figure with this table."""
    before, found, _ = pages.partition(f"downloads/{table}.csv")
    assert found, table
    tagged = before[before.rindex('<p class="says">') :].partition("</p>")[0]
    worry, _, said = tagged.partition("</strong>")
    return worry.rpartition(">")[2], said


def test_what_three_examinations_found_is_kept_back_everywhere(tmp_path: Path) -> None:
    with home_with_model(three_vessels_examined) as settings:
        folder = write_report(settings, "2026-03", tmp_path).page.parent
    tables = {file.stem: pd.read_csv(file) for file in (folder / "downloads").glob("vessel-*.csv")}
    outcomes = tables["vessel-outcomes"].set_index("outcome")["movements"]
    assert outcomes[["positive", "negative"]].isna().all()
    for table in tables.values():
        kept_back = [name for name in table.columns if name.startswith(("finds", "find_rate"))]
        assert table[kept_back].isna().all(axis=None)


@pytest.mark.parametrize("when", ["2027-01", "9998-12"])
def test_a_month_that_has_not_begun_is_refused(when: str, tmp_path: Path) -> None:
    with home_with_model() as settings, pytest.raises(InputError, match="has not begun"):
        write_report(settings, when, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_that_was_killed_is_made_good_by_the_next(tmp_path: Path) -> None:
    """Killed for good while it computes, as the kernel does when memory runs out."""
    with home_with_model() as settings:
        command = (sys.executable, "-c", KILLS_ITSELF, str(settings.home), str(tmp_path / "out"))
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        (left,) = (tmp_path / "out").iterdir()
        assert left.name.startswith(".2026-03.")
        result = write_report(settings, "2026-03", tmp_path / "out")
    assert result.issue.number == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["2026-03", "index.html"]


KILLS_ITSELF = """
import os, signal, sys
from pathlib import Path
from features.settings import Settings
from monitoring.gathering import Gathering
from monitoring.report import write_report
Gathering.compute = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_report(Settings(home=Path(sys.argv[1])), "2026-03", Path(sys.argv[2]))
"""
