"""A canary in every column of every sort of file: no list and no line of an ingest has one."""

import csv
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from features.files import conversions
from features.files.conversions import CellRefused
from features.files.field_kinds import mappable, measures, shapes, time_fields
from features.files.mapping import read_mapping
from features.ingest import read_movements
from features.keys import Keyring, PseudonymKey
from features.pseudonyms import Pseudonyms
from features.records import RECORDS
from features.records.outcome import Outcome
from serving.batch import score_rows
from tests.command import Done, Run, runner

GOOD = {"movement_ref": "M{}", "declared_at": "2026-03-01T08:30Z"}
GOOD_OUTCOME = {
    "event_id": "E{}",
    "movement_ref": "M{}",
    "outcome": "negative",
    "examined_at": "2026-03-01T09:00Z",
}
PSEUDONYMS = Pseudonyms(Keyring([PseudonymKey(bytes(32))]))
IDENTIFIER = {"vehicle": "vehicle_reg", "vessel": "hull_id", "shipment": "declarant_eori"}
SPELLINGS = (
    "{0}",
    "{0};J. {0}",
    '{{"{0}": "{0}", "driver_name of {0}": "{0}"}}',
    '{{"driver_name of {0}": "{0}"}}',
    '{{"{0} - at `$.{0}": 1}}',
    '[{{"{0}": ["{0}"]}}]',
    '["{0}", "{0}"]',
    "{0} - at `$.{0}",
)


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    del home
    monkeypatch.chdir(tmp_path)
    return partial(runner(monkeypatch), "ingest")


def planted(record: type[msgspec.Struct], good: dict[str, str], path: Path) -> int:
    """A row with a time in every column of times, so that none is in doubt as a whole; then for
    each field and spelling a row with a canary there; how many."""
    fields = mappable(record)
    count = 0
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        times = dict.fromkeys(time_fields(record), "2026-03-01T09:00Z")
        writer.writerow({name: cell.format(0) for name, cell in good.items()} | times)
        for field in fields:
            if field == "outcome":
                continue  # a label that is not known stops the file: a test of its own
            for spelling in SPELLINGS:
                count += 1
                row = {name: cell.format(count) for name, cell in good.items()}
                writer.writerow(row | {field: spelling.format(f"CANARY{count}")})
    return count


def told(done: Done, home: Path) -> str:
    lists = "".join(path.read_text() for path in (home / "rejects").glob("*"))
    return lists + done.out + done.error


@pytest.mark.parametrize("kind", RECORDS)
def test_movements(run: Run, home: Path, tmp_path: Path, kind: str) -> None:
    record = RECORDS[kind]
    count = planted(record, GOOD | {IDENTIFIER[kind]: "GB1"}, tmp_path / "m.csv")
    files = ("--kind", kind, "--movements", "m.csv")
    done = run(*files, "--rejects", "whole.csv")
    assert done.status == 0, done.error
    assert "CANARY" not in told(done, home)
    assert "CANARY" not in told(run(*files, "--dry-run"), home)
    (listed,) = (home / "rejects").glob("*.csv")
    with listed.open(newline="") as file:
        refused = {
            line["pointer"].split("/")[1] for line in csv.DictReader(file) if line["pointer"]
        }
    nested = {name for name, shape in shapes(record).items() if shape != "value"}
    assert refused >= {*time_fields(record), *measures(record), *nested} - {"attributes"}
    assert (tmp_path / "whole.csv").read_text().count("CANARY") > count / 2, "asked for"


@pytest.mark.parametrize("kind", RECORDS)
def test_the_error_column_of_scored_rows(tmp_path: Path, kind: str) -> None:
    planted(RECORDS[kind], GOOD | {IDENTIFIER[kind]: "GB1"}, tmp_path / "m.csv")
    rows = list(read_movements(tmp_path / "m.csv", read_mapping(None, kind), kind))
    refused = [row for row in rows if row.movement is None]
    assert len(refused) > len(rows) / 2
    neither: Any = None  # rows that are refused are read before a ledger or a model is needed
    scored = list(score_rows(neither, neither, refused, PSEUDONYMS, "never"))
    assert all(row.error for row in scored)
    assert not [row.error for row in scored if "CANARY" in row.error]


def test_outcomes(run: Run, home: Path, tmp_path: Path) -> None:
    planted(Outcome, GOOD_OUTCOME, tmp_path / "o.csv")
    done = run("--kind", "vehicle", "--outcomes", "o.csv")
    assert done.status == 0, done.error
    assert "thoroughness" in told(done, home)
    assert "CANARY" not in told(done, home)


@pytest.mark.parametrize("values", ["", '[outcome.values.outcome]\nyes = "positive"\n'])
def test_labels(run: Run, home: Path, tmp_path: Path, values: str) -> None:
    (tmp_path / "m.toml").write_text(
        '[columns]\nmovement_ref = "Ref"\ndeclared_at = "When"\nvehicle_reg = "Plate"\n'
        '[outcome.columns]\noutcome = "Found"\nexamined_at = "When"\n' + values
    )
    (tmp_path / "m.csv").write_text(
        "Ref,When,Plate,Found\nM1,2026-03-01T08:30Z,AB1,\nM2,2026-03-01T08:30Z,AB1,Jane Canary\n"
    )
    done = run("--kind", "vehicle", "--movements", "m.csv", "--mapping", "m.toml")
    assert done.status == 2
    assert "m.csv row 2, column 'Found': no known outcome; allowed are " in done.error
    assert "canary" not in told(done, home).lower()


def test_values_attributes_and_a_column_without_a_time(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text(
        '[columns]\nmovement_ref = "Ref"\ndeclared_at = "When"\ntraffic_mode = "Mode"\n'
        '[values.traffic_mode]\nA = "freight_accompanied"\n[attributes]\n'
        'axles = { column = "Axles", type = "number" }\nuse = { column = "Use", type = "code" }\n'
    )
    files = ("--kind", "vehicle", "--movements", "m.csv", "--mapping", "m.toml")
    rows = "M1,{0},A,,\nM2,{1},CANARY1,,\nM3,{1},A,CANARY2,\nM4,{1},A,,CANARY3{2}\n"
    header = "Ref,When,Mode,Axles,Use\n"
    good = rows.format("2026-03-01T08:30Z", "2026-03-01T08:30Z", "X" * 300)
    (tmp_path / "m.csv").write_text(header + good)
    done = run(*files)
    assert "refused: 3 rows (bad_value 3)" in done.out
    assert "CANARY" not in told(done, home)
    (tmp_path / "m.csv").write_text(header + rows.format("CANARY4", "CANARY5", ""))
    done = run(*files)
    assert "none of the 4 values of column 'When' is a time" in done.error
    assert "CANARY" not in told(done, home)


@pytest.mark.parametrize("more", [(), ("--mapping", "customs-declarations")])
def test_a_file_without_a_header(
    run: Run, home: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    (tmp_path / "m.csv").write_text("CANARY1,2026-03-01T08:30Z,CANARY2\n" * 2)
    done = run("--kind", "shipment", "--movements", "m.csv", *more)
    assert done.status == 2
    assert "CANARY" not in told(done, home)


def test_a_sentence_that_quotes_would_be_seen(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quoting(text: str, *_rest: str | None) -> None:
        raise CellRefused(f"{text!r} is no time")

    monkeypatch.setattr(conversions, "_parsed", quoting)
    (tmp_path / "m.csv").write_text("movement_ref,declared_at,vehicle_reg\nM1,CANARY1,AB1\n")
    done = run("--kind", "vehicle", "--movements", "m.csv")
    assert "CANARY1" in told(done, home)
