"""``python -m tests.benchmarks.calibration``: calibrated probabilities against the simulated truth.

Simulated: ``stationary`` borders of seeds that nothing was tuned on. Each goes the real way, files
to ledger to training; afterwards, and by this program alone, the truth is opened. The error is
Σ rows · |mean predicted − mean true| / n over ten bins of equal counts by probability.
"""

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.files.mapping import read_mapping
from features.ingest import ingest
from features.ledger import open_ledger
from features.pseudonyms import Pseudonyms
from features.records import KINDS
from features.rotation import pseudonyms_of
from features.settings import Settings
from features.simulate import simulate
from models.booster import TreeModel
from models.calibration import FITTERS, interval_around
from models.defences import DefendedModel
from models.metrics import calibration_bins, calibration_error
from models.threats import NO_THREAT, ThreatModel
from tests.benchmarks.calibration_truth import (
    if_examined_as_it_was,
    read_truth,
)
from training.config import TrainingConfig
from training.data import TrainingData, gather
from training.learning import Learned, label_counts, learn

Floats = NDArray[np.float64]


class World(NamedTuple):
    """One kind of one border, after training."""

    data: TrainingData
    learned: Learned
    test: pd.DataFrame
    """A row per examined movement of the test slice: predicted, true, found, reason."""


def make_border(
    home: Path,
    seed: int,
    days: int,
    movements_per_day: int,
    kinds: Sequence[str],
    scenario: str = "stationary",
) -> Pseudonyms:
    settings = Settings(home=home)
    simulate(
        home / "border",
        seed=seed,
        days=days,
        movements_per_day=movements_per_day,
        scenario=scenario,
    )
    with closing(open_ledger(settings.ledger)) as ledger:
        pseudonyms = pseudonyms_of(ledger, settings.keys)
        for kind in kinds:
            movements, outcomes = (
                home / "border" / f"{kind}-{what}.parquet" for what in ("movements", "outcomes")
            )
            ingest(ledger, kind, movements, outcomes, read_mapping(None, kind), pseudonyms)
    return pseudonyms


def train_on(home: Path, kind: str, pseudonyms: Pseudonyms) -> World:
    url = Settings(home=home).ledger
    data = gather(url, kind, TrainingConfig(), None, lambda _: None)
    learned = learn(data, TrainingConfig())
    truth = read_truth(home / "border", kind)
    ref_of = {pseudonyms.movement(kind, ref): ref for ref in truth.chance.index}
    outcomes = pd.read_parquet(home / "border" / f"{kind}-outcomes.parquet")
    first = outcomes[outcomes["corrects"].isna()].set_index("movement_ref")
    tested = [ref_of[data.labelled.movements[at].movement] for at in data.slices.test]
    examined = first.loc[tested].reset_index()
    test = pd.DataFrame(
        {
            "predicted": learned.of_test,
            "true": if_examined_as_it_was(truth, examined),
            "found": data.labelled.labels[data.slices.test],
            "reason": examined["selection_reason"],
        }
    )
    return World(data, learned, test)


def errors_by_calibration(world: World) -> dict[str, float]:
    """Against the truth, what each would have had; the choice never sees it."""
    data, learned = world.data, world.learned
    model = DefendedModel(TreeModel(learned.text), learned.defences, data.catalogue)
    chosen = data.slices.calibrate
    margins, labels = model.margins(data.matrix[chosen]), data.labelled.labels[chosen]
    of_test = model.margins(data.matrix[data.slices.test])
    counts = label_counts(data, chosen)
    fitted = {name: fit(margins, labels, counts) for name, fit in FITTERS.items()}
    truth = world.test["true"].to_numpy()
    return {
        name: calibration_error(calibration.probabilities(of_test), truth)
        for name, calibration in fitted.items()
    }


def threat_losses(world: World) -> tuple[int, float, float, float]:
    """Finds of the test slice; log loss of distribution and of base rates; error of the first."""
    at = world.data.slices.test
    at = at[world.data.labelled.threats[at] != NO_THREAT]
    threats = world.data.labelled.threats[at]
    given = ThreatModel(world.learned.threats).distribution(world.data.matrix[at])
    base = np.array(world.learned.threats.base)[threats]
    won = np.eye(given.shape[1])[threats]
    error = calibration_error(given.ravel(), won.ravel())
    return (
        len(at),
        float(-np.log(given[np.arange(len(at)), threats]).mean()),
        float(-np.log(base).mean()),
        error,
    )


def row(seed: int, kind: str, world: World) -> str:
    test, choice = world.test, world.learned.choice
    intervals = np.array(
        [interval_around(p, *world.learned.similar.at(p)) for p in test["predicted"]]
    )
    similar = [str(world.learned.similar.at(p)) for p in test["predicted"]]
    truth = test.groupby(similar)["true"].transform("mean").to_numpy()
    held = np.mean((intervals[:, 0] <= truth) & (truth <= intervals[:, 1]))
    by_chance = test[test["reason"] == "random"]
    finds, loss, of_base, threat_error = threat_losses(world)
    cells = (
        seed,
        kind,
        f"{choice.rows:,} ({choice.finds:,})",
        choice.chosen,
        f"{len(test):,}",
        f"{test['true'].mean():.3f}",
        f"{error(test):.4f}",
        ", ".join(f"{name} {found:.4f}" for name, found in errors_by_calibration(world).items()),
        f"{(test['predicted'] - test['true']).mean():+.4f}",
        f"{calibration_error(test['predicted'].to_numpy(), test['found'].to_numpy()):.4f}",
        f"{(by_chance['predicted'] - by_chance['true']).mean():+.4f} ({len(by_chance)})",
        f"{held:.0%}",
        f"{finds}: {loss:.3f}, {of_base:.3f}",
        f"{threat_error:.3f}",
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |"


HEAD = (
    "seed",
    "kind",
    "calibrated on (finds)",
    "chosen",
    "tested on",
    "mean truth",
    "error against truth",
    "of each, chosen or not",
    "mean difference",
    "error against outcomes",
    "mean difference, random",
    "intervals that hold the truth",
    "finds: log loss of threats, of base rates",
    "error of threats",
)


def error(frame: pd.DataFrame) -> float:
    return calibration_error(frame["predicted"].to_numpy(), frame["true"].to_numpy())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.calibration")
    parser.add_argument("--seeds", type=int, nargs="+", default=[201, 202, 203])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--movements-per-day", type=int, default=2_000)
    parser.add_argument("--picture", type=Path, help="PNG of the reliability, all seeds together")
    options = parser.parse_args()
    print(f"Simulated, stationary, {options.days} days, {options.movements_per_day} a day.\n")
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    worlds: dict[str, list[World]] = {kind: [] for kind in options.kinds}
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as directory:
            home = Path(directory)
            pseudonyms = make_border(
                home, seed, options.days, options.movements_per_day, options.kinds
            )
            for kind in options.kinds:
                worlds[kind].append(train_on(home, kind, pseudonyms))
                print(row(seed, kind, worlds[kind][-1]), flush=True)
    for kind, of_kind in worlds.items():
        together = pd.concat([world.test for world in of_kind])
        print(f"\n{kind}, all seeds: error against truth {error(together):.4f}")
        for item in calibration_bins(together["predicted"].to_numpy(), together["true"].to_numpy()):
            print(
                f"  {item.rows:6,} rows: {item.predicted:.4f} predicted, {item.observed:.4f} true"
            )
    if options.picture:
        from tests.benchmarks.calibration_plot import draw

        draw(
            {kind: pd.concat([w.test for w in them]) for kind, them in worlds.items()},
            options.picture,
        )


if __name__ == "__main__":
    main()
