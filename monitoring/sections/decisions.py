"""Human decisions: what officers did with the advice, and examinations that gave no result."""

from collections.abc import Sequence

import numpy as np

from monitoring.findings import REFERENCE_DAYS, KindFindings
from monitoring.interval_chart import Panel, interval_chart
from monitoring.page import KIND_WORDS, Figure, Part, Section, kind_heading, worry_of
from monitoring.periods import Period
from monitoring.signals import Colour, Signal
from monitoring.statistics.chance import RULE, colour_of
from monitoring.statistics.decisions import (
    FEWEST_DECISIONS,
    SELDOM,
    DecisionFindings,
    Followed,
    Rises,
)
from monitoring.statistics.disclosure import FEWEST_SHOWN
from monitoring.tables import Column, Table, percent

_FEW = f"under {FEWEST_SHOWN}, or kept back"
_KEPT_BACK = (
    f"Counts from 1 to {FEWEST_SHOWN - 1} are kept back, and so are others that would tell them. "
    "Intervals are Wilson's, 95%."
)


def section(findings: Sequence[KindFindings], period: Period) -> Section:
    text = (
        "An assessment advises; an officer decides. An override is what an officer did against "
        "the advice, in either direction, whatever the decision was called. Overrides are not "
        "mistakes: officers know what no record holds. Never a single one would be the worse sign."
    )
    parts = tuple(_part(f, f.decisions, period) for f in findings)
    return Section("decisions", "What officers decided", parts, (text,))


def _part(found: KindFindings, decided: DecisionFindings | None, period: Period) -> Part:
    heading, words = kind_heading(found.kind), KIND_WORDS[found.kind]
    if decided is None:
        return Part(heading, (f"Decisions on {words} were not gathered for this page.",))
    results = _no_results(found, decided)
    if not decided.decisions:
        text = (
            f"No decision on {words} was sent in {period.title}, so nobody can say whether the "
            "advice was followed, or by whom it was looked at. Systems send decisions to "
            "/v1/decisions."
        )
        return Part(heading, (text,), results)
    figures = (_by_band(found, decided), _finds(found, decided), _reasons(found, decided))
    return Part(heading, (), (*figures, _timing(found, decided), *results))


def _by_band(found: KindFindings, decided: DecisionFindings) -> Figure:
    words, departing = KIND_WORDS[found.kind], decided.departing
    everything = decided.by_band.iloc[-1]
    signals = (_rising(found, departing), _ever(found, decided.followed))
    if np.isnan(everything["departed"]):
        says = f"Fewer than {FEWEST_SHOWN} decisions on {words} were sent: too few to say anything."
    else:
        says = (
            f"Officers departed from the advice on {words} in "
            f"{percent(everything['departed'])} of {int(everything['decisions']):,} decisions "
            f"(interval {percent(everything['departed_low'])} to "
            f"{percent(everything['departed_high'])})"
        )
        says += f"{_against_before(departing)}.{_complacency(decided.followed)}"
    table = Table(
        f"{found.kind}-overrides",
        f"{kind_heading(found.kind)}: decisions and overrides, by band",
        (
            Column("band", "Band"),
            Column("decisions", "Decisions", "count", missing=_FEW),
            Column("not_referred", "Not referred against advice", "count", missing=_FEW),
            Column("referred", "Referred against advice", "count", missing=_FEW),
            Column("not_called", "Of these not called an override", "count", missing=_FEW),
            Column("departed", "Departed from advice", "rate", missing="too few"),
        ),
        decided.by_band,
    )
    definition = (
        "Decisions that became known in the period, the last one on each answer. Advice is the "
        "referral that was recorded with the answer, for its risk or by chance; where none was, "
        "band high. Departed: a referral advised and not made, or made and not advised. The "
        f"comparison is with the {REFERENCE_DAYS} days before, by Fisher's exact test (mid-p). "
        f"Whether officers ever depart is asked of advised referrals, from {FEWEST_DECISIONS} "
        f"decisions on; the interval's upper end (exact) is held against {percent(SELDOM)}. "
        f"{_KEPT_BACK}"
    )
    shown = decided.by_band[decided.by_band["decisions"] != 0]
    panels = (Panel("departed", "Departed from the advice"),)
    chart = interval_chart(f"{found.kind}-overrides", says, shown, "band", panels)
    return Figure(says, worry_of(signals), table, definition, chart, signals)


