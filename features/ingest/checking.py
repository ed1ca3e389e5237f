"""The first pass: every row is read and checked, nothing is written but lists of refused rows."""

from array import array
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from features.files.tabular import Batch
from features.ingest.rejects import Rejects
from features.ingest.report import Refusals
from features.ingest.sources import Read, Source, no_rows

Tick = Callable[[int], None]
"""Told how many rows were read since last time."""


class Checked:
    """What the rows of an ingest hold, counted; 8 bytes are kept for each movement at most."""

    def __init__(self, marked: int, *, compare: bool) -> None:
        self._marked = marked
        self._references: array[int] | None = array("q") if compare else None
        self._sorted = np.empty(0, dtype=np.int64)
        self.rows: list[int] = []
        """Of each source."""
        self.movements = 0
        self.outcomes: Counter[str] = Counter()
        self.events_before = 0
        """Events in the first ``marked`` rows, which an earlier run brought in."""
        self.times_twice = 0
        self.elsewhere: int | None = 0 if compare else None

    @property
    def events(self) -> int:
        return self.movements + self.outcomes.total()

    def add(self, read: Read, row: int) -> None:
        """``row`` counts the rows of all sources."""
        before = row <= self._marked
        if read.movement is not None:
            self.movements += 1
            self.events_before += before
            if self._references is not None:
                self._references.append(hash(read.movement.movement_ref.strip()))
        if read.outcome is not None:
            self.outcomes[read.outcome.outcome] += 1
            self.events_before += before

    def end(self, source: Source, rows: int) -> None:
        self.rows.append(rows)
        self.times_twice += source.times_twice
        if source.movement is not None and self._references is not None:
            self._sorted = np.frombuffer(self._references, dtype=np.int64)
            self._sorted.sort()

    def compare(self, references: Sequence[str]) -> None:
        """Count the outcomes whose movement is not among those of the same run.

        References are compared by 64-bit hashes: with 10 million of them the chance that one
        outcome is taken for another's is under 1 in a trillion.
        """
        if self.elsewhere is None or not references:
            return
        wanted = np.array([hash(reference.strip()) for reference in references], dtype=np.int64)
        if self._sorted.size == 0:
            self.elsewhere += wanted.size
            return
        found = np.searchsorted(self._sorted, wanted) % self._sorted.size
        self.elsewhere += int((self._sorted[found] != wanted).sum())


def check(
    sources: Sequence[Source],
    rejects: Sequence[Rejects],
    refusals: Refusals,
    *,
    marked: int,
    tick: Tick,
) -> Checked:
    """
    Raises:
        InputError: for a file that cannot be used as a whole.
    """
    checked = Checked(marked, compare=len(sources) > 1)
    for source, refused in zip(sources, rejects, strict=True):
        offset, rows = sum(checked.rows), 0
        for batch in source.table.batches():
            _check_batch(source, batch, refused, refusals, checked, offset)
            rows += batch.size
            tick(batch.size)
        # Beside a file of movements there may be no outcome yet.
        if rows == 0 and (source.movement is not None or checked.movements == 0):
            raise no_rows(source.table)
        source.check_times()
        checked.end(source, rows)
    return checked


def _check_batch(
    source: Source,
    batch: Batch,
    refused: Rejects,
    refusals: Refusals,
    checked: Checked,
    offset: int,
) -> None:
    concluded: list[str] = []
    for place, read in enumerate(source.read(batch)):
        if read.problems:
            refused.write(read.number, batch.row(place), read.problems)
            refusals.add(source.table.path.name, read.number, read.problems)
            continue
        checked.add(read, offset + read.number)
        if read.outcome is not None:
            concluded.append(read.outcome.movement_ref)
    if source.movement is None:
        checked.compare(concluded)
