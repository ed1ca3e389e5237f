"""The picture of the policy experiment: finds as they add up, a panel for each scenario."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from features.simulate import SCENARIOS
from training.backtest.results import BacktestResult

Key = tuple[str, str, float]
"""Scenario, policy, epsilon."""
STYLES: Mapping[str, tuple[str, str, str]] = {
    "oracle": ("#6b6b6b", ":", "^"),
    "regime": ("#28705a", "-.", "D"),
    "greedy": ("#801650", "-", "s"),
    "epsilon-random 5%": ("#12436d", "-", "o"),
    "adaptive 5%": ("#3d3d3d", "--", "v"),
    "random": ("#a24c00", "--", "x"),
}
"""Colour, dashes and marker."""


def draw(path: Path, runs: Mapping[Key, Sequence[BacktestResult]]) -> None:
    figure = Figure(figsize=(10.0, 6.6), dpi=110, layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True).ravel()
    for axes, scenario in zip(panels, SCENARIOS, strict=True):
        _panel(axes, scenario, runs)
    panels[0].set(xlim=(0, None), ylim=(0, None))  # of all, once every line is there
    panels[0].legend(frameon=False, fontsize=8, handlelength=3.2, loc="upper left")
    figure.supxlabel("Weeks since the warm-up ended", fontsize=10)
    figure.supylabel("Finds so far (n, mean over seeds)", fontsize=10)
    figure.savefig(path, metadata={"Software": None})


def _panel(axes: Axes, scenario: str, runs: Mapping[Key, Sequence[BacktestResult]]) -> None:
    of_greedy = runs.get((scenario, "greedy", 0.0), ())
    axes.set_title(f"{scenario}, simulated, {len(of_greedy)} seeds", loc="left", fontsize=10)
    lines = {name: _of_reference(of_greedy, name) for name in ("oracle", "regime", "random")}
    lines["greedy"] = _of_policy(of_greedy)
    for policy in ("epsilon-random", "adaptive"):
        lines[f"{policy} 5%"] = _of_policy(runs.get((scenario, policy, 0.05), ()))
    for name, (colour, dashes, marker) in STYLES.items():
        mean = lines[name]
        axes.plot(
            range(len(mean)), mean, color=colour, linestyle=dashes, marker=marker,
            markersize=3.5, markevery=3, linewidth=1.3, label=name,
        )  # fmt: skip
    axes.grid(visible=True, color="#d9d9d9", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _of_policy(results: Sequence[BacktestResult]) -> NDArray[np.float64]:
    return _added([[week.finds for week in result.weeks] for result in results])


def _of_reference(results: Sequence[BacktestResult], name: str) -> NDArray[np.float64]:
    return _added([[finds for _, finds in result.references[name]] for result in results])


def _added(by_seed: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    if not by_seed:
        return np.zeros(1)
    return np.concatenate([[0.0], np.mean(by_seed, axis=0).cumsum()])
