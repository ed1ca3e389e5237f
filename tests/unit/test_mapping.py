"""Mapping files: what they say comes out in the fields, and every slip is told with a next step."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from features.errors import InputError
from features.files.cells import RowReader
from features.files.joining import joined
from features.files.mapping import FileMapping, MappingError, read_mapping, shipped_mappings
from features.files.tabular import Table, open_table, text_of
from features.files.units import convertible
from features.records import RECORDS, RecordRejected, Vehicle


class Position(msgspec.Struct, frozen=True):
    lat: float


BASE = """
[columns]
movement_ref = "Ref"
declared_at = "When"
"""
HEADER = "Ref,When,Mode,Mass,Empty,Seal,Axles\n"


def mapping_of(text: str, directory: Path, kind: str = "vehicle") -> FileMapping:
    path = directory / "m.toml"
    path.write_text(text)
    return read_mapping(path, kind)


def table_of(rows: str, directory: Path, header: str = HEADER) -> Table:
    path = directory / "f.csv"
    path.write_text(header + rows)
    return open_table(path)


def first_row(text: str, cells: str, directory: Path, kind: str = "vehicle") -> dict[str, Any]:
    table = table_of(cells + "\n", directory)
    reader = RowReader(table, mapping_of(text, directory, kind).movement)
    return reader.fields(next(table.rows()))


def test_columns_constants_values_missing_formats_and_attributes(tmp_path: Path) -> None:
    text = """
