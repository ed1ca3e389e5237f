"""Who is tied with whom, as an answer says it."""

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from features.clock import Micros, iso
from features.neighbourhood.bounds import Truncation
from features.records import Namespace

if TYPE_CHECKING:  # they import what reads the ledger, which only a worker needs
    from features.neighbourhood.reading import Examined
    from features.neighbourhood.walk import Link, Neighbour, Neighbourhood

Known = Literal["find", "nothing_found", "never_examined"]


class LinkedEntity(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation, vehicle, vessel or container of the neighbourhood."""

    key: Annotated[str, Meta(description="Namespace and pseudonym; may be asked about in turn.")]
    namespace: Annotated[Namespace, Meta(description="What it is.")]
    step: Annotated[
        int,
        Meta(description="0: asked about; 1: tied with that; 2: tied with those.", ge=0, le=2),
    ]
    known: Annotated[
        Known,
        Meta(
            description="What examinations of movements that name it ended in. never_examined is "
            "not clean: nobody looked."
        ),
    ]
    examinations: Annotated[int, Meta(description="How many there were.", ge=0)]
    finds: Annotated[int, Meta(description="How many of them found something.", ge=0)]
    last_find_at: Annotated[
        str | None, Meta(description="When the last find became known; RFC 3339, UTC.")
    ]
    organisations: Annotated[
        int | None,
        Meta(
            description="Of a connector: how many organisations are linked with it. With more than "
            "eight it ties nobody. Null where that was not read."
        ),
    ]
    tied_by: Annotated[
        tuple[str, ...],
        Meta(description="Keys of the connectors that tie it with those of the step before."),
    ]
    tied_since: Annotated[
        str | None,
        Meta(description="When both ends of the oldest of these ties were known; RFC 3339, UTC."),
    ]


class EntityLink(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation, and what standing movements of it name."""

    organisation: Annotated[str, Meta(description="Key.")]
    connector: Annotated[
        str, Meta(description="Key of a vehicle, vessel, container or consignee that it uses.")
    ]
    movements: Annotated[int, Meta(description="Standing movements that name both.", ge=1)]
    first_seen: Annotated[str, Meta(description="When the first became known; RFC 3339, UTC.")]
    last_seen: Annotated[str, Meta(description="When the last became known; RFC 3339, UTC.")]
    examinations: Annotated[
        int, Meta(description="Of these movements; 0: nobody looked, which is not clean.", ge=0)
    ]
    finds: Annotated[int, Meta(description="How many of them found something.", ge=0)]


class LinksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The neighbourhood of one entity, as it was known before an instant."""

    key: Annotated[str, Meta(description="Of the entity that was asked about.")]
    as_of: Annotated[
        str, Meta(description="Nothing known at or after this instant is in it; RFC 3339, UTC.")
    ]
    depth: Annotated[int, Meta(description="Steps that were asked for.", ge=1, le=2)]
    entities: Annotated[
        tuple[LinkedEntity, ...],
        Meta(
            description="By step; those that are tied before what they merely use, then those with "
            "finds, then those seen last."
        ),
    ]
    links: Annotated[
        tuple[EntityLink, ...],
        Meta(description="Those with finds first, then those seen last."),
    ]
    truncated: Annotated[
        tuple[Truncation, ...],
        Meta(description="Of what there is more than the answer holds or was read; empty: all."),
    ]
    simulated: Annotated[
        bool, Meta(description="True when anything in the ledger is simulated. Not for use then.")
    ]


def as_answer(key: str, depth: int, around: "Neighbourhood") -> LinksAnswer:
    return LinksAnswer(
        key=key,
        as_of=iso(around.as_of),
        depth=depth,
        entities=tuple(map(_entity, around.neighbours)),
        links=tuple(map(_link, around.links)),
        truncated=around.truncated,
        simulated=around.simulated,
    )


def known_of(examined: "Examined") -> Known:
    if examined.finds:
        return "find"
    return "nothing_found" if examined.examinations else "never_examined"


def _entity(one: "Neighbour") -> LinkedEntity:
    return LinkedEntity(
        key=one.key,
        namespace=msgspec.convert(one.key.partition(":")[0], Namespace),
        step=one.step,
        known=known_of(one.examined),
        examinations=one.examined.examinations,
        finds=one.examined.finds,
        last_find_at=_or_none(one.examined.last_find_at),
        organisations=one.organisations,
        tied_by=one.tied_by,
        tied_since=_or_none(one.tied_since),
    )


def _link(one: "Link") -> EntityLink:
    return EntityLink(
        organisation=one.organisation,
        connector=one.connector,
        movements=one.seen.movements,
        first_seen=iso(one.seen.first_seen),
        last_seen=iso(one.seen.last_seen),
        examinations=one.seen.examinations,
        finds=one.seen.finds,
    )


def _or_none(instant: Micros | None) -> str | None:
    return None if instant is None else iso(instant)
