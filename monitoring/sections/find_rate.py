"""Find rate by band beside the examination rate, top of the ranking, and how late results are."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from monitoring.charts import find_rate_chart
from monitoring.findings import KindFindings
from monitoring.page import KIND_WORDS, Figure, Part, Section, Worry, kind_heading
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.periods import Period
from monitoring.tables import Column, Table, percent

_TOO_FEW = "too few"
_SMALL = (
    f"Below {FEWEST_EXAMINATIONS} examinations no rate and no number of finds is shown. "
    "Intervals are Wilson's, 95%."
)
_RATE_COLUMNS = (
    Column("movements", "Movements", "count"),
    Column("examined", "Examined", "count"),
    Column("examination_rate", "Examination rate", "rate", missing="no movements"),
    Column("finds", "Finds", "count", missing=_TOO_FEW),
    Column("find_rate", "Find rate if examined", "rate", missing=_TOO_FEW),
)


def section(findings: Sequence[KindFindings], period: Period) -> Section:
    caution = (
        "Only examined movements have results, and officers did not choose them at random: a "
        "find rate speaks for movements like those examined. A movement that nobody examined is "
        "unknown, never counted as clean."
    )
    parts = tuple(_part(found, period) for found in findings)
    return Section("finds", "What was found, band by band", parts, (caution,))


def _part(found: KindFindings, period: Period) -> Part:
    heading, words = kind_heading(found.kind), KIND_WORDS[found.kind]
    if not found.movements:
        return Part(heading, (f"No {words} became known in {period.title}.",))
    if found.scored.frame["probability"].isna().all():
        text = f"No {found.kind} of this period has a score, so no band can be judged."
        return Part(heading, (text,), (_lag(found, period),))
    if found.scored.for_performance.empty:
        text = (
            f"The model may have learned from all {found.movements:,} {words} of this period, so "
            "nothing can be said here about how well it ranks them. Train with --until at or "
            "before the period's start, or report on a later period."
        )
        return Part(heading, (text,), (_lag(found, period),))
    return Part(heading, (), (_by_band(found), _top(found), _lag(found, period)))


def _by_band(found: KindFindings) -> Figure:
    says, worry = _verdict(found)
    table = Table(
        f"{found.kind}-find-rates",
        f"{kind_heading(found.kind)}: examined and found, by band",
        (Column("band", "Band"), *_RATE_COLUMNS),
        found.rates,
    )
    definition = (
        "Examination rate: movements examined with a result (a find or nothing found) among all "
        f"movements of the band. Find rate: finds among those examined. {_SMALL}"
    )
    shown = found.rates[found.rates["movements"] > 0]
    chart = find_rate_chart(f"{found.kind}-find-rates", says, shown)
    return Figure(says, worry, table, definition, chart)


def _verdict(found: KindFindings) -> tuple[str, Worry]:
    words = KIND_WORDS[found.kind]
    by_band = {row["band"]: row for row in found.rates.to_dict("records")}
    high, rest = by_band["high"], by_band["all"]
    if pd.isna(rest["find_rate"]):
        return f"Too few {words} were examined to say what the bands are worth.", "unknown"
    overall = _rate_in_words(rest)
    if pd.isna(high["find_rate"]):
        says = f"Too few {words} rated high were examined to judge that band; of all examined, "
        return f"{says}{overall} gave a find.", "unknown"
    says = (
        f"Of {words} rated high, {percent(high['examination_rate'])} were examined and "
        f"{_rate_in_words(high)} of those gave a find; of all examined, {overall} did."
    )
    if high["find_rate_low"] > rest["find_rate"]:
        return f"{says} The high band finds more than examinations do on average.", "calm"
    if high["find_rate_high"] < rest["find_rate"]:
        return f"{says} The high band finds less than examinations do on average.", "look"
    return f"{says} The difference could be chance.", "unknown"


def _rate_in_words(row: Mapping[Hashable, Any]) -> str:
    low, high = percent(row["find_rate_low"]), percent(row["find_rate_high"])
    return f"{percent(row['find_rate'])} (interval {low} to {high})"


def _top(found: KindFindings) -> Figure:
    words = KIND_WORDS[found.kind]
    top, everything = found.top.to_dict("records")
    worry: Worry = "unknown"
    if pd.isna(top["find_rate"]):
        says = f"Too few of the riskiest 5% of {words} were examined to say how many were finds."
    else:
        says = (
            f"Among the riskiest 5% of {words}, {_rate_in_words(top)} of those examined gave a "
            "find."
        )
        if not pd.isna(everything["find_rate"]):
            says += f" On average over all examined it was {percent(everything['find_rate'])}."
            better = top["find_rate_low"] > everything["find_rate"]
            worse = top["find_rate_high"] < everything["find_rate"]
            worry = "calm" if better else "look" if worse else "unknown"
    table = Table(
        f"{found.kind}-top",
        f"{kind_heading(found.kind)}: the top of the ranking",
        (Column("group", "Movements by score"), *_RATE_COLUMNS),
        found.top,
    )
    definition = (
        "Precision at 5% of capacity: movements of the period ordered by probability, the first "
        f"5% taken (rounded up), finds among those examined. {_SMALL}"
    )
    return Figure(says, worry, table, definition)


def _lag(found: KindFindings, period: Period) -> Figure:
    words, lag = KIND_WORDS[found.kind], found.lag
    worry: Worry = "unknown"
    if lag.examinations == 0:
        says = f"No examination of these {words} took place in {period.title}."
    else:
        share = lag.known_by_end / lag.examinations
        says = (
            f"Of {lag.examinations:,} outcomes of examinations held in {period.title}, "
            f"{lag.known_by_end:,} ({percent(share)}) were known when it ended; half came within "
            f"{lag.median_days:.1f} days and nine in ten within {lag.ninth_decile_days:.1f}."
        )
        worry = "calm" if share >= 0.5 else "look"
    table = Table(
        f"{found.kind}-outcomes",
        f"{kind_heading(found.kind)}: what became of the movements",
        (
            Column("outcome", "Outcome"),
            Column("movements", "Movements", "count", missing=_TOO_FEW),
            Column("share", "Share", "share", missing=_TOO_FEW),
        ),
        found.outcomes,
    )
    definition = (
        "All movements of the period with the outcome known when this page was made. Positive "
        "and negative are results; no show, missed, insufficient resources and withdrawn say "
        "nothing about risk and count in no rate. Label lag runs from the end of the examination "
        "to the moment its outcome was known here; less than half known at the end of the period "
        "is a reason to look."
    )
    return Figure(says, worry, table, definition)
