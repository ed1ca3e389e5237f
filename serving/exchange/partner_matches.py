"""What partners said about the entities of a movement: matches beside its score, and no more.

A find of theirs on a haulier, or an alert of theirs for a trailer, informs whoever reads the answer
and never refers by itself: for that, somebody here approves a selector. Found by the tags of the
movement, of which most are in no index: one look in a dictionary for each.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import ClassVar, NamedTuple

from features.clock import Micros, to_micros
from features.handling import Handling
from features.ledger import PartnerEventReceived, Recorded
from features.movement_columns import MovementColumns
from features.records import KINDS
from serving.exchange.messages import TYPES, AlertTold, AlertWithdrawn, OutcomeTold
from serving.exchange.standing import standing_of, told_of
from serving.matching import Match, Sighting
from serving.selectors.criteria import keys_of

_OF_INTEREST = frozenset(
    name for name, said in TYPES.items() if said in (OutcomeTold, AlertTold, AlertWithdrawn)
)
_Name = tuple[str, str]
"""Partner and subject."""
UNNAMED_DESK = "the partner's own desk"


class Said(NamedTuple):
    """Who said it, and for whom."""

    partner: str
    agency: str
    handling: Handling
    contact: str
    simulated: bool


class Standing(NamedTuple):
    """What stands about one subject, as far as it can match."""

    event_id: str
    """Of the last event about it."""
    said: Said
    tags: frozenset[str]
    find: OutcomeTold | None
    alert: AlertTold | None


class PartnerMatches:
    """Keeps ``serving.matching.Matcher``."""

    hears: ClassVar[tuple[type, ...]] = (PartnerEventReceived,)

    def __init__(self) -> None:
        self._told: dict[_Name, list[tuple[str, PartnerEventReceived]]] = defaultdict(list)
        self._standing: dict[_Name, Standing | None] = {}
        self._by_tag: dict[str, set[_Name]] = defaultdict(set)

    def hear(self, event: Recorded, /) -> None:
        """Keeps it and no more: many come at once, on the loop that answers, and few are met."""
        said = event.payload
        if not isinstance(said, PartnerEventReceived) or said.event_type not in _OF_INTEREST:
            return
        name = (said.partner, said.subject)
        self._told[name].append((event.event_id, said))
        self._standing.pop(name, None)
        if said.data.get("outcome", "positive") == "positive":
            for tag in said.data.get("entities", {}).values():
                self._by_tag[tag].add(name)

    def matches(self, seen: Sighting, /) -> Iterable[Match]:
        if not self._by_tag:
            return ()
        fields = {tag: field for tags in seen.declared.tags.values() for field, tag in tags.items()}
        met = [tag for tag in fields if tag in self._by_tag]
        if not met:
            return ()
        return [*self._finds(met, fields), *self._alerts(met, fields, seen)]

    def may_meet(self, _: MovementColumns, __: Micros, /) -> range:
        """None: they are found by tags, and what has any is not kept as columns."""
        return range(0)

    def _of(self, tag: str) -> Iterator[Standing]:
        """What stands of all that ever named it."""
        for name in sorted(self._by_tag[tag]):
            if name not in self._standing:
                self._standing[name] = _standing(self._told[name])
            standing = self._standing[name]
            if standing is not None and tag in standing.tags:
                yield standing

    def _finds(self, met: Iterable[str], fields: Mapping[str, str]) -> Iterator[Match]:
        """One for each entity and whoever said it, however many there are: the last, and how many.

        What is guarded more is never counted with what is guarded less.
        """
        for tag in met:
            groups: dict[Said, list[tuple[Micros, str, OutcomeTold]]] = defaultdict(list)
            for standing in self._of(tag):
                if standing.find is not None:
                    at = to_micros(standing.find.examined_at)
                    groups[standing.said].append((at, standing.event_id, standing.find))
            for said, finds in groups.items():
                _, event_id, last = max(finds, key=lambda find: find[:2])
                yield _match(said, event_id, _find_in_words(last, len(finds), fields[tag]), last)

    def _alerts(
        self, met: Iterable[str], fields: Mapping[str, str], seen: Sighting
    ) -> Iterator[Match]:
        standings = [standing for tag in met for standing in self._of(tag)]
        each_once = {(one.said.partner, one.event_id): one for one in standings}
        for standing in each_once.values():
            alert = standing.alert
            if alert is None or not standing.tags <= fields.keys():
                continue
            if _holds(alert, seen):
                reason = alert.reason or "an alert; ask the contact"
                yield _match(standing.said, standing.event_id, reason, alert)


def _holds(alert: AlertTold, seen: Sighting) -> bool:
    """Of a movement with its entities: as of its instant, and with all else that is asked."""
    return (
        to_micros(alert.starts) <= seen.as_of < to_micros(alert.expires)
        and seen.declared.kind in (alert.kinds or KINDS)
        and keys_of(seen.declared).issuperset(alert.criteria)
    )


def _said(payload: PartnerEventReceived) -> Said:
    return Said(
        payload.partner,
        payload.origin_agency,
        payload.handling,  # type: ignore[arg-type]  # checked when it came
        payload.contact or UNNAMED_DESK,
        payload.simulated,
    )


def _standing(told: Iterable[tuple[str, PartnerEventReceived]]) -> Standing | None:
    """None when nothing stands that could match. An alert has a subject of its own; should a find
    come under it, the alert stands."""
    ordered = sorted(
        ((told_of(payload, event_id), payload) for event_id, payload in told),
        key=lambda one: one[0][:2],
    )
    subject = standing_of(one for one, _ in ordered)
    find = subject.outcome
    if find is not None and find.outcome != "positive":
        find = None
    said_last = subject.alert or find
    if said_last is None or not said_last.entities:
        return None
    one, payload = next(each for each in reversed(ordered) if each[0].message == said_last)
    tags = frozenset(said_last.entities.values())
    find = None if subject.alert else find
    return Standing(one.event_id, _said(payload), tags, find, subject.alert)


def _match(said: Said, event_id: str, reason: str, told: OutcomeTold | AlertTold) -> Match:
    return Match(
        by="partner",
        id=f"{said.partner}/{event_id}",
        agency=said.agency,
        handling=said.handling,
        marking="OFFICIAL-SENSITIVE",
        action="inform",
        reason=f"simulated: {reason}" if said.simulated else reason,
        threat=told.threat,
        contact=said.contact,
    )


def _find_in_words(find: OutcomeTold, finds: int, field: str) -> str:
    what = "something" if find.threat is None else find.threat.replace("_", " ")
    day = find.examined_at.astimezone(UTC).date().isoformat()
    more = "" if finds == 1 else f"; {finds} finds in all"
    return f"a find of {what} where {field} was the same, {day}{more}"
