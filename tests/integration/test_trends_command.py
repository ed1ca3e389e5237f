"""``foreland trends`` on a ledger in which a tactic begins."""

import json
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from features.clock import MICROS_PER_DAY, Micros, to_micros
from features.ledger import Event, MovementDeclared, OutcomeRecorded, open_ledger
from tests.command import Done, Run, runner
from tests.small_border import event, settings_at

DAY = MICROS_PER_DAY
FIRST = to_micros(datetime(2026, 1, 1, tzinfo=UTC))
AS_OF = to_micros(datetime(2026, 5, 1, tzinfo=UTC))
DAYS = (AS_OF - FIRST) // DAY
FIREARMS = {"threat": "firearms", "concealment": "tank"}
CASH = {"threat": "cash", "concealment": "cover_load"}


def border(*, begins: Micros) -> Iterator[Event]:
    """Twenty vehicles a day, a fifth examined; firearms in tanks on route R9 from ``begins`` on."""
    rng = np.random.default_rng(5)
    for number in range(DAYS * 20):
        moment = FIRST + number * DAY // 20
        tactic = moment >= begins and number % 20 == 0
        route = "R9" if tactic else f"R{number % 3}"
        declared = MovementDeclared(
            kind="vehicle",
            movement=f"v{number}",
            declared_at=moment,
            fields={"route_id": route, "commodity_code": "8703"},
        )
        yield event("simulation", declared, moment)
        if tactic or rng.random() < 0.2:
            found = tactic or rng.random() < 0.1
            yield Event(
                source="simulation",
                event_id=f"o{number}",
                occurred_at=moment,
                available_at=moment + 3_600_000_000,
                payload=OutcomeRecorded(
                    kind="vehicle",
                    movement=f"v{number}",
                    examined_at=moment,
                    outcome="positive" if found else "negative",
                    **(FIREARMS if tactic else CASH if found else {}),
                ),
            )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    with closing(open_ledger(settings_at(tmp_path).ledger)) as ledger:
        ledger.backfill(border(begins=AS_OF - 21 * DAY))
    return runner(monkeypatch)


def combinations(done: Done, among: str) -> set[str]:
    assert done.status == 0, done.error
    rows = json.loads(done.out)["kinds"]["vehicle"][among]
    return {f"{row['what']}: {row['value']}, {row[f'among_{among}']}" for row in rows}


def test_a_tactic_that_begins_is_new_among_finds_and_movements(run: Run) -> None:
    done = run("trends", "--as-of", "2026-05-01", "--weeks", "4", "--json")
    found = combinations(done, "finds")
    assert {
        "route: R9, new", "threat: firearms, new", "route and threat: R9 + firearms, new",
        "concealment: tank, new", "threat and concealment: firearms + tank, new",
        "route and concealment: R9 + tank, new",
    } <= found  # fmt: skip
    assert combinations(done, "movements") == {"route: R9, new", "route and goods: R9 + 87, new"}
    said = json.loads(done.out)
    assert said["simulated"]
    assert said["since"] == "2026-04-03T00:00:00Z"
    shown = run("trends", "--as-of", "2026-05-01")
    in_one_line = " ".join(shown.out.split())
    assert "route R9, threat firearms" in in_one_line
    assert "route R9, concealment tank" in in_one_line
    assert "simulated data" in shown.error


def test_nothing_of_it_is_known_before_it_began(run: Run) -> None:
    done = run("trends", "--as-of", "2026-04-10", "--json")  # its first day is that day
    assert combinations(done, "finds") == set()
    assert combinations(done, "movements") == set()
    said = json.loads(done.out)["kinds"]
    assert said["vehicle"]["tested"] > 5
    assert said["vessel"] == {"tested": 0, "finds": [], "movements": []}
    assert "nothing changed among finds" in run("trends", "--as-of", "2026-04-10").out


def test_a_draft_is_a_rule_once_a_person_has_completed_it(run: Run, tmp_path: Path) -> None:
    asked = ("trends", "--as-of", "2026-05-01", "--weeks", "4", "--draft-rules")
    assert run(*asked, str(tmp_path / "drafts")).status == 0
    drafts = sorted((tmp_path / "drafts").glob("*.toml"))
    whens = {tomllib.loads(draft.read_text())["when"]: draft for draft in drafts}
    assert set(whens) == {
        'declared.route_id == "R9"',
        'declared.route_id == "R9" && declared.commodity_code.startsWith("87")',
        'declared.commodity_code.startsWith("87")',  # new with firearms; a back-test says how wide
    }  # firearms by themselves are declared by nobody
    draft = whens['declared.route_id == "R9"']
    text = draft.read_text()
    assert "# route R9: new per examination." in text
    assert "# Now: 21 finds in 21 examinations of 21 movements (100.0% examined)." in text
    empty = run("rules", "add", str(draft))
    assert empty.status == 2
    day = (datetime.now(tz=UTC) + timedelta(days=60)).date()
    for key in ("agency", "contact", "created_by"):
        text = text.replace(f'{key} = ""', f'{key} = "Targeting desk"')
    draft.write_text(text.replace('expires = ""', f"expires = {day}"))
    done = run("rules", "add", str(draft))
    assert done.status == 0, done.error
    assert "is proposed" in done.out
    again = run(*asked, str(tmp_path / "drafts"))
    assert again.status == 2
    assert "is there already" in again.error


def test_mistakes_are_said_in_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = run("trends", "--as-of", "yesterday")
    assert wrong.status == 2
    assert "--as-of must be a day such as 2026-03-01" in wrong.error
    monkeypatch.setenv("FORELAND_HOME", "/nowhere/at/all")
    assert run("trends").status == 2
