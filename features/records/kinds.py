"""The three kinds of movement: which record each has, and which rules it must keep."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import msgspec

from features.errors import InputError
from features.records.attributes import ATTRIBUTE_RULE
from features.records.crossing import CUSTOMS_RULES, CustomsDeclaration
from features.records.goods import ITEM_RULES, PACKAGE_RULES, Item, Package
from features.records.moments import (
    Moment,
    MomentWithin,
    Place,
    ports_of,
    refuse_odd_times_within,
    with_offsets,
)
from features.records.movement import Movement
from features.records.parties import PARTY_RULES, Party
from features.records.persons import refuse_person_data
from features.records.refusal import RecordRejected
from features.records.roles import MODEL_ROLES, Field, fields_of
from features.records.rules import Breach, Checks, Flag, Rule, RulesOf, checks_of, problems_of, rule
from features.records.shapes import shape_problem
from features.records.shipment import Shipment
from features.records.shipment_rules import SHIPMENT_FLAGS, SHIPMENT_RULES
from features.records.vehicle import Vehicle
from features.records.vehicle_rules import VEHICLE_FLAGS, VEHICLE_RULES
from features.records.vessel import Vessel
from features.records.vessel_rules import VESSEL_FLAGS, VESSEL_RULES
from features.records.voyage import CALL_RULES, POINT_RULES, ChartPoint, PortCall

RECORDS: Mapping[str, type[Movement]] = {
    "vehicle": Vehicle,
    "vessel": Vessel,
    "shipment": Shipment,
}
KINDS: tuple[str, ...] = tuple(RECORDS)
_KNOWN_FIELDS: Mapping[str, frozenset[str]] = {
    kind: frozenset({"kind", *record.__struct_fields__}) for kind, record in RECORDS.items()
}
_NESTED = frozenset({dict, list, tuple})
_KIND_OF: Mapping[type[Movement], str] = {record: kind for kind, record in RECORDS.items()}


@rule("nothing_declared")
def _something_to_go_by(movement: Movement) -> Breach | None:
    """A record gives at least one identifier, field or attribute."""
    for name in names_to_go_by(kind_of(movement)):
        if getattr(movement, name) is not None:  # false and 0 are declared values
            return None
    if movement.attributes:
        return None
    return Breach("", "give at least one identifier, field or attribute")


SOMETHING_TO_GO_BY = _something_to_go_by

RULES: RulesOf = (
    (Vehicle, (SOMETHING_TO_GO_BY, ATTRIBUTE_RULE, *VEHICLE_RULES)),
    (Vessel, (SOMETHING_TO_GO_BY, ATTRIBUTE_RULE, *VESSEL_RULES)),
    (Shipment, (SOMETHING_TO_GO_BY, ATTRIBUTE_RULE, *SHIPMENT_RULES)),
    (Party, PARTY_RULES),
    (Item, ITEM_RULES),
    (Package, PACKAGE_RULES),
    (CustomsDeclaration, CUSTOMS_RULES),
    (PortCall, CALL_RULES),
    (ChartPoint, POINT_RULES),
)
"""Every rule that is tried on a record whose shape is right, by what it reads."""

FLAGS: Mapping[str, tuple[Flag, ...]] = {
    "vehicle": VEHICLE_FLAGS,
    "vessel": VESSEL_FLAGS,
    "shipment": SHIPMENT_FLAGS,
}
"""What is noted of a record when it is taken in, and never a reason to refuse."""

_DEPARTURE = ports_of("departure_port", "route_id", 0)
_ARRIVAL = ports_of("arrival_port", "route_id", 1)

_PORTS: Mapping[str, Mapping[str, Place]] = {
    "vehicle": {
        "booked_at": _DEPARTURE,
        "departs_at": _DEPARTURE,
        "checked_in_at": _DEPARTURE,
        "actual_departs_at": ports_of("departure_port", "actual_route_id", 0),
        "arrives_at": _ARRIVAL,
        "actual_arrives_at": ports_of("arrival_port", "actual_route_id", 1),
    },
    "vessel": {"departs_at": ports_of("last_port"), "arrives_at": ports_of("port")},
    "shipment": {"arrives_at": ports_of("office")},
}
"""At which port the clock of a time stands; other times must come with an offset."""


_MOMENTS_WITHIN: Mapping[str, tuple[MomentWithin, ...]] = {
    "vehicle": (),
    "vessel": (MomentWithin("positions", "at"), MomentWithin("meetings", "at")),
    "shipment": (),
}


def check_kind(kind: str) -> str:
    if kind not in RECORDS:
        raise InputError(f"--kind must be one of {', '.join(KINDS)}, not {kind!r}")
    return kind


@cache
def declared_fields(kind: str) -> tuple[Field, ...]:
    """Every field of which features or keys of history are made, in a fixed order."""
    return tuple(field for field in fields_of(RECORDS[kind]) if field.role in MODEL_ROLES)


@cache
def carried_fields(kind: str) -> tuple[Field, ...]:
    """Every other field that carries a role: references, details, parties, names and tracks."""
    return tuple(field for field in fields_of(RECORDS[kind]) if field.role not in MODEL_ROLES)


@cache
def names_to_go_by(kind: str) -> tuple[str, ...]:
    """Fields of which a record gives at least one, or an attribute."""
    names = [field.name for field in (*declared_fields(kind), *carried_fields(kind))]
    return tuple(name for name in names if name != "port_time_zone")


def kind_of(movement: Movement) -> str:
    return _KIND_OF[type(movement)]


def at_the_edge(kind: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row itself, or a copy in which port-local times have become instants.

    Raises:
        RecordRejected: for a natural person's data, or a time that cannot be understood.
    """
    known = _KNOWN_FIELDS[kind]
    for name, value in row.items():
        if name not in known or value.__class__ in _NESTED:
            refuse_person_data(row)
            refuse_odd_times_within(row, _MOMENTS_WITHIN[kind])
            break  # no field of a record is a person's by its name, and nothing hides in the rest
    return with_offsets(row, moments_of(kind))


