"""Movements as columns, made of movements one by one."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from features.ledger.events import MovementDeclared
from features.movement_columns import MovementColumns


def without_the_rest(movement: MovementDeclared) -> MovementDeclared:
    """Less all that columns do not hold."""
    return replace(movement, version=1, attributes={}, references={}, details={}, tags={})


def as_columns(movements: Sequence[MovementDeclared]) -> MovementColumns:
    """
    Args:
        movements: plain ones of one kind, one or more.
    """

    def columns(of: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
        return {name: [one.get(name) for one in of] for name in sorted(set().union(*of))}

    return MovementColumns(
        movements[0].kind,
        [one.movement for one in movements],
        [one.declared_at for one in movements],
        columns([one.entities for one in movements]),
        columns([one.fields for one in movements]),
        {at: one.flags for at, one in enumerate(movements) if one.flags},
    )
