"""Nothing that learns, scores or reports can read the simulated truth."""

import ast
import ctypes
import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import runner

ROOT = Path(__file__).resolve().parents[2]
BLIND = ("models", "training", "serving", "monitoring")
"""The packages that must not see the truth."""
PATH_TO_TRUTH = re.compile(r"(^|[/\\-])truth($|[/.\\-])")
IN_OPEN = 0x20  # inotify(7)
EVENT_BYTES = 16


@contextmanager
def openings_in(directory: Path) -> Iterator[list[int]]:
    """Afterwards the list holds one entry for every opening of a file there, by any library.

    The kernel counts them, so that a reader in C++ is seen as well as one in Python.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    watcher = libc.inotify_init1(os.O_NONBLOCK)
    assert watcher >= 0, os.strerror(ctypes.get_errno())
    watch = libc.inotify_add_watch(watcher, os.fsencode(directory), IN_OPEN)
    assert watch >= 0, os.strerror(ctypes.get_errno())
    seen: list[int] = []
    try:
        yield seen
        try:
            told = os.read(watcher, 1 << 16)
        except BlockingIOError:
            told = b""
        seen.extend(range(len(told) // EVENT_BYTES))
    finally:
        os.close(watcher)


def test_training_and_reporting_open_no_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path / "home"))
    run = runner(monkeypatch)
    border = tmp_path / "home" / "border"
    simulated = run("simulate", "--out", str(border), "--days", "120", "--movements-per-day", "300")
    assert simulated.status == 0, simulated.error
    with openings_in(border / "truth") as seen:
        for arguments in (
            ("ingest", "--kind", "vehicle",
             "--movements", str(border / "vehicle-movements.parquet"),
             "--outcomes", str(border / "vehicle-outcomes.parquet")),
            ("train", "--kind", "vehicle"),
            ("report",),
        ):  # fmt: skip
            done = run(*arguments)
            assert done.status == 0, done.error
    assert not seen
    with openings_in(border / "truth") as control:
        (border / "truth" / "vehicle-truth.parquet").read_bytes()
    assert control, "the watch does see an opening"


@pytest.mark.parametrize("package", BLIND)
def test_no_text_of_theirs_names_the_truth(package: str) -> None:
    """No string in the code, docstrings aside, could be a path to it."""
    for path in sorted((ROOT / package).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        named = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and PATH_TO_TRUTH.search(node.value)
            and id(node) not in docstrings
        ]
        assert not named, f"{path.relative_to(ROOT)} names the truth: {named}"


@pytest.mark.parametrize("package", BLIND)
def test_they_import_the_front_of_the_simulation_alone(package: str) -> None:
    """``from features.simulate import Arena`` and the like; nothing from behind it."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                assert not name.startswith("features.simulate."), (
                    f"{path.relative_to(ROOT)}: {name}"
                )


def test_the_import_contract_names_every_blind_package() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = [of for of in contracts["contracts"] if "truth" in of["name"]]
    assert set(contract["source_modules"]) == set(BLIND)
    assert contract["forbidden_modules"] == ["features.simulate.*"]
