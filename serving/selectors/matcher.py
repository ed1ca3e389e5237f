"""Selectors in memory, by one of their criteria each: exact, and a look takes microseconds.

A selector lies under that of its keys under which the fewest lie, an identifier before a field. A
movement that has all of its keys has that one, so none can be missed. What lies there are bytes:
a million of them is nothing for the garbage collector to walk, and few are ever read.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar, cast

import msgspec

from features.clock import MICROS_PER_DAY, Micros
from features.handling import Action, Handling, Marking
from features.ledger import (
    Recorded,
    SelectorApproved,
    SelectorProposed,
    SelectorWithdrawn,
)
from features.movement_columns import MovementColumns
from serving.matching import Match, Sighting
from serving.selectors.criteria import keys_of, places_with

CLOCK_SET_BACK_MICROS = MICROS_PER_DAY
"""A clock that is set back by less finds again what had expired."""


class _Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One live selector, as packed."""

    selector: str
    agency: str
    criteria: tuple[str, ...]
    kinds: tuple[str, ...]
    reason: str
    threat: str | None
    handling: str
    marking: str
    contact: str
    action: str
    starts: Micros
    expires: Micros
    approved_at: Micros


_pack = msgspec.msgpack.Encoder().encode
_unpack = lru_cache(maxsize=4_096)(msgspec.msgpack.Decoder(_Entry).decode)
"""Watched goods come again and again; some 5 MB when it is full."""


class SelectorMatcher:
    """
    Args:
        asked_from: no movement is looked at as of an earlier instant, so what expired a day before
            it is not kept.
    """

    hears: ClassVar[tuple[type, ...]] = (SelectorProposed, SelectorApproved, SelectorWithdrawn)

    def __init__(self, asked_from: Micros = 0) -> None:
        self._expired_before = asked_from - CLOCK_SET_BACK_MICROS
        self._proposed: dict[str, SelectorProposed] = {}
        self._under: dict[str, bytes | list[bytes]] = {}
        self._withdrawn: dict[str, Micros] = {}

    def __len__(self) -> int:
        """Selectors that are kept, some of them expired or withdrawn."""
        return sum(1 if isinstance(held, bytes) else len(held) for held in self._under.values())

    def hear(self, event: Recorded, /) -> None:
        said = event.payload
        if isinstance(said, SelectorProposed):
            if said.expires > self._expired_before:
                self._proposed[said.selector] = said
        elif isinstance(said, SelectorApproved):
            proposed = self._proposed.pop(said.selector, None)
            if proposed is not None:
                self._keep(proposed, event.available_at)
        elif isinstance(said, SelectorWithdrawn):
            self._proposed.pop(said.selector, None)
            self._withdrawn[said.selector] = event.available_at

    def matches(self, seen: Sighting, /) -> Iterator[Match]:
        if not self._under:
            return
        keys = keys_of(seen.declared)
        for key in keys:
            held = self._under.get(key)
            if held is None:
                continue
            for packed in (held,) if isinstance(held, bytes) else held:
                entry = _unpack(packed)
                if keys.issuperset(entry.criteria) and self._stands(entry, seen):
                    yield _match(entry)

    def may_meet(self, movements: MovementColumns, _: Micros, /) -> set[int]:
        return places_with(self._under, movements) if self._under else set()

    def _keep(self, said: SelectorProposed, approved_at: Micros) -> None:
        key = min(said.criteria, key=self._crowd)
        packed = _pack(
            _Entry(
                said.selector,
                said.agency,
                said.criteria,
                said.kinds,
                said.reason,
                said.threat,
                said.handling,
                said.marking,
                said.contact,
                said.action,
                said.starts,
                said.expires,
                approved_at,
            )
        )
        held = self._under.get(key)
        if held is None:
            self._under[key] = packed
        elif isinstance(held, bytes):
            self._under[key] = [held, packed]
        else:
            held.append(packed)

    def _crowd(self, key: str) -> tuple[int, bool]:
        held = self._under.get(key)
        crowd = 0 if held is None else 1 if isinstance(held, bytes) else len(held)
        return crowd, "=" in key

    def _stands(self, entry: _Entry, seen: Sighting) -> bool:
        """Approved before the instant, started, not expired, and not withdrawn before it."""
        as_of, withdrawn_at = seen.as_of, self._withdrawn.get(entry.selector)
        return (
            seen.declared.kind in entry.kinds
            and entry.approved_at < as_of
            and entry.starts <= as_of < entry.expires
            and (withdrawn_at is None or as_of <= withdrawn_at)
        )


def _match(entry: _Entry) -> Match:
    return Match(
        by="selector",
        id=entry.selector,
        agency=entry.agency,
        handling=cast(Handling, entry.handling),
        marking=cast(Marking, entry.marking),
        action=cast(Action, entry.action),
        reason=entry.reason,
        threat=entry.threat,
        contact=entry.contact,
    )
