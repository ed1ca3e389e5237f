"""From events to the rows of the ledger and back, the same for every database.

Every row carries a *link*: the SHA-256 of the link before it and of all that the row says, its
sealed body included. Who changes, swaps, inserts or takes out a row breaks every link after it.
"""

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from struct import Struct
from struct import error as struct_error
from typing import NamedTuple

from msgspec.structs import replace

from features.clock import Micros, now_micros
from features.ledger.events import (
    Erased,
    Event,
    MovementDeclared,
    Payload,
    Recorded,
    decode_payload,
    encode_payload,
)
from features.ledger.protocol import Appended, EventConflict, LedgerDamaged, Written
from features.ledger.sealing import KEY_BYTES, seal, unseal

FIRST_LINK = bytes(32)
"""What the first row is linked to."""

_NUMBERS = Struct(">qqq?HH")
"""Position, occurred_at, available_at, backfill; the lengths of source and event id in bytes."""


class Row(NamedTuple):
    """One line of the table of events; the key goes to a table of its own."""

    position: int
    source: str
    event_id: str
    occurred_at: Micros
    available_at: Micros
    backfill: bool
    sealed: bytes
    link: bytes


class Kept(NamedTuple):
    """A row with its key, as it is read; the key is None once retention has destroyed it."""

    position: int
    source: str
    event_id: str
    occurred_at: Micros
    available_at: Micros
    backfill: bool
    sealed: bytes
    key: bytes | None


class Head(NamedTuple):
    """Where the ledger ends: what the next row is made from."""

    position: int
    link: bytes
    live_stamp: Micros
    """The greatest ``available_at`` of a live event; 0 before there is one."""


EMPTY = Head(0, FIRST_LINK, 0)


class Made(NamedTuple):
    """Rows with the key of each and what it seals, and the head after them."""

    rows: list[Row]
    keys: list[bytes]
    bodies: list[bytes]
    head: Head

    def written(self) -> list[Written]:
        return [Written(*row[:6], body) for row, body in zip(self.rows, self.bodies, strict=True)]


def make_rows(head: Head, events: Sequence[Event], *, backfill: bool) -> Made:
    """The rows that follow ``head``.

    A backfilled event carries its own ``available_at``. A live one is stamped now, later than
    every live event before it; the write lock must be held from here to the commit.
    """
    position, link, live_stamp = head
    secrets = os.urandom(KEY_BYTES * len(events))
    rows, bodies = list[Row](), list[bytes]()
    keys = [secrets[at : at + KEY_BYTES] for at in range(0, len(secrets), KEY_BYTES)]
    for event, key in zip(events, keys, strict=True):
        position += 1
        if backfill:
            stamp = own_stamp(event)
        else:
            stamp = live_stamp = max(now_micros(), live_stamp + 1)
        names = (event.source, event.event_id)
        body = encode_payload(event.payload)
        sealed = seal(key, "event", body)
        row = linked_row(link, position, *names, event.occurred_at, stamp, backfill, sealed)
        link = row.link
        rows.append(row)
        bodies.append(body)
    return Made(rows, keys, bodies, Head(position, link, live_stamp))


def linked_row(
    before: bytes,
    position: int,
    source: str,
    event_id: str,
    occurred_at: Micros,
    available_at: Micros,
    backfill: bool,
    sealed: bytes,
) -> Row:
    """The row with its link, which stands for it and, through ``before``, for every row so far."""
    sender, name = source.encode(), event_id.encode()
    numbers = _NUMBERS.pack(position, occurred_at, available_at, backfill, len(sender), len(name))
    link = sha256(b"".join((before, numbers, sender, name, sealed))).digest()
    return Row(position, source, event_id, occurred_at, available_at, backfill, sealed, link)


def check_live(event: Event) -> None:
    if event.available_at is not None:
        raise ValueError(f"live event {event.event_id!r} is stamped by the ledger, not before")


def own_stamp(event: Event) -> Micros:
    if event.available_at is None:
        raise ValueError(f"backfilled event {event.event_id!r} has no available_at of its own")
    return event.available_at


def check_same(event: Event, there: Kept) -> None:
    """Raise ``EventConflict`` unless ``event`` says what is recorded under its source and id.

    A change to a record that retention has erased cannot be told: what it was is not known.
    """
    if there.key is None:
        return
    kept = recorded(there)
    clocks = (kept.occurred_at, kept.available_at if kept.backfill else None)
    _compare(event, kept.payload, clocks)


