"""Shared by the proofs: what costs seconds to start is started once."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.force.recording import Children, Order, acknowledgements, prepare
from tests.force.tracer import SUPPORTED
from tests.integration.small_border import Server, running

NewHome = Callable[[], Path]

REQUESTS_BEFORE, CALLS_BEFORE = 150, 2_050
"""The write-ahead log is merged at 1,000 pages: somewhere after so many calls of so many requests,
so that it happens early in a run that goes on from there."""


class Served(NamedTuple):
    home: Path
    server: Server
    """Of two workers."""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that is copied, never used."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    prepare(home)
    return home


@pytest.fixture
def new_home(prepared: Path, tmp_path: Path) -> NewHome:
    """Makes the same home again, at the same place."""
    home = tmp_path / "home"

    def make() -> Path:
        shutil.rmtree(home, ignore_errors=True)
        return shutil.copytree(prepared, home)

    return make


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    """Skips, visibly, where no process can be traced."""
    if not SUPPORTED:
        pytest.skip("calls are traced on Linux on x86-64 only")
    with Children() as found:
        home = tmp_path_factory.mktemp("tried") / "home"
        prepare(home)
        tried = found.run(Order(str(home), 1))
        if tried.refused:
            pytest.skip(f"{tried.refused}; allow ptrace in this container to see the proof")
        yield found


@pytest.fixture(scope="session")
def full_log(children: Children, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same home, killed after many requests just before its log is merged; never used."""
    home = tmp_path_factory.mktemp("full-log") / "home"
    shutil.copytree(prepared, home)
    assert children.run(Order(str(home), REQUESTS_BEFORE, kill_before=CALLS_BEFORE)).killed
    acknowledgements(home).unlink()
    return home


@pytest.fixture(scope="session")
def served(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all proofs that leave it as it was."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(prepared, home)
    with running(home, "--workers", "2") as server:
        yield Served(home, server)
