"""The second pass: checked rows become events, committed chunk by chunk with a mark."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from features.clock import MICROS_PER_DAY, to_micros
from features.files.mapping import FileMapping
from features.files.tabular import Batch
from features.ingest.checking import Checked, Tick
from features.ingest.conflicts import Conflicts, Part, problems_of
from features.ingest.rejects import Rejects
from features.ingest.report import Refusals
from features.ingest.sources import Identity, Read, Source
from features.intake import conclude, declare, movement_event_id, outcome_event_id
from features.ledger import Appended, Backfill, Event, Ledger, Mark
from features.pseudonyms import Pseudonyms

ROWS_PER_COMMIT = 20_000
MICROS_PER_HOUR = MICROS_PER_DAY // 24


class Loaded(NamedTuple):
    appended: int
    duplicates: int


class EventMaker:
    """Turns checked rows into events with the file's own clock."""

    def __init__(self, mapping: FileMapping, pseudonyms: Pseudonyms) -> None:
        self._kind = mapping.kind
        self._pseudonyms = pseudonyms
        self._movement_delay = round(mapping.known_after_hours * MICROS_PER_HOUR)
        self._outcome_delay = round(mapping.known_after_days * MICROS_PER_DAY)

    def events(self, read: Read, source: str) -> Iterator[tuple[Part, Event]]:
        if read.movement is not None:
            yield "movement", self._movement(read, source)
        if read.outcome is not None:
            yield "outcome", self._outcome(read, source)

    def _movement(self, read: Read, source: str) -> Event:
        assert read.movement is not None, "asked before"
        declared = declare(read.movement, self._pseudonyms)
        known_at = declared.declared_at + self._movement_delay
        if read.known_at is not None:
            known_at = to_micros(read.known_at)
        return Event(
            source=source,
            event_id=movement_event_id(declared),
            occurred_at=declared.declared_at,
            available_at=known_at,
            payload=declared,
        )

    def _outcome(self, read: Read, source: str) -> Event:
        assert read.outcome is not None, "asked before"
        recorded = conclude(read.outcome, self._kind, self._pseudonyms)
        known_at = recorded.examined_at + self._outcome_delay
        if read.outcome.known_at is not None:
            known_at = to_micros(read.outcome.known_at)
        return Event(
            source=source,
            event_id=outcome_event_id(recorded),
            occurred_at=recorded.examined_at,
            available_at=known_at,
            payload=recorded,
        )


class Loader:
    """One second pass over the sources; what a mark says is in is passed over."""

    def __init__(
        self,
        sources: Sequence[Source],
        rejects: Sequence[Rejects],
        refusals: Refusals,
        identity: Identity,
        checked: Checked,
        conflicts: Conflicts,
        tick: Tick,
    ) -> None:
        self._sources, self._rejects, self._refusals = sources, rejects, refusals
        self._identity, self._conflicts, self._tick = identity, conflicts, tick
        self._rows = checked.rows
        self._before = checked.events_before
        self._chunk: list[Event] = []
        self._origins: list[tuple[int, Part]] = []
        self._batches: list[tuple[int, Batch]] = []
        self._appended = self._duplicates = 0

    def load(self, ledger: Ledger, maker: EventMaker, marked: int) -> Loaded:
        """
        Raises:
            InputError: when a file was changed since it was checked.
            LedgerError: when the ledger cannot take it; what it took before stays.
        """
        self._retell()
        total = sum(self._rows)
        if marked < total:
            with ledger.backfilling() as backfill:
                self._load(backfill, maker, marked)
                # The mark reaches the last row only when all conflicts before it are on disk.
                backfill.append((), Mark(self._identity.name, total))
        before = self._before - sum(map(len, self._conflicts.earlier.values()))
        return Loaded(self._appended, before + self._duplicates)

    def _load(self, backfill: Backfill, maker: EventMaker, marked: int) -> None:
        safe = done = marked
        for at, (source, offset) in enumerate(zip(self._sources, self._offsets(), strict=True)):
            origin = "simulation" if source.table.simulated else "file"
            passed = min(max(0, marked - offset), self._rows[at])
            self._tick(passed)
            if passed == self._rows[at]:
                continue
            for batch in source.table.batches(after=passed):
                self._batches.append((at, batch))
                for read in source.read(batch):
                    for part, event in maker.events(read, origin):
                        self._chunk.append(event)
                        self._origins.append((offset + read.number, part))
                done += batch.size
                self._tick(batch.size)
                if done - safe >= ROWS_PER_COMMIT:
                    self._commit(backfill, safe)
                    safe = done
        self._commit(backfill, safe)

    def _commit(self, backfill: Backfill, safe: int) -> None:
        self._identity.check(self._sources)
        results = backfill.append(self._chunk, Mark(self._identity.name, safe))
        found: dict[int, list[Part]] = {}
        for (row, part), result in zip(self._origins, results, strict=True):
            if not isinstance(result, Appended):
                found.setdefault(row, []).append(part)
            elif result.duplicate:
                self._duplicates += 1
            else:
                self._appended += 1
        self._conflicts.remember(found)
        for row, parts in found.items():
            at, number = self._place(row)
            cells = next(
                batch.row(number - batch.first)
                for of, batch in self._batches
                if of == at and 0 <= number - batch.first < batch.size
            )
            self._refuse(at, number, cells, parts)
        self._chunk, self._origins, self._batches = [], [], []

    def _retell(self) -> None:
        """The conflicts of rows that an earlier run brought in; whole rows only if wanted."""
        rows = sorted(self._conflicts.earlier)
        for at, (source, offset) in enumerate(zip(self._sources, self._offsets(), strict=True)):
            numbers = [row - offset for row in rows if offset < row <= offset + self._rows[at]]
            if not numbers:
                continue
            cells = _cells_at(source, numbers) if self._rejects[at].wants_cells else {}
            for number in numbers:
                parts = self._conflicts.earlier[offset + number]
                self._refuse(at, number, cells.get(number, ()), parts)

    def _refuse(self, at: int, number: int, cells: Sequence[Any], parts: Sequence[Part]) -> None:
        problems = problems_of(parts)
        self._rejects[at].write(number, cells, problems)
        self._refusals.add(self._sources[at].table.path.name, number, problems)

    def _offsets(self) -> list[int]:
        """Rows of all files before each."""
        return [0, *accumulate(self._rows[:-1])]

    def _place(self, row: int) -> tuple[int, int]:
        """The file, and the number in it, of a row of all files together."""
        offsets = self._offsets()
        at = max(at for at, offset in enumerate(offsets) if offset < row)
        return at, row - offsets[at]


def _cells_at(source: Source, numbers: Sequence[int]) -> dict[int, Sequence[Any]]:
    wanted, found = set(numbers), {}
    for batch in source.table.batches(after=numbers[0] - 1):
        for number in range(batch.first, batch.first + batch.size):
            if number in wanted:
                found[number] = batch.row(number - batch.first)
        if batch.first + batch.size > numbers[-1]:
            break
    return found
