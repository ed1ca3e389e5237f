"""Retention on a home that has lived: what it erases is gone, and everything else stands."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.clock import now_micros
from features.history.online import LiveHistory
from features.history.snapshot import remove_snapshots
from features.ledger import Event, Ledger, MovementDeclared, Recorded, open_ledger
from features.retention import Rules, erase, plan, read_rules
from features.rows import feature_row, feature_rows
from features.settings import Settings
from features.timeline import load_timeline
from serving.audit import read_assessments, read_one
from serving.auth.access import LOCAL
from serving.officer import narrative
from serving.state import ServingState
from serving.wire import read_score_request
from tests.integration.small_border import RISKY_ROUTE, make_ledger, promote, vehicle

RULES = """
[[rule]]
name = "the older half"
outcome = "any"
older_than_days = 30
[[rule]]
name = "all that is scored and not examined"
outcome = "unlabelled"
older_than_days = 0
"""
PLANTED = "PLANTEDROUTE"
CATALOGUE = catalogue_for("vehicle")


class Erased(NamedTuple):
    settings: Settings
    before: list[Recorded]
    """All events, as they were before the run."""
    positions: set[int]
    """Of those that went."""
    score_id: str


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erased]:
    folder = tmp_path_factory.mktemp("retain")
    url = make_ledger(folder, movements=600)
    promote(folder, url, 1)
    settings = Settings(home=folder, ledger_url=url)
    score_id = _score(settings, vehicle(1, route_id=PLANTED, attributes={"seal": PLANTED}))
    (folder / "retention.toml").write_text(RULES)
    rules, now = read_rules(folder / "retention.toml"), now_micros() + 1
    with closing(open_ledger(url)) as ledger:
        before = list(ledger.tail(0))
        planned = plan(before, rules, now)
        erase(ledger, planned, rules, now)
        remove_snapshots(settings.history)  # as ``foreland retain`` does
    yield Erased(settings, before, set(planned.positions), score_id)


def _score(settings: Settings, request: dict[str, Any]) -> str:
    async def score() -> str:
        state = ServingState(settings)
        try:
            movement = read_score_request(msgspec.json.encode(request))
            answer = await state.scoring.score(movement, "always", LOCAL)
        finally:
            state.close()
        return answer.score_id

    return asyncio.run(score())


@pytest.fixture
def ledger(home: Erased) -> Iterator[Ledger]:
    with closing(open_ledger(home.settings.ledger)) as opened:
        yield opened


def test_most_of_it_went_and_the_chain_holds(home: Erased, ledger: Ledger) -> None:
    assert 0.6 < len(home.positions) / len(home.before) < 0.9
    verified = ledger.verify()
    assert verified.erased == len(home.positions)
    assert verified.events == len(home.before) + 1


def test_no_plain_byte_and_no_key_of_it_is_left(home: Erased, ledger: Ledger) -> None:
    kept = b"".join(path.read_bytes() for path in _files(home.settings.home))
    kept += b"".join(msgspec.json.encode(event) for event in ledger.tail(0))
    for score_id in read_assessments(home.settings.ledger)["score_id"]:
        recorded = read_one(home.settings.ledger, score_id)
        assert recorded is not None
        kept += (recorded.body or b"") + (recorded.row or b"")
    assert RISKY_ROUTE.encode() in kept, "the search does find what is kept"
    assert PLANTED.encode() not in kept
    with closing(sqlite3.connect(home.settings.home / "ledger.db")) as raw:
        positions = {position for (position,) in raw.execute("SELECT position FROM record_keys")}
    assert not positions & home.positions


def _files(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


def test_histories_are_those_of_a_ledger_that_never_held_it(
    home: Erased, ledger: Ledger, tmp_path: Path
) -> None:
    kept = [event for event in home.before if event.position not in home.positions]
    never = open_ledger(f"sqlite:///{tmp_path / 'never.db'}")
    never.backfill(
        Event(
            source=event.source,
            event_id=event.event_id,
            occurred_at=event.occurred_at,
            available_at=event.available_at,
            payload=event.payload,  # type: ignore[arg-type]
        )
        for event in kept
    )
    asked = [event.payload for event in kept if isinstance(event.payload, MovementDeclared)][-40:]
    as_of = now_micros() + 10
    rows = [_rows(log, asked, as_of) for log in (ledger, never)]
    assert rows[0].tobytes() == rows[1].tobytes()
    live = LiveHistory()
    live.follow(ledger)
    alone = np.array([feature_row(live, movement, as_of, CATALOGUE) for movement in asked])
    assert alone.tobytes() == rows[0].tobytes(), "live state is rebuilt without it too"
    never.close()


def _rows(log: Ledger, asked: list[MovementDeclared], as_of: int) -> Any:
    timeline = load_timeline(log, available_before=as_of)
    return feature_rows(timeline, asked, [as_of] * len(asked), CATALOGUE)


def test_the_assessment_says_that_it_is_erased(home: Erased) -> None:
    recorded = read_one(home.settings.ledger, home.score_id)
    assert recorded is not None
    assert (recorded.row, recorded.body) == (None, None)
    assert recorded.band != "", "that it was scored, and how, stays for the board"
    assert "Retention has erased" in narrative(recorded)


def test_a_running_history_notices_what_went(tmp_path: Path) -> None:
    """Somebody who follows the ledger meanwhile rebuilds: the epoch has changed."""
    url = make_ledger(tmp_path, movements=90)
    (tmp_path / "retention.toml").write_text(RULES)
    rules: Rules = read_rules(tmp_path / "retention.toml")
    with closing(open_ledger(url)) as ledger:
        live = LiveHistory()
        live.follow(ledger)
        now = now_micros()
        planned = plan(ledger.tail(0), rules, now)
        erase(ledger, planned, rules, now)
        live.follow(ledger)
        asked = next(
            event.payload for event in ledger.tail(0) if isinstance(event.payload, MovementDeclared)
        )
        as_of = now_micros() + 10
        row = feature_row(live, asked, as_of, CATALOGUE)
        assert row.tobytes() == _rows(ledger, [asked], as_of)[0].tobytes()
