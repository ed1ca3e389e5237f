"""``python -m tests.benchmarks.selective_coverage``: how often a 95 % interval holds the truth.

Simulated: worlds of a known logistic risk with rare finds. A model that knows half of the risk
refers the highest scores with certainty; everybody else has a small chance that was logged. Of the
find rate among the unexamined, every estimator's interval is checked against what was there.
"""

import argparse
import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.intervals import CONFIDENCE
from models.left_out import Sample
from models.selective import Estimate, find_rate_unexamined

Floats = NDArray[np.float64]

MOVEMENTS = 100_000
CAPACITY_SHARE = 0.03


class Setting(NamedTuple):
    prevalence: float
    explored_share: float
    """Of movements, on average."""
    chances: str
    """One of ``TIMES_RISKIER``."""


TIMES_RISKIER = {"equal": 2.0, "unequal, risk favoured": 2.0, "unequal, risk neglected": 0.5}
"""How much riskier the never-examined fifth is, which has six times the chance when unequal."""

SETTINGS = [
    Setting(prevalence, explored, chances)
    for prevalence in (0.003, 0.01)
    for explored in (0.0015, 0.01, 0.05)
    for chances in TIMES_RISKIER
]
"""0.0015 of movements is 5 % of a capacity of 3 %."""


class World(NamedTuple):
    finds: NDArray[np.bool_]
    probability: Floats
    """The model's: what it knows of the risk, and nothing of the rest."""
    never_examined: NDArray[np.bool_]
    """A fifth, with another risk, which the model does not know."""


def world(setting: Setting, rng: np.random.Generator) -> World:
    known, unknown = rng.normal(size=(2, MOVEMENTS))
    never_examined = rng.random(MOVEMENTS) < 0.2
    odds = np.exp(1.2 * known + 0.8 * unknown) * np.where(
        never_examined, TIMES_RISKIER[setting.chances], 1.0
    )
    risk = setting.prevalence * odds / odds.mean()
    seen = np.exp(1.2 * known)
    model = setting.prevalence * seen / seen.mean()
    return World(rng.random(MOVEMENTS) < risk / (1 + risk), model / (1 + model), never_examined)


def examined(setting: Setting, at: World, rng: np.random.Generator) -> Sample:
    chance = np.full(MOVEMENTS, setting.explored_share)
    if setting.chances != "equal":
        # 0.2 * 3 + 0.8 * 0.5 = 1, as in epsilon-stratified; and busy days at half the chance
        chance *= np.where(at.never_examined, 3.0, 0.5) * rng.choice([2 / 3, 4 / 3], MOVEMENTS)
    threshold = np.quantile(at.probability, 1 - CAPACITY_SHARE)
    propensity = np.where(at.probability >= threshold, 1.0, chance)
    referred = rng.random(MOVEMENTS) < propensity
    found = np.where(referred, at.finds.astype(np.float64), np.nan)
    return Sample(referred, found, propensity, at.probability)


class Coverage(NamedTuple):
    held: int
    errors: list[float]
    widths: list[float]


def study(setting: Setting, replicates: int, seed: int) -> tuple[dict[str, Coverage], float]:
    """By estimator, and the mean number of finds that the estimates rest on."""
    found: dict[str, Coverage] = {}
    finds = 0
    for replicate in range(replicates):
        rng = np.random.default_rng([seed, replicate])
        at = world(setting, rng)
        sample = examined(setting, at, rng)
        truth = float(at.finds[~sample.referred].mean())
        estimates = find_rate_unexamined(sample)
        finds += estimates[1].finds
        for estimate in estimates:
            add(found, estimate, truth)
    return found, finds / replicates


def add(found: dict[str, Coverage], estimate: Estimate, truth: float) -> None:
    assert estimate.interval is not None
    assert estimate.value is not None
    low, high = estimate.interval
    so_far = found.setdefault(estimate.estimator, Coverage(0, [], []))
    so_far.errors.append(estimate.value - truth)
    so_far.widths.append(high - low)
    found[estimate.estimator] = so_far._replace(held=so_far.held + (low <= truth <= high))


def row(setting: Setting, name: str, found: Coverage, finds: float) -> str:
    n = len(found.errors)
    cells = (
        f"{setting.prevalence:.1%}",
        f"{setting.explored_share:.2%}, {setting.chances}",
        f"{finds:.1f}",
        name,
        f"{found.held / n:.1%}",
        f"{np.mean(found.errors):+.2%}",
        f"{np.mean(found.widths):.2%}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.selective_coverage", description=__doc__
    )
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20261125)
    options = parser.parse_args()
    started = time.process_time()
    print(f"Simulated; {options.replicates} replicates of {MOVEMENTS:,} movements, seed", end=" ")
    print(f"{options.seed}; {CONFIDENCE:.0%} intervals of the find rate among the unexamined.\n")
    print("| prevalence | explored | finds | estimator | coverage | bias | mean width |")
    print("|---|---|---|---|---|---|---|")
    for setting in SETTINGS:
        found, finds = study(setting, options.replicates, options.seed)
        for name, coverage in found.items():
            print(row(setting, name, coverage, finds), flush=True)
    print(f"\n{time.process_time() - started:.0f} s of CPU time.")


if __name__ == "__main__":
    main()
