"""Slow, plain-Python answers that fast code is checked against; nothing here is shared with it.

The history oracle keeps no state: for one question it looks at every event, works out what stood
at that instant, and adds up powers of one half with ``math.fsum``.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from features.ledger.events import MovementDeclared, OutcomeRecorded, Recorded

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
SHARED_PAIRS = {"vehicle_with_trailer", "consignor_with_consignee"}


class Fact(NamedTuple):
    """What stood about one movement."""

    payload: MovementDeclared
    moved: int
    examined: int | None
    found: bool


def standing_facts(events: Iterable[Recorded], as_of: int) -> list[Fact]:
    """Every movement that was known before ``as_of``, as it stood then."""
    versions: dict[tuple[str, str], list[tuple[int, int, bytes, MovementDeclared]]] = {}
    outcomes: dict[tuple[str, str], list[tuple[int, int, bytes, OutcomeRecorded]]] = {}
    for event in events:
        payload, at = event.payload, event.available_at
        if at >= as_of:
            continue
        content = msgspec.json.encode(payload, order="sorted")
        if isinstance(payload, MovementDeclared):
            name = (payload.kind, payload.movement)
            versions.setdefault(name, []).append((payload.version, at, content, payload))
        elif isinstance(payload, OutcomeRecorded):
            name = (payload.kind, payload.movement)
            outcomes.setdefault(name, []).append((payload.examined_at, at, content, payload))
    facts = []
    for name, heard in versions.items():
        moved = min(at for _, at, _, _ in heard)
        *_, payload = max(heard, key=lambda version: version[:3])
        examined, found = None, False
        if name in outcomes:
            _, at, _, outcome = max(outcomes[name], key=lambda verdict: verdict[:3])
            if outcome.outcome in ("positive", "negative"):
                examined, found = max(at, moved), outcome.outcome == "positive"
        facts.append(Fact(payload, moved, examined, found))
    return facts


def history_value(facts: Sequence[Fact], asked: MovementDeclared, as_of: int, name: str) -> float:
    """One history feature, such as ``haulier.finds_180d``, of one movement."""
    role, _, statistic = name.rpartition(".")
    names_it = _matcher(role, asked)
    if names_it is None:
        return math.nan
    matching = [fact for fact in facts if names_it(fact.payload)]
    instants = {
        "movement": [fact.moved for fact in matching],
        "examination": [fact.examined for fact in matching if fact.examined is not None],
        "find": [fact.examined for fact in matching if fact.examined is not None and fact.found],
    }
    if statistic == "find_rate":
        prior = _kind_rate(facts, asked.kind, as_of)
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
        if a is None or b is None:
            return None

        def same_pair(other: MovementDeclared) -> bool:
            same_kind = other.kind == asked.kind or role in SHARED_PAIRS
            return same_kind and (_text(other, first), _text(other, second)) == (a, b)

        return same_pair
    text = _text(asked, role)
    if text is None:
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
