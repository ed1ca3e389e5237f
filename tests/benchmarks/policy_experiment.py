"""Policies against each other, an oracle, chance and the historical regime, on unseen borders.

``python -m tests.benchmarks.policy_experiment run --out DIR`` simulates every scenario, seed and
policy (two hours of CPU time; ``--seeds`` for a share of them), ``... table DIR`` makes the tables
of docs/backtest.md of what is there, and ``... plot DIR --out PNG`` its picture. Everything is
simulated. Seeds from 101 on were used for nothing before.
"""

import argparse
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.simulate import SCENARIOS
from tests.benchmarks.policy_plot import draw
from training.backtest.results import REFERENCES, BacktestResult
from training.backtest.run import Plan, PolicyRun, finds_of

WEEKS, WARM_UP_WEEKS, MOVEMENTS_PER_WEEK = 13, 13, 4_200
SEEDS = tuple(range(101, 111))
POLICIES = (
    ("greedy", 0.0),
    ("epsilon-random", 0.05),
    ("epsilon-random", 0.10),
    ("epsilon-stratified", 0.05),
    ("adaptive", 0.05),
)
RESAMPLES = 10_000
Floats = NDArray[np.float64]


def run(out: Path, scenarios: Sequence[str], seeds: Sequence[int]) -> None:
    """One file for each scenario and seed; those that are there already are left."""
    out.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for scenario in scenarios:
            target = out / f"{scenario}-{seed}.json"
            if not target.exists():
                found = json.dumps(list(_policies(scenario, seed)))
                target.write_text(found, encoding="utf-8")
                print(target.name, flush=True)


def _policies(scenario: str, seed: int) -> Iterator[dict[str, Any]]:
    """The warm-up once; from its end each policy goes on in a process of its own."""
    plan = Plan(
        scenario=scenario,
        policy="greedy",
        weeks=WEEKS,
        seed=seed,
        movements_per_week=MOVEMENTS_PER_WEEK,
        warm_up_weeks=WARM_UP_WEEKS,
    )
    others = {name: tuple(finds_of(name, plan)) for name in REFERENCES}
    border = PolicyRun(plan)
    for _ in range(WARM_UP_WEEKS):
        border.warm_up()
    forked = multiprocessing.get_context("fork")
    for policy, epsilon in POLICIES:
        told, tell = forked.Pipe(duplex=False)
        child = forked.Process(target=_go_on, args=(border, policy, epsilon, others, tell))
        child.start()
        yield json.loads(told.recv_bytes())
        child.join()


def _go_on(border: PolicyRun, policy: str, epsilon: float, others: Any, tell: Any) -> None:
    border.follow(policy, epsilon)
    for _ in range(WEEKS):
        border.select_week()
    tell.send_bytes(msgspec.json.encode(border.result(others), enc_hook=float))


def table(directory: Path) -> Iterator[str]:
    """Markdown: by scenario and policy, finds a hundred examinations, and paired differences."""
    runs = _runs(directory)
    yield (
        "| scenario | policy | seeds | finds in 100 examinations | of the oracle's "
        "| of the regime's | of random's | of greedy's |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for scenario in SCENARIOS:
        for policy, epsilon in POLICIES:
            results = runs.get((scenario, policy, epsilon), [])
            if not results:
                continue
            name = _in_words(policy, epsilon)
            shares = [_share_of(results, reference) for reference in REFERENCES]
            cost = _against(results, runs.get((scenario, "greedy", 0.0), []))
            rate = 100 * _finds(results).sum() / sum(result.examined for result in results)
            columns = [f"`{scenario}`", name, str(len(results)), f"{rate:.1f}", *shares, cost]
            yield f"| {' | '.join(columns)} |"


def capacity_used(directory: Path) -> Iterator[str]:
    """Markdown: by policy, the least and the most of the capacity of all sites in four weeks."""
    yield "| policy | windows of 4 weeks | least of the capacity used | most |"
    yield "|---|---|---|---|"
    runs = _runs(directory)
    for policy, epsilon in POLICIES:
        used = [
            share
            for scenario in SCENARIOS
            for result in runs.get((scenario, policy, epsilon), [])
            for share in _used_in_four_weeks(result)
        ]
        if used:
            name = _in_words(policy, epsilon)
            yield f"| {name} | {len(used)} | {min(used):.1%} | {max(used):.1%} |"


def _used_in_four_weeks(result: BacktestResult) -> Iterator[float]:
    for first in range(len(result.weeks) - 3):
        weeks = result.weeks[first : first + 4]
        yield sum(week.referred for week in weeks) / sum(week.capacity for week in weeks)


def _in_words(policy: str, epsilon: float) -> str:
    return policy if policy == "greedy" else f"{policy} {epsilon:.0%}"


def _runs(directory: Path) -> dict[tuple[str, str, float], list[BacktestResult]]:
    found: dict[tuple[str, str, float], list[BacktestResult]] = {}
    for path in sorted(directory.glob("*.json")):
        for result in msgspec.json.decode(path.read_bytes(), type=list[BacktestResult]):
            found.setdefault((result.scenario, result.policy, result.epsilon), []).append(result)
    return found


def _finds(results: Sequence[BacktestResult]) -> Floats:
    return np.array([result.finds for result in results], dtype=np.float64)


def _share_of(results: Sequence[BacktestResult], reference: str) -> str:
    """Finds an examination, as a share of the reference's on the same borders."""
    ours = np.array([result.examined for result in results], dtype=np.float64)
    theirs = np.array([result.examined_of(reference) for result in results], dtype=np.float64)
    found = np.array([result.finds_of(reference) for result in results], dtype=np.float64)
    return _ratio(_finds(results), found, ours, theirs)


def _against(results: Sequence[BacktestResult], greedy: Sequence[BacktestResult]) -> str:
    """Finds an examination, as a share of greedy's on the same borders and no others."""
    of_seed = {one.seed: one for one in greedy}
    theirs = [of_seed[one.seed] for one in results]
    examined = (
        np.array([one.examined for one in of], dtype=np.float64) for of in (results, theirs)
    )
    return _ratio(_finds(results), _finds(theirs), *examined)


def _ratio(a: Floats, b: Floats, of_a: Floats, of_b: Floats) -> str:
    """(Σ a / Σ of_a) / (Σ b / Σ of_b), and its 95 % bootstrap interval over paired seeds."""
    columns = np.stack([a, of_a, b, of_b])  # refuses columns of different seeds in number
    drawn = np.random.default_rng(0).integers(0, len(a), (RESAMPLES, len(a)))

    def ratio(chosen: NDArray[np.int64]) -> Floats:
        found, examined, their_finds, their_examined = columns[:, chosen].sum(axis=-1)
        return np.asarray((found / examined) / (their_finds / their_examined))

    low, high = np.percentile(ratio(drawn), [2.5, 97.5])
    return f"{ratio(np.arange(len(a))):.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.policy_experiment")
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("--out", type=Path, required=True)
    running.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    running.add_argument("--scenarios", nargs="+", default=list(SCENARIOS))
    commands.add_parser("table").add_argument("directory", type=Path)
    drawing = commands.add_parser("plot")
    drawing.add_argument("directory", type=Path)
    drawing.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.command == "run":
        run(options.out, options.scenarios, options.seeds)
    elif options.command == "plot":
        draw(options.out, _runs(options.directory))
    else:
        print("\n".join((*table(options.directory), "", *capacity_used(options.directory))))


if __name__ == "__main__":
    main()
