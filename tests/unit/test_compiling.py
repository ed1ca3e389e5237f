"""Machine code on disk is of the sources that are there now."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

from features.history import compiling

HISTORY = Path(compiling.__file__).parent
CALLER = """
from compiling import compiled
from kernel import callee

@compiled
def caller() -> int:
    return callee()

print(caller(), sum(caller.stats.cache_hits.values()))
"""
CALLEE = """
from compiling import compiled

@compiled
def callee() -> int:
    return {}
"""


def run(directory: Path) -> list[int]:
    """What the caller answers, and how often its code came from disk."""
    environment = {**os.environ, "PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "link_kernel.py"]
    done = subprocess.run(
        command, cwd=directory, env=environment, check=True, capture_output=True, text=True
    )
    return [int(word) for word in done.stdout.split()]


def test_code_is_compiled_anew_when_a_function_that_it_calls_has_changed(tmp_path: Path) -> None:
    shutil.copy(HISTORY / "compiling.py", tmp_path)
    for name in ("statistics.py", "link_reading.py", "live_kernel.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "link_kernel.py").write_text(CALLER)
    (tmp_path / "kernel.py").write_text(CALLEE.format(1))
    assert [run(tmp_path), run(tmp_path)] == [[1, 0], [1, 1]]
    (tmp_path / "kernel.py").write_text(CALLEE.format(2))
    assert run(tmp_path) == [2, 0]


def test_every_file_with_compiled_code_is_named() -> None:
    having = {
        path.name
        for path in HISTORY.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == compiling.__name__
    }
    assert having | {"compiling.py", "statistics.py"} == set(compiling.SOURCES)
