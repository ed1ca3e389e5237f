"""What links are worth on borders of seeds that nothing was chosen by, all simulated.

``python -m tests.benchmarks.links_ablation --seeds 301 ... --kinds vehicle shipment``. Each border
goes the real way, files to ledger to training rows; the trees are fitted three times: on all
features, without the second step of links, and without links. Differences are paired by seed; the
interval is Student's, 95 %, over seeds. About a minute and a half a seed on one core.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from features.catalogue import Catalogue
from features.records import KINDS
from features.settings import Settings
from models.booster import TreeModel
from models.evaluation import JUDGED_SHARE
from models.metrics import at_capacity, number_at, roc_auc
from tests.benchmarks.calibration import make_border
from training.config import FeatureOptions, TrainingConfig
from training.data import TrainingData, gather
from training.fit import fit_trees

Floats = NDArray[np.float64]
CONFIG = TrainingConfig(features=FeatureOptions(two_steps=True))
WITHOUT: dict[str, Callable[[str], bool]] = {
    "nothing": lambda _: False,
    "second step": lambda name: name.endswith("_at_two_steps"),
    "links": lambda name: "_links." in name,
}
"""What is left out, to whether a feature belongs to it."""


def judged(data: TrainingData, leave_out: Callable[[str], bool]) -> tuple[float, float]:
    """Area under the curve, and precision at the judged share, on the test slice."""
    fit, test = data.slices.fit, data.slices.test
    rows = blinded(data.matrix, data.catalogue, leave_out)
    labels = data.labelled.labels
    trees = fit_trees(rows[fit], labels[fit], data.catalogue, CONFIG.trees)
    scores = TreeModel(trees).margins(rows[test])
    chosen = number_at(JUDGED_SHARE, len(test))
    auc = roc_auc(scores, labels[test])
    return float("nan") if auc is None else auc, at_capacity(scores, labels[test], chosen).precision


def blinded(rows: Floats, catalogue: Catalogue, leave_out: Callable[[str], bool]) -> Floats:
    """The columns say nothing: the same 0 in every row, on which trees never split."""
    kept = np.array([not leave_out(name) for name in catalogue.names])
    made: Floats = np.where(kept, rows, 0.0)
    return made


def one_border(
    seed: int, days: int, a_day: int, kinds: Sequence[str], scenario: str
) -> dict[str, Floats]:
    """Kind to float64[3, 2]: a row for each of ``WITHOUT``."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make_border(home, seed, days, a_day, KINDS, scenario)
        for kind in kinds:
            url = Settings(home=home).ledger
            data = gather(url, kind, CONFIG, None, lambda _: None)
            found[kind] = np.array([judged(data, leave_out) for leave_out in WITHOUT.values()])
            print(f"seed {seed} {kind}: {told(data, found[kind])}", flush=True)
    return found


def told(data: TrainingData, each: Floats) -> str:
    """How often links show anything at all, and what each fit comes to."""
    test = data.slices.test
    one, two = (
        np.mean(data.matrix[test][:, [n.endswith(ending) for n in data.catalogue.names]] > 0)
        for ending in ("_links.finds", "_links.organisations_with_finds_at_two_steps")
    )
    said = [
        f"{len(test)} tested, {data.labelled.labels[test].sum():.0f} finds",
        f"a find one step away in {one:.1%}, two in {two:.1%}",
    ]
    for name, (auc, precision) in zip(WITHOUT, each, strict=True):
        said.append(f"without {name}: AUC {auc:.4f}, precision {precision:.3f}")
    return "; ".join(said)


def lost(each: Floats, left_out: int) -> str:
    """Over seeds, how much is lost with it."""
    said = []
    for name, column in (("AUC", 0), (f"precision at {JUDGED_SHARE:.0%}", 1)):
        differences = each[:, 0, column] - each[:, left_out, column]
        n = len(differences)
        mean, error = differences.mean(), differences.std(ddof=1) / np.sqrt(n)
        half = student.ppf(0.975, n - 1) * error
        said.append(f"{name} {mean:+.4f} ({mean - half:+.4f} to {mean + half:+.4f})")
    return ", ".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(301, 313)))
    parser.add_argument("--days", type=int, default=300)
    parser.add_argument("--movements-per-day", type=int, default=500)
    parser.add_argument("--kinds", nargs="+", default=["vehicle", "shipment"])
    parser.add_argument("--scenario", default="stationary")
    given = parser.parse_args()
    borders = [
        one_border(seed, given.days, given.movements_per_day, given.kinds, given.scenario)
        for seed in given.seeds
    ]
    for kind in given.kinds:
        each = np.array([border[kind] for border in borders])
        about = f"simulated, {given.scenario}, {len(each)} seeds, {kind}"
        for place, name in list(enumerate(WITHOUT))[1:]:
            print(f"{about}, {name}: lost {lost(each, place)}")


if __name__ == "__main__":
    main()
