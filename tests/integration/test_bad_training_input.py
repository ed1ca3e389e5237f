"""What cannot be trained on ends in one line; what can be, however odd, ends in a model."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import foreland
from features.clock import MICROS_PER_DAY
from features.ledger import MovementDeclared, OutcomeRecorded, open_ledger
from features.rows import feature_rows
from features.settings import Settings
from models.bundle import load_bundle
from models.trust import trusted_keys
from tests.integration.test_training import START, event, fill
from training.config import TrainingConfig
from training.data import gather
from training.run import train

Outcome = Callable[[int], str]


def fill_by_hand(url: str, rows: int, outcome: Outcome, *, known_after_days: int = 2) -> None:
    """A movement every six hours, all of one haulier, route and mass, all examined."""
    events = []
    for number in range(rows):
        moment = START + number * MICROS_PER_DAY // 4
        declared = MovementDeclared(
            kind="vehicle",
            movement=f"{number:032d}",
            declared_at=moment,
            entities={"haulier_eori": "organisation:1"},
            fields={"gross_mass_kg": 20_000.0, "route_id": "A-B"},
        )
        events.append(event(f"{number}", moment, declared, "simulation"))
        concluded = OutcomeRecorded(
            kind="vehicle",
            movement=declared.movement,
            examined_at=moment + MICROS_PER_DAY,
            outcome=outcome(number),
        )
        known = moment + known_after_days * MICROS_PER_DAY
        events.append(event(f"o{number}", known, concluded, "simulation"))
    with closing(open_ledger(url)) as ledger:
        ledger.backfill(events)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("FORELAND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def said_by_train(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "argv", ["foreland", "train", "--kind", "vehicle", "--tune", "3"])
    with pytest.raises(SystemExit) as ended:
        foreland.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    ("rows", "outcome", "counted"),
    [
        (800, lambda _: "positive", "holds 380, 380 of them finds"),
        (800, lambda _: "negative", "holds 380, 0 of them finds"),
        (130, lambda n: "no_show" if n >= 10 else ("negative", "positive")[n % 2], "of 10 matured"),
    ],
    ids=["finds only", "none", "ten labels"],
)
def test_labels_that_cannot_be_learned_from(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    rows: int,
    outcome: Outcome,
    counted: str,
) -> None:
    fill_by_hand(Settings(home=home).ledger, rows, outcome)
    said = said_by_train(monkeypatch, capsys)
    assert counted in said
    assert "needs 10 and both finds and none" in said
    assert "ingest more outcomes, or move the slices by [split] of --config" in said
    assert not (home / "tuning").exists() and not (home / "bundles").exists()


def test_labels_from_the_future_change_nothing(tmp_path: Path) -> None:
    """Two ledgers that differ in what became known after ``until`` only give the same data."""
    until = START + 100 * MICROS_PER_DAY
    options = TrainingConfig()
    found = []
    for later in ("negative", "positive"):
        url = f"sqlite:///{tmp_path / later}.db"
        # known 2 days after: those of the last 8 rows before ``until`` are of the future
        outcomes = [_one_in_three(number) for number in range(392)] + [later] * 88
        fill_by_hand(url, 480, outcomes.__getitem__)
        found.append(gather(url, "vehicle", options, until, lambda _: None))
    assert found[0].sha256 == found[1].sha256
    assert found[0].labelled.known_at.max() < until


def _one_in_three(number: int) -> str:
    return "negative" if number % 3 else "positive"


@pytest.mark.filterwarnings(  # until MLflow asks without SQLAlchemy's noload
    "ignore:The ``noload`` loader strategy"
)
def test_constant_columns_make_a_model_that_scores_what_it_never_saw(home: Path) -> None:
    settings = Settings(home=home)
    fill_by_hand(settings.ledger, 800, _one_in_three)
    trained = train(settings, "vehicle")
    bundle = load_bundle(trained.bundle, trusted=trusted_keys(settings))
    data = gather(settings.ledger, "vehicle", TrainingConfig(), None, lambda _: None)
    mass = bundle.catalogue.names.index("gross_mass_kg")
    assert np.unique(data.matrix[:, mass]).size == 1
    stranger = MovementDeclared(
        kind="vehicle",
        movement="f" * 32,
        declared_at=data.until,
        entities={"haulier_eori": "organisation:never"},
        fields={"gross_mass_kg": 1e9, "route_id": "NEVER-SEEN", "commodity_code": "999999"},
    )
    rows = feature_rows(data.timeline, [stranger], np.array([data.until]), bundle.catalogue)
    (probability,) = bundle.probabilities(rows)
    assert 0.0 < probability < 1.0


def train_with_files_up_to(home: Path, limit_bytes: int) -> subprocess.CompletedProcess[str]:
    """A write beyond the limit fails, as it would on a full disk; what is read may be larger."""
    return subprocess.run(
        [sys.executable, "-m", "foreland", "train", "--kind", "vehicle", "--tune", "2"],
        env=os.environ | {"FORELAND_HOME": str(home)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes)),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_full_disk_registers_nothing_and_keeps_finished_trials(home: Path) -> None:
    fill(Settings(home=home).ledger)
    ended = train_with_files_up_to(home, 40_000)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr and "check the path" in ended.stderr
    (study,) = (home / "tuning").glob("vehicle-*.jsonl")
    assert study.read_bytes().count(b"\n") == 2
    assert not (home / "bundles").exists()
    assert [item.name for item in (home / "pending-runs").iterdir()] == []