def read_movement(kind: str, row: Mapping[str, Any]) -> Movement:
    """One record from field names and values; numbers and times may be text, None is missing.

    Raises:
        RecordRejected: with every broken rule, or with the one field whose shape is wrong.
    """
    sent = at_the_edge(kind, row)
    try:
        movement = msgspec.convert({"kind": kind, **sent}, RECORDS[kind], strict=False)
    except msgspec.ValidationError as exc:
        raise RecordRejected((shape_problem(exc, RECORDS[kind]),)) from exc
    check_movement(movement, sent)
    return movement


@cache
def moments_of(kind: str) -> tuple[Moment, ...]:
    """The times of a record, and at which port the clock of each stands."""
    ports = _PORTS[kind]
    names = [
        item.name
        for item in msgspec.inspect.type_info(RECORDS[kind]).fields  # type: ignore[attr-defined]
        if _is_instant(item.type)
    ]
    return tuple(Moment(name, ports.get(name)) for name in names)


def _is_instant(kind: Any) -> bool:
    if isinstance(kind, msgspec.inspect.Metadata):
        return _is_instant(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(map(_is_instant, kind.types))
    return isinstance(kind, msgspec.inspect.DateTimeType)


@cache
def _checks(kind: str) -> Checks:
    return checks_of(RECORDS[kind], RULES)


@lru_cache(maxsize=256)  # a client sends the same fields again and again
def checks_about(kind: str, names: tuple[str, ...]) -> Checks:
    """All to try on a record of which these fields are given and no others."""
    return _checks(kind).about(names)


def check_movement(movement: Movement, names: Iterable[str]) -> None:
    """Raise with every rule that the record breaks although its shape is right.

    Args:
        names: of the row that it was read from: no other field is given.
    """
    broken = problems_of(movement, checks_about(kind_of(movement), tuple(names)))
    if broken:
        raise RecordRejected(tuple(broken))


def break_no_rule(movements: Sequence[Movement], names: tuple[str, ...]) -> bool:
    """Whether ``check_movement`` takes each of these records.

    Args:
        names: of the rows that they were read from: no other field is given.
    """
    for record in set(map(type, movements)):
        alike = [movement for movement in movements if type(movement) is record]
        checks = checks_about(_KIND_OF[record], names)
        if any(any(map(one.broken, alike)) for one in checks.rules):
            return False
        rest = checks._replace(rules=())
        if any(rest) and any(problems_of(movement, rest) for movement in alike):
            return False
    return True


def flags_about(kind: str, names: Collection[str]) -> tuple[Flag, ...]:
    """Those that can be raised where no other fields are given."""
    return tuple(flag for flag in FLAGS[kind] if not set(flag.about).isdisjoint(names))


def flags_of(movement: Movement, among: tuple[Flag, ...] | None = None) -> tuple[str, ...]:
    """What is noted of a record, each as ``code:field``.

    Args:
        among: as ``flags_about`` gives them for fields of which it gives no other; None for all.
    """
    flags = []
    for flag in FLAGS[kind_of(movement)] if among is None else among:
        for name in flag.about:
            if getattr(movement, name) is not None:
                field = flag.raised(movement)
                if field is not None:
                    flags.append(f"{flag.code}:{field}")
                break
    return tuple(flags)


def rules_of(kind: str) -> tuple[Rule, ...]:
    """Every rule that can refuse a record of the kind, nested objects included; one for a code."""
    found: dict[str, Rule] = {}
    waiting = [_checks(kind)]
    while waiting:
        checks = waiting.pop(0)
        for one in checks.rules:
            found.setdefault(one.code, one)
        waiting.extend(within for _, _, within in checks.inside)
    return tuple(found.values())
