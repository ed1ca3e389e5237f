"""From a ledger to a registered, approved, pinned model: the whole way, with a real MLflow."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from features.catalogue import catalogue_for
from features.clock import MICROS_PER_DAY
from features.errors import ForelandError, InputError
from features.ledger import (
    ApprovalGiven,
    Event,
    LedgerError,
    ModelPromoted,
    MovementDeclared,
    OutcomeRecorded,
    open_ledger,
)
from features.settings import Settings
from models.alarms import NAMES, alarms_in
from models.bundle import FILES, MANIFEST, SIGNATURE, BundleError, load_bundle
from models.pins import load_pinned, read_pin
from models.trust import bundle_signing_key, trusted_keys
from tests.small_models import made_up_rows, sum_again
from training.champion import PromotionRefused
from training.cli import app
from training.config import ConfigError, FeatureOptions, TrainingConfig, read_config
from training.data import gather
from training.pending import pending_runs
from training.promote import promote
from training.run import TrainingResult, train
from training.runs_cli import app as runs_app

DAYS, MOVEMENTS = 200, 1_500
START = 20_000 * MICROS_PER_DAY
NO_MOVEMENT = "the ledger holds no"


def fill(url: str, prefix: str = "", source: str = "simulation") -> None:
    """Vehicles of twenty hauliers, one in two examined, one haulier in five risky.

    Args:
        prefix: of every pseudonym, as another key would change them all.
    """
    rng = np.random.default_rng(11)
    events = []
    for number in range(MOVEMENTS):
        moment = START + number * DAYS * MICROS_PER_DAY // MOVEMENTS
        haulier = int(rng.integers(0, 20))
        movement = f"{prefix}{number:032d}"
        declared = MovementDeclared(
            kind="vehicle",
            movement=movement,
            declared_at=moment,
            entities={"haulier_eori": f"organisation:{prefix}{haulier}"},
            fields={"gross_mass_kg": float(rng.normal(20_000, 3_000)), "route_id": "A-B"},
        )
        events.append(event(f"{movement}:1", moment, declared, source))
        if rng.random() < 0.5:
            found = rng.random() < (0.5 if haulier % 5 == 0 else 0.03)
            known = moment + 2 * MICROS_PER_DAY
            concluded = OutcomeRecorded(
                kind="vehicle",
                movement=movement,
                examined_at=moment + MICROS_PER_DAY,
                outcome="positive" if found else "negative",
            )
            events.append(event(f"o{movement}", known, concluded, source))
    with closing(open_ledger(url)) as ledger:
        ledger.backfill(events)


def event(
    name: str, available_at: int, payload: MovementDeclared | OutcomeRecorded, source: str
) -> Event:
    return Event(
        source=source,
        event_id=name,
        occurred_at=available_at,
        available_at=available_at,
        payload=payload,
    )


class Trained(NamedTuple):
    settings: Settings
    said: str
    """Standard output of ``foreland train``, which made version 1."""
    second: TrainingResult


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """A home with two versions, the first by the command line."""
    home = tmp_path_factory.mktemp("training") / "home"
    settings = Settings(home=home)
    fill(settings.ledger)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FORELAND_HOME", str(home))
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        done = CliRunner().invoke(app, ["train", "--kind", "vehicle"], catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        yield Trained(settings, done.stdout, train(settings, "vehicle"))


def test_train_ends_in_one_line_of_json(trained: Trained) -> None:
    (line,) = trained.said.splitlines()
    document = json.loads(line)
    assert (document["kind"], document["version"]) == ("vehicle", 1)
    metrics = document["metrics"]
    assert metrics["simulated"] is True
    assert metrics["verdict"].startswith("Simulated data. ")
    for part in (metrics["all"], metrics["unseen"]):
        assert part["finds"] <= part["rows"]
    assert metrics["unseen"]["rows"] == 0  # twenty hauliers, all of them seen
    names = {"model", "random", "prevalence", "lookup", "logistic_regression"}
    assert names <= set(metrics["all"])
    assert (
        metrics["all"]["model"]["precision_at_10pct"]
        > 2 * (metrics["all"]["random"]["precision_at_10pct"])
    )


def test_versions_count_from_one_and_bundles_say_theirs(trained: Trained) -> None:
    assert trained.second.version == 2
    for version in (1, 2):
        bundle = load_bundle(trained.settings.bundles / f"vehicle-{version}")
        assert (bundle.kind, bundle.version, bundle.manifest.simulated) == (
            "vehicle",
            version,
            True,
        )
        assert [alarm.name for alarm in alarms_in(bundle.metrics)] == list(NAMES)
        assert not any(alarm.failed for alarm in alarms_in(bundle.metrics))
        assert all(f"- {alarm.in_words}." in bundle.card for alarm in alarms_in(bundle.metrics))
        assert "simulated" in bundle.card
        assert "IF examined" in bundle.card
        sheet = bundle.datasheet
        assert sheet is not None
        assert sheet.startswith(f"# Datasheet: what vehicle version {bundle.version} learned from")
        assert bundle.manifest.data_sha256 in sheet
        labels = sum(item["labels"] for item in bundle.metrics["slices"])
        assert f"{labels:,} with a result" in sheet
        assert "*To be completed.*" in sheet
    leftovers = [item.name for item in trained.settings.bundles.iterdir()]
    assert sorted(leftovers) == ["vehicle-1", "vehicle-2"]


def test_the_same_data_give_the_same_bytes_but_for_the_version(trained: Trained) -> None:
    first, second = (trained.settings.bundles / f"vehicle-{n}" for n in (1, 2))
    for name in FILES:
        one, two = (path / name for path in (first, second))
        text = two.read_text()
        if name.endswith(".md"):
            assert "vehicle version 2" in text.splitlines()[0]
            text = text.replace("vehicle version 2", "vehicle version 1")
        assert one.read_text() == text, name
    manifests = [json.loads((path / MANIFEST).read_text()) for path in (first, second)]
    assert manifests[0]["data_sha256"] == manifests[1]["data_sha256"]
    assert manifests[0]["catalogue_sha256"] == manifests[1]["catalogue_sha256"]


def test_without_mlflow_the_run_is_kept_and_later_registered_with_the_same_bytes(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(trained.settings.keys, home / "keys")
    monkeypatch.setenv("FORELAND_HOME", str(home))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody listens there
    arguments = ["train", "--kind", "vehicle", "--ledger", trained.settings.ledger]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert (document["version"], document["metrics"]["simulated"]) == (None, True)
    (kept,) = (home / "pending-runs").iterdir()
    assert f"the run is kept in {kept}, register it with: foreland runs upload" in done.stderr
    assert not (home / "bundles").exists()

    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    uploaded = CliRunner().invoke(runs_app, ["runs", "upload"], catch_exceptions=False)
    assert uploaded.stdout == f"{kept.name} is version 1\n"
    for name in (MANIFEST, SIGNATURE, *FILES):
        at_once = trained.settings.bundles / "vehicle-1" / name
        assert (home / "bundles" / "vehicle-1" / name).read_bytes() == at_once.read_bytes(), name


def test_another_pseudonym_key_gives_the_same_data(trained: Trained, tmp_path: Path) -> None:
    """So the same files make the same model in any home."""
    url = f"sqlite:///{tmp_path / 'other.db'}"
    fill(url, prefix="f")
    other = gather(url, "vehicle", TrainingConfig(), None, lambda _: None)
    bundle = load_bundle(trained.second.bundle)
    assert other.sha256 == bundle.manifest.data_sha256


def test_mlflow_holds_the_run_and_its_artefacts(trained: Trained) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(trained.settings.tracking_store)
    run = client.get_run(trained.second.run_id)
    bundle = load_bundle(trained.second.bundle)
    assert run.data.tags["data_sha256"] == bundle.manifest.data_sha256
    assert run.data.tags["bundle_sha256"] == bundle.sha256
    assert run.data.tags["simulated"] == "true"
    assert run.data.params["trees.seed"] == "1"
    model = trained.second.metrics["all"]["model"]
    assert run.data.metrics["all/model/roc_auc"] == model["roc_auc"]
    assert run.data.metrics["all/lookup/precision_at_5pct"] >= 0
    paths = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"bundle", "plots", "card.md", "datasheet.md", "evaluation.json"} <= paths
    plots = {item.path for item in client.list_artifacts(run.info.run_id, "plots")}
    assert plots == {
        "plots/precision-at-capacity.png",
        "plots/calibration.png",
        "plots/gain.png",
    }
    artefacts = trained.settings.artefacts
    assert not [path for path in artefacts.rglob("*") if path.suffix in {".pkl", ".pickle"}]


def test_two_different_people_promote_and_mlflow_gives_the_same_probabilities(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    settings = trained.settings
    first = promote(settings, "vehicle", 2, "Ada  Lovelace ")
    assert (first.promoted, first.approvers) == (False, ("Ada Lovelace",))
    assert "second, different approver" in first.sentence
    assert read_pin(settings.pins, "vehicle") is None
    with pytest.raises(PromotionRefused, match="ada lovelace approved vehicle version 2 already"):
        promote(settings, "vehicle", 2, "ada lovelace")

    second = promote(settings, "vehicle", 2, "Grace Hopper")
    assert (second.promoted, second.approvers) == (True, ("Ada Lovelace", "Grace Hopper"))
    pinned = load_pinned(settings.pins, "vehicle", trusted_keys(settings))
    assert pinned is not None
    assert pinned.sha256 == second.bundle_sha256 == trained.second.bundle_sha256
    pin = read_pin(settings.pins, "vehicle")
    assert pin is not None
    assert pin.approvers == second.approvers

    assert "MLFLOW_TRACKING_URI" not in os.environ
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_store)
    served = mlflow.pyfunc.load_model("models:/foreland-vehicle@champion")
    rows = made_up_rows()
    frame = pd.DataFrame(rows, columns=list(pinned.catalogue.names))
    assert served.predict(frame).tobytes() == pinned.probabilities(rows).tobytes()

    again = promote(settings, "vehicle", 2, "Grace Hopper")
    assert again.promoted is False
    assert "champion already" in again.sentence
    assert read_pin(settings.pins, "vehicle") == pin
    with closing(open_ledger(settings.ledger)) as ledger:
        said = [e.payload for e in ledger.tail(0)]
    approvals = [p for p in said if isinstance(p, ApprovalGiven)]
    promotions = [p for p in said if isinstance(p, ModelPromoted)]
    assert [p.approver for p in approvals] == ["Ada Lovelace", "Grace Hopper"]
    assert [(p.version, p.bundle_sha256) for p in promotions] == [(2, pinned.sha256)]


def test_an_interrupted_promotion_is_finished_by_the_next_call(trained: Trained) -> None:
    settings = trained.settings
    for approver in ("A", "B"):
        promote(settings, "vehicle", 1, approver)
    (settings.pins / "vehicle.json").unlink()  # as if the power failed before the last step
    finished = promote(settings, "vehicle", 1, "B")
    assert finished.promoted is True
    assert finished.approvers == ("A", "B")
    pin = read_pin(settings.pins, "vehicle")
    assert pin is not None
    assert pin.version == 1


def test_promoting_an_earlier_version_again_needs_two_people_again(trained: Trained) -> None:
    settings = trained.settings
    for version in (1, 2):
        for approver in ("C", "D"):
            promote(settings, "vehicle", version, approver)
    once = promote(settings, "vehicle", 1, "C")
    assert (once.promoted, once.approvers) == (False, ("C",))
    assert promote(settings, "vehicle", 1, "D").promoted is True


def test_versions_that_are_not_there_and_nameless_approvers(trained: Trained) -> None:
    with pytest.raises(ForelandError, match=r"no vehicle version 9 is registered \(there is: 1, 2"):
        promote(trained.settings, "vehicle", 9, "A")
    with pytest.raises(InputError, match="--approver must be a name"):
        promote(trained.settings, "vehicle", 1, "  ")


@pytest.mark.parametrize(
    ("summed_again", "said"), [(False, r"card\.md has sha256"), (True, "its sha256 is .* expected")]
)
def test_a_bundle_that_was_altered_in_the_registry_is_not_promoted(
    trained: Trained, summed_again: bool, said: str
) -> None:
    bundles = list(trained.settings.artefacts.glob("models/*/artifacts/artifacts/bundle"))
    assert len(bundles) >= 2
    before = {file: file.read_bytes() for bundle in bundles for file in bundle.iterdir()}
    try:
        for bundle in bundles:
            (bundle / "card.md").write_text("Better than it was.")
            if summed_again:
                sum_again(bundle, key=bundle_signing_key(trained.settings))
        with pytest.raises(BundleError, match=said):
            promote(trained.settings, "vehicle", 2, "E")
    finally:
        for file, content in before.items():
            file.write_bytes(content)


def test_nothing_is_promoted_where_nothing_was_trained(tmp_path: Path) -> None:
    with pytest.raises(ForelandError, match="run foreland train first"):
        promote(Settings(home=tmp_path / "home"), "vehicle", 1, "A")
    assert not (tmp_path / "home").exists()


def test_without_a_ledger_nothing_is_trained_or_made(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="foreland ingest"):
        train(Settings(home=tmp_path / "home"), "vehicle")
    assert not (tmp_path / "home").exists()


def test_a_kind_without_movements_and_a_day_before_all(trained: Trained) -> None:
    with pytest.raises(ForelandError, match=NO_MOVEMENT):
        train(trained.settings, "vessel")
    with pytest.raises(ForelandError, match=NO_MOVEMENT):
        train(trained.settings, "vehicle", until="2000-01-01")
    with pytest.raises(InputError, match="--until must be a day"):
        train(trained.settings, "vehicle", until="soon")
    with pytest.raises(InputError, match="--kind must be one of"):
        train(trained.settings, "lorry")


def test_until_leaves_out_what_was_not_known(trained: Trained) -> None:
    until = START + 150 * MICROS_PER_DAY
    url = trained.settings.ledger
    data = gather(url, "vehicle", TrainingConfig(), until, lambda _: None)
    assert data.until == until
    assert data.labelled.known_at.max() < until
    # matured 30 days before, examined the day after
    assert data.labelled.as_of.max() < until - 31 * MICROS_PER_DAY


def test_a_configuration_asks_for_two_steps_along_links(trained: Trained) -> None:
    asking = TrainingConfig(features=FeatureOptions(two_steps=True))
    data = gather(trained.settings.ledger, "vehicle", asking, None, lambda _: None)
    assert data.catalogue == catalogue_for(
        "vehicle", data.timeline.attributes("vehicle"), two_steps=True
    )
    assert data.matrix.shape[1] == len(data.catalogue.names)


def test_the_shipped_configuration_is_read() -> None:
    config = read_config("customs-declarations", "shipment")
    assert str(config.split.test_from) == "2021-01-01"
    with pytest.raises(ConfigError, match="is for kind shipment, not vessel"):
        read_config("customs-declarations", "vessel")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tree]\nrounds = 5", "unknown key tree; did you mean trees?"),
        ("[trees]\nround = 5", r"unknown key trees\.round; did you mean trees\.rounds?"),
        ("[trees]\nrounds = 'many'", "Expected `int`"),
        ("[trees]\nrounds = 0", "Expected `int` >= 1"),
        ("[split]\ntest_from = 2021-01-01", "both calibrate_from and test_from"),
        (
            "[split]\ncalibrate_from = 2021-02-01\ntest_from = 2021-01-01",
            "is not before test_from",
        ),
        ("[split]\ncalibrate_share = 0.6\ntest_share = 0.5", "leave nothing to fit on"),
        ("[bands]\nhigh_share = 0.3", "exceeds medium_share"),
        ("kind = 'vessel'", "is for kind vessel, not vehicle"),
        ("kind = ", "is not TOML"),
    ],
)
def test_configurations_that_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_config(file, "vehicle")


@pytest.mark.parametrize("config", ["missing.toml", "no-such-name", "../configs/customs"])
def test_configurations_that_are_not_there(config: str) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_config(config, "vehicle")


def test_a_store_that_cannot_be_opened_is_said_in_one_line(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from training.tracking import Tracking, TrackingError

    (tmp_path / "file").write_text("no database")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'file'}")
    with pytest.raises(TrackingError) as caught:
        Tracking(trained.settings)
    assert "\n" not in str(caught.value)
    assert "MLFLOW_TRACKING_URI" in str(caught.value)


def test_a_ledger_that_is_not_simulated_makes_a_model_that_is_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    fill(url, source="file")
    data = gather(url, "vehicle", TrainingConfig(), None, lambda _: None)
    assert data.simulated is False


def test_a_number_that_the_registry_did_not_give_is_an_error(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.tracking import Tracking, TrackingError

    there = Tracking(trained.settings).versions("vehicle")
    monkeypatch.setattr(Tracking, "next_version", lambda *_: 77)
    with pytest.raises(TrackingError, match=r"registered foreland-vehicle as version .* says 77"):
        train(trained.settings, "vehicle")
    assert not (trained.settings.bundles / "vehicle-77").exists()
    assert len(pending_runs(trained.settings)) == 1  # not lost: it can be registered again
    with pytest.raises(PromotionRefused, match="says that it is vehicle version 77"):
        promote(trained.settings, "vehicle", max(there) + 1, "A")