kind = "vehicle"
description = "an example"
[columns]
movement_ref = "Ref"
declared_at = "When"
traffic_mode = "Mode"
gross_mass_kg = "Mass"
is_empty = "Empty"
[constants]
direction = "UK_INBOUND"
[values.traffic_mode]
T = "tourist"
[values.is_empty]
Y = true
N = false
[missing]
gross_mass_kg = ["0", "-"]
[formats]
declared_at = "%d/%m/%Y %H:%M"
time_zone = "Europe/London"
[attributes]
seal = { column = "Seal", type = "code" }
axles = { column = "Axles", type = "number" }
"""
    assert first_row(text, "R1,01/07/2026 09:30,T,0,N,007,3", tmp_path) == {
        "movement_ref": "R1",
        "declared_at": datetime(2026, 7, 1, 8, 30, tzinfo=UTC),  # summer time is an hour ahead
        "traffic_mode": "tourist",
        "is_empty": False,
        "direction": "UK_INBOUND",
        "attributes": {"seal": "007", "axles": 3.0},
    }


@pytest.mark.parametrize("cell", ["", " ", "NaN", "nan", "null", "NULL"])
def test_a_missing_cell_is_missing_and_not_the_empty_text(tmp_path: Path, cell: str) -> None:
    text = BASE + 'office = "Seal"\n[formats]\ntime_zone = "UTC"'
    row = first_row(text, f"R1,2026-07-01,,,,{cell},", tmp_path, "shipment")
    assert "office" not in row
    assert first_row(text, "R1,2026-07-01,,,,NA,", tmp_path, "shipment")["office"] == "NA"


def test_a_default_takes_what_is_not_listed_and_without_one_the_row_is_refused(
    tmp_path: Path,
) -> None:
    columns = BASE + 'traffic_mode = "Mode"\n[formats]\ntime_zone = "UTC"\n'
    listed = columns + '[values.traffic_mode]\nT = "tourist"\n'
    cells = "R1,2026-07-01,X,,,,"
    with pytest.raises(
        RecordRejected, match=r"column 'Mode': not under \[values.traffic_mode\].*knows T"
    ):
        first_row(listed, cells, tmp_path)
    assert "traffic_mode" not in first_row(listed + 'default = ""\n', cells, tmp_path)
    default = listed + 'default = "freight_accompanied"\n'
    assert first_row(default, cells, tmp_path)["traffic_mode"] == "freight_accompanied"


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ("2026-03-29 01:30", "a time that the clocks of Europe/London skipped"),
        ("2026-02-30 01:30", "not a time like %Y-%m-%d %H:%M; correct it, or change"),
        ("soon", "column 'When': not a time like"),
    ],
)
def test_times_that_never_were(tmp_path: Path, when: str, sentence: str) -> None:
    text = BASE + '[formats]\ndeclared_at = "%Y-%m-%d %H:%M"\ntime_zone = "Europe/London"'
    with pytest.raises(RecordRejected, match=sentence):
        first_row(text, f"R1,{when},,,,,", tmp_path)
    twice = first_row(text, "R1,2026-10-25 01:30,,,,,", tmp_path)  # it comes twice; the first
    assert twice["declared_at"] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused_unless_the_mapping_says_which(tmp_path: Path) -> None:
    with pytest.raises(RecordRejected, match="has no time zone; add one, or set time_zone"):
        first_row(BASE, "R1,2026-07-01T09:30,,,,,", tmp_path)
    aware = first_row(BASE, "R1,2026-07-01T09:30+02:00,,,,,", tmp_path)
    assert aware["declared_at"] == datetime(2026, 7, 1, 7, 30, tzinfo=UTC)


def test_a_row_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordRejected, match="the row has 2 cells, the header 7"):
        first_row(BASE, "R1,2026-07-01T09:30Z", tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[colums]\n", "unknown key 'colums' (did you mean 'columns'"),
        ("columns = 3\n", "mapping m.toml [columns]: expected `object`, got `int`"),
        ("not toml", "mapping m.toml is no TOML: "),
        ('[columns]\nmovement_ref = "Ref"\n', "says nothing about declared_at; add a line"),
        (BASE + 'gros_mass = "Mass"\n', "'gros_mass' is no field (did you mean 'gross_mass_kg'"),
        (BASE + 'driver_name = "X"\n', "person_data_refused: 'driver_name'"),
        (BASE + 'operator = "Driver Name"\n', "person_data_refused: 'Driver Name'"),
        (BASE + 'operator = "Passengers"\n', "person_data_refused: 'Passengers'"),
        (BASE + 'passenger_count = "Pax DOB"\n', "person_data_refused: 'Pax DOB'"),
        (
            BASE + '[attributes]\nplate = { column = "S", type = "code" }\n',
            "identifier_as_attribute: an attribute never holds an identifier",
        ),
        (BASE + '[attributes]\nname = { column = "S", type = "code" }\n', "person_data_refused"),
        (BASE + '[constants]\nvehicle_country = "gb"\n', "[constants] vehicle_country = 'gb': exp"),
        (BASE + '[constants]\ndeclared_at = "x"\n', "declared_at is under [columns] and [const"),
        (BASE + '[values.is_empty]\nY = true\n', "'is_empty' is not under [columns]"),
        (BASE + 'is_empty = "E"\n[values.is_empty]\nY = "yes"\n', "[values.is_empty] 'Y' = 'yes'"),
        (BASE + '[formats]\nmovement_ref = "%Y"\n', "movement_ref is no time; formats are for"),
        (BASE + '[formats]\ndeclared_at = "%Q"\n', "[formats] declared_at = '%Q': "),
        (BASE + '[formats]\ndeclared_at = "%H %H"\n', "[formats] declared_at = '%H %H': "),
        (BASE + '[formats]\ntime_zone = "London"\n', "time_zone = 'London' is no zone; write UTC"),
        (BASE + '[formats]\ndelimiter = "->"\n', "delimiter is one character"),
        (BASE + '[attributes]\nx = "Seal"\n', "[attributes]"),
        (BASE + '[attributes]\nx = { column = "S", type = "date" }\n', 'type = "number" }'),
        (BASE + '[attributes]\nx = { colum = "S" }\n', "unknown key 'colum' (did you mean"),
        (BASE + '[attributes]\n"a b" = { column = "S", type = "code" }\n', "[attributes] a b name"),
        (BASE + '[attributes]\nsurname = { column = "S", type = "code" }\n', "person_data_refused"),
        (BASE + "[outcome]\n", "[outcome] says nothing about outcome; add a line outcome ="),
        (BASE + "[outcome]\nknown_after = 3\n", "unknown key 'known_after' (did you mean 'known_a"),
        (
            BASE + '[outcome]\nknown_after_days = -1\n[outcome.columns]\noutcome = "O"\n'
            'examined_at = "When"\n',
            "known_after_days is 0 to 9999, not -1",
        ),
        (
            BASE + '[outcome.columns]\noutcome = "O"\nexamined_at = "When"\n'
            '[outcome.values.outcome]\n1 = "fraud"\n',
            "[outcome] [values.outcome] '1' = 'fraud': invalid enum value 'fraud'",
        ),
        (BASE + '[units]\ngross_mass_kg = "t"\n', "'gross_mass_kg' is not under [columns]"),
        (
            BASE + 'gross_mass_kg = "Mass"\n[units]\ngross_mass_kg = "ft"\n',
            "[units] gross_mass_kg = 'ft' is no unit of a field in kg; write one of g, kg, t, lb",
        ),
        (
            BASE + 'gross_mass_kg = "Mass"\n[units]\ngross_mass_kg = "long_tons"\n',
            "is no unit of a field in kg (did you mean 'long_ton'",
        ),
        (
            BASE + 'value_gbp = "Mass"\n[units]\nvalue_gbp = "t"\n',
            "value_gbp has no unit to convert to; units are for gross_mass_kg",
        ),
        (
            BASE + 'gross_mass_kg = "Mass"\n[units]\ngross_mass_kg = "t"\n'
            '[values.gross_mass_kg]\nheavy = 40000\n',
            "gross_mass_kg has [values] too, which are in kg; keep one",
        ),
        (BASE + '[attributes]\nx = {type = "code"}\n', "or, of several columns, write { codes = ["),
        (BASE + '[attributes]\nx = {codes = ["A", "B"], type = "number"}\n', 'write type = "code"'),
        (BASE + '[attributes]\nx = {codes = ["A"], type = "code"}\n', "joins a single column"),
        (BASE + '[attributes]\nx = {codes = ["A"], numbers = ["A"], type = "code"}\n', "twice"),
        (
            BASE + '[attributes]\nx = {column = "A", numbers = ["B"], type = "code"}\n',
            "has a column and columns to join; keep one",
        ),
        (BASE + '[attributes]\nx = {codes = "AB", type = "code"}\n', "write { column = "),
        (
            BASE + '[attributes]\nx = {codes = ["A", "Driver Name"], type = "code"}\n',
            "person_data_refused: 'Driver Name'",
        ),
        (
            BASE
            + 'haulier_eori = "Haulier"\n[attributes]\n'
            + 'x = {codes = ["A", "Haulier"], type = "code"}\n',
            "[attributes] x: identifier_as_attribute: column 'Haulier' feeds haulier_eori",
        ),
        (
            BASE + 'vehicle_reg = "V"\n[attributes]\nx = {column = "V", type = "code"}\n',
            "identifier_as_attribute: column 'V' feeds vehicle_reg",
        ),
        (BASE + '[formats]\ndecimal = ";"\n', '[formats] decimal is "." or ",", not \';\''),
        (BASE + '[formats]\nthousands = "_"\n', "thousands is one of"),
        (BASE + '[formats]\nthousands = "."\n', "decimal and thousands are both '.'"),
        (BASE + '[time_zones]\ndeclared_at = "Pariss"\n', "[time_zones] declared_at = 'Pariss' is"),
        (BASE + '[time_zones]\narrives_at = "UTC"\n', "'arrives_at' is not under [columns]"),
        (BASE + '[time_zones]\nmovement_ref = "UTC"\n', "movement_ref is no time; time zones are"),
        (BASE + "[movement]\nknown_after_days = 1\n", "unknown key 'known_after_days' (did you m"),
        (BASE + "[movement]\nknown_after_hours = -1\n", "known_after_hours is 0 to 239999, not -1"),
        ('kind = "vessel"\n' + BASE, "is for kind 'vessel', not 'vehicle'; change --kind"),
    ],
)  # fmt: skip
def test_a_slip_in_a_mapping_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(MappingError) as caught:
        mapping_of(text, tmp_path)
    assert sentence in str(caught.value)
    assert "m.toml" in str(caught.value)


def test_a_missing_mapping_names_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"no mapping file .*shipped mapping: customs-decl"):
        read_mapping(tmp_path / "none.toml", "vehicle")


@pytest.mark.parametrize("name", shipped_mappings())
def test_every_shipped_mapping_is_found_by_its_name(name: str) -> None:
    kind = name.rpartition("-")[2] if name.startswith("simulated-") else "shipment"
    mapping = read_mapping(Path(name), kind)
    assert mapping.name == f"{name}.toml"


def test_the_customs_mapping_says_what_the_data_is() -> None:
    mapping = read_mapping(Path("customs-declarations"), "shipment")
    assert mapping.known_after_days == 14
    assert mapping.movement.constants == {"currency": "KRW"}
    assert mapping.outcome is not None
    assert mapping.outcome.values["outcome"] == {"1": "positive", "0": "negative"}
    assert mapping.outcome.values["threat"]["2"] == "other"
    attributes = mapping.movement.attributes
    assert [name for name, a in attributes.items() if a.type == "number"] == ["tariff_position"]
    assert attributes["same_goods"].columns == ("HS6 Code", "Net Mass", "Item Price")
    assert len(attributes) == 8


def test_units_notations_and_zones_of_single_fields(tmp_path: Path) -> None:
    text = """
