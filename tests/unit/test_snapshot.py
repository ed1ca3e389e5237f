"""Snapshots of history: what is refused and why, torn and altered files, killed writers."""

import random
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.history import tables
from features.history.online import LiveHistory
from features.history.resuming import NAME, Lag, keep, lag_of, resume
from features.history.snapshot import (
    SnapshotRefused,
    read_snapshot,
    remove_snapshots,
    write_snapshot,
)
from features.ledger import Ledger, LedgerReader, MovementDeclared, open_ledger
from features.ledger.events import Recorded
from features.rows import feature_row
from tests.example_events import movement_event, outcome_event
from tests.memory_ledger import MemoryLedger
from tests.snapshot_children import SnapshotChildren
from tests.unit.test_live_history import ASKED, recorded

CATALOGUE = catalogue_for("vehicle")
DAY = 86_400_000_000
AS_OF = 30_000 * DAY


def filled(ledger: Ledger, movements: int = 40) -> LiveHistory:
    ledger.backfill([movement_event(i, available_at=(i + 1) * DAY) for i in range(movements)])
    ledger.append([outcome_event(i) for i in range(0, movements, 3)])
    history = LiveHistory()
    history.follow(ledger)
    return history


def row_of(history: LiveHistory) -> bytes:
    return feature_row(history, ASKED, AS_OF, CATALOGUE).tobytes()


def rebuilt(ledger: LedgerReader) -> bytes:
    history = LiveHistory()
    history.follow(ledger)
    return row_of(history)


def test_a_restart_goes_on_from_the_snapshot(ledger: Ledger, tmp_path: Path) -> None:
    history = filled(ledger)
    assert keep(tmp_path / "history", history, ledger)
    path = tmp_path / "history" / NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    ledger.append([movement_event(77), outcome_event(1)])
    resumed = resume(tmp_path / "history", ledger)
    assert (resumed.refused, resumed.from_position) == (None, history.position)
    assert resumed.history.position == ledger.last_position()
    assert row_of(resumed.history) == rebuilt(ledger)
    assert resumed.history.newest_outcome_at("vehicle") is not None
    assert keep(tmp_path / "history", resumed.history, ledger), "a resumed one is kept again"
    again = resume(tmp_path / "history", ledger)
    assert again.from_position == ledger.last_position()
    assert row_of(again.history) == rebuilt(ledger)


def test_what_waits_is_read_again_from_the_ledger(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    for position, at in enumerate([DAY, 50 * DAY, 2 * DAY, 60 * DAY], start=1):
        payload = movement_event(7 * position).payload
        ledger.add(recorded(position, payload, at))
    history = LiveHistory(clock=lambda: 10 * DAY)
    history.follow(ledger)
    assert keep(tmp_path, history, ledger)
    assert read_snapshot(tmp_path / NAME).frozen.waiting == [2, 4]
    assert b"declared_at" not in (tmp_path / NAME).read_bytes(), "no event's content is in it"
    resumed = resume(tmp_path, ledger, clock=lambda: 10 * DAY).history
    found = [feature_row(resumed, ASKED, at * DAY + 1, CATALOGUE) for at in (10, 50, 60)]
    place = CATALOGUE.names.index("haulier.movements")
    assert [row[place] for row in found] == [2.0, 3.0, 4.0]


def test_nothing_is_kept_of_an_empty_ledger(ledger: Ledger, tmp_path: Path) -> None:
    history = LiveHistory()
    assert not keep(tmp_path, history, ledger)
    history.follow(ledger)
    assert not keep(tmp_path, history, ledger)
    assert resume(tmp_path, ledger).from_position == 0


Change = Callable[[Ledger, Path, pytest.MonkeyPatch], object]


def _backfill(ledger: Ledger, _path: Path, _patch: pytest.MonkeyPatch) -> object:
    return ledger.backfill([movement_event(900, available_at=DAY)])


def _other_code(_ledger: Ledger, _path: Path, patch: pytest.MonkeyPatch) -> object:
    return patch.setattr("features.history.snapshot.logic_sha256", lambda: "0" * 64)


def _other_version(_ledger: Ledger, path: Path, _patch: pytest.MonkeyPatch) -> object:
    return path.write_bytes(path.read_bytes().replace(b"FLDHIST1", b"FLDHIST2", 1))


def _open_to_others(_ledger: Ledger, path: Path, _patch: pytest.MonkeyPatch) -> object:
    path.chmod(0o644)
    return None


def _open_directory(_ledger: Ledger, path: Path, _patch: pytest.MonkeyPatch) -> object:
    path.parent.chmod(0o770)
    return None


def _not_a_file(_ledger: Ledger, path: Path, _patch: pytest.MonkeyPatch) -> object:
    return path.write_bytes(b"")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_backfill, "it is of epoch 1 and the ledger of 2"),
        (_other_code, "another version of the program"),
        (_other_version, "one of another version"),
        (_open_to_others, "chmod 600"),
        (_open_directory, "chmod 700"),
        (_not_a_file, "torn"),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused_and_removed(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change, why: str
) -> None:
    keep(tmp_path, filled(ledger), ledger)
    change(ledger, tmp_path / NAME, monkeypatch)
    resumed = resume(tmp_path, ledger)
    assert why in str(resumed.refused)
    assert not (tmp_path / NAME).exists()
    assert row_of(resumed.history) == rebuilt(ledger)


