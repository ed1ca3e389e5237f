"""The contract that every ledger keeps, whatever database is behind its URL."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, NamedTuple, Protocol

import pyarrow as pa

from features.clock import Micros
from features.errors import ForelandError
from features.ledger.events import Event, Recorded, decode_payload

Database = Literal["sqlite", "postgresql"]


class LedgerError(ForelandError):
    """The ledger cannot do what was asked."""


class LedgerBusy(LedgerError):
    """A server runs on this ledger, or another process writes to it for too long."""


class EventConflict(LedgerError):
    """The same source and event id came before with another body."""


class LedgerMoved(LedgerError):
    """Something was appended since what was to be erased was chosen; choose again."""


class LedgerDamaged(LedgerError):
    """What is kept is not what was written."""


class Appended(NamedTuple):
    position: int
    available_at: Micros
    duplicate: bool
    """True when the same event was there already; then position and stamp are the first one's."""


class Written(NamedTuple):
    """An event as it was written, which nobody has read yet."""

    position: int
    source: str
    event_id: str
    occurred_at: Micros
    available_at: Micros
    backfill: bool
    body: bytes
    """The JSON that was sealed."""

    def read(self) -> Recorded:
        """What the ledger gives whoever reads it once it is committed: made of the same bytes."""
        return Recorded(
            position=self.position,
            source=self.source,
            event_id=self.event_id,
            occurred_at=self.occurred_at,
            available_at=self.available_at,
            backfill=self.backfill,
            payload=decode_payload(self.body),
        )


class BackfillReport(NamedTuple):
    appended: int
    duplicates: int


class Mark(NamedTuple):
    """How far a bulk load has come, written in the commit of what it brought."""

    name: str
    """Identifies the load: a digest of its files, mapping and kind."""
    rows: int
    """Rows of it that are durably dealt with."""


class Stand(NamedTuple):
    """By which whoever follows a ledger sees whether there is anything new."""

    epoch: int
    """Rises with every backfill and erasure; who holds state built from the ledger rebuilds."""
    last_position: int
    """0 when the ledger is empty."""


class Verified(NamedTuple):
    """The chain of the whole ledger holds."""

    events: int
    erased: int
    """Of them those whose content retention has destroyed."""
    link: bytes
    """The last link, which stands for all of them."""


class Transaction(Protocol):
    """Events and rows of other tables in one durable commit (DESIGN section 9)."""

    database: Database
    """For whoever makes tables of its own: types and triggers have other names."""

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Stamp and append live events; ``available_at`` rises with ``position``.

        Raises:
            EventConflict: same source and event id, another body; none of ``events`` is in then.
        """

    def written(self) -> Sequence[Written]:
        """What ``append`` added so far, by position; in the ledger once it is committed."""

    def record_key(self, position: int) -> bytes:
        """The key of an event, to seal what belongs to it (``features.ledger.sealing``)."""

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Any other statement of the same commit, such as an audit row; ``?`` for parameters."""

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert many rows; ``statement`` ends in ``VALUES (?, ...)`` of one."""

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a query finds, what this transaction has written included."""


class Backfill(Protocol):
    """Old events with their own clock, a durable commit at a time."""

    def append(
        self, events: Sequence[Event], mark: Mark | None = None
    ) -> list[Appended | EventConflict]:
        """One durable commit: the events that are new, and the mark. Bumps the epoch if any is.

        A conflict is returned in the place of its event and keeps out no other.
        """


class EventSource(Protocol):
    """What training and the scoring of files need: a ledger, or an export of one."""

    def read(
        self, *, available_before: Micros | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        """Events with ``available_at < available_before``, by ``(available_at, position)``."""

    def read_source(self, source: str) -> Iterator[Recorded]:
        """Events of one source, by position: what was promoted, what retention did."""

    def read_sources(self, beginning: str) -> Iterator[Recorded]:
        """Events of every source that begins with these letters, by position."""

    def pseudonym_key(self) -> str | None:
        """The id of the key that its pseudonyms are made with; None before the first."""

    def aliases(self) -> Iterator[tuple[bytes, bytes]]:
        """Tag under the present key, pseudonym that stands in the ledger: after a rotation."""

    def close(self) -> None: ...


class LedgerReader(Protocol):
    """What live history needs of a ledger."""

    def read(
        self, *, available_before: Micros | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        """As ``EventSource.read``."""

    def tail(self, after_position: int) -> Iterator[Recorded]:
        """Events with ``position > after_position``, by position."""

    def last_position(self) -> int:
        """0 when the ledger is empty."""

    def link_at(self, position: int) -> bytes | None:
        """What stands for every event up to this one (``features.ledger.rows``); None beyond the
        end: whoever holds state up to a position knows by it that this is the ledger it came from.
        """

    def epoch(self) -> int:
        """As ``Stand`` has it."""


class Ledger(LedgerReader, EventSource, Protocol):
    """Append-only log of events, read as of an instant or tailed from a position."""

    url: str
    local: bool
    """Reads take microseconds: they go to this machine's memory and disk, not over a network."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """One durable commit, all or nothing; the write lock is held from first to last line."""

    def stand(self) -> Stand:
        """In one statement."""

    def reopen(self) -> None:
        """New connections in the place of all that this object holds: what a failed commit left
        in the old ones is forgotten.

        Raises:
            LedgerError: it cannot be reached or read.
        """

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """``transaction`` with these events alone."""

    def backfilling(self) -> AbstractContextManager[Backfill]:
        """Alone on this ledger from first to last line.

        Raises:
            LedgerBusy: while a server or another backfill runs on it.
        """

    def backfill(self, events: Iterable[Event]) -> BackfillReport:
        """``backfilling``, a batch a commit.

        Raises:
            EventConflict: at the first conflict; batches before it stay.
        """

    def marked_rows(self, name: str) -> int:
        """The rows of the ``Mark`` of this name; 0 when there is none."""

    def read_batches(
        self, *, available_before: Micros | None = None, position_up_to: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The same events in the same order, as Arrow (``features.ledger.columns``)."""

    def in_service(self) -> AbstractContextManager[None]:
        """Held by every serving process; backfills and erasures are refused meanwhile."""

    def verify(self) -> Verified:
        """
        Raises:
            LedgerDamaged: at the first row that is not what was written.
        """

    def erase(self, positions: Iterable[int], record: Event, *, chosen_at: int) -> Appended:
        """Destroy the keys of these events and append ``record`` of it, in one commit; ``scrub``.

        Args:
            chosen_at: ``last_position`` when the events were chosen: a hold that was placed since
                must not be overlooked.

        Raises:
            LedgerMoved: something was appended since; nothing is erased.
            LedgerBusy: while a server or a backfill runs on this ledger, or as in ``scrub``.
        """

    def scrub(self) -> None:
        """Overwrite what erased keys left in the database's own files.

        Raises:
            LedgerBusy: somebody still reads; what is erased is erased, and not yet overwritten.
        """

    def bind_pseudonym_key(self, key_id: str) -> None:
        """Say so for a ledger that has none yet; afterwards only ``replace_aliases`` changes it."""

    def replace_aliases(self, key_id: str, aliases: Iterable[tuple[bytes, bytes]]) -> None:
        """From now on pseudonyms are made with this key; all old aliases go.

        Raises:
            LedgerBusy: while a server or a backfill runs on this ledger.
        """