def _check_equal(event: Event, earlier: Event) -> None:
    _compare(event, earlier.payload, (earlier.occurred_at, earlier.available_at))


def _compare(event: Event, there: Payload | Erased, clocks: tuple[Micros, Micros | None]) -> None:
    """What this program adds by itself (flags, tags of partnerships) does not count."""
    named = f"event {event.event_id!r} of source {event.source!r}"
    if _as_sent(there) != _as_sent(event.payload):
        raise EventConflict(
            f"{named} came before with another content; "
            "send the change as a new version or under a new event id"
        )
    both_backfilled = event.available_at is not None and clocks[1] is not None
    if both_backfilled and clocks != (event.occurred_at, event.available_at):
        raise EventConflict(
            f"{named} came before with another time; "
            "ingest it with the delay or the times it had, or into a new ledger"
        )


Name = tuple[str, str]
"""Source and event id."""


class _New(NamedTuple):
    place: int
    """In ``Batch.new``."""
    again: bool
    """True for one that stands in the same batch before."""


class Batch:
    """Which events of a batch are new, and what became of each.

    Args:
        there: what is recorded already, by name; names that are not in it are new.
    """

    def __init__(self, events: Sequence[Event], there: Mapping[Name, Kept]) -> None:
        self.new: list[Event] = []
        self._fates: list[Appended | EventConflict | _New] = []
        first: dict[Name, int] = {}
        for event in events:
            name = (event.source, event.event_id)
            try:
                self._fates.append(self._fate(event, there.get(name), first.get(name)))
            except EventConflict as exc:
                self._fates.append(exc.with_traceback(None))  # else its frames keep the batch
            else:
                first.setdefault(name, len(self.new) - 1)

    def _fate(self, event: Event, there: Kept | None, earlier: int | None) -> Appended | _New:
        if there is not None:
            check_same(event, there)
            return Appended(there.position, there.available_at, duplicate=True)
        if earlier is not None:
            _check_equal(event, self.new[earlier])
            return _New(earlier, again=True)
        self.new.append(event)
        return _New(len(self.new) - 1, again=False)

    def fates(self, rows: Sequence[Row]) -> list[Appended | EventConflict]:
        """One for each event, in order; ``rows`` are those made of ``new``."""
        return [
            fate
            if isinstance(fate, Appended | EventConflict)
            else Appended(rows[fate.place].position, rows[fate.place].available_at, fate.again)
            for fate in self._fates
        ]

    def refuse_conflicts(self) -> None:
        """
        Raises:
            EventConflict: the first one.
        """
        for fate in self._fates:
            if isinstance(fate, EventConflict):
                raise EventConflict(*fate.args)  # raised itself it would keep this, and this it


def _as_sent(payload: Payload | Erased) -> Payload | Erased:
    if isinstance(payload, MovementDeclared):
        return replace(payload, flags=(), tags={})
    return payload


def recorded(row: Kept) -> Recorded:
    return Recorded(
        position=row.position,
        source=row.source,
        event_id=row.event_id,
        occurred_at=row.occurred_at,
        available_at=row.available_at,
        backfill=bool(row.backfill),
        payload=Erased() if row.key is None else decode_payload(body_of(row)),
    )


def body_of(row: Kept) -> bytes:
    """The JSON of the payload; empty once it is erased."""
    return b"" if row.key is None else unseal(row.key, "event", row.sealed)


def _link_or_none(before: bytes, row: Kept) -> bytes | None:
    """None for a row that no program of ours wrote: SQLite takes any type in any column."""
    try:
        return linked_row(before, *row[:5], bool(row.backfill), row.sealed).link
    except (TypeError, AttributeError, struct_error):
        return None


class Chain:
    """Checks rows by position, one after the other, from the first."""

    def __init__(self) -> None:
        self.link = FIRST_LINK
        self.events = 0
        self.erased = 0

    def check(self, row: Kept, link: bytes) -> None:
        """
        Raises:
            LedgerDamaged: the row is not the one that was written after the one before it.
        """
        self.events += 1
        expected = _link_or_none(self.link, row)
        if row.position != self.events:
            raise LedgerDamaged(
                f"position {self.events} is missing (the next one is {row.position}); "
                "keep the database as evidence and restore it from a copy"
            )
        if expected != link:
            raise LedgerDamaged(
                f"position {row.position} is not what was written there; "
                "keep the database as evidence and restore it from a copy"
            )
        self.link = link
        if row.key is None:
            self.erased += 1
        else:
            body_of(row)
