"""A ledger written to Parquet, and read in its place."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import catalogue_for
from features.ledger import (
    Erased,
    Ledger,
    LedgerError,
    Recorded,
    open_ledger,
    open_source,
    parquet,
)
from features.ledger.columns import SCHEMA
from features.ledger.parquet import PSEUDONYM_KEY, ROTATED, ParquetLedger, write_export
from features.ledger.protocol import EventSource
from features.retention import erased_so_far
from features.rows import feature_rows
from features.timeline import load_timeline
from tests.example_events import erasure_event, movement_event, outcome_event

DAY = 86_400_000_000
FAR = 10**17


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """Sixty events, in an order of time that is not that of their positions; two are erased."""
    days = random.Random(5).sample(range(1, 61), 40)
    ledger.backfill([movement_event(n, available_at=day * DAY) for n, day in enumerate(days)])
    ledger.backfill([outcome_event(n, available_at=(70 + n) * DAY) for n in range(20)])
    ledger.erase([3, 44], erasure_event(), chosen_at=60)
    return ledger


def exported(ledger: Ledger, path: Path) -> Path:
    write_export(path, ledger.read_batches(), key_id="0011aabb", rotated=False)
    return path


def rows_of(source: EventSource) -> bytes:
    timeline = load_timeline(source, available_before=FAR)
    asked = timeline.of_kind("vehicle")["payload"].tolist()
    catalogue = catalogue_for("vehicle", timeline.attributes("vehicle"))
    return feature_rows(timeline, asked, [FAR] * len(asked), catalogue).tobytes()


def test_rows_are_those_of_the_ledger_byte_for_byte(filled: Ledger, tmp_path: Path) -> None:
    path = exported(filled, tmp_path / "events.parquet")
    export = open_source(str(path))
    assert list(export.read()) == list(filled.read())
    assert list(export.read(available_before=9 * DAY)) == list(
        filled.read(available_before=9 * DAY)
    )
    assert list(export.read(position_up_to=7)) == list(filled.read(position_up_to=7))
    assert rows_of(export) == rows_of(filled)
    assert export.pseudonym_key() == "0011aabb"
    assert list(export.aliases()) == []
    assert path.stat().st_mode & 0o777 == 0o600, "it is not sealed: its owner's alone"


def test_the_order_of_files_groups_and_rows_does_not_matter(filled: Ledger, tmp_path: Path) -> None:
    table = pa.Table.from_batches(list(filled.read_batches()))
    rng = random.Random(7)
    for shuffled in (False, True):
        directory = tmp_path / f"{shuffled}.parquet"
        directory.mkdir()
        places = list(range(table.num_rows))
        if shuffled:
            rng.shuffle(places)
        parts = [places[start : start + 20] for start in range(0, len(places), 20)]
        for name, part in zip("cab", parts, strict=False):
            chosen = table.take(part)
            pq.write_table(chosen, directory / f"{name}.parquet", row_group_size=6)
        if table.num_rows > 60:
            pq.write_table(table.take(places[60:]), directory / "last.parquet")
        export = open_source(str(directory))
        assert list(export.read()) == list(filled.read())
        assert rows_of(export) == rows_of(filled)
        assert erased_so_far(export) == erased_so_far(filled)


def test_one_row_group_is_held_at_a_time(
    filled: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an export in order: the next group is opened when the one before has been read."""
    path = tmp_path / "events.parquet"
    pq.write_table(pa.Table.from_batches(list(filled.read_batches())), path, row_group_size=10)
    opened: list[int] = []
    events_of = parquet._events_of

    def counted(group: Any, source: str | None) -> Iterator[Recorded]:
        opened.append(group.number)
        return events_of(group, source)

    monkeypatch.setattr(parquet, "_events_of", counted)
    counts = [len(opened) for _ in ParquetLedger(path).read()]
    assert counts[:10] == [1] * 10
    assert max(later - at // 10 for at, later in enumerate(counts)) <= 1


def test_what_is_erased_stays_erased(filled: Ledger, tmp_path: Path) -> None:
    export = ParquetLedger(exported(filled, tmp_path / "events.parquet"))
    erased = [event.position for event in export.read() if isinstance(event.payload, Erased)]
    assert sorted(erased) == [3, 44]
    assert load_timeline(export, available_before=FAR).erased == 2
    assert [event.source for event in export.read_source("retention")] == ["retention"]
    assert [event.source for event in export.read_sources("reten")] == ["retention"]


def test_what_is_no_export_is_refused(filled: Ledger, tmp_path: Path) -> None:
    text = tmp_path / "text.parquet"
    text.write_text("movement_ref,declared_at\n")
    with pytest.raises(LedgerError, match=r"text\.parquet cannot be read as Parquet"):
        ParquetLedger(text)
    other = tmp_path / "movements.parquet"
    pq.write_table(pa.table({"movement_ref": ["a"]}), other)
    with pytest.raises(LedgerError, match="no export of events: its column position is missing"):
        ParquetLedger(other)
    wrong = pa.Table.from_batches(list(filled.read_batches()))
    place = SCHEMA.get_field_index("available_at")
    wrong = wrong.set_column(place, "available_at", wrong["available_at"].cast(pa.int64()))
    pq.write_table(wrong, other)
    with pytest.raises(LedgerError, match="its column available_at is of type int64"):
        ParquetLedger(other)
    with pytest.raises(LedgerError, match="there is no export at"):
        ParquetLedger(tmp_path / "none.parquet")
    (tmp_path / "empty.parquet").mkdir()
    with pytest.raises(LedgerError, match="holds no Parquet file"):
        ParquetLedger(tmp_path / "empty.parquet")


def test_a_damaged_payload_and_a_file_given_twice_are_told(filled: Ledger, tmp_path: Path) -> None:
    directory = tmp_path / "twice.parquet"
    directory.mkdir()
    for name in ("a.parquet", "b.parquet"):
        exported(filled, directory / name)
    with pytest.raises(LedgerError, match="is there twice"):
        list(ParquetLedger(directory).read())
    table = pa.Table.from_batches(list(filled.read_batches()))
    bodies = [b"{}" for _ in range(table.num_rows)]
    place = SCHEMA.get_field_index("payload")
    pq.write_table(
        table.set_column(place, "payload", pa.array(bodies, pa.binary())), directory / "a.parquet"
    )
    (directory / "b.parquet").unlink()
    with pytest.raises(LedgerError, match="cannot be understood"):
        list(ParquetLedger(directory).read())


def test_exports_of_two_keys_or_of_a_rotated_one_are_refused(
    filled: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "events.parquet"
    write_export(path, filled.read_batches(), key_id="00", rotated=True)
    assert pq.read_schema(path).metadata == {PSEUDONYM_KEY: b"00", ROTATED: b"true"}
    with pytest.raises(LedgerError, match="score from the ledger itself"):
        ParquetLedger(path).aliases()
    directory = tmp_path / "two.parquet"
    directory.mkdir()
    path.rename(directory / "a.parquet")
    write_export(directory / "b.parquet", filled.read_batches(), key_id="11", rotated=False)
    with pytest.raises(LedgerError, match="2 pseudonym keys"):
        ParquetLedger(directory)


def test_an_export_is_never_written_to(filled: Ledger, tmp_path: Path) -> None:
    path = exported(filled, tmp_path / "events.parquet")
    with pytest.raises(LedgerError, match="there already"):
        exported(filled, path)
    with pytest.raises(LedgerError, match="is an export, which can be trained on"):
        open_ledger(str(path))
    assert sorted(one.name for one in tmp_path.glob(".*")) == [], "nothing half-written is left"
