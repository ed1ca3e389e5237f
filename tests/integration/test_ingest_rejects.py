"""Refused rows: told in a table, listed without a name, and written whole to be put right."""

import csv
import io
import stat
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.clock import to_micros
from features.ingest.checking import Checked, check
from features.ingest.report import Refusals
from features.ledger import Recorded, open_ledger
from features.progress import Lines, progress
from features.records import Problem
from tests.command import Done, Run, listing, runner

HOUR = 3_600_000_000
HEADER = "movement_ref,declared_at,haulier_eori,vehicle_reg,gross_mass_kg\n"
ROWS = (
    "M1,2026-03-01T08:30:00Z,GB980780684000,AB12 CDE,12500\n"
    "M2,soon,,CD34 EFG,5\n"
    "M3,2026-03-02T08:30:00Z,,EF56 GHI\n"
    "M4,2026-03-02T08:30:00Z,,GH78 IJK,5,6\n"
    "M5,2026-03-02T08:30:00Z,,JK90 LMN,heavy\n"
    "M6,2026-03-02T08:30:00Z,,LM12 NOP,-5\n"
)


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``foreland ingest --kind vehicle``, started in the directory of the files."""
    del home
    monkeypatch.chdir(tmp_path)
    return partial(runner(monkeypatch), "ingest", "--kind", "vehicle")


def recorded(home: Path) -> list[Recorded]:
    ledger = open_ledger(f"sqlite:///{home / 'ledger.db'}", create=False)
    events = list(ledger.tail(0))
    ledger.close()
    return events


def test_a_dry_run_prints_a_table_of_reasons(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(HEADER + ROWS + ROWS.splitlines()[-1] + "\n")
    done = run("--movements", "m.csv", "--dry-run")
    table = done.out.partition("refused: 6 rows")[2].splitlines()[1:]
    assert [line.split()[:6] for line in table] == [
        ["code", "field", "rows", "first", "what", "is"],
        ["bad_value", "/gross_mass_kg", "3", "m.csv", "row", "5"],
        ["wrong_number_of_cells", "(record)", "2", "m.csv", "row", "3"],
        ["bad_value", "/declared_at", "1", "m.csv", "row", "2"],
    ]
    places = {line.index("m.csv") for line in table[1:]}
    assert places == {table[0].index("first")}, "aligned"
    assert table[3].endswith(
        "column 'declared_at': not an ISO 8601 time such as 2026-03-01T08:30:00Z; correct it, or "
        "set [formats] declared_at in the mapping"
    )
    assert "soon" not in done.out
    assert not home.exists()


def test_a_reason_with_several_sentences_says_how_many_more() -> None:
    """Numbers aside: a row of the table is about one code at one field."""
    refusals = Refusals()
    for number, sentence in enumerate(("net 5 kg", "net 6 kg", "no number", "net 7 kg"), 1):
        refusals.add("m.csv", number, (Problem("bad_value", "/net_mass_kg", sentence),))
    (refusal,) = refusals.by_reason()
    assert (refusal.rows, refusal.first, refusal.others) == (4, 1, 1)


def test_on_a_terminal_the_table_is_drawn_and_whole(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.csv").write_text(HEADER + ROWS)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    out = run("--movements", "m.csv", "--dry-run").out
    assert "wrong_number_of_cells" in out
    assert "set [formats] declared_at" in " ".join(out.split())


def test_after_an_ingest_the_table_is_short(run: Run, tmp_path: Path) -> None:
    attributes = "".join(f'a{n} = {{ column = "A{n}", type = "number" }}\n' for n in range(14))
    (tmp_path / "m.toml").write_text(
        '[columns]\nmovement_ref = "Ref"\ndeclared_at = "When"\n[attributes]\n' + attributes
    )
    names = ",".join(f"A{n}" for n in range(14))
    rows = "".join(
        f"M{n},2026-03-01T08:30Z" + "," * n + ",x" + "," * (13 - n) + "\n" for n in range(14)
    )
    (tmp_path / "m.csv").write_text(f"Ref,When,{names}\n{rows}")
    done = run("--movements", "m.csv", "--mapping", "m.toml")
    assert done.out.count("bad_value  /attributes/a") == 10
    assert "and 4 more reasons; --dry-run shows all" in done.out
    dry = run("--movements", "m.csv", "--mapping", "m.toml", "--dry-run")
    assert dry.out.count("bad_value  /attributes/a") == 14


def test_the_list_of_rejects_names_nobody(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(
        '[columns]\nmovement_ref = "Ref"\ndeclared_at = "When"\nhaulier_eori = "Haulier"\n'
        'vehicle_reg = "Plate"\n[values.haulier_eori]\nH1 = "GB1"\n'
        '[attributes]\naxles = { column = "Axles", type = "number" }\n'
    )
    (tmp_path / "m.csv").write_text(
        "Ref,When,Haulier,Plate,Axles\n"
        "CANARYREF,CANARYREF,,CANARYPLATE,\n"  # a column that slipped: its time is a reference
        "R2,2026-03-01T08:30Z,CANARYHAULIER,AB1,\n"
        "R3,2026-03-01T08:30Z,,AB1,CANARY SMITH\n"
        "R4,2026-03-01T08:30Z,,AB1,4\n"
    )
    done = run("--movements", "m.csv", "--mapping", "m.toml", "--rejects", "whole.csv")
    assert "refused: 3 rows" in done.out
    listed = listing(home, "m").read_text()
    assert listed.splitlines()[0] == "number,code,pointer,message"
    assert len(listed.splitlines()) == 4
    assert "CANARY" not in listed + done.out + done.error
    assert "column 'When': not an ISO 8601 time" in listed
    assert "CANARYPLATE" in (tmp_path / "whole.csv").read_text(), "only where it was asked for"


def test_whole_rejects_are_corrected_and_go_in_with_the_same_mapping(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.csv").write_text(HEADER + ROWS)
    done = run("--movements", "m.csv", "--rejects", "bad.csv")
    assert "ledger: 1 event added" in done.out
    assert "all of them: bad.csv" in done.out
    path = tmp_path / "bad.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = list(csv.reader(io.StringIO(path.read_text())))
    assert lines[0] == [
        *HEADER.strip().split(","),
        "foreland_code",
        "foreland_pointer",
        "foreland_message",
    ]
    assert [line[0] for line in lines[1:]] == ["M2", "M3", "M4", "M5", "M6"]
    assert lines[1][:7] == ["M2", "soon", "", "CD34 EFG", "5", "bad_value", "/declared_at"]
    assert lines[2][:6] == [
        "M3",
        "2026-03-02T08:30:00Z",
        "",
        "EF56 GHI",
        "",
        "wrong_number_of_cells",
    ]
    assert [len(line) for line in lines] == [8, 8, 9, 9, 8, 8], "too long or short, it stays so"
    again = run("--movements", "bad.csv", "--rejects", "worse.csv")
    assert "refused: 5 rows" in again.out, "as it is, nothing of it passes"
    assert (tmp_path / "worse.csv").read_text().splitlines()[0] == path.read_text().splitlines()[0]
    fixes = {"soon": "2026-03-02T08:30:00Z", "heavy": "9", "-5": "5"}
    right = [[fixes.get(cell, cell) for cell in line[:8]] for line in lines]
    right[2][4] = "7"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(right)
    assert "ledger: 5 events added, 0 were there" in run("--movements", "bad.csv").out
    assert len(recorded(home)) == 6


def test_whole_rejects_keep_the_delimiter_and_typed_cells(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(
        '[columns]\nmovement_ref = "movement_ref"\ndeclared_at = "declared_at"\n'
        'gross_mass_kg = "gross_mass_kg"\n[formats]\ndelimiter = ";"\ndecimal = ","\n'
    )
    (tmp_path / "m.csv").write_text(
        "movement_ref;declared_at;gross_mass_kg;more\nM1;2026-03-01T08:30Z;1,5;\nM2;x;1,5;a\n"
    )
    run("--movements", "m.csv", "--mapping", "m.toml", "--rejects", "bad.csv")
    assert (tmp_path / "bad.csv").read_text().splitlines()[1].startswith("M2;x;1,5;a;bad_value;")
    at = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    columns: dict[str, Any] = {
        "movement_ref": pa.array(["A", "B"]),
        "declared_at": pa.array([at, at], pa.timestamp("us", "UTC")),
        "gross_mass_kg": pa.array([-1.0, 2.5]),
        "is_empty": pa.array([True, False]),
    }
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    run("--movements", "p.parquet", "--rejects", "bad.csv")
    line = (tmp_path / "bad.csv").read_text().splitlines()[1]
    assert line.startswith("A,2026-03-01T08:30:00+00:00,-1,true,bad_value,/gross_mass_kg,")
    (tmp_path / "bad.csv").write_text((tmp_path / "bad.csv").read_text().replace(",-1,", ",1,"))
    assert "ledger: 1 event added" in run("--movements", "bad.csv").out


def test_rejects_of_two_files_have_two_names_and_a_dry_run_writes_them_if_asked(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.csv").write_text(HEADER + ROWS)
    (tmp_path / "o.csv").write_text(
        "event_id,movement_ref,outcome,examined_at\n"
        "E1,M1,negative,2026-03-01T09:00Z\nE2,M1,missed,late\n"
    )
    files = ("--movements", "m.csv", "--outcomes", "o.csv", "--rejects", "bad.csv")
    run(*files, "--dry-run")
    assert not home.exists()
    assert (tmp_path / "bad-outcomes.csv").read_text().count("\n") == 2
    assert (tmp_path / "bad.csv").read_text().count("\n") == 6
    (tmp_path / "m.csv").write_text(HEADER + ROWS.splitlines()[0] + "\n")
    run(*files)
    assert not (tmp_path / "bad.csv").exists(), "a list of an earlier run does not stay behind"


def test_files_of_one_name_have_a_list_each_and_keep_it(
    run: Run, home: Path, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "m.csv").write_text(HEADER + ROWS)
    (tmp_path / "b" / "m.csv").write_text(
        "event_id,movement_ref,outcome,examined_at\n"
        "E1,M1,negative,2026-03-01T09:00Z\nE2,M1,missed,late\n"
    )
    (tmp_path / "c" / "m.csv").write_text(HEADER + ROWS.splitlines()[0] + "\n")
    done = run("--movements", "a/m.csv", "--outcomes", "b/m.csv")
    assert (done.status, done.error) == (0, "")
    lists = sorted((home / "rejects").glob("*.csv"))
    assert [path.name.rpartition("-")[0] for path in lists] == [
        "m-vehicle-movements",
        "m-vehicle-outcomes",
    ]
    assert [path.read_text().count("\n") for path in lists] == [6, 2]
    assert all(f"all of them: {path}\n" in done.out for path in lists)
    run("--movements", "c/m.csv")
    assert sorted((home / "rejects").glob("*.csv")) == lists, "another file replaces no list"
    (tmp_path / "a" / "m.csv").write_text(HEADER + ROWS.splitlines()[0] + "\n")
    run("--movements", "a/m.csv")
    assert sorted((home / "rejects").glob("*.csv")) == lists[1:], "the same file does"


def test_rejects_replace_no_file_of_yours(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(HEADER + ROWS)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "m.csv")
    before = (tmp_path / "m.csv").read_text()
    for name, sentence in (
        ("m.csv", "--rejects m.csv is an input of this ingest; give another name"),
        ("link.csv", "--rejects link.csv is an input of this ingest; give another name"),
        ("other.csv", "--rejects other.csv is there and no list of rejects; give another name"),
        ("bad.parquet", "--rejects writes a .csv file, not 'bad.parquet'; rename it"),
    ):
        done = run("--movements", "m.csv", "--rejects", name)
        assert done == Done(2, "", f"error: {sentence}\n")
    assert (tmp_path / "m.csv").read_text() == before
    assert (tmp_path / "other.csv").read_text() == "a,b\n1,2\n"


def test_movements_have_a_clock_of_their_own(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(
        '[columns]\nmovement_ref = "movement_ref"\ndeclared_at = "declared_at"\n'
        'vehicle_reg = "vehicle_reg"\nknown_at = "received"\n[movement]\nknown_after_hours = 2\n'
    )
    (tmp_path / "m.csv").write_text(
        "movement_ref,declared_at,vehicle_reg,received\n"
        "M1,2026-03-01T08:00Z,A1,2026-03-01T09:00Z\n"
        "M2,2026-03-01T08:00Z,A1,\n"
        "M3,2026-03-01T08:00Z,A1,2026-03-01T07:00Z\n"
    )
    done = run("--movements", "m.csv", "--mapping", "m.toml")
    assert [e.available_at - e.occurred_at for e in recorded(home)] == [HOUR, 2 * HOUR]
    assert "known_before_declared 1" in done.out
    assert recorded(home)[0].occurred_at == to_micros(datetime(2026, 3, 1, 8, tzinfo=UTC))
    (tmp_path / "own.csv").write_text(
        "movement_ref,declared_at,vehicle_reg,known_at\nM9,2026-03-01T08:00Z,A1,2026-03-01T09:00Z\n"
    )
    run("--movements", "own.csv")
    assert recorded(home)[-1].available_at - recorded(home)[-1].occurred_at == HOUR


def test_times_that_came_twice_are_counted_in_the_report(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(
        '[columns]\nmovement_ref = "Ref"\ndeclared_at = "When"\nvehicle_reg = "Plate"\n'
        '[time_zones]\ndeclared_at = "Europe/London"\n'
    )
    (tmp_path / "m.csv").write_text(
        "Ref,When,Plate\nM1,2026-10-25 01:30,A\nM2,2026-10-25 02:30,A\nM3,2026-03-29 01:30,A\n"
    )
    done = run("--movements", "m.csv", "--mapping", "m.toml")
    assert "1 wall-clock time came twice that night; took the first" in done.out
    assert "refused: 1 row (bad_value 1)" in done.out


def test_a_file_that_changes_while_it_is_read_is_not_taken(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.csv").write_text(HEADER + ROWS)

    def changing(*arguments: Any, **named: Any) -> Checked:
        checked = check(*arguments, **named)
        (tmp_path / "m.csv").write_text(HEADER + ROWS + ROWS)
        return checked

    monkeypatch.setattr("features.ingest.run.check", changing)
    done = run("--movements", "m.csv")
    assert done.error == "error: m.csv was changed while it was read; run the same command again\n"
    assert recorded(home) == []


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ((), "stopped; the same command goes on where it was\n"),
        (("--dry-run",), "stopped; nothing was written\n"),
    ],
)
def test_a_run_that_is_interrupted_says_how_to_go_on(
    run: Run,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    sentence: str,
) -> None:
    (tmp_path / "m.csv").write_text(HEADER + ROWS)

    def interrupted(*_arguments: Any, **_named: Any) -> Checked:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("features.ingest.run.check", interrupted)
        assert run("--movements", "m.csv", *more) == Done(130, "", sentence)
    assert "ledger: 1 event added" in run("--movements", "m.csv").out
    assert len(recorded(home)) == 1


def test_an_unwatched_run_says_a_line_now_and_then() -> None:
    now, out = [0.0], io.StringIO()
    tell = Lines("rows", out, lambda: now[0])
    for second in range(0, 95, 5):
        now[0] = float(second)
        tell("checked", 1_000)
    assert out.getvalue() == "checked 7,000 rows\nchecked 13,000 rows\nchecked 19,000 rows\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_watched_run_has_a_bar_for_each_pass() -> None:
    out = Terminal()
    with progress("rows", 2_000, out) as advance:
        for name in ("checked", "loaded"):
            advance(name, 1_000)
            advance(name, 1_000)
    assert "checked rows" in out.getvalue()
    assert "loaded rows" in out.getvalue()
    assert "2000/2000" in out.getvalue()
