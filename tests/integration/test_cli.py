"""The command line as a person meets it: help, mistakes, exit status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from foreland import STAGES

ROOT = Path(__file__).resolve().parents[2]


def foreland(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "foreland", *arguments],
        cwd=ROOT,
        env={**os.environ, "FORELAND_HOME": str(home), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", ["demo", *STAGES])
def test_every_command_has_help_with_an_example(command: str, tmp_path: Path) -> None:
    done = foreland(command, "--help", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"foreland {command}" in done.stdout
    assert "Example" in done.stdout


def test_the_list_of_commands_names_each(tmp_path: Path) -> None:
    done = foreland("--help", home=tmp_path)
    assert done.returncode == 0
    assert all(command in done.stdout for command in ["demo", *STAGES])


def test_help_imports_no_heavy_library() -> None:
    """``foreland --help`` answers at once: a stage's libraries are imported when it runs."""
    code = (
        "import sys, foreland; from typer.testing import CliRunner;"
        "assert CliRunner().invoke(foreland.app, ['--help']).exit_code == 0;"
        "heavy = {'mlflow', 'bentoml', 'evidently', 'lightgbm', 'matplotlib'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demolish"], "No such command 'demolish'"),
        (["ingest", "--kind", "lorry", "--movements", "x.csv"], "lorry"),
        (["ingest", "--kind", "vehicle", "--movements", "missing.csv"], "missing.csv"),
        (["train", "--kind", "vehicle"], "foreland ingest"),
        (["promote", "--kind", "vehicle", "--version", "1", "--approver", "A"], "foreland train"),
        (["report", "--period", "2026-13"], "2026-13"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    done = foreland(*arguments, home=tmp_path / "home")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
