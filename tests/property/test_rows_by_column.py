"""What becomes of many rows at once is what becomes of each, word for word and byte for byte."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.intake import declare
from features.intake_columns import declare_together
from features.keys import Keyring, PseudonymKey
from features.ledger.events import MovementDeclared, encode_payload
from features.pseudonyms import Pseudonyms
from features.records import KINDS, Movement, RecordRejected, declared_fields, read_movement
from features.records.columns import RecordColumns
from serving.problems import RequestRefused
from serving.wire import arrow_bodies, read_score_request
from serving.wire.batch import read_json_lines, read_json_rows
from serving.wire.rows import RejectedRow, SentRow
from serving.wire.together import FlatColumns
from tests.full_records import FULL

PSEUDONYMS = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
# What is flagged and never refused: nobody, foreign letters, wrong check digits, a time told twice.
ODD: dict[str, list[Any]] = {
    "vehicle_reg": ["---", "АВ 12 CDE", "W1 \u00e9"],
    "vehicle_country": ["GB"],
    "haulier_eori": ["n/a", "GB123"],
    "container_no": ["CSQU3054384"],
    "imo": ["9319460", "0000000"],
    "mmsi": ["000000000"],
    "departs_at": ["2025-10-26T01:30", "2026-03-01T14:00:00+01:00"],
    "route_id": ["GBDVR-FRCQF"],
    "gross_mass_kg": [44_000.001, 60_000],
    "actual_route_id": ["DUN-DVR"],
}


@st.composite
def rows(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """Some fields of the kind, most of them plain ones."""
    full = FULL[kind]
    plain = sorted(field.name for field in declared_fields(kind))
    names = draw(st.lists(st.sampled_from(plain), max_size=9, unique=True))
    if draw(st.integers(0, 5)) == 0:
        names.append(draw(st.sampled_from(sorted(full))))
    row = {name: full[name] for name in (*names, "movement_ref", "declared_at")}
    for name in draw(st.lists(st.sampled_from(sorted(ODD.keys() & full.keys())), max_size=3)):
        row[name] = draw(st.sampled_from(ODD[name]))
    row["movement_ref"] = draw(st.sampled_from(["M-1", "M-2", " m-1"]))
    return row


@st.composite
def records(draw: st.DrawFn) -> list[Movement]:
    found = []
    for kind in draw(st.lists(st.sampled_from(["vehicle", *KINDS]), max_size=8)):
        try:
            found.append(read_movement(kind, draw(rows(kind))))
        except RecordRejected:
            continue
    return found


def declare_all(movements: list[Movement]) -> list[MovementDeclared]:
    """In their order, whichever way each went."""
    together = declare_together(dict(enumerate(movements)), PSEUDONYMS)
    found = dict(together.apart)
    for places, columns in together.columns:
        found |= zip(places, columns, strict=True)
    return [found[place] for place in range(len(movements))]


@given(records())
def test_many_are_declared_as_each_is(movements: list[Movement]) -> None:
    alone = [encode_payload(declare(movement, PSEUDONYMS)) for movement in movements]
    assert [encode_payload(one) for one in declare_all(movements)] == alone


def test_a_time_that_the_clocks_showed_twice_is_flagged_by_column() -> None:
    row = {"movement_ref": "M-1", "declared_at": "2025-10-25T10:00:00Z", "route_id": "GBDVR-FRCQF"}
    twice = read_movement("vehicle", {**row, "departs_at": "2025-10-26T01:30"})
    once = read_movement("vehicle", {**row, "departs_at": "2025-10-26T03:30"})
    flags = [one.flags for one in declare_all([once, twice])]
    assert flags == [(), ("time_ambiguous:departs_at",)]
    assert declare(twice, PSEUDONYMS).flags == flags[1]


WRONG = st.sampled_from(
    [
        ("gross_mass_kg", "5"),
        ("gross_mass_kg", 1e-9),
        ("driver_name", "x"),
        ("hauler", "x"),
        ("vehicle_country", "XX"),
        ("departs_at", 20260301),
        ("departs_at", "2026-03-01T10:00"),
        ("is_unaccompanied", True),
        ("movement_ref", "\\"),
        ("movement_ref", "{"),
        ("attributes", {"lane": "A"}),
        ("kind", 1),
        ("kind", "shipment"),
        ("declared_at", None),
    ]
)
EDITS = st.sampled_from(
    [
        (b'{"', b'{"version": 1, "version": 1, "'),
        (b"{", b" {"),
        (b"}", b"}  "),
        (b"}", b""),
        (b"{", b""),
        (b"}", b'}, {"kind": "vehicle"}'),
        (b"}", b',"x":[]}'),
        (b"M-1", b"M\xff"),
        (b"M-1", b"\\u004d-1"),
        (b'"', b""),
    ]
)


@st.composite
def sent(draw: st.DrawFn) -> list[bytes]:
    """Rows as JSON, most of them right; some are broken as records, some as JSON."""
    found = []
    for kind in draw(st.lists(st.sampled_from(["vehicle", "vehicle", *KINDS]), max_size=5)):
        row = {"kind": kind, **draw(rows(kind))}
        if draw(st.integers(0, 7)) == 0:
            name, value = draw(WRONG)
            row[name] = value
        text = json.dumps(row).encode()
        if draw(st.integers(0, 9)) == 0:
            text = text.replace(*draw(EDITS), 1)
        found.append(text)
    return found


def as_said(row: SentRow) -> Any:
    if isinstance(row, RejectedRow):
        return row.refusal.code, str(row.refusal), row.refusal.errors
    return row


def alone(row: bytes) -> SentRow:
    try:
        return read_score_request(row)
    except RequestRefused as exc:
        return RejectedRow(None, exc)


@given(sent())
def test_many_lines_are_read_as_each_is(lines: list[bytes]) -> None:
    body = b"".join(line + b"\n" for line in lines)
    read = read_json_lines(body)
    assert list(map(as_said, read)) == [as_said(alone(line)) for line in lines]
    for places, records in read.plain:
        again = RecordColumns(records.kind, records.values)
        assert list(again) == [read[at] for at in places]


@given(sent())
def test_an_array_is_read_as_each_item_is(items: list[bytes]) -> None:
    try:
        read = list(map(as_said, read_json_rows(b"[" + b", ".join(items) + b"]")))
    except RequestRefused as exc:
        assert exc.code == "bad_json"
        return
    if len(read) == len(items):  # no edit made two of one
        assert read == [as_said(alone(item.strip())) for item in items]


TIMES = st.sampled_from([None, datetime(2026, 3, 1, 14, tzinfo=UTC), datetime(2025, 10, 26, 1, 30)])
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "kind": st.sampled_from(["vehicle"] * 9 + ["vessel", "", None]),
    "movement_ref": st.sampled_from(["M-1", "M-2", "M-3", None, " "]),
    "declared_at": st.sampled_from(["2026-03-01T08:30:00Z"] * 9 + ["2026-03-01", None]),
    "version": st.sampled_from([1, 2, None, 0]),
    "vehicle_reg": st.sampled_from(["AB12 CDE", "---", None]),
    "departure_port": st.sampled_from(["GBDVR", "GBDVR", None]),
    "gross_mass_kg": st.sampled_from([1000.0, 38000.5, None, 0.0001, float("nan")]),
    "is_unaccompanied": st.sampled_from([False, None, True]),
    "vehicle_country": st.sampled_from(["GB", None, "XX"]),
    "mmsi": st.sampled_from(["235000000", None, None, None]),
    "departs_at": TIMES,
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    names = draw(st.lists(st.sampled_from(sorted(CELLS.keys() - {"kind"})), unique=True))
    wanted = dict.fromkeys(["kind", "movement_ref", "declared_at", *names])
    size = draw(st.integers(1, 9))
    columns: dict[str, Any] = {}
    for name in wanted:
        # A column is often of one value, so that whole tables are often right.
        cell = CELLS[name] if draw(st.integers(0, 3)) == 0 else st.just(draw(CELLS[name]))
        columns[name] = draw(st.lists(cell, min_size=size, max_size=size))
        if name == "departs_at":
            aware = [at for at in columns[name] if at is not None and at.tzinfo is not None]
            kind = pa.timestamp("us", "UTC" if aware else None)
            columns[name] = pa.array(
                [None if at is None else at.replace(tzinfo=None) for at in columns[name]],
                pa.timestamp("us"),
            ).cast(kind)
    return pa.table(columns)


@given(tables())
def test_many_rows_of_a_table_are_read_as_each_is(table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    body = sink.getvalue().to_pybytes()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(arrow_bodies, "ROWS_TOGETHER", 4)
        read = arrow_bodies.read_arrow_rows(body)
        together = list(map(as_said, read))
        assert read.references == [row.movement_ref for row in read]
        patched.setattr(FlatColumns, "read", lambda *_: None)
        assert together == list(map(as_said, arrow_bodies.read_arrow_rows(body)))
