"""Ways to change an audit log behind its back, by somebody who may write to every file of it.

Each takes the database (its triggers are gone: whoever can do this can drop them) and the second
place of the heads. ``Manipulation.export_shows`` says whether the exported log has it too, so that
the independent verifier must find it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from features.signing import SigningKey
from serving.audit.exported import file_bytes, file_name
from serving.audit.heads import SignedHead
from tests.audit_forgeries import (
    Change,
    Manipulation,
    covered_up_to,
    exported_up_to,
    heads_made_anew,
    last_head_lies,
    rechained,
)


def all_manipulations(database: sqlite3.Connection, key: SigningKey) -> list[Manipulation]:
    """For a log as ``tests.audit_examples.build_log`` makes it; more than a thousand."""
    groups = (
        _edits(database),
        _flipped_bytes(database),
        _deletions(database),
        _insertions(database),
        _swaps(database),
        rechained(database),
        heads_made_anew(database, key),
        last_head_lies(key),
        _truncations(database),
        _of_the_second_place(database),
    )
    return [one for group in groups for one in group]


def run(*statements: str, **values: Any) -> Change:
    def change(database: sqlite3.Connection, _: Path) -> None:
        for statement in statements:
            assert database.execute(statement, values).rowcount != 0, statement

    return change


COLUMNS = {
    "assessments": (
        "score_id kind movement movement_version position available_at as_of ledger_position status"
        " probability band model_version bundle_sha256 catalogue_sha256 selection challenger client"
        " agency stream stream_number row body number"
    ),
    "audit_records": "stream number recorded_at content link",
    "audit_heads": "number last_place content signature",
    "events": "source event_id occurred_at available_at backfill sealed link position",
    "record_keys": "key position",
}
NOT_EXPORTED = {"recorded_at", "last_place"}
BLOBS = {
    "assessments": ("row", "body"),
    "audit_records": ("content", "link"),
    "audit_heads": ("content", "signature"),
    "events": ("sealed", "link"),
    "record_keys": ("key",),
}


def _edits(database: sqlite3.Connection) -> Iterator[Manipulation]:
    """Every column of some rows: another value of its type, one of another type, nothing."""
    for table, columns in COLUMNS.items():
        rowids = [row[0] for row in database.execute(f"SELECT rowid FROM {table}")]  # noqa: S608
        for column in columns.split():
            for rowid in rowids[:: max(1, len(rowids) // 4)]:
                for name, value in _other_values(database, table, column, rowid):
                    statement = f"UPDATE {table} SET {column} = :value WHERE rowid = :rowid"  # noqa: S608
                    shown = table in ("audit_records", "audit_heads") and column not in NOT_EXPORTED
                    yield Manipulation(
                        f"{table}.{column} of row {rowid}: {name}",
                        run(statement, value=value, rowid=rowid),
                        # of another type it does not get as far as an export
                        shown and name != "another type",
                    )


def _other_values(
    database: sqlite3.Connection, table: str, column: str, rowid: int
) -> Iterator[tuple[str, Any]]:
    statement = f"SELECT {column} FROM {table} WHERE rowid = ?"  # noqa: S608
    ((value,),) = database.execute(statement, [rowid])
    yield from _OTHERS[type(value)](value).items()
    if table == "assessments" and value is not None and column in NULLABLE:
        yield "nothing", None
    if isinstance(value, bytes) and table != "record_keys":
        yield "another type", "text"


NULLABLE = {"probability", "model_version", "selection", "row", "client", "stream"}
_OTHERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    int: lambda value: {"far away": value + 1_000_000},
    float: lambda value: {"the next double": value + 2**-53, "a quarter": 0.2525},
    str: lambda value: {"longer": value + "x", "empty": ""},
    bytes: lambda value: {"longer": value + b"\0", "shorter": value[:-1], "empty": b""},
    type(None): lambda _: {"a number": 7, "text": "x", "bytes": b"x"},
}


def _flipped_bytes(database: sqlite3.Connection) -> Iterator[Manipulation]:
    for table, columns in BLOBS.items():
        shown = table in ("audit_records", "audit_heads")
        for column in columns:
            statement = f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608
            rows = database.execute(statement).fetchall()
            for rowid, value in rows[:: max(1, len(rows) // 4)]:
                places = range(0, len(value), 1 + len(value) // 24)
                for place in {*places, len(value) - 1}:
                    yield Manipulation(
                        f"{table}.{column} of row {rowid}: byte {place}",
                        partial(_flip, table, column, rowid, place),
                        shown,
                    )


def _flip(
    table: str, column: str, rowid: int, place: int, database: sqlite3.Connection, _: Path
) -> None:
    statement = f"SELECT {column} FROM {table} WHERE rowid = ?"  # noqa: S608
    ((value,),) = database.execute(statement, [rowid])
    flipped = bytearray(value)
    flipped[place] ^= 1
    update = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"  # noqa: S608
    database.execute(update, (bytes(flipped), rowid))


def _deletions(database: sqlite3.Connection) -> Iterator[Manipulation]:
    covered = covered_up_to(database)
    places = [row[0] for row in database.execute("SELECT place FROM audit_records ORDER BY place")]
    for place in places:
        if place <= covered or _has_row(database, place):
            delete = run("DELETE FROM audit_records WHERE place = :p", p=place)
            yield Manipulation(f"record at {place} deleted", delete, place <= covered)
    for first in places[::4]:
        delete = run(
            "DELETE FROM audit_records WHERE place BETWEEN :a AND :b", a=first, b=first + 5
        )
        yield Manipulation(f"six records from {first} deleted", delete, first <= covered)
    for (stream,) in database.execute("SELECT DISTINCT stream FROM audit_records").fetchall():
        gone = run("DELETE FROM audit_records WHERE stream = :s", s=stream)
        yield Manipulation(f"{stream} deleted", gone, True)
        together = (
            run(
                "DELETE FROM assessments WHERE stream = :s",
                "DELETE FROM audit_records WHERE stream = :s",
                s=stream,
            )
            if stream != "explain-c"
            else gone
        )
        yield Manipulation(f"{stream} and its assessments deleted", together, True)
    for (number,) in database.execute("SELECT number FROM assessments").fetchall():
        delete = run("DELETE FROM assessments WHERE number = :n", n=number)
        yield Manipulation(f"assessment {number} deleted", delete, False)
    for (number,) in database.execute("SELECT number FROM audit_heads").fetchall()[:-1]:
        delete = run("DELETE FROM audit_heads WHERE number = :n", n=number)
        yield Manipulation(f"head {number} deleted", delete, True)
    yield Manipulation("all heads deleted", run("DELETE FROM audit_heads"), True)
    yield Manipulation("all records deleted", run("DELETE FROM audit_records"), True)
    yield Manipulation("all assessments deleted", run("DELETE FROM assessments"), False)
    for (position,) in database.execute("SELECT position FROM record_keys").fetchall()[::5]:
        delete = run("DELETE FROM record_keys WHERE position = :p", p=position)
        yield Manipulation(f"key {position} destroyed without a run", delete, False)


def _insertions(database: sqlite3.Connection) -> Iterator[Manipulation]:
    again = (
        "INSERT INTO audit_records (stream, number, recorded_at, content, link) SELECT {0},"
        " recorded_at, content, link FROM audit_records WHERE place = :p"
    )
    for (place,) in database.execute("SELECT place FROM audit_records").fetchall():
        for what in ("stream, 0", "stream, -number", "stream || 'x', number", "'0', number"):
            added = run(again.format(what), p=place)
            yield Manipulation(f"record {place} again as {what}", added, True)
    columns = (
        "kind, {0}, movement_version, position, available_at, as_of, ledger_position, status,"
        " probability, band, row, body, client, agency, stream, stream_number"
    )
    for (number,) in database.execute("SELECT number FROM assessments").fetchall()[::2]:
        target, source = columns.format("movement"), columns.format("movement || 'x'")
        added = run(
            f"INSERT INTO assessments (score_id, {target}) SELECT 'forged', {source}"  # noqa: S608
            " FROM assessments WHERE number = :n",
            n=number,
        )
        yield Manipulation(f"assessment {number} again", added, False)
    yield Manipulation(
        "a head more",
        run(
            "INSERT INTO audit_heads SELECT number + 1, last_place, content, signature"
            " FROM audit_heads ORDER BY number DESC LIMIT 1"
        ),
        True,
    )
    yield Manipulation(
        "a head before the first",
        run("INSERT INTO audit_heads SELECT 0, 0, content, signature FROM audit_heads LIMIT 1"),
        True,
    )


def _swaps(database: sqlite3.Connection) -> Iterator[Manipulation]:
    places = [row[0] for row in database.execute("SELECT place FROM audit_records ORDER BY place")]
    for first, second in zip(places, places[5:], strict=False):
        for columns in (("content",), ("link",), ("content", "link")):
            swap = partial(_swap, "audit_records", "place", columns, first, second)
            yield Manipulation(f"records {first} and {second} swapped: {columns}", swap, True)
    for first, second in ((1, 2), (2, 3), (1, 4)):
        for columns in (("content",), ("signature",), ("content", "signature")):
            swap = partial(_swap, "audit_heads", "number", columns, first, second)
            yield Manipulation(f"heads {first} and {second} swapped: {columns}", swap, True)
    for first in range(1, 40, 3):
        for columns in (("row", "body"), ("body",), ("stream_number", "stream")):
            swap = partial(_swap, "assessments", "number", columns, first, first + 1)
            name = f"assessments {first} and {first + 1} swapped: {columns}"
            yield Manipulation(name, swap, False)


def _swap(
    table: str,
    by: str,
    columns: tuple[str, ...],
    first: int,
    second: int,
    database: sqlite3.Connection,
    _: Path,
) -> None:
    names, values = ", ".join(columns), ", ".join("?" * len(columns))
    select = f"SELECT {names} FROM {table} WHERE {by} = ?"  # noqa: S608
    update = f"UPDATE {table} SET ({names}) = ({values}) WHERE {by} = ?"  # noqa: S608
    if len(columns) == 1:
        update = f"UPDATE {table} SET {names} = ? WHERE {by} = ?"  # noqa: S608
    (one,), (other,) = (database.execute(select, [n]).fetchall() for n in (first, second))
    assert one != other
    database.execute(update, (*other, first))
    database.execute(update, (*one, second))


def _truncations(database: sqlite3.Connection) -> Iterator[Manipulation]:
    """Everything after some moment is gone, from every table, as if it had never been."""
    covered = exported_up_to(database)
    places = [row[0] for row in database.execute("SELECT place FROM audit_records ORDER BY place")]
    for place in places[:covered]:
        cut = run("DELETE FROM audit_records WHERE place >= :p", p=place)
        yield Manipulation(f"records from {place} on cut off", cut, True)
    for (number,) in database.execute("SELECT number FROM audit_heads").fetchall()[:3]:
        cut = run("DELETE FROM audit_heads WHERE number >= :n", n=number)
        yield Manipulation(f"heads from {number} on cut off", cut, True)
    for (position,) in database.execute("SELECT position FROM events").fetchall():
        cut = run("DELETE FROM events WHERE position >= :p", p=position)
        yield Manipulation(f"ledger from {position} on cut off", cut, False)
    for (number,) in database.execute("SELECT number FROM assessments").fetchall()[::3]:
        cut = run("DELETE FROM assessments WHERE number >= :n", n=number)
        yield Manipulation(f"assessments from {number} on cut off", cut, False)


def _of_the_second_place(database: sqlite3.Connection) -> Iterator[Manipulation]:
    """The heads' copies, but for the last being taken away: that only makes more pending."""
    for number in (1, 2, 3):
        row = "SELECT number, last_place, content, signature FROM audit_heads WHERE number = ?"
        size = len(file_bytes(SignedHead(*database.execute(row, [number]).fetchone())))
        for place in {*range(0, size, 40), size - 2}:
            flip = partial(_flip_file, number, place)
            yield Manipulation(f"copy of head {number}: byte {place}", flip, True)
    for number in (1, 2):
        gone = partial(_remove_file, number)
        yield Manipulation(f"copy of head {number} taken away", gone, True)
    for first, second in ((1, 2), (2, 3), (1, 3)):
        swapped = partial(_swap_files, first, second)
        yield Manipulation(f"copies of heads {first} and {second} swapped", swapped, True)
    yield Manipulation("a copy that no head has", partial(_add_file, 9), True)


def _flip_file(number: int, place: int, _: sqlite3.Connection, exported: Path) -> None:
    path = exported / file_name(number)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def _remove_file(number: int, _: sqlite3.Connection, exported: Path) -> None:
    (exported / file_name(number)).unlink()


def _swap_files(first: int, second: int, _: sqlite3.Connection, exported: Path) -> None:
    one, other = exported / file_name(first), exported / file_name(second)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def _add_file(number: int, _: sqlite3.Connection, exported: Path) -> None:
    (exported / file_name(number)).write_bytes((exported / file_name(1)).read_bytes())


def _has_row(database: sqlite3.Connection, place: int) -> bool:
    found = 'SELECT content LIKE \'%"type":"assessed"%\' FROM audit_records WHERE place = ?'
    return bool(database.execute(found, [place]).fetchone()[0])
