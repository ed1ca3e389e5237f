"""A run with everything asked for, and its version evaluated on files that came later."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from features.errors import ForelandError, InputError
from features.files.mapping import read_mapping
from features.ingest import ingest
from features.ledger import open_ledger
from features.rotation import pseudonyms_of
from features.settings import Settings
from models.bundle import load_bundle
from training.cli import app
from training.evaluate_version import evaluate_version
from training.run import TrainingResult, train

MOVEMENTS, LEARNED, DAYS = 1_800, 1_300, 240
START = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = """
[labels]
maturity_days = 5
[trees]
rounds = 20
[evaluation]
per_day = [1]
"""


def written(folder: Path, first: int, last: int) -> tuple[Path, Path, Path]:
    """Movements, outcomes and the log of choices; lorries of twenty hauliers, four of them risky.

    One in two is referred, by chance alone; the log says so.
    """
    rng = np.random.default_rng(7)
    drawn = [(int(rng.integers(0, 20)), rng.random(), rng.random()) for _ in range(MOVEMENTS)]
    movements, outcomes, choices = [], [], []
    for number in range(first, last):
        haulier, choice, luck = drawn[number]
        declared_at = START + timedelta(days=DAYS * number / MOVEMENTS)
        reference, referred = f"M{number}", choice < 0.5
        movements.append(
            {
                "movement_ref": reference,
                "declared_at": declared_at.isoformat(),
                "haulier_eori": f"GB{100_000_000_000 + haulier}",
                "route_id": "FRCQF-GBDVR",
            }
        )
        choices.append(
            {
                "kind": "vehicle",
                "movement_ref": reference,
                "propensity": 0.5,
                "exploration": 0.5,
                "referred": referred,
                "reason": "exploration" if referred else "none",
            }
        )
        if referred:
            at = (declared_at + timedelta(hours=20)).isoformat()
            found = luck < (0.5 if haulier % 5 == 0 else 0.05)
            outcomes.append(
                {
                    "event_id": f"O{number}",
                    "movement_ref": reference,
                    "outcome": "positive" if found else "negative",
                    "examined_at": at,
                    "known_at": at,
                }
            )
    folder.mkdir()
    pd.DataFrame(movements).to_csv(folder / "movements.csv", index=False)
    pd.DataFrame(outcomes).to_csv(folder / "outcomes.csv", index=False)
    pd.DataFrame(choices).to_parquet(folder / "choices.parquet")
    return folder / "movements.csv", folder / "outcomes.csv", folder / "choices.parquet"


class Home(NamedTuple):
    settings: Settings
    trained: TrainingResult
    later: Path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("evaluation")
    settings = Settings(home=folder / "home")
    movements, outcomes, choices = written(folder / "learned", 0, LEARNED)
    settings.home.mkdir()
    with closing(open_ledger(settings.ledger)) as ledger:
        mapping, keys = read_mapping(None, "vehicle"), pseudonyms_of(ledger, settings.keys)
        ingest(ledger, "vehicle", movements, outcomes, mapping, keys)
    written(folder / "later", LEARNED - 100, MOVEMENTS)
    (folder / "config.toml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FORELAND_HOME", str(settings.home))
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        result = train(
            settings, "vehicle", config=folder / "config.toml", choices=choices, ablation=True
        )
        yield Home(settings, result, folder / "later")


def evaluation_of(home: Home) -> dict[str, Any]:
    found: dict[str, Any] = load_bundle(home.trained.bundle).metrics["evaluation"]
    return found


def test_the_run_has_groups_points_families_and_what_was_left_out(home: Home) -> None:
    found = evaluation_of(home)
    assert {item["family"] for item in found["ablation"]} >= {"history of entities", "links"}
    assert any(rule["points"] > 0 for rule in found["points"])
    assert {item["by"] for item in found["groups"]} >= {"route", "size of the haulier"}
    assert found["all"]["rankings"][0]["daily"][0]["per_day"] == 1
    measures = {item["name"]: item["estimates"] for item in found["beyond"]["measures"]}
    of_all = {item["estimator"]: item for item in measures["find rate among all"]}
    assert set(of_all) == {"naive", "horvitz-thompson", "hajek", "doubly robust"}
    low, high = of_all["hajek"]["interval"]
    assert low < of_all["naive"]["value"] < high  # chosen by chance: weighting changes little
    assert of_all["hajek"]["effective_sample_size"] == pytest.approx(of_all["hajek"]["results"])
    assert "of them would have been a find" in load_bundle(home.trained.bundle).card


def test_the_page_lies_beside_the_plots_in_mlflow(home: Home, tmp_path: Path) -> None:
    import mlflow.artifacts

    uri = home.settings.tracking_store
    path = mlflow.artifacts.download_artifacts(
        run_id=home.trained.run_id,
        artifact_path="evaluation.html",
        dst_path=str(tmp_path),
        tracking_uri=uri,
    )
    page = Path(path).read_text(encoding="utf-8")
    assert home.trained.verdict in page.replace("&#39;", "'")
    assert "ROC AUC lost" in page


def test_a_version_is_evaluated_on_later_files_and_the_ledger_is_only_read(home: Home) -> None:
    with closing(open_ledger(home.settings.ledger)) as ledger:
        before = ledger.last_position()
    files = [f"--{name}={home.later / name}.csv" for name in ("movements", "outcomes")]
    done = CliRunner().invoke(
        app, ["evaluate", "--kind=vehicle", "--version=1", *files], catch_exceptions=False
    )
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout.splitlines()[-1])
    assert (document["kind"], document["version"]) == ("vehicle", 1)
    rows = pd.read_csv(home.later / "movements.csv")
    outcomes = pd.read_csv(home.later / "outcomes.csv")
    until = load_bundle(home.trained.bundle).manifest.trained_until
    declared = pd.to_datetime(rows["declared_at"]).astype("datetime64[us, UTC]").astype(np.int64)
    tested = rows[(declared >= until) & rows["movement_ref"].isin(outcomes["movement_ref"])]
    labels = outcomes[outcomes["movement_ref"].isin(tested["movement_ref"])]["outcome"]
    assert document["metrics"]["all"]["rows"] == len(tested)
    assert document["metrics"]["all"]["finds"] == (labels == "positive").sum()
    assert document["left_out"] == {
        "rejected": 0,
        "known_in_training": int((declared < until).sum()),
        "without_label": int((declared >= until).sum()) - len(tested),
    }
    assert 0 < document["left_out"]["known_in_training"] <= 101
    assert document["metrics"]["all"]["model"]["roc_auc"] > 0.6
    assert document["metrics"]["all"]["random"]["roc_auc"] == 0.5
    page = (home.settings.evaluations / "vehicle-1" / "evaluation.html").read_text()
    assert "the model learned from nothing known at or after" in page
    with closing(open_ledger(home.settings.ledger)) as ledger:
        assert ledger.last_position() == before


def test_what_cannot_be_evaluated_is_refused(home: Home) -> None:
    movements, outcomes = home.later / "movements.csv", home.later / "outcomes.csv"
    with pytest.raises(ForelandError, match=r"no vehicle version 9 is registered"):
        evaluate_version(home.settings, "vehicle", 9, movements=movements, outcomes=outcomes)
    learned = home.later.parent / "learned"
    with pytest.raises(InputError, match="nothing to evaluate on"):
        evaluate_version(
            home.settings,
            "vehicle",
            1,
            movements=learned / "movements.csv",
            outcomes=learned / "outcomes.csv",
        )
