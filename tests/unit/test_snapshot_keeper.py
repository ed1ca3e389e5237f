"""When a service keeps its history: by the clock, by the count of events, at its end, or never."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from features.history import keeping
from features.history.online import LiveHistory
from features.history.resuming import NAME
from features.history.snapshot import read_snapshot
from features.keeping_cli import _run
from features.ledger import Ledger, LedgerBusy, LedgerError, open_ledger
from features.ledger.locks import exclusive
from features.retention import read_rules
from features.settings import Settings
from serving.snapshots import EVENTS_AT_MOST, SnapshotKeeper
from serving.state import ServingState
from tests.example_events import movement_event

DAY = 86_400_000_000
RULES = '[[rule]]\nname = "old"\nkind = "vehicle"\noutcome = "unlabelled"\nolder_than_days = 9\n'


@pytest.fixture
def settings(home: Path) -> Settings:
    made = Settings(home=home, ledger_url=f"sqlite:///{home / 'ledger.db'}", snapshot_minutes=5)
    with closing(open_ledger(made.ledger)) as ledger:
        ledger.backfill([movement_event(i, available_at=(i + 1) * DAY) for i in range(20)])
    return made


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with closing(open_ledger(settings.ledger)) as opened:
        yield opened


def kept_position(settings: Settings) -> int:
    return read_snapshot(settings.history / NAME).frozen.position


def wait(keeper: SnapshotKeeper) -> None:
    assert keeper._process is not None
    assert keeper._process.wait(60) == 0


def test_another_process_brings_the_snapshot_up(settings: Settings, ledger: Ledger) -> None:
    now = [time.time()]
    keeper = SnapshotKeeper(settings, 0, clock=lambda: now[0])
    keeper.tick(20)
    assert keeper._process is None, "not before its time"
    now[0] += 301
    keeper.tick(20)
    wait(keeper)
    assert kept_position(settings) == 20
    keeper.tick(20)
    assert keeper._process is None, "nothing is new"
    ledger.append([movement_event(50)])
    keeper.tick(21)
    assert keeper._process is None
    keeper.tick(20 + EVENTS_AT_MOST)
    wait(keeper)
    assert kept_position(settings) == 21
    keeper.close()


def test_two_workers_keep_one_snapshot(settings: Settings) -> None:
    now = [time.time() + 301]
    keeper = SnapshotKeeper(settings, 0, clock=lambda: now[0])
    settings.history.mkdir()
    (settings.history / NAME).touch()
    os.utime(settings.history / NAME, (now[0], now[0]))  # the other worker's, just now
    now[0] += 299.5
    keeper.tick(20)
    assert keeper._process is None
    keeper.close()


def test_zero_minutes_are_never(settings: Settings, ledger: Ledger) -> None:
    keeper = SnapshotKeeper(settings.model_copy(update={"snapshot_minutes": 0.0}), 0)
    keeper.tick(EVENTS_AT_MOST)
    history = LiveHistory()
    history.follow(ledger)
    keeper.keep_now(history, ledger)
    keeper.close()
    assert not settings.history.exists()


def test_only_one_process_keeps_at_a_time(settings: Settings) -> None:
    settings.history.mkdir()
    with exclusive(settings.history / "keeping.lock", ""), pytest.raises(LedgerBusy):
        keeping.bring_up(settings)
    assert keeping.bring_up(settings)
    assert not keeping.bring_up(settings), "nothing is new"


def test_a_keeper_that_cannot_work_says_so(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.history.keeping.os.nice", lambda _: None)
    monkeypatch.setattr(keeping, "read_settings", lambda: settings)
    (settings.home / "ledger.db").unlink()
    assert keeping.main() == 2
    assert "no snapshot of history was written: no ledger at" in capsys.readouterr().err


def test_a_service_goes_on_from_what_the_one_before_left(
    settings: Settings, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ServingState(settings)
    assert kept_position(settings) == 20, "after a replay it is kept at once"
    ledger.append([movement_event(60)])
    assert asyncio.run(first.tend()) == (21, 21, 0.0)
    first.close()
    assert kept_position(settings) == 21, "and at the end"
    monkeypatch.setattr("features.history.online.LiveHistory._rebuild", None)
    second = ServingState(settings)
    assert asyncio.run(second.readiness()).history_position == 21
    second.close()


def test_lag_grows_while_the_ledger_cannot_be_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = ServingState(settings)
    assert asyncio.run(state.served()).history_lag_seconds == 0.0

    def gone(_: object) -> int:
        raise LedgerError("gone")

    with monkeypatch.context() as patch:
        patch.setattr("features.ledger.sqlite.SqliteLedger.stand", gone)
        before = asyncio.run(state.tend()).seconds
        time.sleep(0.02)
        assert asyncio.run(state.tend()).seconds >= before + 0.02
    assert asyncio.run(state.tend()).seconds == 0.0
    state.close()


def test_an_erasure_takes_every_snapshot_with_it(settings: Settings, ledger: Ledger) -> None:
    """What was counted from the erased events is in it."""
    assert keeping.bring_up(settings)
    rules = settings.home / "retention.toml"
    rules.write_text(RULES)
    assert any(
        "would erase" in line for line in _run(ledger, settings, read_rules(rules), dry_run=True)
    )
    assert (settings.history / NAME).exists()
    said = list(_run(ledger, settings, read_rules(rules), dry_run=False))
    assert any(line.startswith("erased") for line in said)
    assert not (settings.history / NAME).exists()


def test_an_erasure_that_is_not_overwritten_yet_takes_them_too(
    settings: Settings, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keeping.bring_up(settings)

    def read_meanwhile(_: object) -> None:
        raise LedgerBusy("somebody still reads")

    rules = settings.home / "retention.toml"
    rules.write_text(RULES)
    with monkeypatch.context() as patch:
        patch.setattr("features.ledger.sqlite.SqliteLedger.scrub", read_meanwhile)
        with pytest.raises(LedgerBusy):
            list(_run(ledger, settings, read_rules(rules), dry_run=False))
    assert ledger.verify().erased > 0
    assert not (settings.history / NAME).exists()


def test_an_erasure_waits_for_the_process_that_keeps(settings: Settings, ledger: Ledger) -> None:
    """Or the snapshot could be written just after it."""
    with (
        ledger.in_service(),
        closing(open_ledger(settings.ledger)) as other,
        pytest.raises(LedgerBusy),
    ):
        other.erase([1], movement_event(1), chosen_at=other.last_position())
