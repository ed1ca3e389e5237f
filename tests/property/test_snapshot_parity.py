"""A restart by snapshot and replay gives the same bytes as a history that never stopped."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from features.history import snapshot
from features.history.errors import FutureRefused
from features.history.online import LiveHistory
from features.history.resuming import NAME, keep, resume
from features.rows import feature_row, feature_rows
from features.timeline import load_timeline
from tests.memory_ledger import MemoryLedger
from tests.property.test_history_parity import (
    CATALOGUES,
    FAR,
    Happening,
    check_against_oracle,
    differences,
    fewer,
    happenings,
    quick,
    recorded,
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("history")


@pytest.fixture(scope="module", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.history.snapshot.os.fsync", lambda _: None)
        yield


STEPS = ("go on", "go on", "write", "restart", "write and restart")


@fewer
@given(happenings, st.randoms(use_true_random=False))
def test_parity_with_restarts_by_snapshot(
    directory: Path, sequence: list[Happening], random: Random
) -> None:
    """Written at any moment, read at any later one: ties, late events, corrections, backfills."""
    check_parity(directory, sequence, random)


def check_parity(directory: Path, sequence: list[Happening], random: Random) -> None:
    ledger, now = MemoryLedger(), [0]
    snapshot.remove_snapshots(directory)
    live = LiveHistory(clock=lambda: now[0])
    for position, happening in enumerate(sequence, start=1):
        step = random.choice(STEPS)
        ledger.add(recorded(position, happening))
        if step == "restart":
            live = resume(directory, ledger, clock=lambda: now[0]).history
        now[0] = happening.now
        live.follow(ledger)
        assert live.position == position
        if "write" in step:
            assert keep(directory, live, ledger)
        if step == "write and restart":
            resumed = resume(directory, ledger, clock=lambda: now[0])
            assert resumed.from_position == position
            live = resumed.history
        check_row(live, ledger, happening)


def check_row(live: LiveHistory, ledger: MemoryLedger, happening: Happening) -> None:
    catalogue = CATALOGUES[happening.asked.kind]
    try:
        live_row = feature_row(live, happening.asked, happening.as_of, catalogue)
    except FutureRefused:
        return
    timeline = load_timeline(ledger, available_before=FAR)
    (row,) = feature_rows(timeline, [happening.asked], [happening.as_of], catalogue)
    assert live_row.tobytes() == row.tobytes(), differences(catalogue.names, live_row, row)
    check_against_oracle(ledger.events, happening.asked, happening.as_of, row)


def test_parity_check_fails_when_what_waits_is_forgotten(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""

    @settings(quick, phases=[Phase.generate], max_examples=500, derandomize=True)
    @given(happenings, st.randoms(use_true_random=False))
    def refuted(sequence: list[Happening], random: Random) -> None:
        check_parity(directory, sequence, random)

    monkeypatch.setattr("features.history.resuming._events_at", lambda *_: iter(()))
    with pytest.raises(AssertionError):
        refuted()


def test_the_file_is_its_owners_alone(directory: Path) -> None:
    assert (directory / NAME).stat().st_mode & 0o777 == 0o600
