"""Figures of the drift section beyond single features: prior, weeks, and telling samples apart."""

import math

import numpy as np
import pandas as pd

from monitoring.charts import drift_chart
from monitoring.drift import BOUNDS
from monitoring.findings import KindFindings
from monitoring.page import KIND_WORDS, Figure, kind_heading, worry_of
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.signals import Signal
from monitoring.statistics.chance import RULE, colour_of
from monitoring.statistics.classifier import (
    AMBER_FROM,
    FOLDS,
    MOST_ROWS,
    RED_FROM,
    DomainClassifier,
    classifier_colour,
)
from monitoring.statistics.prior import trend
from monitoring.statistics.weekly import AMBER_FROM as SCORE_AMBER
from monitoring.statistics.weekly import FEWEST_MONTHS, FEWEST_MOVEMENTS, Moved, moved_colour
from monitoring.statistics.weekly import RED_FROM as SCORE_RED
from monitoring.tables import Column, Table, percent
from monitoring.time_charts import OBSERVED, beside_chart

_FEW = "too few"


def figures(found: KindFindings) -> tuple[Figure, ...]:
    """Weeks, find rate by month and domain classifier, as far as there is something to show."""
    over_time = found.over_time
    if over_time is None:
        return ()
    made = []
    if over_time.weekly is not None and len(over_time.weekly):
        made.append(_weekly(found.kind, over_time.weekly, over_time.moved))
    if over_time.prior["find_rate"].notna().any():
        made.append(_prior(found.kind, over_time.prior))
    if over_time.classifier is not None and not math.isnan(over_time.classifier.auc):
        made.append(_classifier(found.kind, over_time.classifier))
    return tuple(made)


def _weekly(kind: str, weeks: pd.DataFrame, moved: Moved | None) -> Figure:
    words = KIND_WORDS[kind]
    signal = Signal(
        "drift",
        "score-drift",
        kind,
        "grey" if moved is None else moved_colour(moved),
        math.nan if moved is None else moved.psi,
        0 if moved is None else moved.movements,
        f"PSI of the scores against the months before, surely (99.9%) not chance and hardly (1%) "
        f"as those differ among themselves: amber from {SCORE_AMBER:g}, red from {SCORE_RED:g}",
        "model owner",
        "look at the features that changed; if the border itself changed, retrain",
    )
    against = "training" if moved is None else "the months before"
    away = weeks[weeks["change"] != "little"]["week"].tolist()
    says = f"In no week of the period did the scores of {words} move away from {against}."
    if away:
        says = (
            f"The scores of {words} had moved away from {against} in {len(away)} of "
            f"{len(weeks)} weeks, first in that of {away[0]}."
        )
    if moved is not None and not math.isnan(moved.psi):
        says += f" Over the whole period the PSI against the months before is {moved.psi:.3f}."
    table = Table(
        f"{kind}-weeks",
        f"{kind_heading(kind)}: scores week by week",
        (
            Column("week", "Week from Monday"),
            Column("movements", "Movements", "count"),
            Column("psi", "PSI", "number"),
            Column("by_chance", "Up to this by chance", "number"),
            Column("change", "Change"),
            Column("high", "Rated high", "rate"),
        ),
        weeks,
    )
    definition = (
        "PSI of the scores of each week, Monday to Sunday in UTC and cut by the period, against "
        "the scores of up to six months before that the model has not learned from, in ten bins "
        "of theirs; without such months against the reference of the training window. Up to this "
        "by chance: 95% of values with no change stay below it, and a PSI below it is read as no "
        f"change. Weeks with fewer than {FEWEST_MOVEMENTS} movements are left out. How months "
        f"differ among themselves is known from {FEWEST_MONTHS} of them. The colour is "
        f"that of the whole period: {signal.rule}. The interval is Wilson's, 95%."
    )
    chart = drift_chart(f"{kind}-weeks", says, weeks.rename(columns={"week": "what"}), BOUNDS)
    return Figure(says, worry_of((signal,)), table, definition, chart, (signal,))


