"""A ledger in memory, for tests of what is read from one: events at any position and any time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from features.ledger.events import Event, Recorded
from features.ledger.protocol import Appended, Backfill, BackfillReport, Transaction


class MemoryLedger:
    """Keeps ``Ledger`` for reading; ``add`` puts events in, in any order of time."""

    def __init__(self) -> None:
        self.url = "memory:"
        self.events: list[Recorded] = []
        self.rebuilds = 0
        self._epoch = 0

    def add(self, event: Recorded) -> None:
        self.events.append(event)
        if event.backfill:
            self._epoch += 1

    def read(
        self, *, available_before: int | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        self.rebuilds += 1
        chosen = [
            event
            for event in self.events
            if (available_before is None or event.available_at < available_before)
            and (position_up_to is None or event.position <= position_up_to)
        ]
        return iter(sorted(chosen, key=lambda event: (event.available_at, event.position)))

    def tail(self, after_position: int) -> Iterator[Recorded]:
        return iter([event for event in self.events if event.position > after_position])

    def last_position(self) -> int:
        return self.events[-1].position if self.events else 0

    def epoch(self) -> int:
        return self._epoch

    def transaction(self) -> AbstractContextManager[Transaction]:
        raise NotImplementedError

    def append(self, events: Sequence[Event]) -> list[Appended]:
        raise NotImplementedError

    def backfill(self, events: Iterable[Event]) -> BackfillReport:
        raise NotImplementedError

    def backfilling(self) -> AbstractContextManager[Backfill]:
        raise NotImplementedError

    def marked_rows(self, name: str) -> int:
        raise NotImplementedError

    def in_service(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to close."""
