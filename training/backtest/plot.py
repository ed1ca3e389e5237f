"""The picture of a backtest: finds as they add up, readable in grey."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.backtest.results import BacktestResult

_STYLES: Mapping[str, tuple[str, str, str]] = {
    "oracle": ("#6b6b6b", ":", "^"),
    "regime": ("#28705a", "-.", "D"),
    "random": ("#a24c00", "--", "x"),
}
"""Colour, dashes and marker; the policy has a line of its own."""
_NAMES = {
    "oracle": "oracle (knows the truth)",
    "regime": "historical regime",
    "random": "random",
}
_POLICY = ("#12436d", "-", "o")
MOST_MARKERS = 12


def draw_finds(path: Path, result: BacktestResult) -> None:
    """A PNG file: the policy's finds beside those of oracle, regime and random."""
    lines = {f"policy {result.policy_id}": ([week.finds for week in result.weeks], _POLICY)}
    for name, style in _STYLES.items():
        if name in result.references:
            lines[_NAMES[name]] = ([finds for _, finds in result.references[name]], style)
    figure = Figure(figsize=(7.4, 5.0), dpi=110, layout="constrained")
    axes = figure.subplots()
    for name, (finds, (colour, dashes, marker)) in lines.items():
        weeks = range(len(finds) + 1)
        axes.plot(
            weeks,
            [0, *accumulate(finds)],
            color=colour,
            linestyle=dashes,
            marker=marker,
            markersize=4.5,
            markevery=_every(finds),
            label=f"{name}: {sum(finds):,}",
        )
    axes.set_xlabel("Weeks since the warm-up ended")
    axes.set_ylabel("Finds so far (n)")
    axes.set_xlim(0, len(result.weeks))
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(
        f"Simulated: scenario {result.scenario}, seed {result.seed}\n"
        f"{result.movements_per_week:,} movements a week, capacity {result.capacity_share:.1%} of "
        "them",
        loc="left",
        fontsize=10,
    )
    axes.grid(visible=True, color="#d9d9d9", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, handlelength=3.5, loc="upper left")
    figure.savefig(path, metadata={"Software": None})


def _every(finds: Sequence[int]) -> int:
    return max(1, len(finds) // MOST_MARKERS)