def _against_before(departing: Rises) -> str:
    if np.isnan(departing.by_chance):
        return ""
    said = f", after {percent(departing.before)} in the {REFERENCE_DAYS} days before"
    if colour_of(departing.by_chance) == "green":
        return f"{said}, which is no rise that chance does not explain"
    return f"{said}: more than chance explains, so ask why"


def _complacency(followed: Followed) -> str:
    if np.isnan(followed.most) or followed.most >= SELDOM:
        return ""
    return (
        f" Of {followed.decisions:,} advised referrals, at most {percent(followed.most)} were "
        "not made: check that officers look for themselves before they follow."
    )


def _rising(found: KindFindings, departing: Rises) -> Signal:
    return Signal(
        "decisions",
        "overrides-rising",
        found.kind,
        colour_of(departing.by_chance),
        departing.now,
        departing.n,
        f"share of decisions against advice, higher than in the {REFERENCE_DAYS} days before: "
        f"{RULE}",
        "senior responsible owner",
        "ask officers why they depart more often: advice that got worse, or a new instruction",
    )


def _ever(found: KindFindings, followed: Followed) -> Signal:
    colour: Colour = "grey"
    if not np.isnan(followed.most):
        colour = "amber" if followed.most < SELDOM else "green"
    return Signal(
        "decisions",
        "advice-always-followed",
        found.kind,
        colour,
        followed.departed,
        followed.decisions,
        f"amber when surely fewer than {percent(SELDOM)} of advised referrals are not made, from "
        f"{FEWEST_DECISIONS} decisions on",
        "senior responsible owner",
        "check by observation that officers judge the reasons before they follow the advice",
    )


def _finds(found: KindFindings, decided: DecisionFindings) -> Figure:
    words, more = KIND_WORDS[found.kind], decided.find_more
    signal = Signal(
        "decisions",
        "overrides-find-more",
        found.kind,
        colour_of(more.by_chance),
        more.now,
        more.n,
        f"find rate of officers' own referrals, higher than of advised ones: {RULE}",
        "model owner",
        "ask officers what they see that the model does not, and record it so that it can learn",
    )
    if np.isnan(more.by_chance):
        says = f"Too few {words} referred against advice have a result to compare them with advice."
    else:
        says = (
            f"{words.capitalize()} that officers referred against advice gave a find in "
            f"{percent(more.now)} of {more.n:,} results, those referred on advice in "
            f"{percent(more.before)}; "
        )
        better = colour_of(more.by_chance) != "green"
        says += "officers find more." if better else "officers are not shown to find more."
    table = Table(
        f"{found.kind}-override-finds",
        f"{kind_heading(found.kind)}: what was found, by advice and decision",
        (
            Column("what", "Advice and decision"),
            Column("decisions", "Decisions", "count", missing=_FEW),
            Column("examined", "Examined", "count", missing=_FEW),
            Column("finds", "Finds", "count", missing="too few"),
            Column("find_rate", "Find rate if examined", "rate", missing="too few"),
        ),
        decided.finds,
    )
    definition = (
        f"Decisions of the period and of the {REFERENCE_DAYS} days before, the last one on each "
        "movement, with the outcome known when this page was made. Movements that were not "
        "referred are examined for other reasons or not at all, so their find rate stands for few. "
        f"{_KEPT_BACK}"
    )
    panels = (Panel("find_rate", "Found something"),)
    chart = interval_chart(f"{found.kind}-override-finds", says, decided.finds, "what", panels)
    return Figure(says, worry_of((signal,)), table, definition, chart, (signal,))


