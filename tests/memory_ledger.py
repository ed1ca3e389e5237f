"""A ledger in memory, for tests of what is read from one: events at any position and any time."""

from collections.abc import Iterator
from hashlib import sha256

from features.ledger.events import Payload, Recorded


def recorded(
    position: int, payload: Payload, available_at: int, *, source: str = "api"
) -> Recorded:
    """A live event as a ledger keeps it, named after its position."""
    return Recorded(
        position=position,
        source=source,
        event_id=str(position),
        occurred_at=0,
        available_at=available_at,
        backfill=False,
        payload=payload,
    )


class MemoryLedger:
    """Keeps ``LedgerReader``; ``add`` puts events in, in any order of time."""

    def __init__(self) -> None:
        self.events: list[Recorded] = []
        self.rebuilds = 0
        self._epoch = 0

    def add(self, event: Recorded) -> None:
        self.events.append(event)
        if event.backfill:
            self._epoch += 1

    def hear(self, payload: Payload, available_at: int) -> None:
        """A live event at the next position, known from ``available_at`` on."""
        self.add(recorded(self.last_position() + 1, payload, available_at))

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

    def link_at(self, position: int) -> bytes | None:
        if position > self.last_position():
            return None
        told = [str(event) for event in self.events if event.position <= position]
        return sha256("".join(told).encode()).digest()

    def epoch(self) -> int:
        return self._epoch
