"""The three kinds of movement: which record each has, and which rules it must keep."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from features.errors import InputError
from features.records.movement import (
    Field,
    Movement,
    Rule,
    fields_of,
    refuse_odd_times,
    refuse_person_data,
    shape_problem,
    something_to_go_by,
)
from features.records.refusal import RecordRejected
from features.records.shipment import SHIPMENT_RULES, Shipment
from features.records.vehicle import VEHICLE_RULES, Vehicle
from features.records.vessel import VESSEL_RULES, Vessel

RECORDS: Mapping[str, type[Movement]] = {
    "vehicle": Vehicle,
    "vessel": Vessel,
    "shipment": Shipment,
}
KINDS: tuple[str, ...] = tuple(RECORDS)

_RULES: Mapping[str, tuple[Rule, ...]] = {
    "vehicle": VEHICLE_RULES,
    "vessel": VESSEL_RULES,
    "shipment": SHIPMENT_RULES,
}


def check_kind(kind: str) -> str:
    if kind not in RECORDS:
        raise InputError(f"--kind must be one of {', '.join(KINDS)}, not {kind!r}")
    return kind


def declared_fields(kind: str) -> tuple[Field, ...]:
    """Every field of the kind that carries a role, in a fixed order."""
    return fields_of(RECORDS[kind])


def kind_of(movement: Movement) -> str:
    return str(type(movement).__struct_config__.tag)


def read_movement(kind: str, row: Mapping[str, Any]) -> Movement:
    """One record from field names and values; numbers and times may be text, None is missing.

    Raises:
        RecordRejected: with every broken rule, or with the one field whose shape is wrong.
    """
    refuse_person_data(row)
    refuse_odd_times(row, _times_of(RECORDS[kind]))
    try:
        movement = msgspec.convert({"kind": kind, **row}, RECORDS[kind], strict=False)
    except msgspec.ValidationError as exc:
        raise RecordRejected((shape_problem(exc),)) from exc
    check_movement(movement)
    return movement


@cache
def _times_of(record: type[Movement]) -> tuple[str, ...]:
    moments = [field.name for field in fields_of(record) if field.role == "moment"]
    return ("declared_at", *moments)


def check_movement(movement: Movement) -> None:
    """Raise with every rule that the record breaks although its shape is right."""
    rules = (something_to_go_by, *_RULES[kind_of(movement)])
    broken = tuple(problem for rule in rules if (problem := rule(movement)))
    if broken:
        raise RecordRejected(broken)
