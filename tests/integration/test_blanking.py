"""Leaving out a required field, or two, never lowers the probability: from record to bundle.

On a simulated border, with a model of each kind that is made to find every field worth something:
it learns which movements are among the riskiest by the simulation's own account.
"""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from features.records import KINDS
from models.booster import TreeModel
from models.bundle import Bundle, load_bundle, write_bundle
from models.calibration import fit_platt, similar_examinations
from models.defences import NONE, DefendedModel, learn_defences
from models.golden import choose_golden_rows
from models.reference import reference_of
from tests.blanking import Border, Record, Variant, applying
from tests.command import Run, runner
from tests.small_models import KEY, small_parts
from training.config import Trees
from training.fit import fit_trees

Floats = NDArray[np.float64]

FITTED = 2_000
"""Movements that a model learns from, from the middle of the border's time."""
AT_ONCE = 400
TREES = Trees(rounds=80, leaves=8)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with pytest.MonkeyPatch.context() as patched:
        yield runner(patched)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Iterator[Path]:
    yield from simulated(tmp_path_factory.mktemp("blanking"), run, days=60, movements_per_day=200)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Iterator[Path]:
    yield from simulated(tmp_path_factory.mktemp("blanking"), run, days=300, movements_per_day=300)


def simulated(folder: Path, run: Run, *, days: int, movements_per_day: int) -> Iterator[Path]:
    """The folder: ``files`` with a simulated border, and an empty ``home``."""
    size = ("--days", str(days), "--movements-per-day", str(movements_per_day))
    done = run("simulate", "--out", str(folder / "files"), "--seed", "3", *size)
    assert done.status == 0, done.error
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FORELAND_HOME", str(folder / "home"))
        yield folder


class Served(NamedTuple):
    border: Border
    bundle: Bundle
    undefended: DefendedModel


def served(folder: Path, run: Run, kind: str) -> Served:
    border = Border(folder / "home", folder / "files", kind, run)
    sent = border.records()
    middle = sent[len(sent) // 3 : len(sent) // 3 + FITTED]
    rows = border.rows([border.declared(record) for record in middle])
    truth = border.truth()
    risks = np.array([truth[record["movement_ref"]] for record in middle])
    labels = (risks >= np.quantile(risks, 0.85)).astype(np.float64)
    trees = TreeModel(fit_trees(rows, labels, border.catalogue, TREES))
    defences = learn_defences(border.catalogue, rows)
    model = DefendedModel(trees, defences, border.catalogue)
    calibration = fit_platt(model.margins(rows), labels)
    probabilities = calibration.probabilities(model.margins(rows))
    parts = small_parts(kind)._replace(
        model_text=trees.text,
        defences=defences,
        calibration=calibration,
        similar=similar_examinations(probabilities, labels),
        reference=reference_of(border.catalogue.names, rows, probabilities),
        golden_rows=choose_golden_rows(model, rows),
    )
    write_bundle(folder / kind, parts, KEY)
    return Served(border, load_bundle(folder / kind), DefendedModel(trees, NONE, border.catalogue))


class Found(NamedTuple):
    compared: int
    lowered: list[tuple[str, ...]]
    """What was left out where the probability fell."""
    would_be_lowered: int
    """Without defences."""
    raised: int


def leave_out(model: Served, sent: list[Record], pairs_each: int) -> Found:
    """Every single field of each record, and so many pairs of fields, drawn for each."""
    rng, found = np.random.default_rng(4), Found(0, [], 0, 0)
    border, names = model.border, model.border.catalogue.names
    for first in range(0, len(sent), AT_ONCE):
        records = sent[first : first + AT_ONCE]
        complete = border.rows([border.declared(record) for record in records])
        variants: list[Variant] = []
        for number, record in enumerate(records):
            needed = applying(border.kind, dict(zip(names, complete[number].tolist(), strict=True)))
            pairs = rng.permutation(list(combinations(needed, 2)))[:pairs_each].tolist()
            choices = [*((place,) for place in needed), *map(tuple, pairs)]
            variants += border.variants(number, record, choices)
        rows = border.rows([variant.movement for variant in variants])
        of = np.array([variant.number for variant in variants])
        before, after = model.bundle.probabilities(complete), model.bundle.probabilities(rows)
        bare = model.undefended.margins(rows) < model.undefended.margins(complete)[of]
        lowered = [variants[at].left_out for at in np.flatnonzero(after < before[of])]
        found = Found(
            found.compared + len(variants),
            found.lowered + lowered,
            found.would_be_lowered + int(bare.sum()),
            found.raised + int((after > before[of]).sum()),
        )
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_leaving_out_what_is_required_never_pays(small: Path, run: Run, kind: str) -> None:
    model = served(small, run, kind)
    found = leave_out(model, model.border.records()[-300:], pairs_each=12)
    assert found.lowered == []
    assert found.compared > 300 * 20
    assert found.would_be_lowered > found.compared // 20  # or the trees had no use for the fields
    assert found.raised > found.compared // 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_leaving_out_never_pays_for_ten_thousand(large: Path, run: Run, kind: str) -> None:
    model = served(large, run, kind)
    found = leave_out(model, model.border.records()[-10_000:], pairs_each=8)
    print(
        f"{kind}, simulated: {found.compared:,} records with one or two fields left out, "
        f"{len(found.lowered)} scored lower ({found.would_be_lowered:,} without defences)"
    )
    assert found.lowered == []
