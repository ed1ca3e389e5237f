"""Bulk appends into each ledger, beside the bare database doing the same inserts.

Bare means: the same table, indexes, row sizes and rows a commit, every commit synced, and nothing
else: no JSON, no sealing, no chain, no check for duplicates, no triggers.
"""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import psycopg

from features.ledger import Event, MovementDeclared, open_ledger, postgres_schema, sqlite_schema
from features.ledger.rows import EMPTY, Made, make_rows
from tests.postgres import new_database, running_server

ROWS_A_COMMIT = 10_000


class Rate(NamedTuple):
    name: str
    ours: float
    """Events a CPU second of this process; a PostgreSQL server's own seconds are not in it."""
    ours_wall: float
    """Events a second of wall time, the database's work included."""
    bare: float
    bare_wall: float


def append_rates(events: int) -> list[Rate]:
    """SQLite and PostgreSQL, ``events`` events each; ours and bare in turn."""
    made_up = [_event(number) for number in range(events)]
    with tempfile.TemporaryDirectory() as directory, running_server() as server:
        sqlite = Rate(
            "SQLite",
            *_ours(f"sqlite:///{directory}/ours.db", made_up),
            *_bare_sqlite(Path(directory) / "bare.db", made_up),
        )
        postgres = Rate(
            "PostgreSQL",
            *_ours(new_database(server), made_up),
            *_bare_postgres(new_database(server), made_up),
        )
    return [sqlite, postgres]


def _ours(url: str, events: list[Event]) -> tuple[float, float]:
    with closing(open_ledger(url)) as ledger, ledger.backfilling() as backfill:
        return _rate(len(events), lambda: [backfill.append(batch) for batch in _batches(events)])


def _bare_sqlite(path: Path, events: list[Event]) -> tuple[float, float]:
    batches = _made(events)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(sqlite_schema._EVENTS)

        def insert() -> None:
            for made in batches:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(sqlite_schema.INSERT_EVENT, made.rows)
                keys = [(row.position, key) for row, key in zip(made.rows, made.keys, strict=True)]
                connection.executemany(sqlite_schema.INSERT_KEY, keys)
                connection.execute("COMMIT")

        return _rate(len(events), insert)


def _bare_postgres(url: str, events: list[Event]) -> tuple[float, float]:
    from features.ledger import postgres_rows

    batches = _made(events)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(postgres_schema._TABLES)

        def insert() -> None:
            for made in batches:
                with connection.transaction():
                    postgres_rows.insert(connection, made)

        return _rate(len(events), insert)


def _rate(events: int, work: Callable[[], object]) -> tuple[float, float]:
    """Events a CPU second, and a second of wall time."""
    os.sync()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return events / (time.process_time() - cpu), events / (time.perf_counter() - wall)


def _made(events: list[Event]) -> list[Made]:
    head, found = EMPTY, []
    for batch in _batches(events):
        made = make_rows(head, batch, backfill=True)
        head = made.head
        found.append(made)
    return found


def _batches(events: list[Event]) -> Iterator[list[Event]]:
    waiting = iter(events)
    while batch := list(islice(waiting, ROWS_A_COMMIT)):
        yield batch


def _event(number: int) -> Event:
    """A vehicle movement of usual size, its pseudonyms as random as real ones."""
    movement = os.urandom(16).hex()
    payload = MovementDeclared(
        kind="vehicle",
        movement=movement,
        declared_at=number,
        entities={
            name: f"organisation:{os.urandom(16).hex()}"
            for name in ("haulier_eori", "consignor_eori", "consignee_eori", "vehicle_reg")
        },
        fields={
            "direction": "UK_INBOUND",
            "route_id": "DOVER-CALAIS",
            "commodity_code": "080390",
            "departs_at": number,
            "arrives_at": number,
            "gross_mass_kg": 12_500.0 + number,
        },
    )
    return Event(
        source="file",
        event_id=f"{movement}:1",
        occurred_at=number,
        available_at=number,
        payload=payload,
    )
