"""A batch as Arrow: the same answers as in JSON, and no stream that is more than it weighs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from features.ledger import open_ledger
from features.settings import Settings
from serving.app import create_app
from serving.metrics import Counters
from serving.openapi import MOVEMENT_EXAMPLES
from serving.problems import RequestRefused
from serving.state import ServingState
from serving.wire import read_score_request
from serving.wire.arrow_answers import RESULT_SCHEMA
from serving.wire.arrow_bodies import flat_fields, read_arrow_rows
from serving.wire.batch import MAX_ROWS
from serving.wire.rows import RejectedRow
from tests.app_client import AppClient, refused_with

PATH = "/v1/scores/batch"
ARROW = "application/vnd.apache.arrow.stream"
VEHICLE = MOVEMENT_EXAMPLES["vehicle"]


def stream(table: pa.Table | Mapping[str, Any], compression: Any = None) -> bytes:
    made = table if isinstance(table, pa.Table) else pa.table(dict(table))
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, made.schema, options=options) as writer:
        writer.write_table(made, max_chunksize=3)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def of_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = {name: None for row in rows for name in row}
    return {name: pa.array([row.get(name) for row in rows]) for name in names}


def refusal(body: bytes) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        read_arrow_rows(body)
    return caught.value


def test_rows_are_those_of_json_whatever_their_kind() -> None:
    rows = list(MOVEMENT_EXAMPLES.values())
    assert list(read_arrow_rows(stream(of_rows(rows * 3)))) == [
        read_score_request(json.dumps(row).encode()) for row in rows * 3
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "+05:30"])
def test_times_and_dictionaries_mean_what_their_text_does(unit: Any, zone: str) -> None:
    table = pa.table(of_rows([VEHICLE] * 4))
    for name in ("declared_at", "departs_at", "arrives_at"):
        at = datetime.fromisoformat(VEHICLE[name])
        values = pa.array([at] * 4, pa.timestamp(unit, zone))
        table = table.set_column(table.schema.get_field_index(name), name, values)
    for name in ("kind", "route_id"):
        encoded = table.column(name).dictionary_encode()
        table = table.set_column(table.schema.get_field_index(name), name, encoded)
    expected = read_score_request(json.dumps(VEHICLE).encode())
    assert list(read_arrow_rows(stream(table))) == [expected] * 4


def test_a_time_without_an_offset_is_local_at_its_port_and_otherwise_refused() -> None:
    """15:30 in Dover in July is 14:30 UTC."""
    wall = pa.array([datetime(2026, 7, 1, 15, 30)], pa.timestamp("us"))
    day = datetime(2026, 7, 1, tzinfo=UTC)
    early = {**VEHICLE, "declared_at": day, "departs_at": day + timedelta(hours=1)}
    (row,) = read_arrow_rows(stream({**of_rows([early]), "arrives_at": wall}))
    assert not isinstance(row, RejectedRow)
    assert row.arrives_at == datetime(2026, 7, 1, 14, 30, tzinfo=UTC)
    (row,) = read_arrow_rows(stream({**of_rows([VEHICLE]), "declared_at": wall}))
    assert isinstance(row, RejectedRow)
    assert row.refusal.errors[0].pointer == "/declared_at"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("gross_mass_kg", pa.array(["5"])),
        ("gross_mass_kg", pa.array([True])),
        ("gross_mass_kg", pa.array([-1.0])),
        ("gross_mass_kg", pa.array([float("nan")])),
        ("gross_mass_kg", pa.array([float("inf")])),
        ("movement_ref", pa.array([7])),
        ("version", pa.array([1.5])),
        ("declared_at", pa.array([20260301])),
        ("declared_at", pa.array([date(2026, 3, 1)])),
        ("declared_at", pa.array([1 << 62], pa.timestamp("s", "UTC"))),
        ("declared_at", pa.array([1 << 30], pa.date32())),
        ("kind", pa.array(["lorry"])),
        ("imo", pa.array(["9074729"])),
    ],
)
def test_a_value_that_does_not_fit_rejects_its_row_alone(field: str, values: Any) -> None:
    good = pa.table(of_rows([VEHICLE]))
    bad = pa.table({**of_rows([VEHICLE]), field: values})
    if field == "imo":
        good = good.append_column("imo", pa.nulls(1, pa.string()))
    read = [read_arrow_rows(stream(table))[0] for table in (good, bad)]
    assert read[0] == read_score_request(json.dumps(VEHICLE).encode())
    assert isinstance(read[1], RejectedRow)
    (error,) = read[1].refusal.errors
    assert error.code == ("unknown_field" if field == "imo" else "bad_value")
    assert error.pointer == ("" if field == "imo" else f"/{field}")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("hauler", pa.array(["x"]), "hauler is no flat field"),
        ("driver_name", pa.array(["x"]), "a key that is no field"),
        ("Jane Doe", pa.array(["x"]), "a key that is no field"),
        ("attributes", pa.array([{"a": 1}]), "attributes is no flat field"),
        ("seals", pa.array([["a"]]), "seals is no flat field"),
        ("gross_mass_kg", pa.array([[1.0]]), "no plain type"),
        ("gross_mass_kg", pa.array([b"1"]), "no plain type"),
        ("route_id", pa.array(["x"], pa.string_view()), "no plain type"),
    ],
)
def test_a_column_that_is_not_taken_refuses_the_stream(name: str, values: Any, said: str) -> None:
    refused = refusal(stream({**of_rows([VEHICLE]), name: values}))
    assert refused.code == "bad_columns"
    assert said in str(refused)
    assert "Jane" not in str(refused)


def test_two_columns_of_one_name_refuse_the_stream() -> None:
    table = pa.table(of_rows([VEHICLE])).append_column("kind", pa.array(["vessel"]))
    assert refusal(stream(table)).code == "bad_columns"


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_a_compressed_stream_is_refused_before_it_is_unpacked(compression: str) -> None:
    million = pa.table({"movement_ref": pa.array(["0" * 1_000] * 9_999)})
    body = stream(million, compression)
    assert len(body) < 2_000_000
    assert "compressed" in str(refusal(body))
    encoded = million.set_column(0, "movement_ref", million.column(0).dictionary_encode())
    assert "compressed" in str(refusal(stream(encoded, compression)))


def test_a_text_that_many_rows_point_to_is_not_multiplied() -> None:
    """Ten thousand rows of one text of a megabyte would be ten gigabytes to check."""
    indices = pa.array([0] * MAX_ROWS, pa.int32())
    long, short = (
        pa.DictionaryArray.from_arrays(indices, pa.array(["x" * length])) for length in (1 << 20, 9)
    )
    assert refusal(stream({"movement_ref": long})).code == "bad_columns"
    assert len(read_arrow_rows(stream({"movement_ref": short}))) == MAX_ROWS


def test_more_rows_than_a_batch_holds_are_refused_although_they_weigh_nothing() -> None:
    assert len(read_arrow_rows(stream({"imo": pa.nulls(MAX_ROWS)}))) == MAX_ROWS
    assert refusal(stream({"imo": pa.nulls(MAX_ROWS + 1)})).code == "too_many_rows"


def test_what_is_no_stream_is_refused_wherever_it_is_cut_or_changed() -> None:
    whole = stream(of_rows([VEHICLE, MOVEMENT_EXAMPLES["vessel"]] * 4))
    codes = set()
    for at in range(0, len(whole) - 8, 37):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        for body in (bytes(broken), whole[:at], b"ARROW1" + whole):
            try:
                assert len(read_arrow_rows(body)) <= 8
            except RequestRefused as refused:
                codes.add(refused.code)
    assert codes <= {"bad_arrow", "bad_columns", "too_many_rows"}
    assert "bad_arrow" in codes
    for body in (b"", b"{}", b"[]" * 1_000, b"\xff" * 64):
        assert refusal(body).code == "bad_arrow"


def test_every_flat_field_of_every_kind_has_a_column() -> None:
    known = flat_fields()
    assert {"kind", "movement_ref", "declared_at", "imo", "gross_mass_kg", "crew_count"} <= known
    assert known.isdisjoint({"attributes", "items", "positions", "seals", "haulier"})


@pytest.fixture
def client(tmp_path: Path) -> Iterator[AppClient]:
    settings = Settings(home=tmp_path, ledger_url=f"sqlite:///{tmp_path / 'ledger.db'}")
    open_ledger(settings.ledger).close()
    opened = AppClient(create_app(lambda: ServingState(settings), counters=Counters()))
    yield opened
    opened.close()


def test_results_are_a_row_for_each_row_sent(client: AppClient) -> None:
    rows = [VEHICLE, {**VEHICLE, "version": 0}, MOVEMENT_EXAMPLES["vessel"], VEHICLE]
    headers = {"Content-Type": ARROW}
    response = client.request("POST", PATH, content=stream(of_rows(rows)), headers=headers)
    assert response.headers["content-type"] == ARROW
    table = pa.ipc.open_stream(response.content).read_all()
    assert table.schema == RESULT_SCHEMA
    first, rejected, vessel, same = table.to_pylist()
    as_json = client.post(PATH, json=rows).json()["results"]
    for result, said in zip(table.to_pylist(), as_json, strict=True):
        assert result["movement_ref"] == said["movement_ref"]
        assert result["status"] == said["status"]
        assert result["errors"] == said["errors"]
        for name in ("score_id", "band", "probability", "degraded_reasons", "ledger_position"):
            expected = said["assessment"][name] if said["assessment"] else None
            assert result[name] == expected
    assert first["as_of"] == datetime.fromisoformat(as_json[0]["assessment"]["as_of"])
    assert first["as_of"].tzinfo is not None
    assert first["as_of"].utcoffset() == UTC.utcoffset(None)
    assert (rejected["as_of"], rejected["reasons"], rejected["model_version"]) == (None,) * 3
    assert [row["replayed"] for row in (first, vessel, same)] == [False, False, True]


def test_a_stream_that_is_refused_says_why(client: AppClient) -> None:
    headers = {"Content-Type": ARROW}
    refused_with(client.request("POST", PATH, content=b"x", headers=headers), "bad_arrow")
    odd = stream({"hauler": pa.array(["x"])})
    refused_with(client.request("POST", PATH, content=odd, headers=headers), "bad_columns")
