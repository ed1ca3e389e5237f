"""Figures of the volumes section: referrals against capacity, and how late results are."""

import math

import pandas as pd

from monitoring.findings import KindFindings
from monitoring.over_time import OverTime
from monitoring.page import KIND_WORDS, Figure, Worry, kind_heading, worry_of
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.periods import Period
from monitoring.signals import Signal
from monitoring.statistics.lag import (
    AMBER_BELOW,
    MATURE_FROM,
    RED_BELOW,
    days_until,
    maturity_colour,
)
from monitoring.statistics.referrals import AMBER_RATIO, RED_RATIO, Referrals, referrals_colour
from monitoring.tables import Column, Table, percent
from monitoring.time_charts import OBSERVED, beside_chart, waiting_chart

_TOO_FEW = "too few"


def figures(found: KindFindings, period: Period) -> tuple[Figure, ...]:
    """Of one kind with movements."""
    made = [outcomes(found, period)]
    if found.over_time is not None:
        made.append(_maturity(found.kind, found.over_time, period))
        if found.over_time.referrals.movements:
            made.append(_referrals(found.kind, found.over_time.referrals))
        if found.over_time.waits["ended"].any():
            made.append(_waits(found.kind, found.over_time.waits))
    return tuple(made)


def texts(found: KindFindings) -> tuple[str, ...]:
    """What is not shown, and why."""
    if found.over_time is None or found.over_time.referrals.movements:
        return ()
    text = (
        f"No choice about {KIND_WORDS[found.kind]} was logged in this period, so referrals cannot "
        "be held against capacity, nor can those who still wait be counted."
    )
    return (text,)


def _referrals(kind: str, found: Referrals) -> Figure:
    words = KIND_WORDS[kind]
    signal = Signal(
        "volumes",
        "referrals-over-capacity",
        kind,
        referrals_colour(found),
        found.share / found.planned if found.movements else math.nan,
        found.movements,
        f"share referred over share planned, surely (99.9%) above 1: amber from {AMBER_RATIO:g}, "
        f"red from {RED_RATIO:g}",
        "operations",
        "raise the threshold or find officers; a referral that nobody can examine teaches nothing",
    )
    says = (
        f"The service referred {found.referred:,} of {found.movements:,} {words} "
        f"({percent(found.share)}); capacity was planned for {percent(found.planned)}."
    )
    table = Table(
        f"{kind}-referrals",
        f"{kind_heading(kind)}: referred, and why",
        (
            Column("reason", "Referred"),
            Column("movements", "Movements", "count"),
            Column("share", "Share", "rate"),
            Column("examined", "Examined by now", "count", missing=_TOO_FEW),
        ),
        found.by_reason,
    )
    definition = (
        "The last choice that the service logged for each movement in the period. Planned: the "
        "share of movements that band high was set at, and the chance of a draw. A service of "
        "several workers follows the traffic, not the hours of a site; what a desk behind it "
        f"spends is the desk's own log. The colour: {signal.rule}. Intervals are Wilson's, 95%."
    )
    return Figure(says, worry_of((signal,)), table, definition, None, (signal,))


def _waits(kind: str, curve: pd.DataFrame) -> Figure:
    half, most = days_until(curve, 0.5), days_until(curve, 0.9)
    referrals = int(curve["at_risk"].iloc[0])
    says = f"Fewer than half of {referrals:,} referrals of {KIND_WORDS[kind]} have an outcome yet"
    if not math.isnan(half):
        says = f"Half of {referrals:,} referrals of {KIND_WORDS[kind]} have an outcome within "
        says += f"{half:.1f} days"
        says += "" if math.isnan(most) else f" and nine in ten within {most:.1f}"
    table = Table(
        f"{kind}-waits",
        f"{kind_heading(kind)}: referrals without an outcome yet",
        (
            Column("days", "Days since the referral", "days"),
            Column("at_risk", "Waited so long", "count"),
            Column("waiting", "Still waiting", "rate", missing="not known"),
        ),
        _thinned(curve),
    )
    definition = (
        "Kaplan and Meier's estimate from the first referral of a movement, logged in the period "
        "or the 90 days before, to its outcome of whatever kind; a referral without one counts as "
        "waiting until this page was made. Interval 95% (Greenwood, log of minus log)."
    )
    worry: Worry = "unknown" if math.isnan(half) else "calm"
    return Figure(f"{says}.", worry, table, definition, waiting_chart(f"{kind}-waits", says, curve))


def _thinned(curve: pd.DataFrame, rows: int = 12) -> pd.DataFrame:
    """At most so many rows, the last one kept: a table to read, the chart has all."""
    at_risk = curve[curve["at_risk"] >= FEWEST_EXAMINATIONS]
    step = max(1, math.ceil(len(at_risk) / rows))
    return at_risk.iloc[::-1].iloc[::step].iloc[::-1]


def _maturity(kind: str, over_time: OverTime, period: Period) -> Figure:
    table_rows = over_time.maturity
    words = KIND_WORDS[kind]
    before = table_rows[table_rows["month"] < period.name]
    share = math.nan if before.empty else float(before["share"].iloc[-1])
    known = 0 if before.empty else int(before["known"].iloc[-1])
    signal = Signal(
        "volumes",
        "results-late",
        kind,
        maturity_colour(share),
        share,
        known,
        f"share of the results of the month before that are in: amber below {AMBER_BELOW:.0%}, "
        f"red below {RED_BELOW:.0%}",
        "operations",
        "ask the sites and laboratories for the results that are missing",
    )
    this = table_rows[table_rows["month"] == period.name]
    now = math.nan if this.empty else float(this["share"].iloc[0])
    says = f"There are too few results on {words} to say how many are still to come."
    if not math.isnan(now):
        share_in = "Nearly all" if now > 0.995 else f"About {percent(now)}"
        says = (
            f"{share_in} of the results on {words} of {period.title} are in, judging by "
            "how late earlier ones were."
        )
    table = Table(
        f"{kind}-maturity",
        f"{kind_heading(kind)}: results that are in, by month",
        (
            Column("month", "Month"),
            Column("known", "Results in", "count"),
            Column("expected", "Expected in the end", "count", missing=_TOO_FEW),
            Column("share", "Share in", "rate", missing=_TOO_FEW),
            Column("share_of_finds", "Share of finds in", "share", missing=_TOO_FEW),
        ),
        table_rows,
    )
    definition = (
        "A result is heard of only when it is known, so late ones are missing altogether. How many "
        "are to come follows from how long earlier results of the same kind (find or clean) took: "
        "the product-limit estimate for truncated data (Lynden-Bell). No result can take longer "
        "than the oldest one here. A month counts as matured, and is judged in the figures on "
        f"performance, from {MATURE_FROM:.0%} of its results and of its finds. The colour: "
        f"{signal.rule}. Earlier months: at most 5,000 examined movements each, drawn with a fixed "
        "seed. Interval 95% (Wilson)."
    )
    marks = (OBSERVED._replace(key="share", words="share of results that are in"),)
    chart = None
    if table_rows["share"].notna().any():
        chart = beside_chart(f"{kind}-maturity", says, table_rows, "month", marks, unit="%")
    return Figure(says, worry_of((signal,)), table, definition, chart, (signal,))


def outcomes(found: KindFindings, period: Period) -> Figure:
    """What became of the movements, and how soon it was known."""
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
