"""Performance before results arrive, beside what came true, month by month."""

import math
from collections.abc import Sequence

import pandas as pd

from monitoring.findings import KindFindings
from monitoring.over_time import OverTime
from monitoring.page import KIND_WORDS, Figure, Part, Section, Worry, kind_heading, worry_of
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.periods import Period
from monitoring.signals import Signal
from monitoring.statistics.estimation import (
    AMBER_FALL,
    AMBER_RATIO,
    FEWEST_FINDS,
    FEWEST_RESULTS,
    MATURITY_DAYS,
    MOST_RESULTS,
    RED_FALL,
    RED_RATIO,
    TOP,
    Estimate,
    auc_colour,
    rate_colour,
)
from monitoring.tables import Column, Table, percent
from monitoring.time_charts import EXPECTED, OBSERVED, beside_chart

_FEW = "too few"


def section(findings: Sequence[KindFindings], period: Period) -> Section:
    text = (
        "Results take weeks. Until they come, the scores themselves say what to expect: a score "
        "that is right says how often it will be right. When results come and lie outside what was "
        "expected, something has changed that the scores do not show, such as a new tactic, or "
        "results that cannot be trusted."
    )
    parts = tuple(_part(found, period) for found in findings)
    return Section("performance", "Performance before results arrive", parts, (text,))


def _part(found: KindFindings, period: Period) -> Part:
    heading, words = kind_heading(found.kind), KIND_WORDS[found.kind]
    if not found.movements:
        return Part(heading, (f"No {words} became known in {period.title}.",))
    if found.over_time is None or found.over_time.estimated.empty:
        text = (
            f"No {words} of this period or the months before have a score that the model gave "
            "without having learned from them, so nothing can be estimated."
        )
        return Part(heading, (text,))
    return Part(heading, (), (_find_rate(found.kind, found.over_time), _auc(found.kind, found)))


def _find_rate(kind: str, over_time: OverTime) -> Figure:
    words, rows = KIND_WORDS[kind], _with_maturity(over_time)
    judged = _latest(rows, "realised_z")
    signal = Signal(
        "performance",
        "finds-as-estimated",
        kind,
        "grey" if judged is None else rate_colour(_estimate(judged)),
        math.nan if judged is None else judged["realised"] / judged["expected"],
        0 if judged is None else int(judged["results"]),
        f"finds over estimated finds in the riskiest {TOP:.0%}, surely (99.9%) not chance: amber "
        f"from {AMBER_RATIO:g} times too many or too few, red from {RED_RATIO:g} times",
        "model owner",
        "look for what the scores cannot see: a new tactic, a wrong feed, false results; retrain "
        "when it is understood",
    )
    latest = rows.iloc[-1]
    says = (
        f"Were the riskiest tenth of {words} of {latest['month']} all examined, finds would be "
        f"expected in {percent(latest['estimated'])}. {_truth(judged)}{_parted(rows)}"
    )
    table = Table(
        f"{kind}-estimated",
        f"{kind_heading(kind)}: finds estimated and made in the riskiest tenth",
        (
            Column("month", "Month"),
            Column("estimated", "Estimated, all of them", "share"),
            Column("results", "With a result", "count"),
            Column("expected", "Estimated, of these", "rate", missing=_FEW),
            Column("realised", "Came true", "share", missing=_FEW),
            Column("verdict", "Verdict"),
            Column("recalibrated_on", "Results behind the estimate", "count"),
            Column("scored", "Scored"),
        ),
        rows,
    )
    definition = (
        "Scores are recalibrated (isotonic, joined at its steps) on results from examinations at "
        f"least {MATURITY_DAYS} days before the month and known before it, the latest "
        f"{MOST_RESULTS:,}; with fewer than "
        f"{FEWEST_RESULTS} of them, or {FEWEST_FINDS} finds, the model's own probabilities count "
        "(results behind the estimate: 0). Estimated: the mean of these in the riskiest tenth. The "
        "interval is that in which 95% of what may come true lies: 200 times other matured results "
        "and other luck (fixed seed). Only months of which nearly all results are in have a "
        f"verdict, and the latest of them the colour: {signal.rule}. Earlier months: at most "
        "5,000 examined and 4,000 other movements. What the model may have learned from is "
        f"left out; below {FEWEST_EXAMINATIONS} results no rate is shown."
    )
    marks = (EXPECTED, OBSERVED._replace(key="realised"))
    chart = beside_chart(f"{kind}-estimated", says, rows, "month", marks, unit="%")
    return Figure(says, _worry(signal, judged), table, definition, chart, (signal,))


