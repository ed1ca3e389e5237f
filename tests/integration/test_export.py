"""``foreland export``, and training on and scoring from what it wrote."""

from pathlib import Path

import pytest

from tests.command import runner
from tests.integration.test_training import fill
from training.config import TrainingConfig
from training.data import gather


def test_training_from_an_export_sees_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path))
    run = runner(monkeypatch)
    url, out = f"sqlite:///{tmp_path / 'ledger.db'}", str(tmp_path / "events.parquet")
    fill(url)
    done = run("export", "--out", out)
    assert (done.status, done.error) == (0, "")
    assert done.out.endswith(f"events: {out}; train on it with --ledger {out}\n")
    by_source = [gather(s, "vehicle", TrainingConfig(), None, lambda _: None) for s in (url, out)]
    assert by_source[0].sha256 == by_source[1].sha256
    assert by_source[0].matrix.tobytes() == by_source[1].matrix.tobytes()
    refused = run("promote", "--kind", "vehicle", "--version", "1", "--approver", "A",
                  "--ledger", out)  # fmt: skip
    assert refused.status == 2
    retained = run("retain", "--holds", "--ledger", out)
    assert retained.status == 2
    assert "give the URL of a ledger" in retained.error


def test_an_export_has_a_name_of_its_kind_and_a_day_to_end_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path))
    run = runner(monkeypatch)
    fill(f"sqlite:///{tmp_path / 'ledger.db'}")
    done = run("export", "--out", str(tmp_path / "events.csv"))
    assert (done.status, done.error) == (2, "error: --out must end in .parquet, not 'events.csv'\n")
    done = run("export", "--out", str(tmp_path / "none.parquet"), "--until", "1990-01-01")
    assert done.out.startswith("0 events")
