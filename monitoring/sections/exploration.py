"""Exploration: what chance referrals cost, whether they can be trusted, and what they tell."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from models.bands import MEDIUM_SHARE
from models.selective import CLIP, Estimator
from monitoring.findings import REFERENCE_DAYS, KindFindings
from monitoring.interval_chart import Panel, interval_chart
from monitoring.page import KIND_WORDS, Figure, Part, Section, Worry, kind_heading, worry_of
from monitoring.periods import Period
from monitoring.sections.exploration_signals import (
    beside_referred,
    better_challenger,
    draws_as_logged,
    less_examined,
    rising,
    some_chance,
)
from monitoring.statistics.disclosure import FEWEST_SHOWN
from monitoring.statistics.exploration import (
    FEWEST_EXPECTED,
    HEADLINE,
    ExplorationFindings,
    Missed,
)
from monitoring.tables import Column, Table, percent

_NAMES: Mapping[Estimator, str] = {
    "naive": "naive",
    "horvitz-thompson": "Horvitz-Thompson",
    "hajek": "Hájek",
    "doubly robust": "doubly robust",
}
_FEW = f"under {FEWEST_SHOWN}, or kept back"
_OVER = f"Over the period and the {REFERENCE_DAYS} days before it"
_INTERVALS = f"From fewer than {FEWEST_SHOWN} results no rate is shown. Intervals are 95%."


def section(findings: Sequence[KindFindings], period: Period) -> Section:
    text = (
        "Only examined movements have results. So that nobody has to guess what the others hold, "
        "a small share of them is referred by chance, and the chance of every movement is logged. "
        "What these find, each standing for many that were let go, is an estimate of what nobody "
        "looked for. It rests on few results, so read its interval."
    )
    parts = tuple(_part(f, f.exploration, period) for f in findings)
    return Section("exploration", "What nobody looked for", parts, (text,))


def _part(found: KindFindings, explored: ExplorationFindings | None, period: Period) -> Part:
    heading, words = kind_heading(found.kind), KIND_WORDS[found.kind]
    if explored is None:
        return Part(heading, (f"Choices about {words} were not gathered for this page.",))
    if not explored.movements:
        text = (
            f"No {words} of {period.title} were answered with a logged chance of referral, so "
            "what the unexamined hold is not assessable. Chances are logged by the service, not "
            "by foreland score or an earlier system."
        )
        return Part(heading, (text,))
    texts: tuple[str, ...] = ()
    if explored.by_others:
        text = (
            f"{explored.by_others:,} {words} were examined although no referral was advised (an "
            "officer's own choice, a tip, another agency). They are left out here: the estimates "
            "are of the others."
        )
        texts = (text,)
    figures = [_spent(found, explored), _log(found, explored), _unexamined(found, explored)]
    figures.append(_by_band(found, explored))
    if explored.challenger_version is not None:
        figures.append(_challenger(found, explored))
    return Part(heading, texts, tuple(figures))


def _spent(found: KindFindings, explored: ExplorationFindings) -> Figure:
    words = KIND_WORDS[found.kind]
    signals = (some_chance(found.kind, explored), less_examined(found.kind, explored))
    (by_chance,) = explored.spent[explored.spent["why"] == "by chance"].to_dict("records")
    says = f"Too few {words} were referred to say what share of the referrals went to chance."
    if explored.log.expected == 0.0:
        says = f"No {words} had a chance of a random referral: nothing is learned of the rest."
    elif not np.isnan(by_chance["share"]):
        says = (
            f"{percent(by_chance['share'])} of all referrals of {words} were by chance "
            f"({int(by_chance['referrals']):,} of them)"
        )
        skipped = signals[1].colour in {"amber", "red"}
        says += ", and they were examined less often than others." if skipped else "."
    table = Table(
        f"{found.kind}-exploration-spent",
        f"{kind_heading(found.kind)}: referrals by why they were made",
        (
            Column("why", "Why referred"),
            Column("referrals", "Referrals", "count", missing=_FEW),
            Column("share", "Share of referrals", "rate", missing="too few"),
            Column("with_result", "With a result by now", "rate", missing="too few"),
        ),
        explored.spent,
    )
    definition = (
        "Referrals of the period as logged with the answer, one a movement. By chance: the "
        "movement's own draw fell below the share kept for chance, whatever its risk. With a "
        "result: examined, and something or nothing was found. Whether chance referrals are "
        f"examined less often than those for risk is asked by Fisher's exact test (mid-p). {_OVER}."
    )
    shown = explored.spent[explored.spent["referrals"] != 0]
    panels = (Panel("share", "Share"), Panel("with_result", "With a result"))
    chart = interval_chart(f"{found.kind}-exploration-spent", says, shown, "why", panels)
    return Figure(says, worry_of(signals), table, definition, chart, signals)


def _log(found: KindFindings, explored: ExplorationFindings) -> Figure:
    log = explored.log
    signal = draws_as_logged(found.kind, log)
    says = f"All {log.answers:,} logged chances of {KIND_WORDS[found.kind]} lie between 0 and 1"
    if log.impossible:
        says = f"{log.impossible:,} logged chances of {KIND_WORDS[found.kind]} cannot be"
    if np.isnan(log.by_chance):
        says += "; too few draws were expected to check them."
    else:
        follow = signal.colour == "green" or log.impossible
        says += f"; chance was to refer {log.expected:,.1f} and referred {log.drawn:,}"
        says += ", as draws do." if follow else ", which draws would hardly do."
    facts = pd.DataFrame(
        [
            ("movements with a logged chance", f"{log.answers:,}"),
            ("chances that cannot be", f"{log.impossible:,}"),
            ("movements without any chance of a referral", f"{log.without_a_chance:,}"),
            ("smallest chance", f"{log.least:.6g}"),
            ("referrals by chance to expect", f"{log.expected:,.1f}"),
            ("referrals by chance", _count(log.drawn)),
        ],
        columns=["what", "value"],
    )
    table = Table(
        f"{found.kind}-propensities",
        f"{kind_heading(found.kind)}: the logged chances of a referral",
        (Column("what", "What"), Column("value", "Value")),
        facts,
    )
    definition = (
        "The chance (propensity) with which each movement of the period would have been referred. "
        "It cannot be if it is missing, outside 0 to 1, or 0 for a movement that was referred. "
        f"Estimates count a chance below {CLIP:g} as {CLIP:g}. The number referred by chance is "
        "held against the sum of the logged chances (normal approximation, both sides) from "
        f"{FEWEST_EXPECTED:g} expected on."
    )
    return Figure(says, worry_of((signal,)), table, definition, None, (signal,))


def _unexamined(found: KindFindings, explored: ExplorationFindings) -> Figure:
    signals = (beside_referred(found.kind, explored), rising(found.kind, explored))
    says = _unexamined_in_words(KIND_WORDS[found.kind], explored)
    rows = explored.estimates.copy()
    estimators = zip(rows.pop("estimator"), rows.pop("when"), strict=True)
    rows.insert(0, "name", [f"{_NAMES[name]}, {when}" for name, when in estimators])
    table = Table(
        f"{found.kind}-unexamined",
        f"{kind_heading(found.kind)}: estimated find rate among the unexamined",
        (
            Column("name", "Estimator and time"),
            Column("rate", "Estimated find rate", "rate", missing="not assessable"),
            Column("at_least", "If no missing result were a find", "share", missing="not needed"),
            Column("at_most", "If every missing result were one", "share", missing="not needed"),
            Column("results", "Results it rests on", "count", missing=_FEW),
            Column("finds", "Finds among them", "count", missing="too few"),
            Column("effective", "Worth so many equal results", "count", missing="too few"),
        ),
        rows,
    )
    definition = (
        f"{_OVER} (“and before”), and for the period alone. A referred movement whose chance was p "
        "stands for (1 - p) / p that were let go. Naive takes the examined to stand for all, which "
        f"they do not; it is shown for contrast. The sentence quotes {_NAMES[HEADLINE]}. A find is "
        "what an examination as thorough as these finds. The estimate is of intent to examine: a "
        "referral without a result is taken to be like those with one, and two columns say what it "
        f"would be at the extremes. {_INTERVALS} See docs/selective-labels.md."
    )
    shown = rows[rows["rate"].notna()]
    chart = None
    if explored.missed is not None:
        finds, of = explored.referred_for_risk
        risk = finds / of if of >= FEWEST_SHOWN else None
        panel = Panel("rate", "Estimated (dashed: for risk)", risk)
        chart = interval_chart(f"{found.kind}-unexamined", says, shown, "name", (panel,))
    return Figure(says, worry_of(signals), table, definition, chart, signals)


def _unexamined_in_words(words: str, explored: ExplorationFindings) -> str:
    missed, headline = explored.missed, explored.headline
    if missed is None or headline is None or headline.value is None or headline.interval is None:
        why = None if headline is None else headline.reason
        return (
            f"What the unexamined {words} hold is not assessable: "
            f"{why or f'fewer than {FEWEST_SHOWN} chance referrals have a result'}."
        )
    low, high = headline.interval
    said = (
        f"Of {words} that nobody was asked to examine, an estimated {percent(headline.value)} "
        f"(interval {percent(low)} to {percent(high)}) would have been a find"
    )
    finds, of = explored.referred_for_risk
    if of >= FEWEST_SHOWN:
        said += f", against {percent(finds / of)} of those referred for risk"
    return f"{said}. {_missed_in_words(missed)}"


def _missed_in_words(missed: Missed) -> str:
    if np.isnan(missed.share_made):
        return "No find is known or estimated."
    low, high = missed.share_made_interval
    return (
        f"That is {missed.finds_missed:,.0f} ({missed.low:,.0f} to {missed.high:,.0f}) finds not "
        f"made among {missed.unexamined:,}; referrals made {percent(missed.share_made)} "
        f"({percent(low)} to {percent(high)}) of all there were."
    )


def _by_band(found: KindFindings, explored: ExplorationFindings) -> Figure:
    words, everything = KIND_WORDS[found.kind], explored.by_band.iloc[-1]
    worry: Worry = "unknown"
    says = f"Too few {words} referred by chance have a result to say what the model misses."
    if not np.isnan(everything["find_rate"]):
        worry = "calm"
        says = (
            f"Of {int(everything['results']):,} results by chance, "
            f"{percent(everything['find_rate'])} were a find{_below_high(explored.by_band)}."
        )
    table = Table(
        f"{found.kind}-random-slice",
        f"{kind_heading(found.kind)}: what chance found, by band",
        (
            Column("band", "Band"),
            Column("drawn", "Referred by chance", "count", missing=_FEW),
            Column("results", "With a result", "count", missing=_FEW),
            Column("finds", "Finds", "count", missing="too few"),
            Column("find_rate", "Find rate", "rate", missing="too few"),
        ),
        explored.by_band,
    )
    definition = (
        f"{_OVER}: movements referred by chance, by the band they had. Since chance is the same "
        "in every band, this find rate is that of all movements of the band, examined or not, with "
        f"no estimate between. {_INTERVALS}"
    )
    shown = explored.by_band[explored.by_band["drawn"] != 0]
    chart = None
    if len(shown):
        panels = (Panel("find_rate", "Found by chance"),)
        chart = interval_chart(f"{found.kind}-random-slice", says, shown, "band", panels)
    return Figure(says, worry, table, definition, chart)


def _challenger(found: KindFindings, explored: ExplorationFindings) -> Figure:
    n, version = explored.challenger_results, explored.challenger_version
    signal = better_challenger(found.kind, explored)
    judged = [one for one in explored.challenger if one.interval is not None]
    if not judged:
        says = (
            f"Version {version} runs in the shadow for {KIND_WORDS[found.kind]}; too few results "
            "by chance, or too few days of them, tell it from the model that serves."
        )
    else:
        told = [f"{one.measure}: {one.says}" for one in explored.challenger]
        says = (
            f"On {n:,} results by chance, version {version} in the shadow against the model that "
            f"serves {KIND_WORDS[found.kind]}: {'; '.join(told)}."
        )
    table = _paired_table(found.kind, explored)
    definition = (
        f"{_OVER}: movements referred by chance that have a result and about which both models "
        f"spoke. Precision is taken at {percent(MEDIUM_SHARE)}. Intervals of the difference draw "
        "whole days again, for both models together. Only here is the comparison fair: elsewhere "
        "the model that serves chose what was examined."
    )
    return Figure(says, worry_of((signal,)), table, definition, None, (signal,))


def _count(number: int) -> str:
    return _FEW if 0 < number < FEWEST_SHOWN else f"{number:,}"


def _paired_table(kind: str, explored: ExplorationFindings) -> Table:
    rows = [
        {
            "measure": f"{one.measure} ({one.better} is better)",
            "champion": one.first,
            "challenger": one.second,
            "difference": "not known" if one.difference is None else f"{one.difference:+.4f}",
            "interval": "too few days"
            if one.interval is None
            else f"{one.interval[0]:+.4f} to {one.interval[1]:+.4f}",
            "says": one.says,
            "n": explored.challenger_results,
        }
        for one in explored.challenger
    ]
    columns = ("measure", "champion", "challenger", "difference", "interval", "says", "n")
    return Table(
        f"{kind}-challenger",
        f"{kind_heading(kind)}: challenger against champion on the random slice",
        (
            Column("measure", "Measure"),
            Column("champion", "Serves", "number"),
            Column("challenger", "Challenger", "number"),
            Column("difference", "Difference"),
            Column("interval", "95% interval"),
            Column("says", "The challenger is"),
            Column("n", "Results", "count"),
        ),
        pd.DataFrame(rows, columns=list(columns)),
    )


def _below_high(by_band: pd.DataFrame) -> str:
    """What chance found where the model would not have looked; nothing where that is kept back."""
    below = by_band[by_band["band"].isin(["medium", "low"])]
    if (below["finds"].isna() & (below["results"] != 0)).any():
        return ""
    return (
        f"; {int(below['finds'].sum()):,} of these finds had no band high, so the model alone "
        "would have missed them"
    )