@pytest.mark.parametrize(
    ("events", "why"), [(3, "an older ledger was restored"), (70, "it is of another ledger")]
)
def test_a_snapshot_of_another_ledger_is_refused(
    ledger: Ledger, tmp_path: Path, events: int, why: str
) -> None:
    """Its back-up was restored, and perhaps it has grown since, by other events."""
    keep(tmp_path, filled(ledger), ledger)
    other = open_ledger(f"sqlite:///{tmp_path / 'restored.db'}")
    other.backfill([movement_event(i, available_at=(i + 2) * DAY) for i in range(events)])
    assert other.epoch() == ledger.epoch()
    resumed = resume(tmp_path, other)
    assert why in str(resumed.refused)
    assert row_of(resumed.history) == rebuilt(other)
    other.close()


def test_a_file_torn_at_any_length_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    keep(tmp_path, filled(ledger), ledger)
    path = tmp_path / NAME
    whole = path.read_bytes()
    lengths = {*range(100), *range(len(whole) - 100, len(whole))}
    lengths |= set(np.linspace(0, len(whole) - 1, 300, dtype=int).tolist())
    for length in sorted(lengths):
        path.write_bytes(whole[:length])
        with pytest.raises(SnapshotRefused):
            read_snapshot(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(SnapshotRefused):
        read_snapshot(path)
    path.write_bytes(whole)
    assert read_snapshot(path).frozen.position == ledger.last_position()


def test_every_flipped_bit_is_noticed(ledger: Ledger, tmp_path: Path) -> None:
    keep(tmp_path, filled(ledger), ledger)
    path = tmp_path / NAME
    whole, rng = path.read_bytes(), random.Random(5)
    places = [rng.randrange(8 * len(whole)) for _ in range(300)]
    places += range(8 * 48)  # magic, length and checksum of the header
    for place in places:
        altered = bytearray(whole)
        altered[place // 8] ^= 1 << place % 8
        path.write_bytes(altered)
        with pytest.raises(SnapshotRefused):
            read_snapshot(path)


def test_a_writer_killed_at_any_point_leaves_a_good_snapshot(
    ledger: Ledger, tmp_path: Path
) -> None:
    """The one before or the new one, never a part; and what it left beside is cleared away."""
    directory, left, killed, outcomes = tmp_path / "history", 0, 0, set()
    before = filled(ledger).position
    with SnapshotChildren(ledger.url, directory) as children:
        whole = children.write().calls
        assert whole > 200
        ledger.append([movement_event(91)])
        keep_old(directory, ledger, before)
        old, expected = (directory / NAME).read_bytes(), rebuilt(ledger)
        early = np.linspace(1, whole, 25, dtype=int).tolist()
        for point in [*early, *range(whole - 60, whole + 1)]:  # the file is written at the end
            (directory / NAME).write_bytes(old)
            killed += children.write(point).killed
            left += len(list(directory.glob(f".{NAME}.*")))
            resumed = resume(directory, ledger)
            assert resumed.refused is None
            outcomes.add(resumed.from_position)
            assert row_of(resumed.history) == expected
        assert outcomes == {before, before + 1}
        assert killed > 60, "nearly all: threads make a run a few calls shorter or longer"
        assert left > 10, "no kill hit a writer in the middle; the test shows nothing"
        assert not children.write().killed
    assert [path.name for path in directory.iterdir()] == [NAME]


def keep_old(directory: Path, ledger: Ledger, position: int) -> None:
    """A snapshot as it was at an earlier position."""
    history = LiveHistory()
    history.follow(UpTo(ledger, position))
    assert keep(directory, history, ledger)


class UpTo:
    """A ledger as it was when this position was its last."""

    def __init__(self, ledger: Ledger, position: int) -> None:
        self._ledger, self._position = ledger, position
        self.epoch, self.link_at = ledger.epoch, ledger.link_at

    def read(
        self, *, available_before: int | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        del position_up_to
        return self._ledger.read(available_before=available_before, position_up_to=self._position)

    def tail(self, after_position: int) -> Iterator[Recorded]:
        return iter([e for e in self._ledger.tail(after_position) if e.position <= self._position])

    def last_position(self) -> int:
        return self._position


def test_removal_takes_half_written_ones_too(tmp_path: Path) -> None:
    assert remove_snapshots(tmp_path / "nothing") == 0
    for name in (NAME, f".{NAME}.0123", "notes.txt"):
        (tmp_path / name).touch()
    assert remove_snapshots(tmp_path) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_full_disk_leaves_the_one_before(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = filled(ledger)
    keep(tmp_path / "history", history, ledger)
    before = (tmp_path / "history" / NAME).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("features.history.snapshot.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_snapshot(tmp_path / "history" / NAME, history.freeze(), bytes(32))
    assert [path.name for path in (tmp_path / "history").iterdir()] == [NAME]
    assert (tmp_path / "history" / NAME).read_bytes() == before


def test_lag_is_the_age_of_what_was_not_heard(ledger: Ledger) -> None:
    history = filled(ledger)
    last = ledger.last_position()
    assert lag_of(history, ledger) == Lag(last, last, 0.0)
    (first, _) = ledger.append([movement_event(500), movement_event(501)])
    lag = lag_of(history, ledger, clock=lambda: first.available_at + 2_500_000)
    assert lag == Lag(last, last + 2, 2.5)
    history.follow(ledger)
    assert lag_of(history, ledger).seconds == 0.0


@pytest.mark.parametrize("reserved", [tables.RESERVED, 4])
def test_tables_grow_after_a_restart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reserved: int
) -> None:
    """With memory set aside they go on where they were read to; with little they are copied."""
    monkeypatch.setattr(tables, "RESERVED", reserved)
    monkeypatch.setattr(tables, "RESERVED_NODES", reserved)
    ledger, history, asked = MemoryLedger(), LiveHistory(), []
    for number in range(300):
        movement = MovementDeclared(
            kind="vehicle",
            movement=str(number),
            declared_at=0,
            entities={"haulier_eori": f"organisation:{number}", "vehicle_reg": "vehicle:0"},
            fields={"route_id": f"R{number % 90}"},
        )
        asked.append(movement)
        ledger.add(recorded(number + 1, movement, available_at=number))
        history.follow(ledger)
        if number % 60 == 59:
            assert keep(tmp_path, history, ledger)
            resumed = resume(tmp_path, ledger)
            assert resumed.from_position == number + 1
            history = resumed.history
    whole = LiveHistory()
    whole.follow(ledger)
    for movement in asked:
        one, other = (feature_row(h, movement, AS_OF, CATALOGUE) for h in (history, whole))
        assert one.tobytes() == other.tobytes()
    assert (tmp_path / NAME).stat().st_size < 1_000_000, "no room to grow is in the file"


def test_many_keys_of_many_alphabets_come_back(tmp_path: Path) -> None:
    ledger, history = MemoryLedger(), LiveHistory()
    asked = []
    for number in range(300):
        movement = MovementDeclared(
            kind="vehicle",
            movement=f"m|{number}",
            declared_at=0,
            entities={"haulier_eori": f"organisation:{number}"},
            fields={"route_id": "Dún Laoghaire–Ηράκλειο\n" * (number % 3) + str(number % 50)},
            attributes={"tax": "\0" * (number % 2)},
        )
        asked.append(movement)
        ledger.add(recorded(number + 1, movement, available_at=number))
    history.follow(ledger)
    keep(tmp_path, history, ledger)
    resumed = resume(tmp_path, ledger).history
    catalogue = catalogue_for("vehicle", {"tax": "code"})
    for movement in asked:
        one, other = (feature_row(h, movement, DAY, catalogue) for h in (history, resumed))
        assert one.tobytes() == other.tobytes()
