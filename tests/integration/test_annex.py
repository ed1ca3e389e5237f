"""Evidently's pages and workspace: replaced when a period is reported again, harmless when bad."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitoring.annex import AnnexWriter, Matrices
from monitoring.annex_jobs import AnnexJob, AnnexResult, Results
from monitoring.periods import parse_period

COLUMNS = ("score", "gross_mass_kg", "is_empty", "never_given")


def job(kind: str, folder: Path, month: str = "2026-02", **changed: Any) -> AnnexJob:
    period = parse_period(month)
    results = Results(
        month="2026-01", matrix="", page=str(folder / f"{kind}-classification.html"), threshold=0.3
    )
    given = {
        "kind": kind,
        "period": period.name,
        "period_end": period.end,
        "columns": COLUMNS,
        "switches": ("is_empty",),
        "reference": "",
        "current": "",
        "results": results,
        "page": str(folder / f"{kind}.html"),
        "workspace": str(folder / "evidently"),
        "banner": None,
    }
    return AnnexJob(**{**given, **changed})


def matrices(*, one_class: bool = False) -> Matrices:
    """Mass moved, the share of empty ones and the score did not; the last column never had any."""
    rng = np.random.default_rng(3)

    def sample(mass: float) -> np.ndarray:
        empty = (rng.random(1_500) < 0.3).astype(np.float64)
        never = np.full(1_500, np.nan)
        return np.column_stack([rng.random(1_500), rng.normal(mass, 1, 1_500), empty, never])

    scores = rng.random(400)
    labels = np.zeros(400) if one_class else (rng.random(400) < scores).astype(np.float64)
    return Matrices(sample(10.0), sample(11.5), np.column_stack([scores, labels]))


def run(folder: Path, *asked: tuple[AnnexJob, Matrices]) -> dict[str, AnnexResult]:
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    with AnnexWriter(scratch) as writer:
        for one, about in asked:
            writer.submit(one, about)
        return writer.results()


def snapshots(folder: Path) -> dict[str, str]:
    """Name to file, read without Evidently."""
    (project,) = (folder / "evidently").glob("*/metadata.json")
    files = (project.parent / "snapshots").glob("*.json")
    return {json.loads(file.read_text())["name"]: file.stem for file in files}


@cache
def first_run(folder: Path) -> dict[str, AnnexResult]:
    (folder / "no-folder").write_text("a file where a workspace should be")
    broken = job("vessel", folder, workspace=str(folder / "no-folder"))
    empty = np.full((5, len(COLUMNS)), np.nan)
    return run(
        folder,
        (job("vehicle", folder), matrices()),
        (broken, matrices(one_class=True)),
        (job("shipment", folder), Matrices(empty, empty, None)),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("annex")


def test_pages_tests_and_flags_of_a_kind(folder: Path) -> None:
    result = first_run(folder)["vehicle"]
    assert result.problem is None
    assert result.no_series is None
    assert result.drifted == ("gross_mass_kg",)
    assert result.steady == ("score", "is_empty")
    assert result.left_out == ("never_given",)
    assert 0 < result.failed_tests < result.tests
    assert result.classified == "2026-01"
    for name in ("vehicle.html", "vehicle-classification.html"):
        html = (folder / name).read_text()
        assert 'href="../index.html"' in html
        assert "Evidently annex</title>" in html


def test_what_cannot_be_kept_or_judged_costs_no_page(folder: Path) -> None:
    found = first_run(folder)
    assert found["vessel"].problem is None
    assert found["vessel"].no_series is not None
    assert found["vessel"].classified is None  # nothing but clean results
    assert (folder / "vessel.html").exists()
    assert not (folder / "vessel-classification.html").exists()
    assert found["shipment"].problem == "no column has a value in both periods"


def test_a_period_reported_again_takes_the_place_of_its_snapshots(folder: Path) -> None:
    first_run(folder)
    before = snapshots(folder)
    assert sorted(before) == ["2026-02", "2026-02 classification"]
    run(folder, (job("vehicle", folder), matrices()))
    after = snapshots(folder)
    assert sorted(after) == sorted(before)
    assert not set(after.values()) & set(before.values())
    run(folder, (job("vehicle", folder, "2026-03"), matrices()._replace(results=None)))
    assert sorted(snapshots(folder)) == ["2026-02", "2026-02 classification", "2026-03"]
