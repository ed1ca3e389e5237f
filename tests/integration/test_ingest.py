"""Files into the ledger through the command line: real input, bad input, and broken-off runs."""

import csv
import json
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec import UNSET

from features.clock import to_micros
from features.files.mapping import read_mapping
from features.files.starter import starter_mapping
from features.ingest import ingest, read_movements
from features.keys import Keyring, PseudonymKey
from features.ledger import Ledger, MovementDeclared, OutcomeRecorded, Recorded, open_ledger
from features.pseudonyms import Pseudonyms, load_pseudonyms
from features.records import KINDS, Shipment
from features.simulate import simulate
from tests.command import Done, Run, listing, runner

ROOT = Path(__file__).resolve().parents[2]
PSEUDONYMS = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
DAY = 86_400_000_000

HEADER = "movement_ref,declared_at,haulier_eori,vehicle_reg,gross_mass_kg\n"
GOOD = "M1,2026-03-01T08:30:00Z,GB980780684000,AB12 CDE,12500\nM2,2026-03-02T08:30:00Z,,CD34 EFG,\n"
OUTCOMES = (
    "event_id,movement_ref,outcome,examined_at,known_at,threat\n"
    "E1,M1,positive,2026-03-01T09:00:00Z,2026-03-03T00:00:00Z,cash\n"
    "E2,M9,no_show,2026-03-02T09:00:00Z,,\n"
)
LABELLED = """
kind = "shipment"
[columns]
movement_ref = "Id"
declared_at = "Day"
commodity_code = "Goods"
[formats]
declared_at = "%Y-%m-%d"
time_zone = "UTC"
[outcome]
known_after_days = 2
[outcome.columns]
outcome = "Found"
examined_at = "Day"
[outcome.formats]
examined_at = "%Y-%m-%d"
[outcome.values.outcome]
yes = "positive"
no = "negative"
"""


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The ``foreland`` command, started in the directory of the files, on a home of its own."""
    del home
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch)


def recorded(home: Path) -> list[Recorded]:
    ledger = open_ledger(f"sqlite:///{home / 'ledger.db'}", create=False)
    events = list(ledger.tail(0))
    ledger.close()
    return events


def rejected(path: Path) -> list[tuple[str, str, str]]:
    with path.open(newline="") as file:
        return [(r["number"], r["code"], r["pointer"]) for r in csv.DictReader(file)]


def test_movements_and_outcomes_arrive_with_both_clocks(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.csv").write_text(HEADER + GOOD)
    (tmp_path / "o.csv").write_text(OUTCOMES)
    done = run("ingest", "--kind", "vehicle", "--movements", "m.csv", "--outcomes", "o.csv")
    assert done == Done(
        0,
        "vehicle: 2 movement rows; outcomes: 1 no_show, 1 positive\n"
        "ledger: 4 events added, 0 were there before\n"
        "1 outcome is about movements of other files\n",
        "",
    )
    first, second, find, no_show = recorded(home)
    assert all(event.backfill and event.source == "file" for event in recorded(home))
    declared = to_micros(datetime(2026, 3, 1, 8, 30, tzinfo=UTC))
    assert isinstance(first.payload, MovementDeclared)
    assert (first.occurred_at, first.available_at) == (declared, declared)
    assert first.event_id == f"{first.payload.movement}:1"
    assert first.payload.fields == {"gross_mass_kg": 12_500.0}
    assert isinstance(second.payload, MovementDeclared)
    assert set(second.payload.entities) == {"vehicle_reg"}, "an empty cell is missing"
    assert isinstance(find.payload, OutcomeRecorded)
    assert find.payload.movement == first.payload.movement
    assert find.payload.threat == "cash"
    known = to_micros(datetime(2026, 3, 3, tzinfo=UTC))
    assert (find.occurred_at, find.available_at) == (declared + 1_800_000_000, known)
    assert no_show.available_at == no_show.occurred_at, "no delay is stated, none is made up"


def test_running_it_again_adds_nothing(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(HEADER + GOOD)
    arguments = ("ingest", "--kind", "vehicle", "--movements", "m.csv")
    run(*arguments)
    before = recorded(home)
    assert "ledger: 0 events added, 2 were there before" in run(*arguments).out
    assert recorded(home) == before


def test_a_dry_run_writes_nothing_at_all(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(HEADER + GOOD + "M3,soon,,AB1,\n")
    done = run("ingest", "--kind", "vehicle", "--movements", "m.csv", "--dry-run")
    assert done.status == 0
    assert "dry run: 2 events would go to the ledger, nothing was written" in done.out
    assert "refused: 1 row (bad_value 1)" in done.out
    assert not home.exists()


def test_a_dry_run_makes_no_list_either(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(HEADER + GOOD + "M3,soon,,AB1,\n")
    report = ingest(
        None,
        "vehicle",
        tmp_path / "m.csv",
        None,
        read_mapping(None, "vehicle"),
        PSEUDONYMS,
        dry_run=True,
        rejects=tmp_path / "rejects",
    )
    assert (report.rejected_rows, report.rejects) == (1, ())
    assert not (tmp_path / "rejects").exists()


def test_the_label_can_be_a_column_and_no_label_is_not_a_negative(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text(LABELLED)
    (tmp_path / "f.csv").write_text(
        "Id,Day,Goods,Found\n1,2026-03-01,0101,yes\n2,2026-03-01,0102,\n3,2026-03-01,0103,no\n"
    )
    done = run("ingest", "--kind", "shipment", "--movements", "f.csv", "--mapping", "m.toml")
    assert "shipment: 3 movement rows; outcomes: 1 negative, 1 positive" in done.out
    assert "refused" not in done.out
    outcomes = [e for e in recorded(home) if isinstance(e.payload, OutcomeRecorded)]
    assert [e.available_at - e.occurred_at for e in outcomes] == [2 * DAY, 2 * DAY]


def test_local_times_of_a_file_are_those_of_its_ports(run: Run, home: Path, tmp_path: Path) -> None:
    """Without a zone in the mapping: the record knows the port, in a file as in a message."""
    header = "movement_ref,declared_at,departure_port,arrival_port,departs_at,arrives_at\n"
    rows = (
        "M1,2026-06-01T08:00:00Z,FRCQF,GBDVR,2026-06-01T12:00,2026-06-01T12:30\n"
        "M2,2026-10-24T08:00:00Z,FRCQF,GBDVR,2026-10-25T01:30,2026-10-25T01:45\n"  # twice
        "M3,2026-03-28T08:00:00Z,FRCQF,GBDVR,2026-03-29T01:30,2026-03-29T01:30\n"  # skipped
        "M4,2026-06-01T08:00:00Z,,,2026-06-01T12:00,\n"  # at no known port
    )
    (tmp_path / "m.csv").write_text(header + "".join(rows))
    done = run("ingest", "--kind", "vehicle", "--movements", "m.csv")
    assert done.status == 0, done.error
    first, second = (e.payload for e in recorded(home) if isinstance(e.payload, MovementDeclared))
    assert first.fields["departs_at"] == to_micros(datetime(2026, 6, 1, 10, 0, tzinfo=UTC))
    assert first.fields["arrives_at"] == to_micros(datetime(2026, 6, 1, 11, 30, tzinfo=UTC))
    assert second.fields["arrives_at"] == to_micros(datetime(2026, 10, 25, 0, 45, tzinfo=UTC))
    assert "time_ambiguous:arrives_at" in second.flags
    assert rejected(listing(home, "m")) == [
        ("3", "time_skipped", "/arrives_at"),
        ("4", "bad_value", "/departs_at"),
    ]


def test_bad_rows_are_listed_and_stop_no_other(run: Run, home: Path, tmp_path: Path) -> None:
    rows = (
        "M3,2026-03-01,,AB1,\n"  # no zone
        ",2026-03-01T08:00:00Z,,AB1,\n"  # no reference
        "M5,2026-03-01T08:00:00Z,,,\n"  # nothing declared
        "M6,2026-03-01T08:00:00Z,,AB1\n"  # a cell too few
        "M7,2026-03-01T08:00:00Z,,AB1,heavy\n"
        'M8,2026-03-01T08:00:00Z,,"AB,1",5\n'  # a comma in quotes is no separator
    )
    (tmp_path / "m.csv").write_text(HEADER + GOOD + rows)
    done = run("ingest", "--kind", "vehicle", "--movements", "m.csv")
    assert done.status == 0
    assert "vehicle: 3 movement rows" in done.out
    assert (
        "refused: 5 rows (bad_value 2, missing_field 1, nothing_declared 1, "
        "wrong_number_of_cells 1)\n"
    ) in done.out
    path = listing(home, "m")
    assert f"all of them: {path}" in done.out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert rejected(path) == [
        ("3", "bad_value", "/declared_at"),
        ("4", "missing_field", ""),
        ("5", "nothing_declared", ""),
        ("6", "wrong_number_of_cells", ""),
        ("7", "bad_value", "/gross_mass_kg"),
    ]
    (tmp_path / "m.csv").write_text(HEADER + GOOD)
    run("ingest", "--kind", "vehicle", "--movements", "m.csv")
    assert not path.exists(), "a list of an earlier run does not stay behind"


def test_how_a_find_was_concealed_arrives_by_name_or_by_mapping(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "o.csv").write_text(
        "event_id,movement_ref,outcome,examined_at,concealment\n"
        "E1,M1,positive,2026-03-01T09:00:00Z,tank\n"
        "E2,M1,negative,2026-03-02T09:00:00Z,\n"
        "E3,M1,negative,2026-03-03T09:00:00Z,cover_load\n"
        "E4,M1,positive,2026-03-04T09:00:00Z,up the sleeve\n"
    )
    assert run("ingest", "--kind", "vehicle", "--outcomes", "o.csv").status == 0
    assert [row[1:] for row in rejected(listing(home, "o"))] == [
        ("concealment_without_find", "/concealment"),
        ("bad_value", "/concealment"),
    ]
    (tmp_path / "p.csv").write_text("Id,Ref,Found,When,Where\nE5,M1,yes,2026-03-05,floor\n")
    (tmp_path / "p.toml").write_text(
        """
