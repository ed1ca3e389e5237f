"""Events of one source are read by position without sorting what they hold."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from features.ledger import open_ledger
from features.ledger.base import Wanted
from features.ledger.sqlite_rows import KEPT, condition
from tests.example_events import movement_event


@pytest.mark.parametrize(
    "wanted", [Wanted(source="file"), Wanted(sources_beginning="fi"), Wanted(source="other")]
)
def test_numbers_are_sorted_and_not_rows(tmp_path: Path, wanted: Wanted) -> None:
    path = tmp_path / "ledger.db"
    with closing(open_ledger(f"sqlite:///{path}")) as ledger:
        for number in (9, 3, 7):  # ids are in another order than positions
            ledger.append([movement_event(number), movement_event(number, source="other")])
    where, parameters = condition(wanted._replace(by_position=True))
    statement = f"{KEPT} WHERE {where}"
    with closing(sqlite3.connect(path)) as database:
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        found = [row[0] for row in database.execute(statement, parameters)]
    assert not [step for step in plan if "ORDER BY" in step or step.startswith("SCAN")]
    assert found == ([2, 4, 6] if wanted.source == "other" else [1, 3, 5])
