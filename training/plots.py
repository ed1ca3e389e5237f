"""Pictures of an evaluation, readable in grey: every line has its own dashes and marker."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from models.evaluation import MODEL
from models.metrics import at_capacity, calibration_bins, number_at
from models.proportions import wilson_interval

Floats = NDArray[np.float64]

MOST_EXAMINED = 0.25
"""The right end of the capacity plot: nobody examines more."""
_POINTS = 25
_STYLES: Mapping[str, tuple[str, str, str]] = {
    MODEL: ("#12436d", "-", "o"),
    "lookup": ("#a24c00", "--", "s"),
    "prevalence": ("#28705a", "-.", "^"),
    "logistic regression": ("#801650", (0, (5, 1, 1, 1, 1, 1)), "D"),  # type: ignore[dict-item]
    "rules as points": ("#3d3d3d", (0, (3, 1, 1, 1)), "v"),  # type: ignore[dict-item]
    "random": ("#6b6b6b", ":", "x"),
}
"""Colour, dashes and marker."""


def write_plots(
    directory: Path,
    scores: Mapping[str, Floats],
    labels: Floats,
    *,
    title: str,
    simulated: bool,
) -> list[Path]:
    """PNG files into an existing directory; their paths.

    Args:
        scores: by name, ``MODEL`` with calibrated probabilities; each float64[n].
        labels: float64[n], 0.0 or 1.0, of the test slice.
        title: kind and version.
    """
    counted = f"{len(labels):,} test examinations, {int(labels.sum()):,} finds"
    heading = f"{title}{', simulated' if simulated else ''}\n{counted}"
    drawn = []
    for name, draw in (
        ("precision-at-capacity", draw_precision),
        ("calibration", draw_calibration),
        ("gain", draw_gain),
    ):
        figure = Figure(figsize=(7.0, 5.4), dpi=110, layout="constrained")
        axes = figure.subplots()
        draw(axes, scores, labels)
        axes.set_title(heading, loc="left", fontsize=11)
        axes.grid(visible=True, color="#d9d9d9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside lower center", ncols=3, handlelength=3.5, frameon=False)
        path = directory / f"{name}.png"
        figure.savefig(path, metadata={"Software": None})
        drawn.append(path)
    return drawn


def draw_precision(axes: Axes, scores: Mapping[str, Floats], labels: Floats) -> None:
    shares = np.linspace(0.01, MOST_EXAMINED, _POINTS)
    for name, values in scores.items():
        found = [at_capacity(values, labels, number_at(share, len(labels))) for share in shares]
        _line(axes, name, shares, np.array([item.precision for item in found]))
    axes.set_xlabel("Share of the test examinations, highest scores first (%)")
    axes.set_ylabel("Precision: finds per examination among them (%)")
    axes.set_xlim(0.0, MOST_EXAMINED)
    axes.set_ylim(bottom=0.0)
    _percent(axes)


def draw_gain(axes: Axes, scores: Mapping[str, Floats], labels: Floats) -> None:
    shares = np.linspace(0.0, 1.0, _POINTS)
    for name, values in scores.items():
        finds = [
            at_capacity(values, labels, number_at(share, len(labels))).finds if share else 0.0
            for share in shares
        ]
        _line(axes, name, shares, np.array(finds) / labels.sum())
    axes.set_xlabel("Share of the test examinations, highest scores first (%)")
    axes.set_ylabel("Share of all finds that are among them (%)")
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    _percent(axes)


def draw_calibration(axes: Axes, scores: Mapping[str, Floats], labels: Floats) -> None:
    bins = calibration_bins(scores[MODEL], labels)
    predicted = np.array([item.predicted for item in bins])
    observed = np.array([item.observed for item in bins])
    bounds = np.array([wilson_interval(item.finds, item.rows) for item in bins])
    low, high = np.minimum(bounds[:, 0], observed), np.maximum(bounds[:, 1], observed)
    colour, _, marker = _STYLES[MODEL]
    axes.errorbar(
        predicted,
        observed,
        yerr=np.stack([observed - low, high - observed]),
        color=colour,
        marker=marker,
        linestyle="none",
        capsize=3,
        label=f"model, in {len(bins)} bins of about {bins[0].rows:,} (95 % interval)",
    )
    top = min(1.0, 1.1 * max(float(high.max()), float(predicted.max())))
    axes.plot([0, top], [0, top], color="#6b6b6b", linestyle=":", label="perfectly calibrated")
    axes.set_xlabel("Probability of a find, predicted (%)")
    axes.set_ylabel("Finds per examination, observed (%)")
    axes.set_xlim(-0.01 * top, top)  # markers at 0 whole
    axes.set_ylim(-0.01 * top, top)
    _percent(axes)


def _line(axes: Axes, name: str, x: Floats, y: Floats) -> None:
    colour, dashes, marker = _STYLES[name]
    axes.plot(
        x,
        y,
        color=colour,
        linestyle=dashes,
        marker=marker,
        markevery=4,
        markersize=5,
        clip_on=False,
        linewidth=2.4 if name == MODEL else 1.4,
        label=name,
        zorder=3 if name == MODEL else 2,
    )


def _percent(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(xmax=1.0, decimals=0, symbol=""))
