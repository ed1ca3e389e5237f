"""What waits for a partner: read from the ledger after the partner's mark, a batch at a time.

The ledger is the queue. Nothing is copied into another one, so that what retention erases is not
sent afterwards, and a partner that is away for a month costs no memory and no disk.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import NamedTuple, Self

from features.ledger import MovementDeclared, Recorded, SelectorProposed, open_ledger, open_tables
from features.signing import SigningKey
from serving.exchange.envelope import signed
from serving.exchange.outgoing import Assessed, Teller
from serving.exchange.partners import URN
from serving.matching import SOURCE as INTELLIGENCE

MOST_READ, MOST_EVENTS, MOST_BYTES = 2_000, 100, 512 * 1024
"""Of a batch: events of the ledger that are looked at, events that are sent, their bytes."""
ANSWER_SECONDS = 10.0
"""How long one answer of a database behind a network is waited for."""


class Posted(NamedTuple):
    """One event, signed."""

    event_id: str
    position: int
    body: bytes


class Batch(NamedTuple):
    events: tuple[Posted, ...]
    position_up_to: int
    """The last position that was looked at: with these events gone, all up to it is dealt with."""
    is_last: bool
    """Nothing more was there when it was read."""


class Outbox:
    """Reads with connections of its own; used by one thread at a time."""

    def __init__(self, ledger_url: str) -> None:
        with ExitStack() as opened:
            self._ledger = open_ledger(ledger_url, create=False, impatient=True)
            opened.callback(self._ledger.close)
            self.tables = open_tables(ledger_url, answer_seconds=ANSWER_SECONDS)
            opened.callback(self.tables.close)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._opened.close()

    def last_position(self) -> int:
        return self._ledger.last_position()

    def batch(self, teller: Teller, key: SigningKey, after_position: int) -> Batch:
        """The next events for a partner, in the order of the ledger.

        All that is told of one position is in one batch, which may exceed its bounds by that.
        """
        events: list[Posted] = []
        up_to, size = after_position, 0
        tail = iter(islice(self._ledger.tail(after_position), MOST_READ))
        for read, event in enumerate(tail, 1):
            made = list(self.signed(teller, key, event))
            events += made
            up_to, size = event.position, size + sum(len(one.body) for one in made)
            if len(events) >= MOST_EVENTS or size >= MOST_BYTES:
                return Batch(tuple(events), up_to, is_last=False)
            if read == MOST_READ:
                return Batch(tuple(events), up_to, is_last=False)
        return Batch(tuple(events), up_to, is_last=True)

    def again(self, teller: Teller, key: SigningKey, positions: Iterable[int]) -> list[Posted]:
        """What is told of single positions: of dead letters that are tried once more."""
        found = (next(self._ledger.tail(position - 1), None) for position in positions)
        return [
            one for event in found if event is not None for one in self.signed(teller, key, event)
        ]

    def signed(self, teller: Teller, key: SigningKey, event: Recorded) -> Iterator[Posted]:
        """What a partner is told of one event."""
        source, partnership = URN + teller.agency, teller.partnership
        for told in teller.tells(event, self):
            body = signed(told, source, partnership, key)
            yield Posted(told.event_id, event.position, body)

    def movement(self, movement: str, position_up_to: int) -> MovementDeclared | None:
        """Of ``serving.exchange.outgoing.Known``."""
        versions = [
            event.payload
            for position in self._positions_of(movement)
            if position <= position_up_to
            for event in islice(self._ledger.tail(position - 1), 1)
            if isinstance(event.payload, MovementDeclared) and event.payload.movement == movement
        ]
        return max(versions, key=lambda one: one.version, default=None)

    def assessments(self, event: Recorded) -> Sequence[Assessed]:
        """Of ``serving.exchange.outgoing.Known``: recorded in the commit of their movement."""
        if not self.tables.has("assessments"):
            return ()
        rows = self.tables.fetch(
            "SELECT score_id, movement_version, as_of, band, status, probability FROM assessments"
            " WHERE available_at = ? AND position = ?",
            [event.available_at, event.position],
        )
        return [Assessed(*row) for row in rows]

    def selector(self, selector: str) -> SelectorProposed | None:
        """Of ``serving.exchange.outgoing.Known``."""
        for row in self.tables.fetch(_EVENT, [INTELLIGENCE, f"proposed:{selector}"]):
            for event in islice(self._ledger.tail(row[0] - 1), 1):
                if isinstance(event.payload, SelectorProposed):
                    return event.payload
        return None

    def first_score_id(self, agency: str, movement: str, version: int) -> str | None:
        """Of ``serving.exchange.outgoing.Known``."""
        rows = self.tables.fetch(
            "SELECT score_id FROM assessments WHERE agency = ? AND movement = ?"
            " AND movement_version = ? AND assessment = 1",
            [agency, movement, version],
        )
        return rows[0][0] if rows else None

    def _positions_of(self, movement: str) -> list[int]:
        """Where its versions are, whichever way they came: their ids begin with its pseudonym."""
        return [row[0] for row in self.tables.fetch(_VERSIONS, [movement, movement + "z"])]


_EVENT = "SELECT position FROM events WHERE source = ? AND event_id = ?"
# The sources are few and the index begins with them: it is entered once for each.
_VERSIONS = (
    "WITH RECURSIVE sources (source) AS ("
    " SELECT min(source) FROM events UNION ALL"
    " SELECT (SELECT min(source) FROM events WHERE source > sources.source)"
    " FROM sources WHERE sources.source IS NOT NULL)"
    " SELECT events.position FROM sources JOIN events ON events.source = sources.source"
    " AND events.event_id > ? AND events.event_id < ? ORDER BY events.position"
)
