"""Files of movements and outcomes into the ledger: bad rows are set aside, bad files refused."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from features.cells import RowReader, UnknownLabel
from features.clock import MICROS_PER_DAY, to_micros
from features.errors import InputError
from features.intake import conclude, declare, movement_event_id, outcome_event_id
from features.ledger.events import Event
from features.ledger.protocol import BackfillReport, EventConflict, Ledger
from features.mapping import FileMapping, outcome_file_mapping
from features.pseudonyms import Pseudonyms
from features.records import (
    Movement,
    Outcome,
    Problem,
    RecordRejected,
    check_kind,
    read_movement,
    read_outcome,
)
from features.rejects import Rejects, rejects_of
from features.tabular import Table, open_table

EXAMPLES = 5
REMEMBERED = 10_000
PROGRESS_EVERY = 1_000


class FileRow(NamedTuple):
    """One row of a movements file: a movement, or the reasons why it is none."""

    number: int
    """1 is the first row after the header."""
    movement_ref: str | None
    movement: Movement | None
    problems: tuple[Problem, ...]


class Example(NamedTuple):
    file: str
    number: int
    problem: Problem


class IngestReport(NamedTuple):
    kind: str
    movements: int
    """Good rows of movements; a movement with two versions is two."""
    outcomes: dict[str, int]
    """How many of each outcome were good."""
    appended: int
    duplicates: int
    """Events that the ledger had already."""
    rejected: dict[str, int]
    """Problems of refused rows, by code."""
    rejected_rows: int
    rejects: tuple[Path, ...]
    """Where the refused rows are listed."""
    examples: tuple[Example, ...]
    outcomes_elsewhere: int | None
    """Outcomes whose movement is not in the same run; None when there was nothing to compare."""
    simulated: bool
    dry_run: bool


def read_movements(path: Path, mapping: FileMapping, kind: str) -> Iterator[FileRow]:
    """The rows of a movements file in input order; the header is checked at once.

    Raises:
        InputError: for a file that cannot be used at all (after the last row, when a column of
            times held none).
    """
    table = open_table(path, delimiter=mapping.delimiter)
    reader = RowReader(table, mapping.movement)
    return _movement_rows(table, reader, check_kind(kind))


def _movement_rows(table: Table, reader: RowReader, kind: str) -> Iterator[FileRow]:
    for number, cells in _numbered(table):
        reference = reader.reference(cells)
        try:
            movement = read_movement(kind, reader.fields(cells))
        except RecordRejected as exc:
            yield FileRow(number, reference, None, exc.problems)
        else:
            yield FileRow(number, reference, movement, ())
    reader.check_times()


def ingest(
    ledger: Ledger | None,
    kind: str,
    movements: Path | None,
    outcomes: Path | None,
    mapping: FileMapping,
    pseudonyms: Pseudonyms,
    *,
    dry_run: bool = False,
    rejects: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> IngestReport:
    """Both files in one backfill: all good rows or, after an error, none.

    Without an outcomes file the labels come from the movements file, if the mapping has
    ``[outcome]``; a row without a label is an unlabelled movement. With ``dry_run`` everything is
    read and checked, nothing is written, and ``ledger`` may be None. ``rejects`` is the directory
    for the lists of refused rows; ``progress`` is told how many rows were read since last time.

    Raises:
        InputError: for a file or mapping that cannot be used.
        EventConflict: a row says otherwise about a movement or outcome that was there before.
        LedgerBusy: while a server runs on the ledger.
    """
    sources = _sources(check_kind(kind), movements, outcomes, mapping)
    run = _Run(kind, mapping, pseudonyms, progress)
    if movements is not None and outcomes is not None:
        run.seen = set()
    with ExitStack() as stack:
        directory = None if dry_run else rejects
        lists = [stack.enter_context(rejects_of(s.table.path, kind, directory)) for s in sources]
        pairs = zip(sources, lists, strict=True)
        events = chain.from_iterable(run.events(source, refused) for source, refused in pairs)
        if dry_run:
            written = BackfillReport(sum(1 for _ in events), 0)
        elif ledger is None:
            raise ValueError("only a dry run does without a ledger")
        else:
            written = run.backfill(ledger, events)
    simulated = any(source.table.simulated for source in sources)
    return run.report(written, lists, simulated=simulated, dry_run=dry_run)


def check_files(
    kind: str, movements: Path | None, outcomes: Path | None, mapping: FileMapping
) -> int | None:
    """Raise what the headers alone can tell, before a ledger is made; rows expected, if known."""
    counts = [s.table.rows_expected for s in _sources(kind, movements, outcomes, mapping)]
    return None if None in counts else sum(count or 0 for count in counts)


class _Source(NamedTuple):
    """A file, and what each of its rows holds: a movement, an outcome, or both."""

    table: Table
    movement: RowReader | None
    outcome: RowReader | None

    def reference(self, cells: Sequence[Any]) -> str | None:
        reader = self.movement or self.outcome
        return None if reader is None else reader.reference(cells)


def _sources(
    kind: str, movements: Path | None, outcomes: Path | None, mapping: FileMapping
) -> list[_Source]:
    if movements is None and outcomes is None:
        raise InputError("nothing to ingest; give --movements FILE or --outcomes FILE")
    if mapping.kind != kind:
        raise InputError(f"the mapping is for kind {mapping.kind}, not {kind}; change --kind")
    sources = []
    if movements is not None:
        table = open_table(movements, delimiter=mapping.delimiter)
        reader = RowReader(table, mapping.movement)
        label = mapping.outcome if outcomes is None else None
        sources.append(_Source(table, reader, RowReader(table, label) if label else None))
    if outcomes is not None:
        table = open_table(outcomes, delimiter=mapping.delimiter)
        reader = RowReader(table, outcome_file_mapping(mapping))
        sources.append(_Source(table, None, reader))
    return sources


def _numbered(table: Table, *, may_be_empty: bool = False) -> Iterator[tuple[int, Sequence[Any]]]:
    number = 0
    for number, cells in enumerate(table.rows(), 1):
        yield number, cells
    if number == 0 and not may_be_empty:
        raise InputError(f"{table.path} has a header and no rows; export it again")


class _Origin(NamedTuple):
    """The row that an event came from."""

    event_id: str
    file: str
    number: int
    movement_ref: str | None


class _Run:
    """One ingest: turns rows into events, and counts."""

    def __init__(
        self,
        kind: str,
        mapping: FileMapping,
        pseudonyms: Pseudonyms,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._kind = kind
        self._pseudonyms = pseudonyms
        self._delay = round(mapping.known_after_days * MICROS_PER_DAY)
        self._progress = progress
        self._movements = 0
        self._outcomes: Counter[str] = Counter()
        self._codes: Counter[str] = Counter()
        self._examples: list[Example] = []
        self._elsewhere = 0
        self._recent: deque[_Origin] = deque(maxlen=REMEMBERED)
        self.seen: set[str] | None = None
        """Movements of this run, when outcomes are to be compared with them."""

    def events(self, source: _Source, rejects: Rejects) -> Iterator[Event]:
        # Beside a file of movements there may be no outcome yet.
        later = source.movement is None and self._movements > 0
        for number, cells in _numbered(source.table, may_be_empty=later):
            try:
                for event in self._row_events(source, cells):
                    reference = source.reference(cells)
                    name = source.table.path.name
                    self._recent.append(_Origin(event.event_id, name, number, reference))
                    yield event
            except RecordRejected as exc:
                rejects.write(number, source.reference(cells), exc.problems)
                self._count(source.table.path.name, number, exc.problems)
            except UnknownLabel as exc:
                raise InputError(f"{source.table.path} row {number}, {exc}") from exc
            if self._progress is not None and number % PROGRESS_EVERY == 0:
                self._progress(PROGRESS_EVERY)
        for reader in (source.movement, source.outcome):
            if reader is not None:
                reader.check_times()

    def _row_events(self, source: _Source, cells: Sequence[Any]) -> Iterator[Event]:
        origin = "simulation" if source.table.simulated else "file"
        if source.movement is not None:
            movement = read_movement(self._kind, source.movement.fields(cells))
            yield self._movement_event(movement, origin)
        if source.outcome is not None:
            row = source.outcome.fields(cells)
            # A movement that nobody examined is unlabelled: no outcome, and never a negative one.
            if "outcome" in row or source.movement is None:
                yield self._outcome_event(read_outcome(row), origin)

    def _movement_event(self, movement: Movement, source: str) -> Event:
        declared = declare(movement, self._pseudonyms)
        self._movements += 1
        if self.seen is not None:
            self.seen.add(declared.movement)
        return Event(
            source=source,
            event_id=movement_event_id(declared),
            occurred_at=declared.declared_at,
            available_at=declared.declared_at,
            payload=declared,
        )

    def _outcome_event(self, outcome: Outcome, source: str) -> Event:
        recorded = conclude(outcome, self._kind, self._pseudonyms)
        self._outcomes[recorded.outcome] += 1
        if self.seen is not None and recorded.movement not in self.seen:
            self._elsewhere += 1
        known_at = recorded.examined_at + self._delay
        if outcome.known_at is not None:
            known_at = to_micros(outcome.known_at)
        return Event(
            source=source,
            event_id=outcome_event_id(recorded),
            occurred_at=recorded.examined_at,
            available_at=known_at,
            payload=recorded,
        )

    def _count(self, file: str, number: int, problems: tuple[Problem, ...]) -> None:
        self._codes.update(problem.code for problem in problems)
        if len(self._examples) < EXAMPLES:
            self._examples.append(Example(file, number, problems[0]))

    def backfill(self, ledger: Ledger, events: Iterable[Event]) -> BackfillReport:
        """The ledger knows pseudonyms only; a conflict is told by file and row."""
        try:
            return ledger.backfill(events)
        except EventConflict as exc:
            for row in reversed(self._recent):
                if row.event_id in str(exc):
                    raise EventConflict(
                        f"{row.file} row {row.number}, movement_ref {row.movement_ref!r}, says "
                        "something else than the same version (or message) did before; raise its "
                        "version (or event_id) or correct the row; nothing was written"
                    ) from exc
            raise

    def report(
        self, written: BackfillReport, lists: list[Rejects], *, simulated: bool, dry_run: bool
    ) -> IngestReport:
        return IngestReport(
            kind=self._kind,
            movements=self._movements,
            outcomes=dict(self._outcomes),
            appended=written.appended,
            duplicates=written.duplicates,
            rejected=dict(self._codes),
            rejected_rows=sum(refused.written for refused in lists),
            rejects=tuple(r.path for r in lists if r.path is not None and r.written),
            examples=tuple(self._examples),
            outcomes_elsewhere=None if self.seen is None else self._elsewhere,
            simulated=simulated,
            dry_run=dry_run,
        )
