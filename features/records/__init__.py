"""What a client may send about a movement and about an outcome, and the rules it must keep."""

from features.records.kinds import (
    KINDS,
    RECORDS,
    at_the_edge,
    carried_fields,
    check_kind,
    check_movement,
    declared_fields,
    flags_of,
    kind_of,
    read_movement,
)
from features.records.movement import Movement
from features.records.outcome import NOT_LABELS, Outcome, check_outcome, read_outcome
from features.records.refusal import Problem, RecordRejected
from features.records.required import REQUIRED, Mode, Required
from features.records.roles import Field, Namespace
from features.records.shipment import Shipment
from features.records.vehicle import Vehicle
from features.records.vessel import Vessel

__all__ = [
    "KINDS",
    "NOT_LABELS",
    "RECORDS",
    "REQUIRED",
    "Field",
    "Mode",
    "Movement",
    "Namespace",
    "Outcome",
    "Problem",
    "RecordRejected",
    "Required",
    "Shipment",
    "Vehicle",
    "Vessel",
    "at_the_edge",
    "carried_fields",
    "check_kind",
    "check_movement",
    "check_outcome",
    "declared_fields",
    "flags_of",
    "kind_of",
    "read_movement",
    "read_outcome",
]