def _auc(kind: str, found: KindFindings) -> Figure:
    assert found.over_time is not None
    rows = _with_maturity(found.over_time)
    judged = _latest(rows, "auc_z")
    signal = Signal(
        "performance",
        "ranking-as-estimated",
        kind,
        "grey" if judged is None else auc_colour(_estimate(judged)),
        math.nan if judged is None else judged["auc_expected"] - judged["auc_realised"],
        0 if judged is None else int(judged["auc_results"]),
        f"AUC below what was estimated, surely (99.9%) not chance: amber from {AMBER_FALL:g}, "
        f"red from {RED_FALL:g}",
        "model owner",
        "the model no longer ranks as it did: compare it with the baselines, retrain or roll back",
    )
    says = (
        f"Too few results on {KIND_WORDS[kind]} are in to compare how well the scores rank with "
        "how well they should."
    )
    if judged is not None:
        holds = "as well as estimated" if signal.colour == "green" else "worse than estimated"
        says = (
            f"In {judged['month']} the scores ranked the {int(judged['auc_results']):,} "
            f"{KIND_WORDS[kind]} examined {holds}: a find scored higher than a clean one in "
            f"{percent(judged['auc_realised'])} of pairs, and {percent(judged['auc_expected'])} "
            f"were expected ({percent(judged['auc_expected_low'])} to "
            f"{percent(judged['auc_expected_high'])})."
        )
    table = Table(
        f"{kind}-ranking",
        f"{kind_heading(kind)}: ranking estimated and come true",
        (
            Column("month", "Month"),
            Column("auc_results", "Examined", "count"),
            Column("auc_expected", "Pairs in order, estimated", "rate", missing=_FEW),
            Column("auc_realised", "Came true", "share", missing=_FEW),
            Column("scored", "Scored"),
        ),
        rows,
    )
    definition = (
        "Of every find and every clean result, the share of pairs in which the find scored higher "
        "(the AUC): 50% is no better than a coin. Estimated from the recalibrated scores alone, "
        "the interval as in the figure before. Among examined movements, which officers did not "
        f"choose at random. The colour is that of the latest month with nearly all results: "
        f"{signal.rule}."
    )
    marks = (EXPECTED._replace(key="auc_expected"), OBSERVED._replace(key="auc_realised"))
    chart = beside_chart(f"{kind}-ranking", says, rows, "month", marks, unit="%")
    return Figure(says, _worry(signal, judged), table, definition, chart, (signal,))


def _worry(signal: Signal, judged: pd.Series | None) -> Worry:
    """Outside the interval and yet no rule fires: that is not nothing, and not enough either."""
    if signal.colour == "green" and judged is not None and judged["parted"]:
        return "unknown"
    return worry_of((signal,))


def _with_maturity(over_time: OverTime) -> pd.DataFrame:
    """The months with ``matured``, ``verdict`` and ``scored`` in words."""
    rows = over_time.estimated.reset_index(drop=True)
    matured = rows["month"].isin(over_time.matured)
    outside = rows["parted"].map({True: "outside the interval", False: "as estimated"})
    known = rows["realised"].notna() | rows["auc_realised"].notna()
    verdict = outside.where(known, _FEW).where(matured, "results still coming")
    scored = rows["live"].map(lambda share: _how_scored(float(share)))
    return rows.assign(matured=matured, verdict=verdict, scored=scored)


def _how_scored(live: float) -> str:
    """
    >>> _how_scored(1.0), _how_scored(0.0), _how_scored(0.25)
    ('live', 'afterwards', '25.0% live')
    """
    return "live" if live == 1.0 else "afterwards" if live == 0.0 else f"{percent(live)} live"


def _latest(rows: pd.DataFrame, known: str) -> pd.Series | None:
    """The latest matured month that can be judged."""
    usable = rows[rows["matured"] & rows[known].notna()]
    return None if usable.empty else usable.iloc[-1]


def _estimate(row: pd.Series) -> Estimate:
    return Estimate(*(row[field] for field in Estimate._fields))


def _truth(judged: pd.Series | None) -> str:
    if judged is None:
        return "No month has enough results yet to hold against its estimate."
    return (
        f"In {judged['month']}, the latest month with nearly all results, "
        f"{percent(judged['realised'])} of {int(judged['results']):,} were finds, and "
        f"{percent(judged['expected'])} had been estimated "
        f"({percent(judged['expected_low'])} to {percent(judged['expected_high'])})."
    )


def _parted(rows: pd.DataFrame) -> str:
    months = rows["month"][rows["matured"] & rows["parted"]].tolist()
    if not months:
        return ""
    return (
        f" Truth lay outside the interval, for finds or ranking, in {', '.join(months)}; by chance "
        "that happens in about one month in ten."
    )
