"""The demo itself: interrupted, run again on the same home, and what it leaves behind.

Smaller than a person's: a shorter border, and of the customs declarations every tenth, where
they are to be had.
"""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from features.ledger import MovementDeclared, OutcomeRecorded, open_ledger
from monitoring.demo import CUSTOMS_FILES, OURS
from serving.audit import read_assessments, read_one

ROOT = Path(__file__).resolve().parents[2]
CUSTOMS = ROOT / "../shared/data/customs-declarations"
SMALL = ("--days", "300", "--movements-per-day", "600")
"""It ends yesterday, so every day has another border: of 400 a day some have no find among the few
vessels that calibrate a model."""


def start(home: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "foreland", "demo", *SMALL, *options],
        cwd=ROOT,
        env={**os.environ, "FORELAND_HOME": str(home), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "home"


@pytest.fixture(scope="module")
def customs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every tenth declaration of each file; an empty directory where there are none."""
    directory = tmp_path_factory.mktemp("customs")
    for name in CUSTOMS_FILES if CUSTOMS.is_dir() else ():
        with (CUSTOMS / name).open(newline="") as file, (directory / name).open("w") as tenth:
            rows = csv.reader(file)
            written = csv.writer(tenth, lineterminator="\n")
            written.writerow(next(rows))
            written.writerows(islice(rows, None, None, 10))
    return directory


@pytest.fixture(scope="module")
def interrupted(home: Path, customs: Path) -> subprocess.CompletedProcess[str]:
    """A demo that was stopped by Ctrl-C while it was loading files."""
    process = start(home, "--customs", str(customs))
    wait_for(home / "ledger.db", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture(scope="module")
def finished(
    home: Path, customs: Path, interrupted: subprocess.CompletedProcess[str]
) -> subprocess.CompletedProcess[str]:
    """The demo run again where it was interrupted, to its end."""
    assert interrupted.returncode == 2
    process = start(home, "--customs", str(customs))
    out, err = process.communicate(timeout=560)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def test_an_interrupted_demo_says_so_in_one_line(
    interrupted: subprocess.CompletedProcess[str],
) -> None:
    assert interrupted.returncode == 2
    assert re.fullmatch(
        r"error: interrupted at '.+'; nothing needs cleaning, run `foreland demo` again\n",
        interrupted.stderr,
    )


def test_the_demo_ends_well_where_an_earlier_one_was_interrupted(
    finished: subprocess.CompletedProcess[str],
) -> None:
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr


def test_the_readme_shows_steps_that_the_demo_has(
    finished: subprocess.CompletedProcess[str],
) -> None:
    readme = (ROOT / "README.md").read_text()
    shown = re.findall(r"^\d+\. .+$", readme.split("$ make demo")[1].split("```")[0], re.MULTILINE)
    assert len(shown) >= 4
    if CUSTOMS.is_dir():
        assert set(shown) <= set(finished.stdout.splitlines())
    assert "$(BIN)/foreland demo" in (ROOT / "Makefile").read_text()


def test_every_kind_was_scored_with_reasons(
    finished: subprocess.CompletedProcess[str], home: Path
) -> None:
    url = f"sqlite:///{home / 'ledger.db'}"
    recorded = [read_one(url, score_id) for score_id in read_assessments(url)["score_id"]]
    bodies = [json.loads(one.body) for one in recorded if one is not None and one.body is not None]
    assert [body["kind"] for body in bodies] == ["vehicle", "vessel", "shipment"]
    for body in bodies:
        assert 0 < body["probability"] < 1
        assert body["reasons"]
        assert body["model"]["version"] == 1
        assert body["reasons"][0]["sentence"] in finished.stdout


def test_what_is_simulated_says_so(finished: subprocess.CompletedProcess[str]) -> None:
    vehicle = finished.stdout.split("Score one vehicle over HTTP")[1].split("Score one vessel")[0]
    assert "SIMULATED" in vehicle


def test_the_outcome_is_in_the_ledger_once(
    finished: subprocess.CompletedProcess[str], home: Path
) -> None:
    assert finished.returncode == 0
    with closing(open_ledger(f"sqlite:///{home / 'ledger.db'}")) as ledger:
        live = [type(event.payload) for event in ledger.read_source("api")]
    assert live == [MovementDeclared, MovementDeclared, MovementDeclared, OutcomeRecorded]


def test_a_finished_demo_can_be_run_again(
    finished: subprocess.CompletedProcess[str], home: Path
) -> None:
    """Nothing that it or its server leaves is taken for somebody else's."""
    assert finished.returncode == 0
    assert not [item.name for item in home.iterdir() if not item.name.startswith(OURS)]
    assert (home / "history").is_dir(), "the server keeps a snapshot"


def test_the_report_is_there(finished: subprocess.CompletedProcess[str], home: Path) -> None:
    assert finished.returncode == 0
    pages = sorted((home / "reports").glob("20*/index.html"))
    assert len(pages) == 1
    assert "simulated" in pages[0].read_text().lower()
    assert list((pages[0].parent / "annex").glob("*.html"))


def test_a_home_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("do not lose me")
    process = start(tmp_path)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == (
        f"error: {tmp_path} holds thesis.tex, which no demo made; "
        "set FORELAND_HOME to a new directory\n"
    )
    assert (tmp_path / "thesis.tex").read_text() == "do not lose me"


def test_a_home_that_cannot_be_written_is_one_line() -> None:
    home = Path("/proc/foreland")  # refused to root too, who may write in any real directory
    process = start(home)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("\n")) == (2, 1)
    assert err.startswith("error: ") and str(home) in err


def test_a_home_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    process = start(tmp_path / "home")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith("error: ") and err.count("\n") == 1
    assert str(tmp_path / "home") in err
