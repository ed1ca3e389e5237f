"""Charts as inline SVG: the same numbers give the same bytes, on any machine.

Text stays text (the page's own font, selectable, scalable); shapes differ by hatch or marker, so
that nothing rests on colour alone; every mark carries its number or stands beside its table.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from models.pages.drawing import BLUE, GREY, INK, PALE, RED, STYLE, WIDTH, inline_svg
from monitoring.tables import percent


def volume_chart(name: str, label: str, by_kind: Mapping[str, pd.DataFrame]) -> Markup:
    """Movements per band, one panel per kind; frames as from ``performance.volumes``."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.75 * len(by_kind)), layout="constrained")
        panels = figure.subplots(len(by_kind), 1, squeeze=False)[:, 0]
        for panel, (kind, frame) in zip(panels, by_kind.items(), strict=True):
            counts = frame["movements"].to_numpy()
            bars = panel.barh(frame["band"], counts, color=BLUE, edgecolor=INK, height=0.65)
            texts = [f"{n:,} ({percent(s)})" for n, s in zip(counts, frame["share"], strict=True)]
            panel.bar_label(bars, texts, padding=4)
            panel.set_title(kind, loc="left", fontweight="bold", fontsize=12)
            panel.set_xlim(0, max(counts.max(), 1) * 1.45)
            panel.invert_yaxis()
            panel.tick_params(left=False)
            panel.xaxis.set_visible(False)
            panel.spines["bottom"].set_visible(False)
        return inline_svg(figure, name, label)


def find_rate_chart(name: str, label: str, rates: pd.DataFrame) -> Markup:
    """Examination rate (square) beside find rate (circle) per band, each with its interval."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.55 * len(rates) + 1.0), layout="constrained")
        looked, found = figure.subplots(1, 2, sharey=True)
        bands = list(rates["band"])
        _intervals(looked, rates, "examination_rate", marker="s", colour=GREY)
        _intervals(found, rates, "find_rate", marker="o", colour=BLUE)
        looked.set_title("Examined", loc="left", fontsize=12, fontweight="bold")
        found.set_title("Found something", loc="left", fontsize=12, fontweight="bold")
        looked.set_yticks(range(len(bands)), bands)
        looked.invert_yaxis()
        for panel in (looked, found):
            panel.set_ylim(len(bands) - 0.5, -0.5)
            panel.tick_params(left=False)
        return inline_svg(figure, name, label)


def _intervals(panel: Any, rates: pd.DataFrame, key: str, *, marker: str, colour: str) -> None:
    places = np.arange(len(rates))
    values, low, high = (rates[f"{key}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
    panel.hlines(places, low, high, color=colour, linewidth=2.5)
    panel.plot(
        values, places, marker, color=colour, markersize=8, markeredgecolor=INK, clip_on=False
    )
    for place in places[np.isnan(values)]:
        panel.annotate(
            "too few", (0, place), xytext=(4, 0), textcoords="offset points", va="center"
        )
    known = high[~np.isnan(high)]
    panel.set_xlim(0, min(1.0, 1.15 * known.max()) if len(known) else 1.0)
    panel.xaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    panel.grid(axis="x", color=PALE)
    panel.set_axisbelow(True)


DRIFT_AXIS_END = 0.5
"""Longer bars are cut here, so that every drift chart has one scale; the number stands beside."""


def drift_chart(
    name: str, label: str, rows: pd.DataFrame, bounds: Sequence[tuple[float, str]]
) -> Markup:
    """PSI per row (columns ``what``, ``psi``), its name and number above its bar."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.66 * len(rows) + 1.0), layout="constrained")
        panel = figure.subplots()
        panel.set_xlim(0, DRIFT_AXIS_END)
        panel.set_ylim(len(rows) - 0.5, -0.6)
        for bound, text in bounds:
            panel.axvline(bound, color=RED, linewidth=1.2, linestyle="--", zorder=1)
            panel.annotate(
                text, (bound, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
                textcoords="offset points", ha="center", fontsize=10, color=RED,
            )  # fmt: skip
        for place, (what, psi) in enumerate(zip(rows["what"], rows["psi"], strict=True)):
            hatch = "" if psi < bounds[0][0] else "//" if psi < bounds[-1][0] else "xx"
            panel.barh(place + 0.27, psi, color=PALE, edgecolor=INK, height=0.3, hatch=hatch)
            panel.annotate(
                textwrap.fill(f"{what}: {psi:.3f}", 52), (0, place + 0.12), xytext=(4, 2),
                textcoords="offset points", va="bottom", fontsize=10.5, linespacing=1.0,
                bbox={"fc": "white", "ec": "none", "pad": 1},
            )  # fmt: skip
        panel.yaxis.set_visible(False)
        panel.set_xlabel("population stability index")
        return inline_svg(figure, name, label)


def missing_chart(name: str, label: str, rows: pd.DataFrame) -> Markup:
    """Share missing per field (``field``, ``missing``, ``missing_before``): now and before."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.3 * len(rows) + 1.3), layout="constrained")
        panel = figure.subplots()
        places = np.arange(len(rows))
        before = rows["missing_before"].to_numpy(float)
        panel.barh(
            places, rows["missing"], color=PALE, edgecolor=INK, height=0.65, label="this period"
        )
        if not np.isnan(before).all():
            panel.plot(before, places, "D", color=RED, markersize=6, label="before", clip_on=False)
            panel.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2, frameon=False)
        panel.set_yticks(places, list(rows["field"]))
        panel.set_ylim(len(rows) - 0.5, -0.5)
        panel.tick_params(left=False)
        panel.set_xlim(0, 1)
        panel.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
        panel.set_xlabel("share without the field")
        return inline_svg(figure, name, label)
