"""Every gate on evidence made by hand: what passes, what fails, what nobody can tell."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY
from features.errors import InputError
from features.ledger import GateResult, MovementDeclared
from features.rows import feature_rows
from features.timeline import timeline_of
from models.alarms import Alarm, listed
from models.bundle import Bundle, load_bundle
from models.defences import NONE
from tests.small_models import KEY, small_parts, write_small_bundle
from training.compare import comparison
from training.comparison_text import in_words
from training.gates import (
    GATES,
    acknowledged,
    better,
    blanking,
    blocking,
    calibrated,
    groups,
    leakage,
)
from training.gates.blanks import blanks_of
from training.gates.evidence import Evidence, Tried
from training.judged import Judged, first_not_learned

Floats = NDArray[np.float64]

RNG = np.random.default_rng(12)
N = 4_000
DAYS = np.sort(RNG.integers(20_000, 20_060, N))
TRUE = RNG.uniform(0.02, 0.5, N)
LABELS = (RNG.random(N) < TRUE).astype(np.float64)
MOVEMENTS = [
    MovementDeclared(
        kind="vehicle",
        movement=f"{number:032x}",
        declared_at=0,
        fields={"route_id": "FRCQF-GBDVR" if number % 2 else "NLRTM-GBHUL"},
    )
    for number in range(N)
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundle_with(tmp_path_factory.mktemp("bundle") / "b", {})


def bundle_with(path: Path, metrics: dict[str, Any], version: int = 1) -> Bundle:
    write_small_bundle(path, version=version, metrics=metrics)
    return load_bundle(path, trusted=[KEY.verifying])


def judged(*probabilities: Floats, labels: Floats = LABELS) -> Judged:
    rows = np.zeros((N, len(small_parts().catalogue.names)))
    return Judged(
        movements=MOVEMENTS,
        as_of=DAYS * MICROS_PER_DAY,
        labels=labels,
        rows=tuple(rows for _ in probabilities),
        probabilities=probabilities,
        since=int(DAYS[0]) * MICROS_PER_DAY,
        warning=None,
        simulated=True,
    )


def evidence(bundle: Bundle, rows: Judged | None, champion: Bundle | None = None) -> Evidence:
    return Evidence(
        bundle=bundle,
        champion=champion,
        no_champion="" if champion else "nothing serves yet",
        judged=rows,
        not_judged="" if rows else "every label was learned from",
        tried=None,
        reported=None,
        not_reported="no label",
    )


def test_worse_than_the_champion_fails_and_better_passes(bundle: Bundle) -> None:
    noise = np.clip(RNG.uniform(0.02, 0.5, N), 0.0, 1.0)
    worse = better.ask(evidence(bundle, judged(noise, TRUE), bundle))
    assert worse.result == "failed"
    assert "against version 1" in worse.sentence
    assert better.ask(evidence(bundle, judged(TRUE, noise), bundle)).result == "passed"
    assert better.ask(evidence(bundle, judged(TRUE, TRUE), bundle)).result == "passed"


def test_too_few_labels_to_tell_are_not_passed_off_as_no_worse(bundle: Bundle) -> None:
    few = np.zeros(N)
    few[:12] = 1.0
    told = better.ask(evidence(bundle, judged(TRUE, TRUE[::-1].copy(), labels=few), bundle))
    assert told.result in {"not assessable", "failed"}
    assert better.ask(evidence(bundle, None, bundle)).result == "not assessable"


def test_a_first_version_without_an_evaluation_is_not_assessable(bundle: Bundle) -> None:
    said = better.ask(evidence(bundle, None))
    assert said.result == "not assessable"
    assert "nothing serves yet" in said.sentence


def test_probabilities_that_are_off_fail(bundle: Bundle) -> None:
    assert calibrated.ask(evidence(bundle, judged(TRUE))).result == "passed"
    off = calibrated.ask(evidence(bundle, judged(np.clip(TRUE + 0.2, 0, 1))))
    assert off.result == "failed"
    assert "the limit is 0.05" in off.sentence
    assert calibrated.ask(evidence(bundle, judged(TRUE, labels=np.zeros(N)))).result == (
        "not assessable"
    )


def test_a_group_in_which_the_model_is_off_is_named(bundle: Bundle) -> None:
    assert groups.ask(evidence(bundle, judged(TRUE))).result == "passed"
    hull = np.arange(N) % 2 == 0
    off = groups.ask(evidence(bundle, judged(np.where(hull, TRUE / 4, TRUE))))
    assert off.result == "failed"
    assert "route: NLRTM-GBHUL" in off.sentence
    assert "GBDVR" not in off.sentence
    assert groups.ask(evidence(bundle, judged(TRUE / 1_000))).result == "not assessable"


def test_an_alarm_that_stands_fails_and_no_list_of_alarms_does_too(tmp_path: Path) -> None:
    failed = Alarm(name="train_test_gap", failed=True, sentence="0.99 and 0.60")
    accepted = Alarm(name="train_test_gap", failed=True, sentence="…", acknowledged="known")
    for name, metrics, result in (
        ("a", listed([failed]), "failed"),
        ("b", listed([accepted]), "passed"),
        ("c", {}, "failed"),
        ("d", {"alarms": "none"}, "failed"),
    ):
        said = leakage.ask(evidence(bundle_with(tmp_path / name, metrics), None))
        assert said.result == result, name
    assert (
        "0.99 and 0.60"
        in leakage.ask(evidence(bundle_with(tmp_path / "e", listed([failed])), None)).sentence
    )


def test_a_model_that_rewards_a_blank_is_caught_through_the_whole_pipeline(
    tmp_path: Path,
) -> None:
    """The made-up model knows nothing but gross mass, the heavier the riskier, and no defence."""
    write_small_bundle(tmp_path / "b", defences=NONE)
    bundle = load_bundle(tmp_path / "b", trusted=[KEY.verifying])
    heavy = [
        MovementDeclared(
            kind="vehicle",
            movement=movement.movement,
            declared_at=0,
            entities={"haulier_eori": "organisation:1"},
            fields={"gross_mass_kg": 9.0, "route_id": "A-B"},
        )
        for movement in MOVEMENTS
    ]
    as_of = DAYS * MICROS_PER_DAY
    nothing_known, blanks = timeline_of([], 1 << 62), blanks_of(heavy, bundle.catalogue)
    rows = feature_rows(nothing_known, heavy, as_of, bundle.catalogue)
    blanked = feature_rows(nothing_known, blanks.movements, as_of[blanks.of], bundle.catalogue)
    evident = evidence(bundle, judged(bundle.probabilities(rows)))
    said = blanking.ask(evident._replace(tried=Tried(blanks, blanked)))
    assert said.result == "failed"
    assert "240 times a required field, or all, left out of 60 movements" in said.sentence
    assert blanking.ask(evidence(bundle, None)).result == "not assessable"


def test_only_what_failed_blocks_and_only_a_reason_by_name_lifts_it() -> None:
    said = [
        GateResult(name="groups", result="failed", sentence="1 is off"),
        GateResult(name="calibration", result="not assessable", sentence="few"),
        GateResult(name="leakage", result="passed", sentence="none"),
    ]
    assert [gate.name for gate in blocking(said)] == ["groups"]
    lifted = acknowledged(said, {"groups": " a new  port ", "leakage": "not needed"})
    assert blocking(lifted) == []
    assert [gate.acknowledged for gate in lifted] == ["a new port", None, None]
    for reasons, why in (({"group": "x"}, "did you mean groups"), ({"groups": " "}, "a reason")):
        with pytest.raises(InputError, match=why):
            acknowledged(said, reasons)


def test_the_gates_are_those_of_the_documents() -> None:
    assert list(GATES) == [
        "better_than_champion",
        "calibration",
        "blanking",
        "groups",
        "leakage",
        "feedback_poisoning",
    ]
    document = (Path(__file__).parents[2] / "docs/promotion.md").read_text(encoding="utf-8")
    for name in GATES:
        assert f"`{name}`" in document


def test_a_bundle_learned_nothing_from_the_first_row_of_its_test_slice_on(tmp_path: Path) -> None:
    slices = [{"name": "fit", "first": 5}, {"name": "test", "first": 9}]
    assert first_not_learned(bundle_with(tmp_path / "a", {"slices": slices})) == 9
    assert first_not_learned(bundle_with(tmp_path / "b", {})) == 1_000_000, "its trained_until"


def test_a_comparison_says_where_two_versions_disagree(tmp_path: Path) -> None:
    first = bundle_with(tmp_path / "a", {})
    second = bundle_with(tmp_path / "b", {}, version=2)
    swapped = TRUE.copy()
    top = int(np.argmax(TRUE))
    swapped[top] = 0.01
    found = comparison(judged(TRUE, swapped), first, second)
    assert (found.rows, found.finds, found.capacity) == (N, int(LABELS.sum()), 200)
    assert (found.both, found.only_first, found.only_second) == (199, 1, 1)
    assert found.only_first_finds == LABELS[top]
    (only_first,) = [one for one in found.disagreements if one.second < one.first]
    assert only_first.movement == MOVEMENTS[top].movement
    assert (only_first.first, only_first.second) == (TRUE[top], 0.01)
    assert found.measures[0].says == "not told apart"
    assert {one.group for one in found.groups} >= {"route: FRCQF-GBDVR", "route: NLRTM-GBHUL"}
    text = "\n".join(in_words(found))
    assert "Simulated data." in text
    assert "both refer 199" in text


def test_a_group_gains_where_the_second_version_says_it_better(tmp_path: Path) -> None:
    first = bundle_with(tmp_path / "a", {})
    hull = np.arange(N) % 2 == 0
    blurred = np.where(hull, 0.5, TRUE)
    found = comparison(judged(blurred, TRUE), first, first)
    says = {one.group: one.says for one in found.groups}
    assert says["route: NLRTM-GBHUL"] == "gains"
    assert says["route: FRCQF-GBDVR"] == "not told apart"
    assert found.groups[0].gain > 0
