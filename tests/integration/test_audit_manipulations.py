"""More than a thousand ways to change the audit log, all of them found; an untouched one passes."""

import importlib.util
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from features.ledger import LedgerDamaged, LedgerError, open_ledger
from features.signing import SigningKey
from serving.audit.copying import export
from serving.audit.verification import Finding, verify
from tests.audit_examples import build_log
from tests.audit_forgeries import Manipulation
from tests.audit_manipulations import all_manipulations, run

KEY = SigningKey(bytes(range(32)))
SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_audit.py"


class Bench:
    """A log to spoil copies of, and both verifiers."""

    def __init__(self, directory: Path) -> None:
        self.whole, self.exported = directory / "whole.db", directory / "heads"
        self._copy, self._heads, self._out = (
            directory / name for name in ("copy.db", "copied-heads", "out")
        )
        with closing(open_ledger(f"sqlite:///{self.whole}")) as ledger:
            build_log(ledger, KEY, self.exported)
        with closing(sqlite3.connect(self.whole, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = DELETE")
            triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
            for (name,) in database.execute(triggers).fetchall():
                database.execute(f"DROP TRIGGER {name}")
            self.manipulations = all_manipulations(database, KEY)
        self._independent = _script()

    def undetected(self, one: Manipulation) -> str | None:
        """Who does not see it; None when whoever must does."""
        shutil.copy(self.whole, self._copy)
        shutil.rmtree(self._heads, ignore_errors=True)
        shutil.copytree(self.exported, self._heads)
        with closing(sqlite3.connect(self._copy, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = OFF")
            one.change(database, self._heads)
        if not self.findings():
            return f"foreland audit verify does not see: {one.name}"
        if one.export_shows and not self.independent_findings():
            return f"verify_audit.py does not see: {one.name}"
        return None

    def findings(self) -> int:
        found: list[Finding] = []
        with closing(open_ledger(f"sqlite:///{self._copy}")) as ledger:
            try:
                verify(ledger, self._heads, [KEY.verifying], found.append)
            except LedgerError:  # not even readable any more
                return 1
        assert all("\n" not in finding.line() for finding in found)
        return len(found)

    def independent_findings(self) -> int:
        shutil.rmtree(self._out, ignore_errors=True)
        try:
            export(f"sqlite:///{self._copy}", self._out, [KEY.verifying])
        except LedgerDamaged:
            return 1
        try:
            return int(
                self._independent.verify_export(self._out, [KEY.verifying.public], self._heads)
            )
        except (ValueError, KeyError, TypeError, AttributeError):  # as its main does
            return 1


def _script() -> Any:
    """The independent verifier; each question to openssl is asked once."""
    spec = importlib.util.spec_from_file_location("verify_audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.is_signed = cache(module.is_signed)  # type: ignore[attr-defined]
    return module


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    yield Bench(tmp_path_factory.mktemp("audit"))


def test_nothing_is_found_where_nothing_was_changed(bench: Bench) -> None:
    untouched = Manipulation("nothing", lambda *_: None, True)
    assert bench.undetected(untouched) is not None
    rewritten = Manipulation("VACUUM", run("VACUUM"), True)
    assert bench.undetected(rewritten) is not None


def test_there_are_more_than_two_thousand_of_many_kinds(bench: Bench) -> None:
    assert len(bench.manipulations) > 2_000
    assert sum(one.export_shows for one in bench.manipulations) > 1_000


@pytest.mark.parametrize("offset", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_every_manipulation_is_found(bench: Bench, offset: int) -> None:
    """By the verifier, and where the export has it, by the independent one too."""
    tried = bench.manipulations[offset::2]
    assert len(tried) > 1_000
    missed = [bench.undetected(one) for one in tried]
    assert [one for one in missed if one] == []