def _reasons(found: KindFindings, decided: DecisionFindings) -> Figure:
    reasons = decided.reasons
    says = f"Officers gave no reason often enough to be shown, for {KIND_WORDS[found.kind]}."
    if len(reasons) and not np.isnan(reasons["overrides"].iloc[0]):
        first = reasons.iloc[0]
        says = (
            f"The most frequent reason to depart from advice on {KIND_WORDS[found.kind]} was "
            f"“{first['reason']}”, {int(first['overrides']):,} times."
        )
    columns = (Column("reason", "Reason"), Column("overrides", "Overrides", "count", missing=_FEW))
    table = Table(
        f"{found.kind}-override-reasons",
        f"{kind_heading(found.kind)}: why officers departed from advice",
        columns,
        reasons,
    )
    definition = (
        "Reason codes of the decisions against advice that became known in the period. Reasons "
        f"given fewer than {FEWEST_SHOWN} times stand together with the next rarest."
    )
    return Figure(says, "calm" if len(reasons) else "unknown", table, definition)


def _timing(found: KindFindings, decided: DecisionFindings) -> Figure:
    first = decided.timing.iloc[0]
    says = f"Too few referrals of {KIND_WORDS[found.kind]} were decided on to say how fast."
    if not np.isnan(first["median"]):
        says = (
            f"Half of the decisions on advised referrals of {KIND_WORDS[found.kind]} came within "
            f"{first['median']:.2f} hours of the answer, nine in ten within "
            f"{first['ninth_decile']:.2f}."
        )
    table = Table(
        f"{found.kind}-decision-time",
        f"{kind_heading(found.kind)}: time from answer to decision",
        (
            Column("advice", "Advice"),
            Column("decisions", "Decisions", "count", missing=_FEW),
            Column("median", "Half within (hours)", "number", missing="too few"),
            Column("ninth_decile", "Nine in ten within (hours)", "number", missing="too few"),
        ),
        decided.timing,
    )
    definition = (
        "From the moment the answer was recorded to the moment the officer decided, by the "
        "officer's system. A decision dated before its answer counts as at once. There is no rule "
        "on it: a very short time may mean that nobody looked, or that the case was plain."
    )
    return Figure(says, "calm" if not np.isnan(first["median"]) else "unknown", table, definition)


def _no_results(found: KindFindings, decided: DecisionFindings) -> tuple[Figure, ...]:
    rises, table_of = decided.without_result, decided.no_results
    everything = table_of.iloc[-1]
    if not rises.n:
        return ()
    signal = Signal(
        "decisions",
        "results-missing",
        found.kind,
        colour_of(rises.by_chance),
        rises.now,
        rises.n,
        f"share of outcomes without a result, higher than in the {REFERENCE_DAYS} days before: "
        f"{RULE}",
        "operations",
        "find out why examinations do not take place, by cause",
    )
    says = f"Too few outcomes of {KIND_WORDS[found.kind]} became known to say how many had none."
    if not np.isnan(everything["share"]):
        says = (
            f"Of {rises.n:,} outcomes of {KIND_WORDS[found.kind]}, {percent(everything['share'])} "
            "say nothing about risk: no show, missed, no officer free, or withdrawn"
        )
        rose = colour_of(rises.by_chance) in {"amber", "red"}
        says += "; that is more than before." if rose else "."
    table = Table(
        f"{found.kind}-no-results",
        f"{kind_heading(found.kind)}: outcomes without a result, by cause",
        (
            Column("cause", "Cause"),
            Column("outcomes", "Outcomes", "count", missing=_FEW),
            Column("share", "Share of all outcomes", "rate", missing="too few"),
            Column("before", "Share before", "share", missing="too few"),
        ),
        table_of,
    )
    definition = (
        "Outcomes that became known in the period, as they stand now, beside those of the "
        f"{REFERENCE_DAYS} days before. None of them is counted as clean. {_KEPT_BACK}"
    )
    return (Figure(says, worry_of((signal,)), table, definition, None, (signal,)),)
