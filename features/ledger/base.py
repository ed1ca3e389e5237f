"""What is the same for every database behind a ledger: it only says how rows are found."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa

from features.clock import Micros
from features.ledger.columns import batches
from features.ledger.events import Event, Recorded
from features.ledger.protocol import (
    Appended,
    Backfill,
    BackfillReport,
    Database,
    EventConflict,
    LedgerMoved,
    Mark,
    Stand,
    Transaction,
    Verified,
    Written,
)
from features.ledger.rows import (
    Batch,
    Chain,
    Head,
    Kept,
    Made,
    check_live,
    recorded,
)

BATCH = 1_000
_STAND = """SELECT (SELECT value FROM meta WHERE name = 'epoch'),
    (SELECT coalesce(max(position), 0) FROM events)"""


class Wanted(NamedTuple):
    """Which rows, and in which order."""

    available_before: Micros | None = None
    position_up_to: int | None = None
    after_position: int | None = None
    source: str | None = None
    sources_beginning: str | None = None
    by_position: bool = False


class StoredTransaction(ABC):
    """The part of ``features.ledger.protocol.Transaction`` that no database has a say in.

    The write lock is held, so no other process can stamp between here and the commit.
    """

    def __init__(self) -> None:
        self._at: Head | None = None
        self._keys: dict[int, bytes] = {}
        self._written: list[Written] = []

    database: Database

    @abstractmethod
    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None: ...

    @abstractmethod
    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None: ...

    @abstractmethod
    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    @abstractmethod
    def _head(self) -> Head: ...

    @abstractmethod
    def _insert_new(self, events: Sequence[Event], head: Head) -> tuple[Batch, Made]:
        """Insert what is not there yet; what was made of it, after ``head``.

        Raises:
            EventConflict: as ``append``.
        """

    def append(self, events: Sequence[Event]) -> list[Appended]:
        for event in events:
            check_live(event)
        batch, made = self._insert_new(events, self._at or self._head())
        self._at = made.head
        self._keys |= zip((row.position for row in made.rows), made.keys, strict=True)
        self._written += made.written()
        return [fate for fate in batch.fates(made.rows) if isinstance(fate, Appended)]

    def written(self) -> Sequence[Written]:
        return self._written

    def record_key(self, position: int) -> bytes:
        return self._keys[position]


def after_beginning(beginning: str) -> str:
    """The first text, by letters, that is after all that begin so.

    >>> after_beginning("partner")
    'partnes'
    """
    return beginning[:-1] + chr(ord(beginning[-1]) + 1)


class Batches:
    """Keeps ``features.ledger.protocol.Backfill``."""

    def __init__(
        self,
        commit: Callable[[Sequence[Event], Mark | None], list[Appended | EventConflict]],
    ) -> None:
        self._commit = commit

    def append(
        self, events: Sequence[Event], mark: Mark | None = None
    ) -> list[Appended | EventConflict]:
        return self._commit(events, mark)


def check_unmoved(head: Head, chosen_at: int) -> None:
    if head.position != chosen_at:
        raise LedgerMoved(
            f"events were appended while the run was being prepared (position {chosen_at} became "
            f"{head.position}); nothing was erased; run it again"
        )


NOT_OVERWRITTEN = (
    "what was erased cannot be read any more, but its bytes are not overwritten yet, because "
    "another process reads {ledger}; stop it and run `foreland retain` again"
)


class StoredLedger(ABC):
    """The part of ``features.ledger.protocol.Ledger`` that no database has a say in."""

    url: str
    local: bool

    @abstractmethod
    def reopen(self) -> None: ...

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Transaction]: ...

    @abstractmethod
    def backfilling(self) -> AbstractContextManager[Backfill]: ...

    @abstractmethod
    def _rows(self, wanted: Wanted) -> Iterator[Kept]: ...

    @abstractmethod
    def _find(self, statement: str, *parameters: object) -> tuple[Any, ...] | None:
        """The first row."""

    @abstractmethod
    def _links(self) -> Iterator[tuple[Kept, bytes]]:
        """Every row by position, with its link."""

    def append(self, events: Sequence[Event]) -> list[Appended]:
        with self.transaction() as transaction:
            return transaction.append(events)

    def backfill(self, events: Iterable[Event]) -> BackfillReport:
        appended = duplicates = 0
        with self.backfilling() as backfill:
            events = iter(events)
            while batch := list(islice(events, BATCH)):
                for fate in backfill.append(batch):
                    if isinstance(fate, EventConflict):
                        raise fate
                    duplicates += fate.duplicate
                    appended += not fate.duplicate
        return BackfillReport(appended, duplicates)

    def read(
        self, *, available_before: Micros | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        return map(recorded, self._rows(Wanted(available_before, position_up_to)))

    def read_batches(
        self, *, available_before: Micros | None = None, position_up_to: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        return batches(self._rows(Wanted(available_before, position_up_to)))

    def tail(self, after_position: int) -> Iterator[Recorded]:
        return map(recorded, self._rows(Wanted(after_position=after_position, by_position=True)))

    def stand(self) -> Stand:
        epoch, last_position = self._find(_STAND) or (0, 0)
        return Stand(int(epoch), int(last_position))

    def read_source(self, source: str) -> Iterator[Recorded]:
        return map(recorded, self._rows(Wanted(source=source, by_position=True)))

    def read_sources(self, beginning: str) -> Iterator[Recorded]:
        return map(recorded, self._rows(Wanted(sources_beginning=beginning, by_position=True)))

    def verify(self) -> Verified:
        chain = Chain()
        for row, link in self._links():
            chain.check(row, link)
        return Verified(chain.events, chain.erased, chain.link)
