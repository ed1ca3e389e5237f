"""Rates of named groups, each with its interval, in one panel or several side by side."""

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from models.pages.drawing import BLUE, GREY, INK, PALE, RED, STYLE, WIDTH, inline_svg

_LOOKS = (("o", BLUE), ("s", GREY), ("D", RED))
_LONGEST_NAME = 18


class Panel(NamedTuple):
    key: str
    """The rate's column; ``<key>_low`` and ``<key>_high`` are its ends."""
    title: str
    beside: float | None = None
    """What to compare with: a dashed line."""


def interval_chart(
    name: str,
    label: str,
    rows: pd.DataFrame,
    named: str,
    panels: Sequence[Panel],
    *,
    one_scale: bool = False,
) -> Markup | None:
    """One line a row, named by its column ``named``; a rate that is missing says so.

    Panels differ in marker as well as in colour. Each has its own scale from 0, or all have one.
    None without a row.
    """
    if rows.empty:
        return None
    with mpl.rc_context(STYLE):
        names = [textwrap.fill(str(text), _LONGEST_NAME) for text in rows[named]]
        lines = sum(1.0 + 0.45 * text.count("\n") for text in names)
        figure = Figure(figsize=(WIDTH, 0.42 * lines + 1.0), layout="constrained")
        drawn = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        ends = [_end(rows, panel) for panel in panels]
        for axes, panel, end, look in zip(drawn, panels, ends, _LOOKS, strict=False):
            _draw(axes, rows, panel, *look)
            axes.set_xlim(0, max(ends) if one_scale else end)
            axes.set_ylim(len(names) - 0.5, -0.5)
        drawn[0].set_yticks(range(len(names)), names, fontsize=10.5)
        return inline_svg(figure, name, label)


def _end(rows: pd.DataFrame, panel: Panel) -> float:
    """Of the scale: a little beyond the highest end; 1 where nothing is known."""
    high = rows[f"{panel.key}_high"].to_numpy(float)
    known = np.append(high[~np.isnan(high)], panel.beside or 0.0)
    return float(min(1.0, 1.15 * known.max())) if known.any() else 1.0


def _draw(axes: Any, rows: pd.DataFrame, panel: Panel, marker: str, colour: str) -> None:
    places = np.arange(len(rows))
    values, low, high = (rows[f"{panel.key}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
    axes.hlines(places, low, high, color=colour, linewidth=2.5)
    axes.plot(
        values, places, marker, color=colour, markersize=7, markeredgecolor=INK, clip_on=False
    )
    for place in places[np.isnan(values)]:
        axes.annotate(
            "too few", (0, place), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=10,
        )  # fmt: skip
    if panel.beside is not None:
        axes.axvline(panel.beside, color=INK, linewidth=1, linestyle="--", zorder=1)
    axes.set_title(panel.title, loc="left", fontsize=11, fontweight="bold")
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    axes.grid(axis="x", color=PALE)
    axes.set_axisbelow(True)
    axes.tick_params(left=False)
