"""The files of one ingest, and what each of their rows holds: a movement, an outcome, or both."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from features.errors import InputError
from features.files.cells import UNKNOWN_LABEL, Row, RowReader
from features.files.field_kinds import KNOWN_AT
from features.files.mapping import FileMapping, outcome_file_mapping
from features.files.tabular import Batch, Table, open_table
from features.ingest.unquoted import unquoted
from features.records import (
    RECORDS,
    Movement,
    Outcome,
    Problem,
    RecordRejected,
    check_kind,
    read_movement,
    read_outcome,
)


class FileRow(NamedTuple):
    """One row of a movements file: a movement, or the reasons why it is none."""

    number: int
    """1 is the first row after the header."""
    movement_ref: str | None
    movement: Movement | None
    problems: tuple[Problem, ...]


class Read(NamedTuple):
    """One row that was read: what it holds, or why it is refused."""

    number: int
    movement: Movement | None
    known_at: datetime | None
    """Of the movement, when the file says it."""
    outcome: Outcome | None
    problems: tuple[Problem, ...] = ()


class Source(NamedTuple):
    """A file and the readers of its rows."""

    kind: str
    table: Table
    movement: RowReader | None
    outcome: RowReader | None
    label: str
    """``movements`` or ``outcomes``, as the options are called."""

    def read(self, batch: Batch) -> Iterator[Read]:
        """The rows of a batch.

        Raises:
            InputError: for a label that the mapping does not know: the whole column is in doubt.
        """
        movements = None if self.movement is None else self.movement.rows(batch)
        outcomes = None if self.outcome is None else self.outcome.rows(batch)
        for place in range(batch.size):
            number = batch.first + place
            movement = known_at = outcome = None
            try:
                if movements is not None:
                    movement, known_at = _movement(self.kind, movements[place])
                if outcomes is not None:
                    outcome = self._outcome(outcomes[place], number)
            except RecordRejected as exc:
                yield Read(number, None, None, None, self._unquoted(exc.problems))
            else:
                yield Read(number, movement, known_at, outcome)

    def _outcome(self, row: Row, number: int) -> Outcome | None:
        if isinstance(row, tuple):
            for problem in row:
                if problem.code == UNKNOWN_LABEL:
                    raise InputError(f"{self.table.path} row {number}, {problem.message}")
            raise RecordRejected(row)
        # A movement that nobody examined is unlabelled: no outcome, and never a negative one.
        if self.movement is not None and "outcome" not in row:
            return None
        return read_outcome(row)

    def _unquoted(self, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        record = Outcome if self.movement is None else RECORDS[self.kind]
        return unquoted(problems, record)

    def check_times(self) -> None:
        """After the last row: raise when a column of times held not a single one."""
        for reader in (self.movement, self.outcome):
            if reader is not None:
                reader.check_times()

    @property
    def times_twice(self) -> int:
        readers = (self.movement, self.outcome)
        return sum(reader.times_twice for reader in readers if reader is not None)


def _movement(kind: str, row: Row) -> tuple[Movement, datetime | None]:
    if isinstance(row, tuple):
        raise RecordRejected(row)
    known_at: datetime | None = row.pop(KNOWN_AT, None)
    movement = read_movement(kind, row)
    if known_at is not None and known_at < movement.declared_at:
        sentence = f"known at {known_at}, declared at {movement.declared_at}; correct one"
        raise RecordRejected((Problem("known_before_declared", f"/{KNOWN_AT}", sentence),))
    return movement, known_at


def open_sources(
    kind: str, movements: Path | None, outcomes: Path | None, mapping: FileMapping
) -> list[Source]:
    """The files with their headers checked; without an outcomes file ``[outcome]`` of the mapping
    is about the movements file.

    Raises:
        InputError: when there is no file, or a header does not fit.
    """
    check_kind(kind)
    if movements is None and outcomes is None:
        raise InputError("nothing to ingest; give --movements FILE or --outcomes FILE")
    if mapping.kind != kind:
        raise InputError(f"the mapping is for kind {mapping.kind}, not {kind}; change --kind")
    sources = []
    if movements is not None:
        table = open_table(movements, delimiter=mapping.delimiter)
        reader = RowReader(table, mapping.movement)
        label = mapping.outcome if outcomes is None else None
        outcome = RowReader(table, label) if label else None
        sources.append(Source(kind, table, reader, outcome, "movements"))
    if outcomes is not None:
        table = open_table(outcomes, delimiter=mapping.delimiter)
        reader = RowReader(table, outcome_file_mapping(mapping))
        sources.append(Source(kind, table, None, reader, "outcomes"))
    return sources


def check_files(
    kind: str, movements: Path | None, outcomes: Path | None, mapping: FileMapping
) -> int | None:
    """Raise what the headers alone can tell, before a ledger is made; rows expected, if known."""
    counts = [s.table.rows_expected for s in open_sources(kind, movements, outcomes, mapping)]
    return None if None in counts else sum(count or 0 for count in counts)


def read_movements(path: Path, mapping: FileMapping, kind: str) -> Iterator[FileRow]:
    """The rows of a movements file in input order; the header is checked at once.

    Raises:
        InputError: for a file that cannot be used at all (after the last row, when a column of
            times held none).
    """
    table = open_table(path, delimiter=mapping.delimiter)
    reader = RowReader(table, mapping.movement)
    return _movement_rows(Source(check_kind(kind), table, reader, None, "movements"), reader)


def _movement_rows(source: Source, reader: RowReader) -> Iterator[FileRow]:
    number = 0
    for batch in source.table.batches():
        for place, read in enumerate(source.read(batch)):
            number = read.number
            reference = reader.reference(batch.row(place))
            yield FileRow(number, reference, read.movement, read.problems)
    if number == 0:
        raise no_rows(source.table)
    reader.check_times()


def read_files(
    kind: str, movements: Path, outcomes: Path | None, mapping: FileMapping
) -> tuple[Iterator[Read], bool]:
    """Every row of the files in their order, movements first, and whether any file is simulated.

    Raises:
        InputError: when a header does not fit, or a file cannot be used at all.
    """
    sources = open_sources(kind, movements, outcomes, mapping)
    return _all_rows(sources), any(source.table.simulated for source in sources)


def _all_rows(sources: Sequence[Source]) -> Iterator[Read]:
    for source in sources:
        rows = 0
        for batch in source.table.batches():
            rows += batch.size
            yield from source.read(batch)
        if rows == 0:
            raise no_rows(source.table)
        source.check_times()


def no_rows(table: Table) -> InputError:
    return InputError(f"{table.path} has a header and no rows; export it again")


class Identity(NamedTuple):
    """What makes an ingest the same one again, and the files the same files still."""

    name: str
    """SHA-256 over the kind, what the mapping says and every byte of the files."""
    stamps: tuple[tuple[int, ...], ...]

    def check(self, sources: Sequence[Source]) -> None:
        """Raise when a file was changed after it was checked."""
        for source, stamp in zip(sources, self.stamps, strict=True):
            if _stamp(source.table.path) != stamp:
                raise InputError(
                    f"{source.table.path} was changed while it was read; run the same command again"
                )


def identify(sources: Sequence[Source], mapping: FileMapping) -> Identity:
    stamps = tuple(_stamp(source.table.path) for source in sources)
    digest = hashlib.sha256(f"foreland ingest 1 {mapping.kind} {mapping.digest}".encode())
    for source in sources:
        with source.table.path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f" {source.label} {content}".encode())
    return Identity(digest.hexdigest(), stamps)


def _stamp(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
