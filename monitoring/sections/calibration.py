"""Figures of the find-rate section: whether probabilities mean what they say."""

import math

import pandas as pd

from monitoring.findings import KindFindings
from monitoring.over_time import OverTime
from monitoring.page import KIND_WORDS, Figure, kind_heading, worry_of
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.signals import Colour, Signal
from monitoring.statistics.calibration import (
    AMBER_RATIO,
    RED_RATIO,
    Calibration,
    Reliability,
    ratio_colour,
)
from monitoring.tables import Column, Table, percent
from monitoring.time_charts import EXPECTED, OBSERVED, beside_chart

_FEW = "too few"
_SMALL = (
    f"Below {FEWEST_EXAMINATIONS} examinations nothing is shown. Intervals are Wilson's, 95%. "
    "Movements that the model may have learned from are left out."
)


def figures(found: KindFindings) -> tuple[Figure, ...]:
    """Calibration by month and by score; none when there is nothing to judge."""
    if found.over_time is None or found.over_time.calibration.empty:
        return ()
    over_time = found.over_time
    by_month = over_time.calibration[over_time.calibration["examined"] > 0]
    if by_month.empty:
        return ()
    made = [_by_month(found.kind, by_month.reset_index(drop=True), over_time)]
    if len(over_time.reliability.bins):
        made.append(_by_score(found.kind, over_time.reliability))
    return tuple(made)


def _by_month(kind: str, by_month: pd.DataFrame, over_time: OverTime) -> Figure:
    is_in = by_month["month"].isin(over_time.matured)
    shown = by_month.assign(results=is_in.map({True: "nearly all in", False: "still coming"}))
    latest = _latest(by_month[is_in])
    colour: Colour = "grey"
    if latest is not None:
        colour = ratio_colour(_calibration(latest), over_time.calibrated)
    signal = _signal(kind, latest, colour)
    table = Table(
        f"{kind}-calibration",
        f"{kind_heading(kind)}: finds expected from the scores, and finds made",
        (
            Column("month", "Month"),
            Column("examined", "Examined", "count"),
            Column("finds", "Finds", "count", missing=_FEW),
            Column("expected", "Find rate the scores announce", "share", missing=_FEW),
            Column("observed", "Find rate that came true", "rate", missing=_FEW),
            Column("z", "Spiegelhalter's z", "number", missing=_FEW),
            Column("slope", "Slope of the log-odds", "number", missing=_FEW),
            Column("slope_low", "at least", "number", missing=_FEW),
            Column("slope_high", "at most", "number", missing=_FEW),
            Column("results", "Results"),
        ),
        shown,
    )
    definition = (
        "Expected: the mean probability of the movements that were examined. Came true: finds "
        "among them. Spiegelhalter's z lies between -1.96 and 1.96 in nineteen of twenty months "
        "when every probability is right. Slope: by how much the log-odds of a find rise when the "
        "announced ones rise by one, 95% (Wald); below 1 the scores are too extreme. The colour is "
        "that of the latest month of which nearly all results are in, since finds take longer to "
        f"be known than clean results: {signal.rule}. A model calibrated on few finds is off by "
        f"chance from its first day, so the luck of its calibration counts as well. {_SMALL}"
    )
    says = _says(KIND_WORDS[kind], latest, colour)
    chart = beside_chart(
        f"{kind}-calibration", says, shown, "month", (EXPECTED, OBSERVED), unit="%"
    )
    return Figure(says, worry_of((signal,)), table, definition, chart, (signal,))


def _latest(by_month: pd.DataFrame) -> pd.Series | None:
    usable = by_month[by_month["examined"] >= FEWEST_EXAMINATIONS]
    return None if usable.empty else usable.iloc[-1]


def _says(words: str, latest: pd.Series | None, colour: Colour) -> str:
    if latest is None:
        return (
            f"No month has enough results on {words} yet to say whether the scores announce the "
            "right number of finds."
        )
    as_announced = latest["observed_low"] <= latest["expected"] <= latest["observed_high"]
    verdict = {
        "amber": "so the scores are off by half or more",
        "red": "so the scores are off by a factor of two or more",
    }.get(
        colour,
        "as announced, within chance"
        if as_announced
        else "a difference too small or too uncertain to act on",
    )
    return (
        f"In {latest['month']} the scores of the {int(latest['examined']):,} {words} examined "
        f"announced finds in {percent(latest['expected'])}, and {percent(latest['observed'])} came "
        f"true (interval {percent(latest['observed_low'])} to {percent(latest['observed_high'])}), "
        f"{verdict}."
    )


def _signal(kind: str, latest: pd.Series | None, colour: Colour) -> Signal:
    return Signal(
        "find_rate",
        "calibration",
        kind,
        colour,
        math.nan if latest is None else float(latest["ratio"]),
        0 if latest is None else int(latest["examined"]),
        f"finds over expected finds, surely (99.9%) neither chance nor that of the calibration: "
        f"amber from {AMBER_RATIO:g} times too many or too few, red from {RED_RATIO:g} times",
        "model owner",
        "calibrate again on recent results (foreland train); if the ranking has fallen too, "
        "retrain or roll back",
    )


def _calibration(row: pd.Series) -> Calibration:
    return Calibration(*(row[field] for field in Calibration._fields))


def _by_score(kind: str, found: Reliability) -> Figure:
    words = KIND_WORDS[kind]
    beyond = found.error > found.error_by_chance
    says = (
        f"Over {found.examined:,} {words} examined, expected and actual find rate are "
        f"{percent(found.error)} apart on average, from the lowest scores to the highest; "
        + (
            f"chance alone would give up to {percent(found.error_by_chance)}, so some scores say "
            "too much or too little."
            if beyond
            else f"chance alone gives up to {percent(found.error_by_chance)}: no concern."
        )
    )
    table = Table(
        f"{kind}-reliability",
        f"{kind_heading(kind)}: find rate announced and come true, by score",
        (
            Column("scores", "Scores"),
            Column("examined", "Examined", "count"),
            Column("finds", "Finds", "count"),
            Column("expected", "Find rate the scores announce", "share"),
            Column("observed", "Find rate that came true", "rate"),
        ),
        found.bins,
    )
    definition = (
        "All examined movements of the months of which nearly all results are in, in five groups "
        "of equal size by rising score; ties count with the tie's find rate. The mean distance is "
        "the expected calibration error; 95% of those that arise when every probability is right "
        f"stay below the number given for chance (simulated). {_SMALL}"
    )
    chart = beside_chart(
        f"{kind}-reliability", says, found.bins, "scores", (EXPECTED, OBSERVED), unit="%"
    )
    return Figure(says, "look" if beyond else "calm", table, definition, chart)
