"""The contract that every ledger keeps, whatever database is behind its URL."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from features.clock import Micros
from features.errors import ForelandError
from features.ledger.events import Event, Recorded


class LedgerError(ForelandError):
    """The ledger cannot do what was asked."""


class LedgerBusy(LedgerError):
    """A server runs on this ledger, or another process writes to it for too long."""


class EventConflict(LedgerError):
    """The same source and event id came before with another body."""


class Appended(NamedTuple):
    position: int
    available_at: Micros
    duplicate: bool
    """True when the same event was there already; then position and stamp are the first one's."""


class BackfillReport(NamedTuple):
    appended: int
    duplicates: int


class Mark(NamedTuple):
    """How far an ingest has come, committed with the events of its rows."""

    name: str
    """Hex digest that identifies an ingest: its files, its mapping and its kind."""
    rows: int
    """How many rows of it are durably in."""


class Backfill(Protocol):
    """Old events on their way in, commit by commit, alone on the ledger."""

    def append(
        self, events: Sequence[Event], mark: Mark | None = None
    ) -> list[Appended | EventConflict]:
        """One durable commit: the events that are new, the mark with them.

        A conflict is returned in its place and keeps out only its own event. Bumps the epoch if
        any event is new.
        """


class Transaction(Protocol):
    """Events and rows of other tables in one durable commit (DESIGN section 9)."""

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Stamp and append live events; ``available_at`` rises with ``position``."""

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Any other statement of the same commit, such as an audit row."""


class Ledger(Protocol):
    """Append-only log of events, read as of an instant or tailed from a position."""

    url: str

    def transaction(self) -> AbstractContextManager[Transaction]:
        """One durable commit, all or nothing; the write lock is held from first to last line."""

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """``transaction`` with these events alone."""

    def backfill(self, events: Iterable[Event]) -> BackfillReport:
        """Old events with their own clock, all or nothing; bumps the epoch if any is new.

        Raises:
            LedgerBusy: while a server runs on this ledger.
            EventConflict: same source and event id, another body.
        """

    def backfilling(self) -> AbstractContextManager[Backfill]:
        """Alone on this ledger: ``LedgerBusy`` while a server or another ingest runs."""

    def marked_rows(self, name: str) -> int:
        """Rows of the mark of this name; 0 when this ingest never began."""

    def read(
        self, *, available_before: Micros | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        """Events with ``available_at < available_before``, by ``(available_at, position)``."""

    def tail(self, after_position: int) -> Iterator[Recorded]:
        """Events with ``position > after_position``, by position."""

    def last_position(self) -> int:
        """0 when the ledger is empty."""

    def epoch(self) -> int:
        """Rises with every backfill; whoever holds state built from the ledger rebuilds it."""

    def in_service(self) -> AbstractContextManager[None]:
        """Held by every serving process; backfills are refused meanwhile."""

    def close(self) -> None: ...
