"""Routes, methods and tactics: what is new, rising or falling among finds and among movements."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from monitoring.findings import REFERENCE_DAYS, KindFindings
from monitoring.interval_chart import Panel, interval_chart
from monitoring.page import KIND_WORDS, Figure, Part, Section, kind_heading, worry_of
from monitoring.periods import Period
from monitoring.signals import Signal
from monitoring.statistics.chance import FALSE_DISCOVERIES, RULE, colour_of
from monitoring.statistics.disclosure import FEWEST_SHOWN
from monitoring.statistics.trends import (
    CASES_BY_CHANCE,
    FEWEST_CASES,
    FEWEST_FINDS,
    FEWEST_MOVEMENTS,
    FEWEST_TO_ALARM,
    LEAST_CHANGE,
    alarming,
    changing,
)
from monitoring.tables import Column, Table, percent
from monitoring.tactics import LATELY, in_words

MOST_ROWS = 12
_MOST_NAMED = 3
_UNDER = f"under {FEWEST_SHOWN}"
_ROUNDED = (
    f"Movements and examinations are rounded to tens, and counts from 1 to {FEWEST_SHOWN - 1} are "
    "not shown, so that no single case follows by subtraction."
)
_FINDS = (
    Column("combination", "Combination"),
    Column("among_finds", "Trend among finds"),
    Column("examined", "Examined", "count", missing=_UNDER),
    Column("finds", "Finds", "count", missing=_UNDER),
    Column("find_rate", "Found if examined", "rate", missing="too few"),
    Column("find_rate_before", "Found before", "rate", missing="too few"),
    Column("examination_rate", "Examined of all", "rate", missing="too few"),
    Column("examination_rate_before", "Examined before", "rate", missing="too few"),
)
_MOVEMENTS = (
    Column("combination", "Combination"),
    Column("among_movements", "Trend among movements"),
    Column("movements", "Movements", "count", missing=_UNDER),
    Column("movements_before", "Before", "count", missing=_UNDER),
    Column("times", "Times its share before"),
    Column("examination_rate", "Examined of all", "rate", missing="too few"),
    Column("examination_rate_before", "Examined before", "rate", missing="too few"),
)


def section(findings: Sequence[KindFindings], period: Period) -> Section:
    text = (
        "Looking more finds more. So finds are compared per examination, with the examination "
        "rate beside them. Many combinations are looked at, some of which differ by luck; those "
        "named are chosen so that few of them do. How goods were concealed is known of finds that "
        "say it, and of no other movement."
    )
    parts = tuple(_part(found, period) for found in findings)
    return Section("trends", "Routes, methods and tactics", parts, (text,))


def _part(found: KindFindings, period: Period) -> Part:
    heading, words = kind_heading(found.kind), KIND_WORDS[found.kind]
    if found.trends is None:
        return Part(heading, (f"Trends among {words} were not gathered for this page.",))
    if found.trends.empty:
        text = (
            f"There are too few {words} in {period.title} and the {REFERENCE_DAYS} days before it "
            "to compare anything."
        )
        return Part(heading, (text,))
    figures = [_among_finds(found.kind, found.trends, _IN_THE_PERIOD)]
    if found.trends_of_late is not None and not found.trends_of_late.empty:
        figures.append(_among_finds(found.kind, found.trends_of_late, _OF_LATE))
    return Part(heading, (), (*figures, _moving(found)))


class _Stretch(NamedTuple):
    """What is looked at, in words, and how its figure and its rule are called."""

    figure: str
    rule: str
    when: str
    caption: str
    compared: str


_IN_THE_PERIOD = _Stretch(
    "trends-finds",
    "finds-rising",
    "",
    "trends among finds",
    f"Movements of the period beside those of the {REFERENCE_DAYS} days before it",
)
_OF_LATE = _Stretch(
    "trends-finds-of-late",
    "finds-rising-of-late",
    f"Over the last {LATELY.days // 7} weeks: of ",
    f"trends among finds over {LATELY.days // 7} weeks",
    f"Movements of the last {LATELY.days // 7} weeks beside those of the year before them, since "
    "what is found twice a month shows in no month by itself",
)
LOOKS = 2
"""The same question is asked of two stretches, so a chance counts twice."""


def _among_finds(kind: str, table_of: pd.DataFrame, stretch: _Stretch) -> Figure:
    words = KIND_WORDS[kind]
    tested = table_of[table_of["among_finds"].notna()]
    named = changing(table_of, "finds")
    worse = alarming(table_of)
    smallest = min(1.0, LOOKS * float(worse["finds_p"].min())) if len(worse) else 1.0
    signal = Signal(
        "trends",
        stretch.rule,
        kind,
        colour_of(smallest if len(tested) else np.nan),
        float(len(worse)),
        len(tested),
        f"a combination with at least {FEWEST_TO_ALARM} finds of at least {FEWEST_CASES} companies "
        "is new or rises per examination, p-value adjusted for all combinations and for two "
        f"stretches of time: {RULE}; and of the companies examined more are found out than chance "
        f"gives in {CASES_BY_CHANCE:.1%} of periods",
        "model owner",
        "tell targeting what is new, check that the model ranks it, and retrain if it does not",
    )
    says = _finds_in_words(words, tested, named, stretch.when)
    shown = _shown(named if len(named) else tested)
    table = Table(
        f"{kind}-{stretch.figure}", f"{kind_heading(kind)}: {stretch.caption}", _FINDS, shown
    )
    definition = (
        f"{stretch.compared}, with what is known of them now. Combinations: each attribute, the "
        "pairs of them that are listed in docs/monitoring.md, each with the threat that was found, "
        "and some with how it was concealed; where fewer than half of the finds before say that, "
        f"it is not compared. Tested is what has at least {FEWEST_FINDS} finds and an examination "
        "in the stretch, by Fisher's exact test (mid-p) of finds per examination; what nobody "
        "examined before is held against all examinations before. New: never among finds before "
        "the stretch. Named: of those named, "
        f"{percent(FALSE_DISCOVERIES)} are expected to be so by luck (Benjamini and Hochberg). "
        f"{_ROUNDED} Intervals are Wilson's, 95%."
    )
    panels = (Panel("find_rate_before", "Found before"), Panel("find_rate", "Found now"))
    chart = None
    if len(shown):
        name = f"{kind}-{stretch.figure}"
        chart = interval_chart(name, says, shown, "combination", panels, one_scale=True)
    return Figure(says, worry_of((signal,)), table, definition, chart, (signal,))


def _finds_in_words(words: str, tested: pd.DataFrame, named: pd.DataFrame, when: str) -> str:
    if tested.empty:
        return f"Too few finds among {words} to compare any combination with before."
    first = int((tested["first_found"]).sum())
    said = f"{when or 'Of '}{len(tested):,} combinations tested among finds of {words}, "
    if named.empty:
        said += "none is shown to find more or less per examination than before"
    else:
        groups = [
            f"{len(rows)} {word} ({_listed(rows)})"
            for word in ("new", "rising", "falling")
            if len(rows := named[named["among_finds"] == word])
        ]
        said += f"beyond what luck explains: {'; '.join(groups)}"
    if first:
        return f"{said}. {first} of them were never among finds before, luck or not."
    return f"{said}."


def _moving(found: KindFindings) -> Figure:
    assert found.trends is not None
    words = KIND_WORDS[found.kind]
    tested = found.trends[found.trends["among_movements"].notna()]
    named = changing(found.trends, "movements")
    says = f"Of {len(tested):,} combinations, none changed its share of {words} by much."
    if len(named):
        counts = named["among_movements"].value_counts()
        each = [f"{counts[word]} {word}" for word in ("new", "rising", "falling") if word in counts]
        says = (
            f"Among {words}, of {len(tested):,} combinations: {', '.join(each)}; most of all "
            f"{_listed(named)}. Traffic changes for many reasons; where it is new and nobody "
            "examines it, nothing is known of it."
        )
    shown = _shown(named if len(named) else tested)
    shown["times"] = ["new" if np.isinf(c) else f"{c:.2f}" for c in shown["share_change"]]
    name = f"{found.kind}-trends-movements"
    caption = f"{kind_heading(found.kind)}: trends among movements"
    definition = (
        f"Shares of all movements of the period beside those of the {REFERENCE_DAYS} days before. "
        f"Tested is what has at least {FEWEST_MOVEMENTS} movements in both together, by an exact "
        "conditional test of two Poisson counts (mid-p), with false discoveries controlled as "
        f"among finds. A share that changed less than {LEAST_CHANGE:g} times is not named: of many "
        f"movements any change is beyond luck. {_ROUNDED}"
    )
    return Figure(says, "calm", Table(name, caption, _MOVEMENTS, shown), definition)


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    """The first rows, with counts as they may be shown."""
    shown = rows.head(MOST_ROWS).copy()
    shown.insert(0, "combination", list(map(in_words, shown["what"], shown["value"])))
    for when in ("", "_before"):
        looked, seen = shown[f"examined{when}"], shown[f"movements{when}"]
        _hide(shown, f"find_rate{when}", looked < FEWEST_SHOWN)
        _hide(shown, f"examination_rate{when}", seen < FEWEST_SHOWN)
        finds = shown[f"finds{when}"].astype(np.float64)
        shown[f"finds{when}"] = finds.where(~finds.between(1, FEWEST_SHOWN - 1))
        shown[f"examined{when}"], shown[f"movements{when}"] = _tens(looked), _tens(seen)
    return shown.drop(columns="finds_ever_before").reset_index(drop=True)


def _hide(shown: pd.DataFrame, rate: str, hidden: pd.Series) -> None:
    for end in ("", "_low", "_high"):
        shown[f"{rate}{end}"] = shown[f"{rate}{end}"].where(~hidden).round(3)


def _tens(counts: pd.Series) -> pd.Series:
    """To the nearest ten; missing from 1 to 9."""
    small = counts.between(1, FEWEST_SHOWN - 1)
    rounded: pd.Series = (counts / 10).round() * 10.0
    return rounded.where(~small)


def _listed(rows: pd.DataFrame) -> str:
    first = rows.head(_MOST_NAMED)
    words = list(map(in_words, first["what"], first["value"]))
    more = len(rows) - len(words)
    return "; ".join(words) + (f"; and {more} more" if more else "")
