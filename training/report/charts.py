"""Charts of an evaluation page, in line: readable without colour, axes named with their units."""

from collections.abc import Callable, Mapping, Sequence

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from models.families import Ablated
from models.groups import GroupResult
from models.pages.drawing import BLUE, GREY, INK, PALE, RED, STYLE, WIDTH, inline_svg
from training.plots import draw_calibration, draw_gain, draw_precision

Floats = NDArray[np.float64]
Draw = Callable[[Axes, Mapping[str, Floats], Floats], None]


def precision_chart(name: str, label: str, scores: Mapping[str, Floats], labels: Floats) -> Markup:
    return _of_scores(draw_precision, name, label, scores, labels)


def gain_chart(name: str, label: str, scores: Mapping[str, Floats], labels: Floats) -> Markup:
    return _of_scores(draw_gain, name, label, scores, labels)


def calibration_chart(
    name: str, label: str, scores: Mapping[str, Floats], labels: Floats
) -> Markup:
    return _of_scores(draw_calibration, name, label, scores, labels)


def _of_scores(
    draw: Draw, name: str, label: str, scores: Mapping[str, Floats], labels: Floats
) -> Markup:
    with mpl.rc_context(STYLE | {"font.size": 11}):
        figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
        axes = figure.subplots()
        draw(axes, scores, labels)
        axes.grid(visible=True, color=PALE, linewidth=0.6)
        axes.set_axisbelow(True)
        columns = 1 if draw is draw_calibration else 2
        figure.legend(loc="outside lower center", ncols=columns, handlelength=3.2, frameon=False)
        return inline_svg(figure, name, label)


def groups_chart(name: str, label: str, groups: Sequence[GroupResult]) -> Markup:
    """Predicted (square) beside observed (circle) of each measured group, by one line a group."""
    measured = [(item.group, item.measured) for item in groups if item.measured is not None]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.5 * len(measured) + 1.6), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(measured))
        predicted = np.array([of.predicted for _, of in measured])
        observed = np.array([of.observed for _, of in measured])
        axes.hlines(places, predicted, observed, color=GREY, linewidth=2)
        axes.plot(predicted, places, "s", color=PALE, markeredgecolor=INK, label="predicted")
        axes.plot(observed, places, "o", color=BLUE, markeredgecolor=INK, label="observed")
        axes.set_yticks(places, [group for group, _ in measured])
        axes.set_ylim(len(measured) - 0.5, -0.5)
        axes.tick_params(left=False)
        axes.set_xlim(0.0, 1.15 * max(predicted.max(), observed.max()))
        axes.set_xlabel("finds per examination (%)")
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}"))
        axes.grid(axis="x", color=PALE)
        axes.set_axisbelow(True)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        return inline_svg(figure, name, label)


def ablation_chart(name: str, label: str, ablation: Sequence[Ablated]) -> Markup:
    """What leaving out each family costs in ROC AUC: its interval, and a line at nothing."""
    known = [(item.family, item.roc_auc_lost) for item in ablation if item.roc_auc_lost]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.62 * len(known) + 1.2), layout="constrained")
        axes = figure.subplots()
        for place, (family, (low, high)) in enumerate(known):
            axes.plot([low, high], [place + 0.2] * 2, color=BLUE, linewidth=3, marker="|")
            axes.annotate(
                family, (0.0, place - 0.12), xycoords=("axes fraction", "data"), va="center",
                bbox={"fc": "white", "ec": "none", "pad": 1},
            )  # fmt: skip
        axes.axvline(0.0, color=RED, linestyle="--", linewidth=1.2)
        axes.set_ylim(len(known) - 0.4, -0.5)
        axes.yaxis.set_visible(False)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("ROC AUC lost without the family")
        axes.grid(axis="x", color=PALE)
        axes.set_axisbelow(True)
        return inline_svg(figure, name, label)
