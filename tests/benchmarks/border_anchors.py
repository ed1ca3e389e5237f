"""The anchors of the simulated border, by scenario: ``python -m tests.benchmarks.border_anchors``.

Prints what stands in docs/simulated-border.md. Seeds 1 to 5; those from 101 on are kept for
experiments that nothing was chosen by.
"""

import sys
from collections.abc import Sequence

import numpy as np

from features.simulate import SCENARIOS, SELECTORS, Selector, Tally, reference_run
from features.simulate.parameters import CHANGE_WEEK

WEEKS, MOVEMENTS_PER_WEEK, WARM_UP_WEEKS = 52, 4_200, 8
SEEDS = (1, 2, 3, 4, 5)


def main(scenarios: Sequence[str]) -> None:
    print(
        "| scenario | smuggle, before / after | examined | regime finds, before / after | "
        "finds after warm-up: oracle / regime / random |"
    )
    print("|---|---|---|---|---|")
    for scenario in scenarios or tuple(SCENARIOS):
        runs = {
            selector: [_run(scenario, selector, seed) for seed in SEEDS] for selector in SELECTORS
        }
        regime = runs["regime"]
        early = [Tally(tuple(of for of in run.by_week if of.week < CHANGE_WEEK)) for run in regime]
        late = [run.from_week(CHANGE_WEEK) for run in regime]
        examined = np.mean([run.examined / run.movements for run in regime])
        finds = {
            selector: np.mean([run.from_week(WARM_UP_WEEKS).finds for run in of_selector])
            for selector, of_selector in runs.items()
        }
        print(
            f"| `{scenario}` | {_smuggling(early)} / {_smuggling(late)} | {examined:.1%} | "
            f"{_finding(early)} / {_finding(late)} | "
            f"{finds['oracle']:.0f} / {finds['regime']:.0f} / {finds['random']:.0f} |",
            flush=True,
        )


def _run(scenario: str, selector: Selector, seed: int) -> Tally:
    return reference_run(
        scenario,
        selector,
        seed=seed,
        weeks=WEEKS,
        movements_per_week=MOVEMENTS_PER_WEEK,
        warm_up_weeks=WARM_UP_WEEKS,
    )


def _smuggling(runs: Sequence[Tally]) -> str:
    return f"{np.mean([of.smuggling / of.movements for of in runs]):.2%}"


def _finding(runs: Sequence[Tally]) -> str:
    """Share of labelled examinations that find something."""
    return f"{np.mean([of.finds / of.examined for of in runs]):.1%}"


if __name__ == "__main__":
    main(sys.argv[1:])
