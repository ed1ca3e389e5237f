"""Statements on the tables of a ledger in SQLite, within whatever transaction is open."""

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

from features.ledger.base import Wanted, after_beginning
from features.ledger.events import Event
from features.ledger.rows import EMPTY, Batch, Head, Kept, Made, Name, Row, make_rows
from features.ledger.sqlite_schema import INSERT_EVENT, INSERT_KEY

KEPT = (
    "SELECT events.position, source, event_id, occurred_at, available_at, backfill, sealed, key"
    " FROM events LEFT JOIN record_keys ON record_keys.position = events.position"
)
_OF_SOURCE = "events.position IN (SELECT position FROM events WHERE {})"
"""Numbers are sorted, and not rows: the index is by event id, and rows in that order lie anywhere.
Then sorting a million of them with all that they hold is most of the time that reading takes."""
_HEAD = """SELECT position, link,
    (SELECT coalesce(max(available_at), 0) FROM events WHERE backfill = 0)
    FROM events ORDER BY position DESC LIMIT 1"""


def condition(wanted: Wanted) -> tuple[str, list[int | str]]:
    conditions: list[str] = ["1"]
    parameters: list[int | str] = []
    if wanted.available_before is not None:
        conditions.append("available_at < ?")
        parameters.append(wanted.available_before)
    if wanted.position_up_to is not None:
        conditions.append("+events.position <= ?")  # the plus keeps the order's index in use
        parameters.append(wanted.position_up_to)
    if wanted.after_position is not None:
        conditions.append("events.position > ?")
        parameters.append(wanted.after_position)
    if wanted.source is not None:
        conditions.append(_OF_SOURCE.format("source = ?"))
        parameters.append(wanted.source)
    if wanted.sources_beginning is not None:
        conditions.append(_OF_SOURCE.format("source >= ? AND source < ?"))
        parameters += [wanted.sources_beginning, after_beginning(wanted.sources_beginning)]
    order = "events.position" if wanted.by_position else "available_at, events.position"
    return f"{' AND '.join(conditions)} ORDER BY {order}", parameters


def insert_new(
    connection: sqlite3.Connection, events: Sequence[Event], head: Head, *, live: bool
) -> tuple[Batch, Made]:
    """Insert the events that are not there yet, first as if all were new: most often they are.

    Raises:
        EventConflict: for live events, of which none is in then.
    """
    batch, made = _made(events, {}, head, live=live)
    if not _inserted(connection, made.rows):
        batch, made = _made(events, there(connection, events), head, live=live)
        write_rows(connection, INSERT_EVENT, made.rows)
    positions = (row.position for row in made.rows)
    write_rows(connection, INSERT_KEY, list(zip(positions, made.keys, strict=True)))
    return batch, made


def _inserted(connection: sqlite3.Connection, rows: Sequence[Row]) -> bool:
    """Whether all of them are in; none is when one was there already."""
    several = len(rows) > ONE_STATEMENT  # one statement is taken back by itself
    if several:
        connection.execute("SAVEPOINT batch")
    try:
        write_rows(connection, INSERT_EVENT, rows)
    except sqlite3.IntegrityError:
        if several:
            connection.execute("ROLLBACK TO batch")
            connection.execute("RELEASE batch")
        return False
    if several:
        connection.execute("RELEASE batch")
    return True


def _made(
    events: Sequence[Event], there: Mapping[Name, Kept], head: Head, *, live: bool
) -> tuple[Batch, Made]:
    batch = Batch(events, there)
    if live:
        batch.refuse_conflicts()
    return batch, make_rows(head, batch.new, backfill=not live)


MOST_OF_A_STATEMENT = 64
ONE_STATEMENT = 16
"""Up to so many rows have a statement of their own number; SQLite keeps 128 of them prepared."""


def write_rows(
    connection: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Any]]
) -> None:
    """Insert many rows with few statements.

    While SQLite works on one, the interpreter belongs to other threads, and the event loop gives
    it back when it likes: once a row is too often for an answer that waits. More rows than a slice
    of a batch has are a bulk load, which has no such company.
    """
    if len(rows) > 8 * MOST_OF_A_STATEMENT:
        connection.executemany(statement, rows)
        return
    done = 0
    while done < len(rows):
        left = len(rows) - done
        count = left
        if left > ONE_STATEMENT:
            count = min(MOST_OF_A_STATEMENT, 1 << left.bit_length() - 1)
        values = chain.from_iterable(rows[done : done + count])
        connection.execute(_of_rows(statement, count), tuple(values))
        done += count


@cache
def _of_rows(statement: str, count: int) -> str:
    """
    Args:
        count: one of few, so that few statements are to be prepared.

    >>> _of_rows("INSERT INTO keys VALUES (?, ?)", 2)
    'INSERT INTO keys VALUES (?, ?), (?, ?)'
    """
    before, values, row = statement.rpartition("VALUES ")
    return before + values + ", ".join([row] * count)


def head_of(connection: sqlite3.Connection) -> Head:
    found = connection.execute(_HEAD).fetchone()
    return EMPTY if found is None else Head._make(found)


def there(connection: sqlite3.Connection, events: Sequence[Event]) -> dict[Name, Kept]:
    """What is recorded under the names of these events."""
    statement = f"{KEPT} WHERE source = ? AND event_id = ?"
    found = {}
    for event in events:
        row = connection.execute(statement, (event.source, event.event_id)).fetchone()
        if row is not None:
            found[event.source, event.event_id] = Kept._make(row)
    return found


def scalar(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])
