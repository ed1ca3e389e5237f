"""What a system hears of a simulated week, as events of a ledger.

A message that was sent before its week began is heard as the week begins, and one that comes after
it ended is heard as its last: a week's movements lie within the week. What became known of
examinations is heard at the first instant of the next week, before any movement of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.clock import Micros, to_micros
from features.intake import conclude, declare, movement_event_id, outcome_event_id
from features.keys import Keyring, PseudonymKey
from features.ledger.events import MovementDeclared, OutcomeRecorded, Payload, Recorded
from features.pseudonyms import Pseudonyms
from features.records import read_movement, read_outcome
from features.timeline import SIMULATION

Ints = NDArray[np.int64]

KEY = bytes(range(32))
"""Of the pseudonyms of a simulation, which protect nobody; fixed, so that runs can be compared."""


class WeekHeard(NamedTuple):
    """The movements of one week in the order in which they are heard."""

    movements: Sequence[MovementDeclared]
    as_of: Ints
    """int64[n], rising: when each is heard, and as of when it is scored."""
    rows: Ints
    """int64[n]: its row in the border's table of its kind."""


def pseudonyms_of_simulation() -> Pseudonyms:
    return Pseudonyms(Keyring([PseudonymKey(KEY)]))


def hear(
    tables: Mapping[str, pa.Table], week_from: Micros, week_until: Micros, pseudonyms: Pseudonyms
) -> WeekHeard:
    """
    Args:
        tables: kind to one row a movement, columns as in the simulation's files.
        week_from, week_until: microseconds since 1970, the end exclusive.
    """
    found: list[tuple[Micros, str, int, MovementDeclared]] = []
    for kind, table in tables.items():
        for row, values in enumerate(_rows(table)):
            declared = declare(read_movement(kind, values), pseudonyms)
            heard_at = min(max(declared.declared_at, week_from + 1), week_until - 1)
            found.append((heard_at, kind, row, declared))
    found.sort(key=lambda one: one[:3])
    return WeekHeard(
        [declared for _, _, _, declared in found],
        np.array([at for at, *_ in found], dtype=np.int64),
        np.array([row for _, _, row, _ in found], dtype=np.int64),
    )


def outcomes_of(
    kind: str, table: pa.Table, pseudonyms: Pseudonyms
) -> Iterator[tuple[Micros, OutcomeRecorded]]:
    """Each outcome of the border's table, with the instant at which it becomes known."""
    for values in _rows(table):
        known_at: datetime = values["known_at"]
        yield to_micros(known_at), conclude(read_outcome(values), kind, pseudonyms)


class Heard:
    """A ``LedgerReader`` that only grows; what everyone has heard is let go."""

    def __init__(self) -> None:
        self._events: list[Recorded] = []
        self._position = 0

    def add(self, payload: MovementDeclared | OutcomeRecorded, available_at: Micros) -> None:
        self._position += 1
        self._events.append(
            Recorded(
                position=self._position,
                source=SIMULATION,
                event_id=_event_id(payload),
                occurred_at=available_at,
                available_at=available_at,
                backfill=False,
                payload=payload,
            )
        )

    def let_go(self) -> None:
        """Of the events so far, once they were followed."""
        self._events.clear()

    def read(
        self, *, available_before: Micros | None = None, position_up_to: int | None = None
    ) -> Iterator[Recorded]:
        yield from (
            event
            for event in self._events
            if (available_before is None or event.available_at < available_before)
            and (position_up_to is None or event.position <= position_up_to)
        )

    def tail(self, after_position: int) -> Iterator[Recorded]:
        yield from (event for event in self._events if event.position > after_position)

    def last_position(self) -> int:
        return self._position

    def link_at(self, position: int) -> bytes | None:  # noqa: ARG002 - of the protocol
        return None

    def epoch(self) -> int:
        return 0


def _event_id(payload: Payload) -> str:
    if isinstance(payload, MovementDeclared):
        return movement_event_id(payload)
    assert isinstance(payload, OutcomeRecorded), "nothing else is heard"
    return outcome_event_id(payload)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows without what is missing."""
    names = table.column_names
    columns = [column.to_pylist() for column in table.columns]
    for values in zip(*columns, strict=True):
        yield {n: v for n, v in zip(names, values, strict=True) if v is not None}
