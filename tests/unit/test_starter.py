"""The mapping to start from: it parses, fits the file, and shows nobody's name."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import InputError
from features.files.cells import RowReader
from features.files.mapping import FileMapping, read_mapping
from features.files.starter import starter_mapping
from features.files.tabular import open_table


def started(path: Path, kind: str) -> tuple[str, FileMapping]:
    """The text, and what is read from it."""
    text = starter_mapping(path, None, kind)
    (path.parent / "start.toml").write_text(text)
    return text, read_mapping(path.parent / "start.toml", kind)


def test_a_starter_mapping_is_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(
        "Declaration ID,Date,HS6 Code,Gross Mass,Driver Name,Tax Type\n"
        "1,2026-01-01,010129,5,Doe,A\n"
    )
    text, mapping = started(path, "shipment")
    assert mapping.movement.columns == {
        "movement_ref": "Declaration ID",
        "declared_at": "Date",
        "commodity_code": "HS6 Code",
        "gross_mass_kg": "Gross Mass",
    }
    assert '# tax_type = { column = "Tax Type", type = "code" }' in text
    assert "Driver" not in text
    assert "Doe" not in text


def test_a_semicolon_file_with_decimal_commas_other_units_and_days_first(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(
        "Movement ID;Declared;Plate;Gross Weight (lbs);Value;Traffic Mode;Departure;Wheels;Result\n"
        "A1;31/12/2025 08:30;AB1;1.234,5;10,5;T;31.12.2025;3;found\n"
        "A2;01/02/2026 09:00;AB2;7;2.000,25;F;01.01.2026;4;nothing\n"
    )
    text, mapping = started(path, "vehicle")
    assert mapping.delimiter == ";"
    assert mapping.movement.units == {"gross_mass_kg": "lb"}
    assert mapping.movement.notation == (",", ".")
    assert mapping.movement.formats == {
        "declared_at": "%d/%m/%Y %H:%M",
        "departs_at": "%d.%m.%Y",
    }
    table = open_table(path, delimiter=mapping.delimiter)
    row = RowReader(table, mapping.movement).fields(next(table.rows()))
    assert row["gross_mass_kg"] == 1234.5 * 0.45359237
    assert row["value_gbp"] == 10.5
    assert str(row["declared_at"]) == "2025-12-31 08:30:00+00:00"
    assert "# [values.traffic_mode] # one of freight_accompanied," in text
    assert '# "Result" looks like a label: it must not become a feature' in text
    assert '# outcome = "Result"' in text
    assert '# "found" = "?"' in text


def test_a_result_of_targeting_is_not_offered_as_an_attribute(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(
        "Ref,Date,Plate,Inspection Required,Customs Route,Tax Type\n"
        "A1,2026-01-01,AB1,Y,red,A\nA2,2026-01-01,AB2,N,green,B\n"
    )
    text, _ = started(path, "vehicle")
    assert '# "Inspection Required" is a result of targeting' in text
    assert '# "Customs Route" is a result of targeting' in text
    assert "# tax_type = {" in text
    assert text.count("{ column") == 1


def test_what_the_sample_does_not_tell_is_said(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("Ref,Date,Plate,Arrival\nA1,01/02/2026,AB1,next week\n")
    text, mapping = started(path, "vehicle")
    assert 'declared_at = "%d/%m/%Y" # or is it %m/%d/%Y?' in text
    assert '# arrives_at = "%Y-%m-%d" # not recognised: how is it written?' in text
    assert mapping.movement.formats == {"declared_at": "%d/%m/%Y"}


@pytest.mark.parametrize(
    ("cell", "pattern"),
    [
        ("20260102", "%Y%m%d"),
        ("202601020304", "%Y%m%d%H%M"),
        ("20260102030405", "%Y%m%d%H%M%S"),
        ("2 Jan 2026 03:04", "%d %b %Y %H:%M"),
        ("02-Jan-2026", "%d-%b-%Y"),
        ("13/01/2026 11:05 PM", "%d/%m/%Y %I:%M %p"),
        ("2026-01-02T03:04:05", None),
        ("2026-01-02 03:04", None),
    ],
)
def test_times_that_are_recognised(tmp_path: Path, cell: str, pattern: str | None) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f"Ref,Date,Plate\nA1,{cell},AB1\n")
    _, mapping = started(path, "vehicle")
    assert mapping.movement.formats.get("declared_at") == pattern
    table = open_table(path)
    RowReader(table, mapping.movement).fields(next(table.rows()))


def test_a_start_leaves_out_what_a_mapping_refuses(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("Ref,Date,Skipper,Contact,Passenger Count,Name\nR1,2026-01-01,Doe,Doe,4,Doe\n")
    text, _ = started(path, "vehicle")
    assert "Skipper" not in text
    assert "Contact" not in text
    assert '"Name"' not in text
    assert 'passenger_count = "Passenger Count"' in text


def test_a_start_shows_no_identifier_and_no_column_of_names(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    rows = "".join(f"R{n},2026-01-01,PLATE{n},Canary {n},{n % 3}\n" for n in range(60))
    path.write_text("Ref,Date,Plate,Remark,Type\n" + rows)
    text, _ = started(path, "vehicle")
    assert "PLATE" not in text
    assert "Canary" not in text
    assert 'remark = { column = "Remark", type = "code" } # 60 different texts' in text
    assert 'type = { column = "Type", type = "code" } # such as 0' in text


def test_a_text_that_feeds_nothing_is_never_shown_however_few_there_are(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(
        "Ref,Date,Plate,Driver,Broker,Id No,Direction\n"
        "R1,2026-01-01,P1,Jane Canary,Jim Canary,123456782,Joe Canary\n"
    )
    text, mapping = started(path, "vehicle")
    assert "driver_count" not in (mapping.movement.columns or {})
    assert "Canary" not in text.replace('# "Joe Canary" = "?"', "")
    assert "123456782" not in text


def test_what_an_examination_found_is_no_attribute(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(
        "Ref,Date,Plate,threat,concealment,examined_at,known_at,thoroughness,selection_reason,"
        "Outcome,Wheels\n"
        "R1,2026-01-01,P1,cash,tank,2026-01-02,2026-01-03,full,random,positive,6\n"
    )
    text, mapping = started(path, "vehicle")
    offered = [line for line in text.splitlines() if "{ column =" in line]
    assert len(offered) == 1
    assert "Wheels" in offered[0]
    assert "known_at" not in (mapping.movement.columns or {}), "it is the outcome's"
    assert '# examined_at = "examined_at"' in text


def test_a_file_of_outcomes_is_explained_too(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        "event_id,movement_ref,Result,examined_at,threat,concealment\n"
        "CANARY1,CANARY2,yes,01/02/2026,,\nCANARY3,CANARY4,no,31/01/2026,,\n"
    )
    text = starter_mapping(None, path, "vehicle")
    assert "CANARY" not in text
    assert '# "yes" = "?"' in text
    (tmp_path / "start.toml").write_text(text)
    outcome = read_mapping(tmp_path / "start.toml", "vehicle").outcome
    assert outcome is not None
    assert outcome.columns == {
        "event_id": "event_id",
        "movement_ref": "movement_ref",
        "outcome": "Result",
        "examined_at": "examined_at",
        "threat": "threat",
        "concealment": "concealment",
    }
    assert outcome.formats == {"examined_at": "%d/%m/%Y"}


def test_lists_in_a_parquet_file_are_told(tmp_path: Path) -> None:
    columns = {
        "Ref": pa.array(["A"]),
        "Date": pa.array(["2026-01-01T00:00Z"]),
        "Plate": pa.array(["AB1"]),
        "Stamps": pa.array([["S1", "S2"]]),
    }
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table(dict(columns)), path)
    text, mapping = started(path, "vehicle")
    assert '# "Stamps" holds lists, which are no attributes' in text
    assert mapping.movement.time_zone is None, "every time has its offset"


def test_an_object_feeds_a_field_that_takes_one_and_no_other(tmp_path: Path) -> None:
    said = {"kind": "vehicle", "movement_ref": "GMR1"}
    columns = {
        "Ref": pa.array(["A"]),
        "Date": pa.array(["2026-01-01T00:00Z"]),
        "Carried by": pa.array([said]),
        "Importer": pa.array([said]),
    }
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table(dict(columns)), path)
    text, mapping = started(path, "shipment")
    assert mapping.movement.columns is not None
    assert mapping.movement.columns["carried_by"] == "Carried by"
    assert "consignee_eori" not in mapping.movement.columns, "another name of a text"
    assert '# "Importer" holds objects, which are no attributes' in text
    assert "GMR1" not in text


@pytest.mark.parametrize("place", ["header", "row"])
def test_a_latin_1_file_is_told_as_such(tmp_path: Path, place: str) -> None:
    header = "Réf,Date" if place == "header" else "Ref,Date"
    path = tmp_path / "f.csv"
    path.write_bytes(f"{header}\n1,Zürich\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"is not UTF-8 text: line [12], byte offset \d+ holds 0x"):
        starter_mapping(path, None, "vehicle")


def test_the_start_for_the_customs_declarations(customs: Path, tmp_path: Path) -> None:
    (tmp_path / "df.csv").symlink_to((customs / "df_syn_train_eng.csv").resolve())
    text, mapping = started(tmp_path / "df.csv", "shipment")
    shipped = read_mapping(Path("customs-declarations"), "shipment")
    assert mapping.movement.columns == shipped.movement.columns
    assert '# outcome = "Fraud"' in text
    assert '# "Critical Fraud" looks like a label' in text
    offered = {line.split()[1] for line in text.splitlines() if "{ column =" in line}
    assert offered >= {"process_type", "import_type", "import_use", "payment_type", "tax_type"}
    (tmp_path / "start.toml").write_text(text.replace("# same_goods =", "same_goods ="))
    started_from = read_mapping(tmp_path / "start.toml", "shipment").movement.attributes
    assert started_from["same_goods"] == shipped.movement.attributes["same_goods"]
