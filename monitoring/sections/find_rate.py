"""Find rate by band beside the examination rate, the top of the ranking, and calibration."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from monitoring.charts import find_rate_chart
from monitoring.findings import KindFindings
from monitoring.page import KIND_WORDS, Figure, Part, Section, Worry, kind_heading, worry_of
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.periods import Period
from monitoring.sections import calibration, places
from monitoring.signals import Signal
from monitoring.statistics.capacity import SHARES, UK_AVERAGE, capacity_colour
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
    return Section("find_rate", "What was found, band by band", parts, (caution,))


def _part(found: KindFindings, period: Period) -> Part:
    heading, words = kind_heading(found.kind), KIND_WORDS[found.kind]
    if not found.movements:
        return Part(heading, (f"No {words} became known in {period.title}.",))
    if found.scored.frame["probability"].isna().all():
        text = f"No {found.kind} of this period has a score, so no band can be judged."
        return Part(heading, (text,))
    if found.scored.for_performance.empty:
        text = (
            f"The model may have learned from all {found.movements:,} {words} of this period, so "
            "nothing can be said here about how well it ranks them. Train with --until at or "
            "before the period's start, or report on a later period."
        )
        return Part(heading, (text,))
    figures = (_by_band(found), _top(found), *calibration.figures(found), *places.figures(found))
    return Part(heading, (), figures)


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


def _rate_in_words(row: Mapping[Hashable, Any], key: str = "find_rate") -> str:
    low, high = percent(row[f"{key}_low"]), percent(row[f"{key}_high"])
    return f"{percent(row[key])} (interval {low} to {high})"


def _top(found: KindFindings) -> Figure:
    words, (model, *others) = KIND_WORDS[found.kind], found.top.to_dict("records")
    colour = capacity_colour(found.top)
    everything = found.top.iloc[-1]
    signal = Signal(
        "find_rate",
        "precision-at-capacity",
        found.kind,
        colour,
        model["precision"],
        int(model["examined"]),
        f"find rate in the riskiest {SHARES[0]:.0%}: red when surely (99.9%) below that of all "
        f"examined, amber when surely below {percent(UK_AVERAGE)} or the best baseline",
        "model owner",
        "retrain, or roll back to a version that ranked better; until then weigh officers' own "
        "judgement and the baseline above the score",
    )
    says = f"Too few of the riskiest 5% of {words} were examined to say how many were finds."
    if not pd.isna(model["precision"]):
        says = f"Of the riskiest 5% of {words}, {_rate_in_words(model, 'precision')} of those "
        says += "examined gave a find"
        best = max(
            (o for o in others if o["share"] == SHARES[0] and not pd.isna(o["precision"])),
            key=lambda row: float(row["precision"]),
            default=None,
        )
        if best:
            says += (
                f"; ranking by {best['ranking']} would have made it {percent(best['precision'])}"
            )
        says += f". Over all examined it was {percent(everything['precision'])}, and "
        says += f"{percent(UK_AVERAGE)} is the published average for freight searches in the UK."
    table = Table(
        f"{found.kind}-top",
        f"{kind_heading(found.kind)}: the top of the ranking",
        (
            Column("ranking", "Ranked by"),
            Column("share", "Riskiest", "share"),
            Column("examined", "Examined", "count"),
            Column("finds", "Finds", "count", missing=_TOO_FEW),
            Column("precision", "Find rate if examined", "rate", missing=_TOO_FEW),
        ),
        found.top,
    )
    definition = (
        "Precision at capacity: all movements of the period in the order of a ranking, the first "
        "5% or 10% taken (a tie at the end in part), finds among those of them that were examined. "
        "The baselines learned from results known before the period: the past find rate of the "
        "haulier, ship or goods with that of the route, flag or chapter behind it, and memory of "
        "the very same combination. Whom officers examined was itself influenced by the score, so "
        "a baseline is judged on movements that the model or an officer also thought worth a look. "
        f"{_SMALL}"
    )
    return Figure(says, worry_of((signal,)), table, definition, None, (signal,))
