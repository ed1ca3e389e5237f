"""Charts of what changes over time: what was expected beside what came, and who still waits."""

from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from models.pages.drawing import BLUE, GREY, INK, PALE, RED, STYLE, WIDTH, inline_svg


class Mark(NamedTuple):
    """One value per row; its interval is in ``<key>_low`` and ``<key>_high`` where there is one."""

    key: str
    words: str
    marker: str
    colour: str


EXPECTED = Mark("expected", "expected from the scores", "D", GREY)
OBSERVED = Mark("observed", "came true", "o", BLUE)


def beside_chart(
    name: str, label: str, rows: pd.DataFrame, by: str, marks: tuple[Mark, ...], *, unit: str
) -> Markup:
    """The marks of each row under one another, with their intervals; one line of the chart a row.

    Args:
        by: the column that names a row.
        unit: ``%`` for shares; otherwise the axis has plain numbers and this name.
    """
    with mpl.rc_context(STYLE):
        height = 0.28 * len(marks) * len(rows) + 1.3
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        panel = figure.subplots()
        places = np.arange(len(rows), dtype=np.float64)
        for number, mark in enumerate(marks):
            _mark(panel, rows, mark, places + 0.3 * (number - (len(marks) - 1) / 2))
        panel.set_yticks(places, [str(value) for value in rows[by]])
        panel.set_ylim(len(rows) - 0.4, -0.6)
        panel.tick_params(left=False)
        panel.xaxis.set_major_locator(MaxNLocator(4))
        if unit == "%":
            panel.set_xlim(0, 1.08 * _furthest(rows, marks))
            panel.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
        else:
            panel.set_xlabel(unit)
        panel.grid(axis="x", color=PALE)
        panel.set_axisbelow(True)
        panel.legend(loc="lower left", bbox_to_anchor=(-0.1, 1), frameon=False, fontsize=10.5)
        return inline_svg(figure, name, label)


def _furthest(rows: pd.DataFrame, marks: tuple[Mark, ...]) -> float:
    """The largest value or end of an interval; 1 where there is none above 0."""
    keys = [f"{mark.key}{end}" for mark in marks for end in ("", "_high")]
    largest = rows[[key for key in keys if key in rows]].max().max()
    return float(largest) if largest > 0 else 1.0


def _mark(panel: Any, rows: pd.DataFrame, mark: Mark, places: Any) -> None:
    values = rows[mark.key].to_numpy(np.float64)
    ends = [f"{mark.key}_low", f"{mark.key}_high"]
    if set(ends) <= set(rows.columns):
        low, high = (rows[end].to_numpy(np.float64) for end in ends)
        panel.hlines(places, low, high, color=mark.colour, linewidth=2.5)
    panel.plot(
        values, places, mark.marker, color=mark.colour, markersize=8, markeredgecolor=INK,
        clip_on=False, label=mark.words,
    )  # fmt: skip


def waiting_chart(name: str, label: str, curve: pd.DataFrame) -> Markup:
    """The share of referrals still without an outcome, as a falling step, with its interval."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
        panel = figure.subplots()
        days, waiting, low, high = (
            curve[key].to_numpy(np.float64)
            for key in ("days", "waiting", "waiting_low", "waiting_high")
        )
        panel.fill_between(days, low, high, step="post", color=PALE, linewidth=0)
        panel.step(days, waiting, where="post", color=BLUE, linewidth=2)
        panel.axhline(0.5, color=RED, linewidth=1.2, linestyle="--")
        panel.annotate(
            "half", (1.0, 0.5), xycoords=("axes fraction", "data"), ha="right", va="bottom",
            color=RED, fontsize=10.5,
        )  # fmt: skip
        panel.set_ylim(0, 1.02)
        panel.set_xlim(left=0)
        panel.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
        panel.set_xlabel("days since the referral")
        panel.set_ylabel("still waiting")
        return inline_svg(figure, name, label)


def days_chart(name: str, label: str, days: pd.DataFrame) -> Markup:
    """Of each day's answers the share that was degraded, and on top of it unassessed.

    Args:
        days: ``day`` (YYYY-MM-DD, rising), ``answers`` (none is 0), ``degraded``, ``unassessed``.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
        panel = figure.subplots()
        when = pd.to_datetime(days["day"]).to_numpy()
        answers = days["answers"].to_numpy(np.float64)
        degraded = days["degraded"].to_numpy(np.float64) / answers
        unassessed = days["unassessed"].to_numpy(np.float64) / answers
        panel.bar(when, degraded, color=BLUE, edgecolor=INK, width=0.9, label="degraded")
        panel.bar(
            when, unassessed, bottom=degraded, color="white", edgecolor=INK, hatch="////",
            width=0.9, label="unassessed",
        )  # fmt: skip
        locator = AutoDateLocator(maxticks=6)
        panel.xaxis.set_major_locator(locator)
        panel.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
        panel.yaxis.set_major_locator(MaxNLocator(4))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
        panel.set_ylim(bottom=0)
        panel.set_xlabel("day (UTC)")
        panel.set_ylabel("share of the day's answers")
        panel.grid(axis="y", color=PALE)
        panel.set_axisbelow(True)
        panel.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2, frameon=False)
        return inline_svg(figure, name, label)
