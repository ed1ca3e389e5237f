"""Figure of the drift section on what changes a little every week."""

import pandas as pd

from monitoring.findings import KindFindings
from monitoring.page import KIND_WORDS, Figure, kind_heading, worry_of
from monitoring.signals import Signal
from monitoring.statistics.chance import RULE
from monitoring.statistics.gradual import (
    AMBER_CHANGE,
    FEWEST_MOVEMENTS,
    FEWEST_WEEKS,
    RED_CHANGE,
    gradual_colour,
)
from monitoring.tables import Column, Table

_MOST_ROWS = 12
_MOST_NAMED = 3


def figures(found: KindFindings) -> tuple[Figure, ...]:
    """None without a model, or before there are twelve weeks to look at."""
    if found.over_time is None or found.over_time.gradual is None or found.over_time.gradual.empty:
        return ()
    return (_figure(found.kind, found.over_time.gradual),)


def _figure(kind: str, changes: pd.DataFrame) -> Figure:
    words = KIND_WORDS[kind]
    signal = _signal(kind, changes)
    weeks = int(changes["weeks"].max())
    shown = changes.head(_MOST_ROWS)
    says = f"What is declared of {words} has not changed steadily over the last {weeks} weeks."
    if signal.colour != "green":
        named = changes[changes["change"].abs() >= AMBER_CHANGE]["what"].head(_MOST_NAMED)
        says = (
            f"Over the last {weeks} weeks what is declared of {words} has changed a little every "
            f"week, most surely {', '.join(named)}: a season, other traffic, or other habits."
        )
    table = Table(
        f"{kind}-gradual",
        f"{kind_heading(kind)}: what changed week by week",
        (
            Column("what", "What is declared"),
            Column("change", "Change over the weeks (standard deviations)", "number"),
            Column("change_low", "at least", "number"),
            Column("change_high", "at most", "number"),
            Column("by_chance", "Chance of so much", "number"),
            Column("movements", "Movements looked at", "count"),
        ),
        shown,
    )
    definition = (
        "A straight line through the weekly means of each declared feature over the period and up "
        "to six months before it; whole weeks from Monday, in UTC, of earlier months a sample. A "
        "value counts by its rank among movements of the same traffic (its mode, or the craft), "
        f"since the mix of traffic has its seasons. At least {FEWEST_WEEKS} weeks with "
        f"{FEWEST_MOVEMENTS} movements. The interval (95%) and the chance count that a week "
        "resembles the one before; the chance is adjusted for the number of features (Benjamini "
        "and Hochberg). Within a year a season of the traffic itself looks like a change. The "
        f"colour: {signal.rule}."
    )
    return Figure(says, worry_of((signal,)), table, definition, None, (signal,))


def _signal(kind: str, changes: pd.DataFrame) -> Signal:
    large = changes[changes["change"].abs() >= AMBER_CHANGE]
    surest = (large if len(large) else changes).iloc[0]
    return Signal(
        "drift",
        "gradual-change",
        kind,
        gradual_colour(changes),
        float(surest["change"]),
        int(surest["movements"]),
        f"change of a declared feature over the weeks, by {AMBER_CHANGE:g} standard deviations or "
        f"more (red: {RED_CHANGE:g}): {RULE}",
        "model owner",
        "find out whether it is a season, other traffic or other habits; if it stays, retrain on "
        "recent months",
    )