kind = "vehicle"
[columns]
movement_ref = "Ref"
declared_at = "When"
[formats]
time_zone = "UTC"
[outcome.columns]
event_id = "Id"
outcome = "Found"
examined_at = "When"
concealment = "Where"
[outcome.formats]
examined_at = "%Y-%m-%d"
[outcome.values.outcome]
yes = "positive"
[outcome.values.concealment]
floor = "trailer_or_container_structure"
"""
    )
    done = run("ingest", "--kind", "vehicle", "--outcomes", "p.csv", "--mapping", "p.toml")
    assert done.status == 0, done.error
    said = [e.payload.concealment for e in recorded(home) if isinstance(e.payload, OutcomeRecorded)]
    assert said == ["tank", UNSET, "trailer_or_container_structure"]


def test_bad_outcomes_are_listed_too(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(
        OUTCOMES
        + "E3,,negative,2026-03-01T09:00:00Z,,\n"
        + "E4,M1,negative,2026-03-01T09:00:00Z,,cash\n"
        + "E5,M1,negative,2026-03-01T09:00:00Z,2026-02-01T09:00:00Z,\n"
        + "E6,M1,,2026-03-01T09:00:00Z,,\n"
    )
    done = run("ingest", "--kind", "vehicle", "--outcomes", "o.csv")
    assert "ledger: 2 events added" in done.out
    assert [row[1] for row in rejected(listing(home, "o"))] == [
        "missing_field",
        "threat_without_find",
        "known_before_examined",
        "missing_field",
    ]


BAD_FILES: list[tuple[str, str | bytes | None, str, str]] = [
    ("none.csv", None, "", "no file none.csv; check the path"),
    ("m.xlsx", "x", "", "m.xlsx is neither .csv nor .parquet by its name; convert or rename it"),
    ("m.csv", "", "", "m.csv is empty; export it again"),
    ("m.csv", "\n\n", "", "m.csv has no header line; its first line names the columns"),
    (
        "m.csv",
        b"PAR1xx",
        "",
        "m.csv is named .csv and begins like a Parquet file; rename it to .parquet",
    ),
    ("m.csv", b"\x1f\x8b\x08", "", "m.csv is named .csv and begins like a gzip file; unpack it"),
    ("m.csv", HEADER, "", "m.csv has a header and no rows; export it again"),
    (
        "m.csv",
        HEADER.replace(",", ";") + "x\n",
        "",
        (
            "m.csv is separated by semicolons, not by ','; save it with ',', "
            'or say delimiter = ";" under [formats] of a mapping'
        ),
    ),
    (
        "m.csv",
        HEADER.replace(",", "\t") + "x\n",
        "",
        (
            "m.csv is separated by tabs, not by ','; save it with ',', "
            'or say delimiter = "\\t" under [formats] of a mapping'
        ),
    ),
    (
        "m.csv",
        "movement_ref,declared_at,hauler_eori\nM1,x,x\n",
        "",
        (
            "m.csv: column 'hauler_eori' is no field (did you mean 'haulier_eori' or "
            "'haulier_type'?); rename it or write a mapping (--explain-mapping prints a start)"
        ),
    ),
    (
        "m.csv",
        "movement_ref,vehicle_reg\nM1,x\n",
        "",
        "m.csv has no column 'declared_at'; add it, or give a --mapping",
    ),
    ("m.csv", "a,a\n1,2\n", "", "m.csv has two columns named 'a'; rename one"),
    (
        "m.csv",
        "movement_ref,declared_at,driver_name\nM1,2026-03-01T08:00:00Z,Doe\n",
        "",
        (
            "m.csv: person_data_refused: column 'driver_name' is a natural person's data, "
            "which is never taken in; remove it"
        ),
    ),
    (
        "m.csv",
        "movement_ref,declared_at,vehicle_reg\nM1,01/02/2026,A\nM2,02/02/2026,B\n",
        "",
        (
            "m.csv: none of the 2 values of column 'declared_at' is a time for declared_at "
            "(not an ISO 8601 time such as 2026-03-01T08:30:00Z); "
            "set [formats] declared_at and time_zone in the mapping"
        ),
    ),
    (
        "m.csv",
        "\ufeff".encode() + (HEADER + GOOD).encode() + b"M3,2026-03-01T08:30:00Z,\xe9\n",
        "",
        ("m.csv is not UTF-8 text: line 4, byte offset 180 holds 0xe9; save it as CSV UTF-8"),
    ),
    (
        "m.csv",
        b"a,\xff\n1,2\n",
        "",
        "m.csv is not UTF-8 text: line 1, byte offset 2 holds 0xff; save it as CSV UTF-8",
    ),
    (
        "m.csv",
        b"movement_ref,declared_at,vehicle_reg\nM1," + b"x" * 1_100_000,
        "",
        ("m.csv line 2 at byte 37 is longer than 1048576 bytes; save it as CSV with line ends"),
    ),
    (
        "m.csv",
        HEADER + 'M1,"2026-03-01T08:00:00Z,,AB1,\n' + GOOD,
        "",
        (
            "m.csv: the row that begins at line 2, byte offset 64, is no CSV (unexpected end of "
            "data); look for a quote that is not closed"
        ),
    ),
    (
        "f.csv",
        "Id,Day,Goods,Found\n1,2026-03-01,0101,yes\n2,2026-03-01,0102,maybe\n",
        LABELLED,
        (
            "f.csv row 2, column 'Found': no known outcome; allowed are yes, no; correct it, "
            "or put it under [outcome.values.outcome] of the mapping"
        ),
    ),
    (
        "f.csv",
        "Id,Day,Goods\n1,2026-03-01,0101\n",
        LABELLED,
        (
            "f.csv has no column 'Found', named in mapping m.toml [outcome] "
            "(it has Id, Day, Goods); correct one of them"
        ),
    ),
    (
        "f.csv",
        "Id,Day,Good,Found\n1,2026-03-01,0101,no\n",
        LABELLED,
        (
            "f.csv has no column 'Goods', named in mapping m.toml (did you mean 'Good'?); "
            "correct one of them"
        ),
    ),
    (
        "f.csv",
        "Id,Day,Goods,Found\n1,1.3.2026,0101,no\n2,2.3.2026,0101,no\n",
        LABELLED,
        (
            "f.csv: none of the 2 values of column 'Day' is a time for declared_at "
            "(not a time like %Y-%m-%d); "
            "set [formats] declared_at and time_zone in the mapping"
        ),
    ),
]


@pytest.mark.parametrize(("name", "content", "mapping", "sentence"), BAD_FILES)
def test_a_file_that_cannot_be_used_is_one_line_and_nothing_written(
    run: Run,
    home: Path,
    tmp_path: Path,
    name: str,
    content: str | bytes | None,
    mapping: str,
    sentence: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    arguments = ["ingest", "--kind", "shipment" if mapping else "vehicle", "--movements", name]
    if mapping:
        (tmp_path / "m.toml").write_text(mapping)
        arguments += ["--mapping", "m.toml"]
    assert run(*arguments) == Done(2, "", f"error: {sentence}\n")
    assert not (home / "ledger.db").exists() or recorded(home) == []
    assert not (home / "rejects").exists() or list((home / "rejects").iterdir()) == []
    assert run(*arguments, "--dry-run") == Done(2, "", f"error: {sentence}\n")


@pytest.mark.parametrize("extra", [(), ("--mapping", "customs-declarations")])
def test_a_mistake_in_the_header_makes_no_home(
    run: Run, home: Path, tmp_path: Path, extra: tuple[str, ...]
) -> None:
    (tmp_path / "m.csv").write_text("one,two\n1,2\n")
    assert run("ingest", "--kind", "shipment", "--movements", "m.csv", *extra).status == 2
    assert not home.exists()


def test_an_unknown_label_in_a_plain_outcomes_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(OUTCOMES + "E3,M1,clean,2026-03-01T09:00:00Z,,\n")
    assert run("ingest", "--kind", "vehicle", "--outcomes", "o.csv").error == (
        "error: o.csv row 3, column 'outcome': no known outcome; allowed are positive, "
        "negative, no_show, missed, insufficient_resources, withdrawn; correct it, or put it "
        "under [outcome.values.outcome] of the mapping\n"
    )


def test_a_home_that_cannot_be_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "m.csv").write_text(HEADER + GOOD)
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path / "file" / "home"))
    done = run("ingest", "--kind", "vehicle", "--movements", "m.csv")
    assert done.status == 2
    assert "cannot be made or written: not a directory; check the path" in done.error
    assert done.error.count("\n") == 1


def test_a_ledger_in_service_is_not_backfilled(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(HEADER + GOOD)
    ledger = open_ledger(f"sqlite:///{home / 'ledger.db'}")
    with ledger.in_service():
        done = run("ingest", "--kind", "vehicle", "--movements", "m.csv")
    ledger.close()
    assert done.status == 2
    assert "is in use by a server or another ingest; stop it and try again" in done.error


def test_a_row_that_contradicts_the_ledger_is_refused_and_stops_no_other(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.csv").write_text(HEADER + GOOD)
    (tmp_path / "o.csv").write_text(OUTCOMES)
    arguments = ["ingest", "--kind", "vehicle", "--movements", "m.csv", "--outcomes", "o.csv"]
    run(*arguments)
    before = recorded(home)
    (tmp_path / "m.csv").write_text(HEADER + GOOD.replace("CD34", "XX99") + "M3" + GOOD[2:54])
    (tmp_path / "o.csv").write_text(OUTCOMES.replace("cash", "other"))
    done = run(*arguments)
    assert done.status == 0
    assert "ledger: 1 event added, 2 were there before" in done.out
    assert "refused: 2 rows (event_conflict 2)" in done.out
    assert "the ledger holds this version of the movement with another content or time" in done.out
    assert rejected(listing(home, "m")) == [("2", "event_conflict", "/version")]
    assert rejected(listing(home, "o")) == [("1", "event_conflict", "/event_id")]
    assert recorded(home)[:-1] == before
    assert [event.position for event in recorded(home)] == [1, 2, 3, 4, 5]
    again = run(*arguments)
    assert "ledger: 0 events added, 3 were there before" in again.out
    assert "refused: 2 rows (event_conflict 2)" in again.out, "a run that has ended says the same"
    assert rejected(listing(home, "m")) == [("2", "event_conflict", "/version")]


def test_parquet_keeps_types_and_says_what_is_simulated(
    run: Run, home: Path, tmp_path: Path
) -> None:
    at = [datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in (1, 2, 3)]
    columns: dict[str, Any] = {
        "movement_ref": ["A", "B", "C"],
        "declared_at": pa.array(at, pa.timestamp("us", "UTC")),
        "commodity_code": pa.array([10129, 440890, None], pa.int64()),
        "office": pa.array([30.0, None, float("nan")], pa.float64()),
        "net_mass_kg": pa.array([1.5, float("nan"), 2.5], pa.float64()),
        "currency": ["GBP", "", None],
        "package_count": pa.array([1, None, 3], pa.int32()),
    }
    table = pa.table(columns)
    marked = {"foreland.simulated": json.dumps({"scenario": "stationary", "seed": 1})}
    pq.write_table(table.replace_schema_metadata(marked), tmp_path / "s.parquet")
    done = run("ingest", "--kind", "shipment", "--movements", "s.parquet")
    assert done.out.startswith("shipment: 3 simulated movement rows")
    events = recorded(home)
    assert [event.source for event in events] == ["simulation"] * 3
    fields = [e.payload.fields for e in events if isinstance(e.payload, MovementDeclared)]
    assert fields == [
        {
            "commodity_code": "10129",
            "office": "30",
            "net_mass_kg": 1.5,
            "currency": "GBP",
            "package_count": 1,
        },
        {"commodity_code": "440890"},
        {"net_mass_kg": 2.5, "package_count": 3},
    ]
    assert [event.occurred_at for event in events] == [to_micros(instant) for instant in at]
    (tmp_path / "s.parquet").write_bytes((tmp_path / "s.parquet").read_bytes()[:-40])
    done = run("ingest", "--kind", "shipment", "--movements", "s.parquet")
    assert done.status == 2
    assert "s.parquet is no Parquet file" in done.error


def test_parquet_types_that_other_programs_write(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, 1, 2, 3, 4, tzinfo=UTC)
    naive = at.replace(tzinfo=None)
    columns: dict[str, Any] = {
        "movement_ref": pa.array([" A ", "B", "C"]).dictionary_encode(),
        "declared_at": pa.array([at, at, at], pa.timestamp("ns", "Europe/Berlin")),
        "arrives_at": pa.array([naive, None, naive], pa.timestamp("ms")),
        "invoice_amount": pa.array([Decimal("1.50"), None, Decimal("2.25")], pa.decimal128(9, 2)),
        "office": pa.array(["null", "1", ""], pa.large_string()),
    }
    pq.write_table(pa.table(columns), tmp_path / "s.parquet")
    plain = read_mapping(None, "shipment")
    rows = read_movements(tmp_path / "s.parquet", plain, "shipment")
    first, second, third = rows
    assert [row.movement_ref for row in (first, second, third)] == ["A", "B", "C"]
    assert [p.pointer for p in first.problems] == ["/arrives_at"], "no zone is no instant"
    assert isinstance(second.movement, Shipment)
    assert second.movement.declared_at == at
    assert (second.movement.office, second.movement.invoice_amount) == ("1", None)
    (tmp_path / "m.toml").write_text(
        '[columns]\nmovement_ref = "movement_ref"\ndeclared_at = "arrives_at"\n'
        'invoice_amount = "invoice_amount"\n[formats]\ntime_zone = "Europe/Berlin"\n'
    )
    mapped = read_mapping(tmp_path / "m.toml", "shipment")
    first, second, third = read_movements(tmp_path / "s.parquet", mapped, "shipment")
    assert isinstance(first.movement, Shipment)
    assert first.movement.invoice_amount == 1.5
    assert first.movement.declared_at == at.replace(hour=0, microsecond=0)
    assert [p.code for p in second.problems] == ["missing_field"]


def test_another_delimiter_and_a_byte_order_mark(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(LABELLED.replace("[formats]", '[formats]\ndelimiter = ";"', 1))
    (tmp_path / "f.csv").write_bytes(
        "\ufeffId;Day;Goods;Found\r\n1;2026-03-01;0101;yes\r\n\r\n".encode()
    )
    done = run("ingest", "--kind", "shipment", "--movements", "f.csv", "--mapping", "m.toml")
    assert done.out.startswith("shipment: 1 movement row; outcomes: 1 positive")


def test_plain_identifiers_are_nowhere_in_the_ledgers_files(tmp_path: Path) -> None:
    canaries = ["CANARY-REF-1", "CANARYPLATE", "GBCANARY12345", "CANARY-MESSAGE"]
    (tmp_path / "m.csv").write_text(
        HEADER
        + "".join(
            f"{canaries[0]}-{n},2026-03-01T08:30:00Z,{canaries[2]},{canaries[1]} {n},12500\n"
            for n in range(3_000)
        )
    )
    (tmp_path / "o.csv").write_text(OUTCOMES.replace("E1", canaries[3]).replace("M1", canaries[0]))
    ledger = open_ledger(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}")
    mapping = read_mapping(None, "vehicle")
    ingest(ledger, "vehicle", tmp_path / "m.csv", tmp_path / "o.csv", mapping, PSEUDONYMS)
    live = next(ledger.tail(0))
    seen = {"files": 0, "bytes": 0}

    def search() -> None:
        for path in (tmp_path / "home").rglob("*"):
            content = path.read_bytes().upper()
            seen["files"] += 1
            seen["bytes"] += len(content)
            for canary in ("CANARY", *canaries):
                assert canary.encode() not in content, path
                assert canary.encode("utf-16-le") not in content, path

    search()
    with ledger.transaction() as transaction:  # fills the write-ahead log, not yet merged
        transaction.execute("CREATE TABLE audit (x TEXT)")
    assert live.position == 1
    assert (tmp_path / "home" / "ledger.db-wal").stat().st_size > 0
    search()
    ledger.close()
    search()
    assert seen["files"] >= 9
    assert seen["bytes"] > 1_000_000


def test_rows_for_scoring_come_in_input_order_with_their_problems(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(HEADER + "M0,x,,A,\n" + GOOD + ",2026-03-01T08:00:00Z,,A,\n")
    rows = list(read_movements(tmp_path / "m.csv", read_mapping(None, "vehicle"), "vehicle"))
    assert [row.number for row in rows] == [1, 2, 3, 4]
    assert [row.movement_ref for row in rows] == ["M0", "M1", "M2", None]
    assert [row.movement is None for row in rows] == [True, False, False, True]
    assert [[p.code for p in row.problems] for row in rows] == [
        ["bad_value"],
        [],
        [],
        ["missing_field"],
    ]


def test_a_file_of_no_outcomes_yet_is_fine_beside_movements(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(HEADER + GOOD)
    (tmp_path / "o.csv").write_text(OUTCOMES.partition("\n")[0] + "\n")
    arguments = ["ingest", "--kind", "vehicle", "--outcomes", "o.csv"]
    assert run(*arguments).error == "error: o.csv has a header and no rows; export it again\n"
    done = run(*arguments, "--movements", "m.csv")
    assert done.out.startswith("vehicle: 2 movement rows; outcomes: none\n")


def test_a_label_column_is_not_needed_for_scoring(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(LABELLED)
    (tmp_path / "f.csv").write_text("Id,Day,Goods\n1,2026-03-01,0101\n")
    mapping = read_mapping(tmp_path / "m.toml", "shipment")
    (row,) = read_movements(tmp_path / "f.csv", mapping, "shipment")
    assert row.movement is not None


def test_a_starter_mapping_is_printed(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("Id,Day,Goods,Found\n1,2026-03-01,0101,yes\n")
    done = run("ingest", "--kind", "shipment", "--movements", "f.csv", "--explain-mapping")
    assert done.status == 0
    assert 'movement_ref = "Id"' in done.out
    assert not home.exists()


def test_a_simulated_border_goes_in_without_a_refused_row(
    run: Run, home: Path, tmp_path: Path
) -> None:
    done = run("simulate", "--out", "border", "--days", "8", "--movements-per-day", "40")
    assert done.status == 0
    assert done.out.count(" simulated movements, ") == 3
    for kind in KINDS:
        files = [f"border/{kind}-{sort}.parquet" for sort in ("movements", "outcomes")]
        done = run("ingest", "--kind", kind, "--movements", files[0], "--outcomes", files[1])
        assert done.status == 0
        assert "simulated movement rows" in done.out
        assert "refused" not in done.out
        assert "other files" not in done.out
    assert {event.source for event in recorded(home)} == {"simulation"}
    assert run("simulate", "--out", str(tmp_path)).status == 2, "other files are not overwritten"
    assert run("simulate", "--out", "x", "--start", "2025-13-01").error == (
        "error: --start must be a day such as 2025-01-01, not '2025-13-01'\n"
    )


def test_a_long_cell_is_read_and_a_quote_that_never_closes_is_found(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text(
        '[columns]\nmovement_ref = "Ref"\ndeclared_at = "When"\nvehicle_reg = "Plate"\n'
    )
    row = "M1,2026-03-01T08:00:00Z,AB1," + "x" * 300_000 + "\n"
    (tmp_path / "m.csv").write_text("Ref,When,Plate,Notes\n" + row)
    arguments = ("ingest", "--kind", "vehicle", "--movements", "m.csv", "--mapping", "m.toml")
    assert run(*arguments).out.startswith("vehicle: 1 movement row")
    many = "".join(f"M{n},2026-03-01T08:00:00Z,AB1,\n" for n in range(2, 60_000))
    (tmp_path / "m.csv").write_text("Ref,When,Plate,Notes\n" + row + 'M2,"x,,\n' + many)
    assert "the row that begins at line 3, byte offset 300050, is no CSV" in run(*arguments).error


@pytest.mark.parametrize("kind", KINDS)
def test_the_mapping_of_each_simulated_file_gives_the_same_events(
    tmp_path: Path, kind: str
) -> None:
    simulate(tmp_path / "border", seed=3, days=12, movements_per_day=60)
    movements, outcomes = (
        tmp_path / "border" / f"{kind}-{sort}.parquet" for sort in ("movements", "outcomes")
    )
    found: list[list[Recorded]] = []
    (tmp_path / "start.toml").write_text(starter_mapping(movements, outcomes, kind))
    for name in (None, tmp_path / "start.toml", Path(f"simulated-{kind}")):
        mapping = read_mapping(name, kind)
        with closing(open_ledger(f"sqlite:///{tmp_path / str(len(found))}.db")) as ledger:
            report = ingest(ledger, kind, movements, outcomes, mapping, PSEUDONYMS)
            found.append(list(ledger.tail(0)))
        assert (report.rejected_rows, report.appended) == (0, len(found[-1]))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 50
    assert mapping.outcome is not None
    for path, of in ((movements, mapping.movement), (outcomes, mapping.outcome)):
        assert {*(of.columns or {}).values()} == {*pq.read_schema(path).names}, "all of them"


def test_parquet_that_is_damaged_inside_is_refused_whole(
    run: Run, home: Path, tmp_path: Path
) -> None:
    at = pa.array([datetime(2026, 3, 1, tzinfo=UTC)] * 30_000, pa.timestamp("us", "UTC"))
    refs = pa.array([f"R{n}" for n in range(30_000)])
    marks = pa.array([f"M{n * 7919 % 30_011}" for n in range(30_000)])
    table = pa.table({"movement_ref": refs, "declared_at": at, "vehicle_reg": marks})
    pq.write_table(table, tmp_path / "s.parquet", row_group_size=5_000, write_page_checksum=True)
    content = bytearray((tmp_path / "s.parquet").read_bytes())
    content[len(content) * 3 // 4] ^= 0xFF
    (tmp_path / "s.parquet").write_bytes(content)
    done = run("ingest", "--kind", "vehicle", "--movements", "s.parquet")
    assert (done.status, done.error.count("\n")) == (2, 1)
    assert "s.parquet breaks off or is damaged (" in done.error
    assert recorded(home) == []
    bad = pa.array([b"R1", b"R\xe9"]).view(pa.string())
    named: dict[str, Any] = {"movement_ref": bad, "declared_at": at[:2], "vehicle_reg": marks[:2]}
    pq.write_table(pa.table(named), tmp_path / "s.parquet")
    done = run("ingest", "--kind", "vehicle", "--movements", "s.parquet")
    assert (done.status, done.error.count("\n")) == (2, 1)
    assert recorded(home) == []


def test_the_real_declarations(customs: Path, ledger: Ledger, tmp_path: Path) -> None:
    mapping = read_mapping(Path("customs-declarations"), "shipment")
    pseudonyms = load_pseudonyms(tmp_path / "keys")
    reports = [
        ingest(ledger, "shipment", customs / name, None, mapping, pseudonyms)
        for name in ("df_syn_train_eng.csv", "df_syn_valid_eng.csv")
    ]
    assert [r.movements for r in reports] == [37_385, 8_134]
    assert [r.outcomes for r in reports] == [
        {"negative": 29_271, "positive": 8_114},
        {"negative": 6_430, "positive": 1_704},
    ]
    assert [r.rejected_rows for r in reports] == [0, 0]
    threats: Counter[str | None] = Counter()
    given: Counter[str] = Counter()
    leading_zero = 0
    for event in ledger.read():
        if isinstance(event.payload, OutcomeRecorded):
            threats[event.payload.threat] += 1
            assert event.available_at == event.occurred_at + 14 * DAY
        elif isinstance(event.payload, MovementDeclared):
            given.update(list(event.payload.entities))
            given.update(list(event.payload.fields))
            leading_zero += str(event.payload.fields["commodity_code"]).startswith("0")
            assert set(event.payload.attributes) == {
                "process_type",
                "import_type",
                "import_use",
                "payment_type",
                "tax_type",
                "origin_indicator",
                "tariff_position",
                "same_goods",
            }
    assert threats == {None: 35_701, "fiscal_fraud": 9_346, "other": 472}
    assert given["consignor_eori"] == 45_519 - 3_715 - 795
    assert given["carrier_eori"] == 45_519 - 30_671 - 6_836
    assert given["consignee_eori"] == given["currency"] == 45_519
    assert leading_zero == sum(row["HS6 Code"].startswith("0") for row in _rows(customs)) > 1_000
    assert given["net_mass_kg"] == sum(row["Net Mass"] != "0.0" for row in _rows(customs))


def _rows(customs: Path) -> Iterator[dict[str, str]]:
    for name in ("df_syn_train_eng.csv", "df_syn_valid_eng.csv"):
        with (customs / name).open(newline="") as file:
            yield from csv.DictReader(file)
