"""Statements on the tables of a ledger in PostgreSQL, within whatever transaction is open."""

from collections.abc import Sequence
from typing import Any

import psycopg

from features.ledger.base import Wanted, after_beginning
from features.ledger.events import Event
from features.ledger.rows import EMPTY, Head, Kept, Made, Name

Connection = psycopg.Connection[tuple[Any, ...]]

KEPT = (
    "SELECT position, source, event_id, occurred_at, available_at, backfill, sealed, key"
    " FROM events LEFT JOIN record_keys USING (position)"
)
_HEAD = """SELECT position, link,
    (SELECT coalesce(max(available_at), 0) FROM events WHERE NOT backfill)
    FROM events ORDER BY position DESC LIMIT 1"""
_THERE = (
    f"{KEPT} JOIN unnest(%s::text[], %s::text[]) AS w (source, event_id) USING (source, event_id)"
)
_COPY_EVENTS = (
    "COPY events (position, source, event_id, occurred_at, available_at, backfill, sealed, link)"
    " FROM STDIN (FORMAT BINARY)"
)
_EVENT_TYPES = ("int8", "text", "text", "int8", "int8", "bool", "bytea", "bytea")
_COPY_KEYS = "COPY record_keys (position, key) FROM STDIN (FORMAT BINARY)"


def condition(wanted: Wanted) -> tuple[str, list[int | str]]:
    conditions: list[str] = ["true"]
    parameters: list[int | str] = []
    if wanted.available_before is not None:
        conditions.append("available_at < %s")
        parameters.append(wanted.available_before)
    if wanted.position_up_to is not None:
        conditions.append("position <= %s")
        parameters.append(wanted.position_up_to)
    if wanted.after_position is not None:
        conditions.append("position > %s")
        parameters.append(wanted.after_position)
    if wanted.source is not None:
        conditions.append("source = %s")
        parameters.append(wanted.source)
    if wanted.sources_beginning is not None:
        conditions.append("source >= %s AND source < %s")
        parameters += [wanted.sources_beginning, after_beginning(wanted.sources_beginning)]
    order = "position" if wanted.by_position else "available_at, position"
    return f"{' AND '.join(conditions)} ORDER BY {order}", parameters


def insert(connection: Connection, made: Made) -> None:
    if not made.rows:
        return
    with connection.cursor() as cursor:
        with cursor.copy(_COPY_EVENTS) as copy:
            copy.set_types(_EVENT_TYPES)
            for row in made.rows:
                copy.write_row(row)
        with cursor.copy(_COPY_KEYS) as copy:
            copy.set_types(("int8", "bytea"))
            for row, key in zip(made.rows, made.keys, strict=True):
                copy.write_row((row.position, key))


def bump_epoch(connection: Connection) -> None:
    connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'epoch'")


def head_of(connection: Connection) -> Head:
    found = connection.execute(_HEAD, binary=True).fetchone()
    return EMPTY if found is None else Head._make(found)


def there(connection: Connection, events: Sequence[Event]) -> dict[Name, Kept]:
    """What is recorded under the names of these events."""
    names = ([event.source for event in events], [event.event_id for event in events])
    found = map(Kept._make, connection.execute(_THERE, names, binary=True))
    return {(kept.source, kept.event_id): kept for kept in found}
