"""Slow, plain-Python answers that fast code is checked against; nothing here is shared with it.

The history oracle keeps no state: for one question it looks at every event, works out what stood
at that instant, and adds up powers of one half with ``math.fsum``.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from features.ledger.events import MovementCancelled, MovementDeclared, OutcomeRecorded, Recorded

DAY = 86_400_000_000
NEVER = 3650.0

NAMESPACES = {
    "organisation": {
        "haulier_eori",
        "consignor_eori",
        "consignee_eori",
        "declarant_eori",
        "carrier_eori",
        "operator_eori",
        "agent_eori",
        "notify_party_eori",
    },
    "vehicle": {"vehicle_reg"},
    "trailer": {"trailer_reg"},
    "container": {"container_no"},
    "vessel": {"imo", "mmsi", "hull_id"},
}
ENTITY_FIELDS = {
    "haulier": "haulier_eori",
    "consignor": "consignor_eori",
    "consignee": "consignee_eori",
    "declarant": "declarant_eori",
    "carrier": "carrier_eori",
    "operator": "operator_eori",
    "agent": "agent_eori",
    "vehicle": "vehicle_reg",
    "trailer": "trailer_reg",
    "container": "container_no",
    "imo": "imo",
    "mmsi": "mmsi",
    "hull": "hull_id",
}
CATEGORY_FIELDS = {
    "route": "route_id",
    "commodity": "commodity_code",
    "office": "office",
    "procedure": "procedure_code",
}
LINKED_BY = {
    "vehicle": ("haulier_eori", ("vehicle_reg", "container_no", "consignee_eori")),
    "vessel": ("operator_eori", ("imo",)),
    "shipment": ("consignor_eori", ("container_no", "consignee_eori")),
}
"""Whose links are counted, and by what."""
MOST_TIED = 8
MOST_LED = 32
"""An organisation with more ties leads to nobody at the second step."""
SHARED_PAIRS = {"vehicle_with_trailer", "consignor_with_consignee"}


class Fact(NamedTuple):
    """What stood about one movement."""

    payload: MovementDeclared
    moved: int
    examined: int | None
    found: bool


def standing_facts(events: Iterable[Recorded], as_of: int) -> list[Fact]:
    """Every movement that was known before ``as_of``, as it stood then."""
    heard: dict[tuple[str, str], list[tuple[int, Any]]] = {}
    for event in events:
        payload, at = event.payload, event.available_at
        if at < as_of and isinstance(
            payload, MovementDeclared | MovementCancelled | OutcomeRecorded
        ):
            heard.setdefault((payload.kind, payload.movement), []).append((at, payload))
    facts = []
    for about in heard.values():
        versions = [(at, p) for at, p in about if isinstance(p, MovementDeclared)]
        cancelled = [p.up_to_version for _, p in about if isinstance(p, MovementCancelled)]
        if not versions:
            continue
        moved = min(at for at, _ in versions)
        _, payload = max(versions, key=lambda version: (version[1].version, content(version[1])))
        if payload.version <= max(cancelled, default=0):
            continue
        examined, found = standing_label(
            [(at, p) for at, p in about if isinstance(p, OutcomeRecorded)]
        )
        if examined is not None:
            examined = max(examined, moved)
        facts.append(Fact(payload, moved, examined, found))
    return facts


def standing_label(outcomes: Sequence[tuple[int, OutcomeRecorded]]) -> tuple[int | None, bool]:
    """When the label that stands became known, and whether it is a find; None without a label."""
    corrected = {p.corrects for _, p in outcomes if p.corrects not in (None, p.message)}
    living = [(at, p) for at, p in outcomes if p.message not in corrected]
    genuine = [(at, p) for at, p in living if p.outcome != "withdrawn" or p.corrects is None]
    if not genuine:
        return None, False
    last = max(p.examined_at for _, p in genuine)
    latest = [(at, p) for at, p in genuine if p.examined_at == last]
    if any(p.outcome == "withdrawn" for _, p in latest):
        return None, False
    stands = max(content(p) for _, p in latest)
    at, outcome = min(
        ((at, p) for at, p in latest if content(p) == stands), key=lambda known: known[0]
    )
    is_label = outcome.outcome in ("positive", "negative")
    return (at if is_label else None), outcome.outcome == "positive"


def content(payload: MovementDeclared | OutcomeRecorded) -> int:
    """What tells equal messages apart."""
    text = msgspec.json.encode(payload, order="sorted")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def history_value(facts: Sequence[Fact], asked: MovementDeclared, as_of: int, name: str) -> float:
    """One history feature, such as ``haulier.finds_180d``, of one movement."""
    role, _, statistic = name.rpartition(".")
    if role == "carried":
        return carried_value(facts, asked, as_of, statistic)
    if role.endswith("_links"):
        return _link_value(facts, asked, as_of, statistic)
    names_it = _matcher(role, asked)
    if names_it is None:
        return math.nan
    matching = [fact for fact in facts if names_it(fact.payload)]
    return _statistic_value(facts, matching, asked.kind, as_of, statistic)


def carried_value(
    facts: Sequence[Fact], asked: MovementDeclared, as_of: int, statistic: str
) -> float:
    """One number of the organisations whose goods the asked movement carries."""
    aboard = [
        fact.payload
        for fact in facts
        if fact.payload.kind == "shipment"
        and (
            fact.payload.movement in asked.references.get("consignments", ())
            or asked.movement in fact.payload.references.get("carried_by", ())
        )
    ]
    organisations = {
        text
        for shipment in aboard
        for field, text in shipment.entities.items()
        if field in NAMESPACES["organisation"] and text
    }
    if statistic == "consignments":
        return float(len(aboard))
    if statistic == "organisations":
        return float(len(organisations)) if aboard else math.nan

    def each(name: str) -> list[float]:
        return [
            _statistic_value(
                facts,
                [
                    fact
                    for fact in facts
                    if any(
                        fact.payload.entities.get(field) == organisation
                        for field in NAMESPACES["organisation"]
                    )
                ],
                asked.kind,
                as_of,
                name,
            )
            for organisation in organisations
        ]

    if not organisations:
        return math.nan
    if statistic == "never_examined":
        return float(each("examinations").count(0.0))
    if statistic in ("examinations", "finds"):
        return sum(each(statistic))
    return (min if statistic.startswith("days_since_") else max)(each(statistic))


def _statistic_value(
    facts: Sequence[Fact], matching: Sequence[Fact], kind: str, as_of: int, statistic: str
) -> float:
    """Of one key: ``matching`` are the movements that name it."""
    instants = {
        "movement": [fact.moved for fact in matching],
        "examination": [fact.examined for fact in matching if fact.examined is not None],
        "find": [fact.examined for fact in matching if fact.examined is not None and fact.found],
    }
    if statistic == "find_rate":
        prior = _kind_rate(facts, kind, as_of)
        finds = _decayed(instants["find"], as_of, 730)
        return (finds + 10 * prior) / (_decayed(instants["examination"], as_of, 730) + 10)
    if statistic.startswith("days_since_"):
        which, what = statistic.removeprefix("days_since_").split("_")
        chosen = instants[what]
        if not chosen:
            return NEVER
        return min(NEVER, (as_of - (max(chosen) if which == "last" else min(chosen))) / DAY)
    what, _, half_life = statistic.partition("_")
    chosen = instants[what.removesuffix("s")]
    return _decayed(chosen, as_of, int(half_life[:-1])) if half_life else float(len(chosen))


def _link_value(
    facts: Sequence[Fact], asked: MovementDeclared, as_of: int, statistic: str
) -> float:
    organisation = asked.entities.get(LINKED_BY[asked.kind][0])
    if not organisation:
        return math.nan
    tied = tied_organisations([fact.payload for fact in facts], organisation)
    caught: dict[str, list[int]] = {}
    for fact in facts:
        if fact.examined is not None and fact.found:
            for other in {fact.payload.entities.get(f) for f in NAMESPACES["organisation"]}:
                if other in tied:
                    caught.setdefault(other, []).append(fact.examined)
    every = [instant for instants in caught.values() for instant in instants]
    if statistic.endswith("_at_two_steps"):
        return _value_at_two_steps(facts, organisation, as_of, statistic)
    if statistic == "ties":
        return float(len(tied))
    if statistic == "organisations_with_finds":
        return float(len(caught))
    if statistic == "finds":
        return float(len(every))
    return min(NEVER, (as_of - max(every)) / DAY) if every else NEVER


def _value_at_two_steps(
    facts: Sequence[Fact], organisation: str, as_of: int, statistic: str
) -> float:
    movements = [fact.payload for fact in facts]
    tied = tied_organisations(movements, organisation)
    beyond: set[str] = set()
    if len(tied) <= MOST_LED:
        for middle in set(tied):
            onward = tied_organisations(movements, middle)
            beyond |= set(onward) if len(onward) <= MOST_LED else set()
    last: dict[str, int] = {}
    for fact in facts:
        if fact.examined is not None and fact.found:
            for other in {fact.payload.entities.get(f) for f in NAMESPACES["organisation"]}:
                if other in beyond - {organisation, *tied}:
                    last[other] = max(last.get(other, fact.examined), fact.examined)
    if statistic.startswith("organisations"):
        return float(len(last))
    return min(NEVER, (as_of - max(last.values())) / DAY) if last else NEVER


def tied_organisations(movements: Iterable[MovementDeclared], organisation: str) -> list[str]:
    """The others on each connector of the organisation, as often as there are connectors."""
    on: dict[str, set[str]] = {}
    for movement in movements:
        whose, by = LINKED_BY[movement.kind]
        linked = movement.entities.get(whose)
        for connector in {movement.entities.get(field) for field in by} - {None, "", linked}:
            if linked and connector is not None:
                on.setdefault(connector, set()).add(linked)
    return [
        other
        for sharing in on.values()
        if organisation in sharing and len(sharing) <= MOST_TIED
        for other in sharing - {organisation}
    ]


def _decayed(instants: Iterable[int], as_of: int, half_life_days: int) -> float:
    ages = [(as_of - instant) / (half_life_days * DAY) for instant in instants]
    return math.fsum(0.5**age for age in ages)


def _kind_rate(facts: Iterable[Fact], kind: str, as_of: int) -> float:
    examined = [f for f in facts if f.payload.kind == kind and f.examined is not None]
    finds = _decayed([f.examined or 0 for f in examined if f.found], as_of, 730)
    return (finds + 20 * 0.07) / (_decayed([f.examined or 0 for f in examined], as_of, 730) + 20)


Matcher = Callable[[MovementDeclared], bool]


def _matcher(role: str, asked: MovementDeclared) -> Matcher | None:
    """Whether a movement counts for the asked one in this role; None when not declared."""
    if "_with_" in role:
        first, second = role.split("_with_")
        a, b = _text(asked, first), _text(asked, second)
        if not a or not b:
            return None

        def same_pair(other: MovementDeclared) -> bool:
            same_kind = other.kind == asked.kind or role in SHARED_PAIRS
            return same_kind and (_text(other, first), _text(other, second)) == (a, b)

        return same_pair
    text = _text(asked, role)
    if not text:
        return None
    if role in ENTITY_FIELDS and _is_entity(asked, role):
        namespace = next(n for n, fields in NAMESPACES.items() if ENTITY_FIELDS[role] in fields)
        return lambda other: any(
            other.entities.get(field) == text for field in NAMESPACES[namespace]
        )
    return lambda other: other.kind == asked.kind and _text(other, role) == text


def _is_entity(movement: MovementDeclared, role: str) -> bool:
    # A vehicle's "operator" is the ferry operator, a category; a vessel's is an organisation.
    return not (role == "operator" and movement.kind == "vehicle")


def _text(movement: MovementDeclared, role: str) -> str | None:
    value: object
    if role.startswith("attribute."):
        value = movement.attributes.get(role.removeprefix("attribute."))
        return value if isinstance(value, str) else None
    if role in ENTITY_FIELDS and _is_entity(movement, role):
        return movement.entities.get(ENTITY_FIELDS[role])
    if role == "commodity_chapter":
        value = movement.fields.get("commodity_code")
        return None if value is None else str(value)[:2]
    value = movement.fields.get(CATEGORY_FIELDS.get(role, role))
    return None if value is None else str(value)
