"""The only way from what a client sent to what the ledger keeps: identifiers lose their text."""

from datetime import datetime
from functools import cache

from msgspec.structs import astuple

from features.clock import to_micros
from features.identifiers import failed_checks, is_placeholder
from features.ledger.events import MovementDeclared, OutcomeRecorded
from features.pseudonyms import Pseudonyms
from features.records import RECORDS, Field, Movement, Outcome, declared_fields, kind_of


def declare(movement: Movement, pseudonyms: Pseudonyms) -> MovementDeclared:
    """The ledger's form of a checked record; fields that were not given are absent from it.

    An identifier of zeros or separators alone is flagged and left out: it would join the
    histories of everyone who fills the field like that.
    """
    kind = kind_of(movement)
    entities: dict[str, str] = {}
    fields: dict[str, bool | int | float | str] = {}
    for field, value in zip(_by_place(kind), astuple(movement), strict=True):
        if value is None or field is None:
            continue
        if field.namespace is not None:
            if not is_placeholder(field.namespace, value):
                entities[field.name] = pseudonyms.entity(field.namespace, value)
        else:
            fields[field.name] = to_micros(value) if isinstance(value, datetime) else value
    return MovementDeclared(
        kind=kind,
        movement=pseudonyms.movement(kind, movement.movement_ref),
        version=movement.version,
        declared_at=to_micros(movement.declared_at),
        entities=entities,
        fields=fields,
        attributes=movement.attributes,
        flags=failed_checks(movement),
    )


def conclude(outcome: Outcome, kind: str, pseudonyms: Pseudonyms) -> OutcomeRecorded:
    """The ledger's form of a checked outcome of one movement of this kind."""
    return OutcomeRecorded(
        kind=kind,
        movement=pseudonyms.movement(kind, outcome.movement_ref),
        examined_at=to_micros(outcome.examined_at),
        outcome=outcome.outcome,
        thoroughness=outcome.thoroughness,
        selection_reason=outcome.selection_reason,
        threat=outcome.threat,
        message=pseudonyms.event(outcome.event_id),
        corrects=None if outcome.corrects is None else pseudonyms.event(outcome.corrects),
    )


def movement_event_id(declared: MovementDeclared) -> str:
    """A version of a movement is one event, whichever way it came."""
    return f"{declared.movement}:{declared.version}"


def outcome_event_id(concluded: OutcomeRecorded) -> str:
    """Two kinds may number their messages alike."""
    return f"outcome:{concluded.kind}:{concluded.message}"


@cache
def _by_place(kind: str) -> tuple[Field | None, ...]:
    """The declared field at each place of the record; None for the fields without a role."""
    declared = {field.name: field for field in declared_fields(kind)}
    return tuple(declared.get(name) for name in RECORDS[kind].__struct_fields__)
