"""The auditor's script says in one line what it cannot read."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_audit.py"


def test_a_directory_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr == ""
    assert "nowhere" in ran.stdout and "check the path" in ran.stdout
