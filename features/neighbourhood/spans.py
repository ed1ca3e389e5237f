"""What one movement says of the entities that it names, and from when till when it says so.

A *span* is a time during which what stands about a movement does not change: a version, and
whether it is examined or found. A pure function of what was heard of the movement, in whatever
order, so that a file that grew event by event and one that was made anew are the same.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import NamedTuple

import msgspec

from features.clock import Micros
from features.history.links import link_role
from features.history.roles import roles_of
from features.history.statistics import EXAMINATION, FIND
from features.history.view import Cancellation, Heard, Standing, Verdict, Version, heard_of
from features.ledger.events import MovementCancelled, MovementDeclared, OutcomeRecorded

UNEXAMINED, EXAMINED, FOUND = 0, 1, 2
"""States of a span. Unexamined is not clean: nobody looked."""
STILL: Micros = 2**62
"""Where a span ends that has not ended."""

Counted = MovementDeclared | MovementCancelled | OutcomeRecorded
Number = Callable[[str], int]
"""From an entity's key to its number in the file."""


class Named(NamedTuple):
    """What one version names, by the numbers of the entities."""

    organisation: int
    """Whose links it makes; 0 when it names none."""
    connectors: tuple[int, ...]
    """What the organisation is linked by."""
    entities: tuple[int, ...]
    """All, in whatever role, each once."""


class About(msgspec.Struct, array_like=True):
    """All that was heard of one movement, as far as links need it."""

    versions: list[Version] = []
    named: list[Named] = []
    """Of each of the versions."""
    cancelled: list[tuple[Micros, int]] = []
    """When it became known, and up to which version."""
    verdicts: list[Verdict] = []

    def hear(self, payload: Counted, available_at: Micros, number: Number) -> None:
        heard = heard_of(payload, available_at, len(self.versions))
        if isinstance(heard, Version):
            self.versions.append(heard)
        elif isinstance(heard, Cancellation):
            self.cancelled.append((available_at, heard.up_to_version))
        else:
            self.verdicts.append(heard)
        if isinstance(payload, MovementDeclared):
            self.named.append(named_by(payload, number))

    def messages(self) -> list[tuple[Micros, Heard]]:
        """By the instant at which each became known."""
        found: list[tuple[Micros, Heard]] = [(one.available_at, one) for one in self.versions]
        found += [(at, Cancellation(up_to)) for at, up_to in self.cancelled]
        found += [(one.available_at, one) for one in self.verdicts]
        return sorted(found, key=_when)


class Span(NamedTuple):
    """What stood about a movement for whoever asks with ``visible_from < as_of <= visible_to``."""

    place: int
    """Of the version."""
    since: Micros
    """When the first version of the movement became known."""
    state: int
    examined_at: Micros
    """When the examination's end became known; ``since`` while there is none."""
    visible_from: Micros
    visible_to: Micros


class LinkSpan(NamedTuple):
    """A row of the file: a movement names both ends of a link."""

    organisation: int
    connector: int
    since: Micros
    state: int
    visible_from: Micros
    visible_to: Micros


class ExaminedSpan(NamedTuple):
    """A row of the file: a movement that names the entity was examined."""

    entity: int
    examined_at: Micros
    state: int
    visible_from: Micros
    visible_to: Micros


def link_spans(about: About) -> set[LinkSpan]:
    return {
        LinkSpan(named.organisation, connector, one.since, one.state, *one[4:])
        for one in spans(about)
        for named in [about.named[one.place]]
        for connector in named.connectors
    }


def examined_spans(about: About) -> set[ExaminedSpan]:
    return {
        ExaminedSpan(entity, one.examined_at, one.state, *one[4:])
        for one in spans(about)
        if one.state != UNEXAMINED
        for entity in about.named[one.place].entities
    }


def spans(about: About) -> Iterator[Span]:
    """In the order of time; nothing for a time in which no version stands."""
    standing = Standing()
    current: tuple[int, Micros, int, Micros] | None = None
    began = 0
    for at, together in groupby(about.messages(), key=_when):
        for _, heard in together:
            standing.hear(heard)
        after = _stands(standing)
        if after == current:
            continue
        if current is not None:
            yield Span(*current, began, at)
        current, began = after, at
    if current is not None:
        yield Span(*current, began, STILL)


def _stands(standing: Standing) -> tuple[int, Micros, int, Micros] | None:
    version = standing.version
    if version is None:
        return None
    instants = {mark.what: mark.instant for mark in standing.marks()}
    since = standing.since or 0
    if EXAMINATION not in instants:
        return version.place, since, UNEXAMINED, since
    state = FOUND if FIND in instants else EXAMINED
    return version.place, since, state, instants[EXAMINATION]


def named_by(movement: MovementDeclared, number: Number) -> Named:
    organisation, *connectors = ends_of(movement)
    return Named(
        0 if organisation is None else number(organisation),
        tuple(number(key) for key in connectors if key is not None),
        tuple(number(key) for key in dict.fromkeys(_entities(movement))),
    )


def ends_of(movement: MovementDeclared) -> Sequence[str | None]:
    """The organisation whose links the movement makes, None when it names none; then what it is
    linked by, each once and never itself."""
    organisation, *connectors = [
        movement.entities.get(f) or None for f in _link_fields(movement.kind)
    ]
    if organisation is None:
        return (None,)
    each = dict.fromkeys(key for key in connectors if key is not None and key != organisation)
    return organisation, *each


def _entities(movement: MovementDeclared) -> Iterator[str]:
    for field in _entity_fields(movement.kind):
        if key := movement.entities.get(field):
            yield key


@cache
def _link_fields(kind: str) -> tuple[str, ...]:
    role = link_role(kind)
    return tuple(one.parts[0].field for one in (role.organisation, *role.connectors))


@cache
def _entity_fields(kind: str) -> tuple[str, ...]:
    return tuple(role.parts[0].field for role in roles_of(kind) if role.grade == "entity")


def _when(heard: tuple[Micros, Heard]) -> Micros:
    return heard[0]