[columns]
movement_ref = "Ref"
declared_at = "When"
departs_at = "Seal"
gross_mass_kg = "Mass"
value_gbp = "Mode"
[formats]
time_zone = "Europe/London"
decimal = ","
thousands = "."
[time_zones]
departs_at = "Europe/Paris"
[units]
gross_mass_kg = "t"
[attributes]
axles = { column = "Axles", type = "number" }
"""
    cells = 'R1,2026-07-01 09:30,"1.234,50","1.012,5",,2026-07-01 09:30,"2,5"'
    assert first_row(text, cells, tmp_path) == {
        "movement_ref": "R1",
        "declared_at": datetime(2026, 7, 1, 8, 30, tzinfo=UTC),
        "departs_at": datetime(2026, 7, 1, 7, 30, tzinfo=UTC),
        "gross_mass_kg": 1_012_500.0,
        "value_gbp": 1_234.5,
        "attributes": {"axles": 2.5},
    }
    with pytest.raises(RecordRejected, match=r"no number written like 1\.234,5; correct it$"):
        first_row(text, 'R1,2026-07-01 09:30,,"1,012.5",,,', tmp_path)


JOINED = (
    BASE
    + """
[attributes]
load = { codes = ["Mode", "Seal"], numbers = ["Mass", "Axles"], type = "code" }
[formats]
time_zone = "UTC"
"""
)


def load_of(cells: str, directory: Path, text: str = JOINED) -> Any:
    return first_row(text, f"R1,2026-07-01,{cells}", directory)["attributes"].get("load")


def test_a_code_joined_of_columns_takes_codes_as_written_and_numbers_by_value(
    tmp_path: Path,
) -> None:
    assert load_of("T,1.0,,007,3", tmp_path) == "T|007|1|3"
    for same in ("T,1,,007,3.00", "T,1e0,,007,+3", "T,01,,007,3."):
        assert load_of(same, tmp_path) == "T|007|1|3", same
    assert load_of("T,-0.0,,007,3", tmp_path) == load_of("T,0,,007,3", tmp_path)
    assert load_of("T,0.1,,7,3", tmp_path) == "T|7|0.1|3"  # 007 is a code, and another one
    german = JOINED + 'decimal = ","\nthousands = "."\n'
    assert load_of('T,"1.234,50",,007,3', tmp_path, german) == "T|007|1234.5|3"


@pytest.mark.parametrize("cells", [",1,,007,3", "T,,,007,3", "T,1,,,3", "T,1,,007,", ",,,,"])
def test_a_blank_part_leaves_the_joined_code_out(tmp_path: Path, cells: str) -> None:
    assert load_of(cells, tmp_path) is None


def test_what_is_no_number_refuses_the_row_under_the_name_of_the_attribute(tmp_path: Path) -> None:
    for cell in ("heavy", "inf", "1e16"):
        with pytest.raises(RecordRejected, match="column 'Mass': no number") as caught:
            load_of(f"T,{cell},,007,3", tmp_path)
        assert [problem.pointer for problem in caught.value.problems] == ["/attributes/load"]


@given(
    st.lists(
        st.lists(st.text("ab|\\\\ ", max_size=3), min_size=2, max_size=2), min_size=2, max_size=2
    )
)
def test_no_two_combinations_join_alike(both: list[list[str]]) -> None:
    one, other = both
    assert (joined(one) == joined(other)) == (one == other)


def test_typed_numbers_of_parquet_join_like_texts(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "Ref": ["R1", "R2"],
        "When": ["2026-07-01T09:30Z"] * 2,
        "Mode": ["T", None],
        "Seal": ["007"] * 2,
        "Mass": [1, 2],
        "Axles": [3.0, 0.5],
    }
    pq.write_table(pa.table(columns), tmp_path / "f.parquet")
    table = open_table(tmp_path / "f.parquet")
    reader = RowReader(table, mapping_of(JOINED, tmp_path).movement)
    found = [reader.fields(cells)["attributes"] for cells in table.rows()]
    assert found == [{"load": "T|007|1|3"}, {}]


class Consignment(Vehicle, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="vehicle"):
    """A vehicle with what later records hold: a list of texts, one of objects, an object."""

    documents: tuple[str, ...] | None = None
    positions: Annotated[list[Position] | None, Meta(description="A list.")] = None
    summary: Position | None = None


def test_lists_and_objects_come_as_they_are_as_json_or_separated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECORDS, "vehicle", Consignment)
    text = BASE + 'documents = "Mode"\npositions = "Mass"\nsummary = "Seal"\n'
    cells = 'R1,2026-07-01T09:30Z,A; B,"[{""lat"": 1.5}]",,"{""lat"": 2}",'
    row = first_row(text, cells, tmp_path)
    assert row["documents"] == ["A", "B"]
    assert row["positions"] == [{"lat": 1.5}]
    assert row["summary"] == {"lat": 2}
    nested: dict[str, list[Any]] = {
        "movement_ref": ["R1"],
        "declared_at": ["2026-07-01T09:30Z"],
        "documents": [["A", "B"]],
        "positions": [[{"lat": 1.5}]],
        "summary": [{"lat": 2.0}],
    }
    pq.write_table(pa.table(nested), tmp_path / "n.parquet")
    reader = RowReader(open_table(tmp_path / "n.parquet"), read_mapping(None, "vehicle").movement)
    (found,) = map(reader.fields, open_table(tmp_path / "n.parquet").rows())
    assert {name: found[name] for name in ("documents", "positions", "summary")} == {
        "documents": ["A", "B"],
        "positions": [{"lat": 1.5}],
        "summary": {"lat": 2.0},
    }
    assert msgspec.convert({"kind": "vehicle", **row}, Consignment, strict=False).summary


def test_members_of_a_parquet_object_that_are_missing_are_absent(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, 8, tzinfo=UTC)
    members: dict[str, Any] = {
        "lat": pa.float64(),
        "name": pa.string(),
        "at": pa.timestamp("us", "Europe/Paris"),
        "tags": pa.list_(pa.string()),
    }
    kind = pa.struct(members)
    objects: list[dict[str, Any] | None] = [
        {"lat": 1.5, "name": " A ", "at": at, "tags": ["x "]},
        {"lat": float("nan"), "name": "", "at": None, "tags": []},
        None,
    ]
    columns: dict[str, Any] = {"one": pa.array(objects, kind), "many": pa.array([objects] * 3)}
    pq.write_table(pa.table(columns), tmp_path / "n.parquet")
    rows = [row[0] for row in open_table(tmp_path / "n.parquet").rows()]
    assert rows == [{"lat": 1.5, "name": "A", "at": at, "tags": ["x"]}, {"tags": []}, None]
    assert rows[0]["at"].tzinfo is UTC


def test_what_a_mapping_says_is_its_identity_and_not_how_it_looks(tmp_path: Path) -> None:
    plain = mapping_of(BASE, tmp_path).digest
    assert mapping_of("# a word more\n" + BASE.replace(" = ", "="), tmp_path).digest == plain
    assert mapping_of(BASE + "[movement]\nknown_after_hours = 2\n", tmp_path).digest != plain


def test_a_column_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    mapping = mapping_of(BASE + 'gross_mass_kg = "Gross Mas"\n', tmp_path)
    table = table_of("", tmp_path, "Ref,When,Gross Mass\n")
    with pytest.raises(
        InputError,
        match=r"no column 'Gross Mas', named in mapping m.toml \(did you mean 'Gross Mass'",
    ):
        RowReader(table, mapping.movement)


def test_typed_cells_read_as_their_text() -> None:
    assert [text_of(cell) for cell in (30, 30.0, 30.5, True, "x")] == [
        "30",
        "30",
        "30.5",
        "true",
        "x",
    ]


DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"


def examples() -> list[str]:
    pages = [DOCUMENTS / "mapping.md", *sorted((DOCUMENTS / "mappings").glob("*.md"))]
    parts = [part for page in pages for part in page.read_text().split("```toml\n")[1:]]
    return [part.partition("```")[0] for part in parts]


def test_every_example_in_the_documents_is_a_mapping(tmp_path: Path) -> None:
    found = [mapping_of(text, tmp_path, tomllib.loads(text)["kind"]) for text in examples()]
    assert [mapping.kind for mapping in found] == ["vehicle", "shipment", "vehicle"]
    assert found[0].movement.units == {"gross_mass_kg": "t"}
    assert found[0].known_after_hours == 2


def test_the_customs_page_says_what_the_shipped_mapping_says(tmp_path: Path) -> None:
    documented = mapping_of(examples()[1], tmp_path, "shipment")
    shipped = read_mapping(Path("customs-declarations"), "shipment")
    assert documented.outcome is not None
    assert shipped.outcome is not None
    assert documented.outcome.values == shipped.outcome.values
    assert documented.known_after_days == shipped.known_after_days
    assert documented.movement.formats == shipped.movement.formats
    assert (documented.movement.columns or {}).items() <= (shipped.movement.columns or {}).items()


def test_every_unit_and_shipped_mapping_is_documented() -> None:
    page = (DOCUMENTS / "mapping.md").read_text()
    for wanted in ("kg", "m", "h", "kn", "%"):
        for unit in convertible(wanted):
            assert re.search(rf"[` ]{re.escape(unit)}[` ]", page), unit
    pages = "".join(path.read_text() for path in (DOCUMENTS / "mappings").glob("*.md"))
    for name in shipped_mappings():
        assert f"features/files/mappings/{name}.toml" in pages
