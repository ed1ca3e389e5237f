"""Tracking at scale: PostgreSQL, behind a real server and directly."""

from pathlib import Path

import pytest

from features.settings import Settings
from models.bundle import load_bundle
from models.pins import load_pinned
from models.trust import trusted_keys
from tests.integration.test_tracking import TRIALS, keep_small_run
from tests.integration.test_training import fill
from tests.mlflow_server import running_mlflow
from tests.postgres import new_database
from training.promote import promote
from training.registering import register
from training.run import train
from training.tracking import Tracking, TrackingError


@pytest.mark.slow
def test_training_to_promotion_over_a_server_with_postgres(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path / "home")
    fill(settings.ledger)
    with running_mlflow(new_database(postgres_server), tmp_path) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        trained = train(settings, "vehicle")
        assert (trained.version, trained.waiting) == (1, "")
        for approver in ("Ada Lovelace", "Grace Hopper"):
            promoted = promote(settings, "vehicle", 1, approver)
        assert promoted.promoted

        elsewhere = Settings(home=tmp_path / "elsewhere")
        tracking = Tracking(elsewhere, create=False)
        assert (tracking.versions("vehicle"), tracking.champion("vehicle")) == ([1], 1)
        copy = tracking.download_bundle("vehicle", 1, tmp_path)
        sha256 = tracking.registered_sha256("vehicle", 1)
        assert load_bundle(copy, expected_sha256=sha256).version == 1
        with pytest.raises(TrackingError, match=r"no vehicle version 2 .* \(there is: 1\)"):
            tracking.download_bundle("vehicle", 2, tmp_path)
    served = load_pinned(settings.pins, "vehicle", trusted_keys(settings))
    assert served is not None
    assert served.sha256 == trained.bundle_sha256 == sha256

    again = train(settings, "vehicle")  # now nobody answers at the address
    assert "the run is kept in" in again.waiting
    assert not (settings.home / "mlflow.db").exists()


def test_runs_and_versions_in_postgres(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path / "home")
    database = new_database(postgres_server).replace("postgresql:", "postgresql+psycopg:", 1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    monkeypatch.chdir(tmp_path)  # where MLflow puts artefacts when it has no server
    tracking = Tracking(settings)
    done = register(settings, tracking, keep_small_run(settings, TRIALS))
    assert (done.version, tracking.versions("vehicle"), tracking.champion("vehicle")) == (
        1,
        [1],
        None,
    )
    tracking.set_champion("vehicle", 1, ("Ada", "Grace"))
    assert tracking.champion("vehicle") == 1
    copy = tracking.download_bundle("vehicle", 1, tmp_path)
    sha256 = tracking.registered_sha256("vehicle", 1)
    assert load_bundle(copy, expected_sha256=sha256, trusted=trusted_keys(settings)).version == 1
