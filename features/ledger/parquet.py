"""Events of a ledger in Parquet files, to be trained on and scored from where no database is.

An export is read-only, and without links: nothing in it proves that it is what was written. What
was erased when it was made stays erased; what is erased later is still in it, so it is deleted
with the data it came from (ADR 13).
"""

import heapq
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.clock import Micros
from features.ledger.columns import SCHEMA
from features.ledger.events import Erased, Payload, Recorded, decode_payload
from features.ledger.protocol import LedgerDamaged, LedgerError

SUFFIX = ".parquet"
PSEUDONYM_KEY = b"foreland.pseudonym_key"
"""Key of the schema metadata: the id of the key that pseudonyms are made with."""
ROTATED = b"foreland.rotated"
"""There when the ledger had aliases, which an export does not carry."""
_CLOCK = ["available_at", "position"]
_READ = [*SCHEMA.names[:6], "payload"]


class _Group(NamedTuple):
    """One row group, known by its first event."""

    available_at: Micros
    position: int
    path: Path
    number: int


def is_export(url: str) -> bool:
    """Whether a ``--ledger`` names an export, by its suffix."""
    return "://" not in url and url.endswith(SUFFIX)


def write_export(
    path: Path, batches: Iterable[pa.RecordBatch], *, key_id: str | None, rotated: bool
) -> int:
    """How many events were written: whole, for its owner alone, or not at all.

    Args:
        batches: as ``Ledger.read_batches`` gives them; each becomes a row group.

    Raises:
        LedgerError: the file is there already.
    """
    if path.exists():
        raise LedgerError(f"{path} is there already; give another name, or remove it first")
    metadata = ({} if key_id is None else {PSEUDONYM_KEY: key_id.encode()}) | (
        {ROTATED: b"true"} if rotated else {}
    )
    aside, events = path.with_name(f".{path.name}.{os.getpid()}"), 0
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            pq.ParquetWriter(file, SCHEMA.with_metadata(metadata), compression="zstd") as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)
                events += batch.num_rows
        aside.rename(path)
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()
    return events


class ParquetLedger:
    """Keeps ``EventSource``: one export, or a directory of them whose name ends in .parquet.

    Files and row groups may come in any order. Held at a time are the row groups that overlap in
    time with the event that is read: one, of an export that was written in one piece.

    Raises:
        LedgerError: there is nothing there, or a file that is no export of events.
    """

    def __init__(self, path: Path) -> None:
        paths = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not paths:
            raise LedgerError(f"{path} holds no Parquet file; write one with `foreland export`")
        metadata = [_checked(one) for one in paths]
        keys = {each.get(PSEUDONYM_KEY, b"").decode() for each in metadata}
        if len(keys) > 1:
            raise LedgerError(
                f"the files of {path} are written under {len(keys)} pseudonym keys, so no entity"
                " would be known again; export them from one ledger"
            )
        self._paths = paths
        self._key_id = keys.pop() or None
        self._rotated = any(ROTATED in each for each in metadata)

    def read(
        self, *, available_before: Micros | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        """As ``LedgerReader.read``.

        Raises:
            LedgerError: two events have one position: a file is there twice.
            LedgerDamaged: a payload cannot be understood.
        """
        before = 0
        for event in self._merged():
            if available_before is not None and event.available_at >= available_before:
                return
            if event.position == before:
                raise LedgerError(
                    f"position {before} is there twice; the same events are in two files of the"
                    " export"
                )
            before = event.position
            if position_up_to is None or event.position <= position_up_to:
                yield event

    def read_source(self, source: str) -> Iterator[Recorded]:
        return iter(sorted(self._merged(source), key=lambda event: event.position))

    def read_sources(self, beginning: str) -> Iterator[Recorded]:
        found = (event for event in self._merged() if event.source.startswith(beginning))
        return iter(sorted(found, key=lambda event: event.position))

    def pseudonym_key(self) -> str | None:
        return self._key_id

    def aliases(self) -> Iterator[tuple[bytes, bytes]]:
        """
        Raises:
            LedgerError: the ledger had some, and the export does not carry them.
        """
        if self._rotated:
            raise LedgerError(
                "the pseudonym key was rotated before this export was made, and an export does"
                " not say who is who across rotations; score from the ledger itself"
            )
        return iter(())

    def close(self) -> None:
        """Files are open only while they are read."""

    def _merged(self, source: str | None = None) -> Iterator[Recorded]:
        """All events, or those of one source, by ``(available_at, position)``."""
        groups = sorted((group for path in self._paths for group in _groups_of(path)), reverse=True)
        heads: list[tuple[Micros, int, int, Recorded, Iterator[Recorded]]] = []

        def push(events: Iterator[Recorded], tie: int) -> None:
            event = next(events, None)
            if event is not None:
                heapq.heappush(heads, (event.available_at, event.position, tie, event, events))

        while groups or heads:
            while groups and (not heads or groups[-1][:2] <= heads[0][:2]):
                push(_events_of(groups.pop(), source), len(groups))
            if heads:
                _, _, tie, event, events = heapq.heappop(heads)
                yield event
                push(events, tie)


def _checked(path: Path) -> dict[bytes, bytes]:
    """The metadata of an export."""
    if not path.is_file():
        raise LedgerError(f"there is no export at {path}; write one with `foreland export`")
    with _parquet(path):
        schema = pq.read_schema(path)
    for field in SCHEMA:
        place = schema.get_field_index(field.name)
        found = "missing" if place < 0 else f"of type {schema.field(place).type}"
        if place < 0 or schema.field(place).type != field.type:
            raise LedgerError(
                f"{path} is no export of events: its column {field.name} is {found}, not"
                f" {field.type}; files of movements are for `foreland ingest`"
            )
    return schema.metadata or {}


@contextmanager
def _parquet(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as exc:
        raise LedgerError(f"{path} cannot be read as Parquet ({exc}); export it again") from exc


def _groups_of(path: Path) -> Iterator[_Group]:
    with _parquet(path), pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            clocks = file.read_row_group(number, columns=_CLOCK)
            if clocks.num_rows:
                first = int(_order(clocks)[0])
                at, position = (int(_numbers(clocks, name)[first]) for name in _CLOCK)
                yield _Group(at, position, path, number)


def _events_of(group: _Group, source: str | None) -> Iterator[Recorded]:
    with _parquet(group.path), pq.ParquetFile(group.path) as file:
        table = file.read_row_group(group.number, columns=SCHEMA.names)
    if source is not None:
        table = table.filter(pc.equal(table["source"], pa.scalar(source)))
    table = table.take(_order(table))
    for name in ("occurred_at", "available_at"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table[name].cast(pa.int64()))
    for row in zip(*(table[name].to_pylist() for name in _READ), strict=True):
        position, sender, event_id, occurred_at, available_at, backfill, body = row
        yield Recorded(
            position=position,
            source=sender,
            event_id=event_id,
            occurred_at=occurred_at,
            available_at=available_at,
            backfill=backfill,
            payload=Erased() if body is None else _payload(group.path, position, body),
        )


def _payload(path: Path, position: int, body: bytes) -> Payload:
    try:
        payload: Payload = decode_payload(body)
    except msgspec.MsgspecError as exc:
        raise LedgerDamaged(
            f"the payload at position {position} of {path} cannot be understood ({exc});"
            " export it again"
        ) from exc
    return payload


def _order(table: pa.Table) -> NDArray[np.int64]:
    return np.lexsort((_numbers(table, "position"), _numbers(table, "available_at")))


def _numbers(table: pa.Table, name: str) -> NDArray[np.int64]:
    return table[name].cast(pa.int64()).to_numpy()