def _prior(kind: str, prior: pd.DataFrame) -> Figure:
    judged = prior[prior["matured"] & prior["by_chance"].notna()]
    latest = None if judged.empty else judged.iloc[-1]
    signal = Signal(
        "drift",
        "find-rate-changed",
        kind,
        "grey" if latest is None else colour_of(float(latest["by_chance"])),
        math.nan if latest is None else float(latest["difference"]),
        0 if latest is None else int(latest["examined"]),
        f"find rate of the latest matured month, unlike the months before: {RULE}",
        "model owner",
        "find out whether officers chose differently or smuggling changed; calibrate again or "
        "retrain if it was smuggling",
    )
    says = f"There are no earlier months to hold the find rate of {KIND_WORDS[kind]} against."
    if latest is not None:
        how = "is like" if signal.colour == "green" else "differs from"
        says = (
            f"In {latest['month']} examinations of {KIND_WORDS[kind]} found something in "
            f"{percent(latest['find_rate'])}, which {how} the months before (difference "
            f"{_points(latest['difference'])}, interval {_points(latest['difference_low'])} to "
            f"{_points(latest['difference_high'])} percentage points)."
        )
        says += _trend_in_words(prior[prior["matured"]])
    table = Table(
        f"{kind}-prior",
        f"{kind_heading(kind)}: find rate by month",
        (
            Column("month", "Month"),
            Column("examined", "Examined", "count"),
            Column("finds", "Finds", "count", missing=_FEW),
            Column("find_rate", "Find rate if examined", "rate", missing=_FEW),
            Column("difference", "Less the months before", "rate", missing="nothing to compare"),
            Column("by_chance", "Chance of so much", "number", missing="nothing to compare"),
        ),
        prior,
    )
    definition = (
        "Finds among those examined, each month beside all months before it of which nearly all "
        "results are in. Officers choose whom they examine: a find rate that moves may be another "
        "choice and no other border, so read it with the examination rate and the calibration. "
        "Difference with Newcombe's interval, 95%; chance of so much by Fisher's exact test "
        "(mid-p, two-sided) of counts over their design effect (Rao and Scott), since finds of one "
        "company come together; trend by Armitage's test. The colour: " + signal.rule + "."
    )
    marks = (OBSERVED._replace(key="find_rate", words="find rate if examined"),)
    chart = beside_chart(f"{kind}-prior", says, prior, "month", marks, unit="%")
    return Figure(says, worry_of((signal,)), table, definition, chart, (signal,))


def _points(share: float) -> str:
    """
    >>> _points(-0.0123)
    '-1.2'
    """
    return f"{100 * share:+.1f}"


def _trend_in_words(months: pd.DataFrame) -> str:
    known = months[months["finds"].notna()]
    finds, examined = (known[key].to_numpy(np.int64) for key in ("finds", "examined"))
    if len(known) < 3:
        return ""
    by_chance = trend(finds, examined)
    if not by_chance < 0.01:
        return f" There is no steady rise or fall over {len(known)} months."
    half = len(known) // 2
    rises = finds[half:].sum() / examined[half:].sum() > finds[:half].sum() / examined[:half].sum()
    word = "rises" if rises else "falls"
    return f" Over {len(known)} months it steadily {word}, which chance hardly does."


def _classifier(kind: str, found: DomainClassifier) -> Figure:
    signal = Signal(
        "drift",
        "domain-classifier",
        kind,
        classifier_colour(found),
        found.auc,
        found.now,
        f"share of pairs told apart, surely (99.9%) more than half: amber from {AMBER_FROM:.0%}, "
        f"red from {RED_FROM:.0%}",
        "data owner",
        "look at the features named: a feed or a form that changed, a season, or another traffic",
    )
    apart = percent(found.auc)
    says = (
        f"A model that tries to tell {KIND_WORDS[kind]} of this period from earlier ones is right "
        f"in {apart} of pairs (interval {percent(found.auc_low)} to {percent(found.auc_high)}; 50% "
        "is guessing)"
    )
    if signal.colour == "green":
        says += ", so what is declared looks much as before."
    else:
        says += f", most of all by {found.features['what'].iloc[0]}."
    table = Table(
        f"{kind}-told-apart",
        f"{kind_heading(kind)}: what tells this period from earlier",
        (Column("what", "What is declared"), Column("share", "Part in telling apart", "share")),
        found.features,
    )
    definition = (
        f"A small LightGBM model on the declared features of {found.now:,} movements of the period "
        f"and {found.earlier:,} of the 90 days before it, or before the end of training (samples "
        f"of at most {MOST_ROWS:,} each, fixed seed), cross-fitted in {FOLDS} folds: each movement "
        "is judged by a model that has not seen it. AUC with Hanley and McNeil's interval, 95%. "
        "Features that count history are left out: they grow with the ledger. Part: share of the "
        f"gain of the trees. The colour: {signal.rule}. Below {FEWEST_EXAMINATIONS * 20} movements "
        "of either there is no figure."
    )
    return Figure(says, worry_of((signal,)), table, definition, None, (signal,))
