"""Shared by all tests: a home of their own, a ledger, and how hard hypothesis looks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from features.ledger import Ledger, open_ledger
from tests.postgres import running_server

EXAMPLES = 100
settings.register_profile("quick", max_examples=EXAMPLES, deadline=None)
settings.register_profile("deep", max_examples=10 * EXAMPLES, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

NO_PACE = ("FORELAND_SCORES_PER_SECOND", "0")
"""Tests send as fast as they can; those of the pace set one."""
os.environ.setdefault(*NO_PACE)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A FORELAND_HOME that does not exist yet, and no setting from outside."""
    for name in [name for name in os.environ if name.startswith("FORELAND_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "home"
    monkeypatch.setenv("FORELAND_HOME", str(path))
    monkeypatch.setenv(*NO_PACE)
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty SQLite ledger."""
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server; tests make databases of their own on it."""
    with running_server() as url:
        yield url


@pytest.fixture
def customs() -> Path:
    """The directory of the customs declarations data; skips, visibly, where it is not."""
    path = Path(os.environ.get("FORELAND_CUSTOMS_DIR", "../shared/data/customs-declarations"))
    if not (path / "df_syn_train_eng.csv").is_file():
        pytest.skip(f"customs declarations not at {path}; set FORELAND_CUSTOMS_DIR to test on them")
    return path
