"""Groups: whether routes, flags, regions and kinds of operator are treated alike."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from monitoring.findings import KindFindings
from monitoring.interval_chart import Panel, interval_chart
from monitoring.page import KIND_WORDS, Figure, Part, Section, kind_heading, worry_of
from monitoring.periods import Period
from monitoring.signals import Signal
from monitoring.statistics.chance import FALSE_DISCOVERIES, RULE, colour_of
from monitoring.statistics.disclosure import FEWEST_SHOWN
from monitoring.statistics.groups import FEWEST_EXPECTED
from monitoring.tables import Column, Table, percent

_FEW = f"under {FEWEST_SHOWN}, or kept back"
_COLUMNS = (
    Column("group", "Group"),
    Column("movements", "Movements", "count", missing=_FEW),
    Column("referral_rate", "Referred", "rate", missing="kept back"),
    Column("examined", "Examined", "count", missing=_FEW),
    Column("find_rate", "Found if examined", "rate", missing="too few"),
    Column("results", "Referred with a result", "count", missing=_FEW),
    Column("false_referral_rate", "Of these nothing found", "rate", missing="too few"),
    Column("outcome", "Outcome test"),
    Column("scores", "Score test"),
)
_OF_WHAT = (
    "Groups are of things that move and of organisations: routes, flags, regions, size, age and "
    "registration of operators. No attribute of a person is known here."
)
_WARNING = (
    "Read this first. Equal find rates do not show that groups are treated alike, and unequal ones "
    "do not show that they are treated unequally. A find rate is an average over plain cases and "
    "doubtful ones: a group with more plain cases has a higher find rate although everybody is "
    "held to one standard, and two groups held to different standards can come out equal "
    "(infra-marginality: Simoiu, Corbett-Davies and Goel, 2017). So two tests stand side by side, "
    "and neither is a verdict. When both point the same way, or a group is referred much more "
    "often and found with much less, ask why."
)


def section(findings: Sequence[KindFindings], period: Period) -> Section:
    parts = tuple(_part(found, period) for found in findings)
    return Section("groups", "Groups side by side", parts, (_OF_WHAT, _WARNING))


def _part(found: KindFindings, period: Period) -> Part:
    heading, words = kind_heading(found.kind), KIND_WORDS[found.kind]
    if not found.movements:
        return Part(heading, (f"No {words} became known in {period.title}.",))
    if found.groups is None:
        return Part(heading, (f"No model serves {words}, so their groups are not worked out.",))
    if found.groups.empty:
        text = f"The model may have learned from all {words} of this period: nothing can be judged."
        return Part(heading, (text,))
    of_each = [(str(by), rows) for by, rows in found.groups.groupby("by", sort=False)]
    figures = tuple(_figure(found.kind, by, rows) for by, rows in of_each if len(rows) > 1)
    return Part(heading, _one_group(words, of_each), figures)


def _one_group(words: str, of_each: Sequence[tuple[str, pd.DataFrame]]) -> tuple[str, ...]:
    """What cannot be compared, since everything is in one group."""
    alone = [f"{by} ({rows['group'].iloc[0]})" for by, rows in of_each if len(rows) == 1]
    if not alone:
        return ()
    return (f"All {words} are in one group, so nothing is compared, by {', '.join(alone)}.",)


def _figure(kind: str, by: str, rows: pd.DataFrame) -> Figure:
    signals = (
        _signal(
            kind,
            by,
            "outcome",
            rows["outcome_test"],
            "referrals of one group find more or less often than those of the others",
        ),
        _signal(
            kind,
            by,
            "score",
            rows["score_test"],
            "finds of one group per find that its scores promise differ from the others'",
        ),
    )
    says = _says(kind, by, rows)
    name = f"{kind}-groups-{by.replace(' ', '-')}"
    shown = rows.drop(columns="by").assign(
        outcome=[_beside(row, "outcome") for row in rows.to_dict("records")],
        scores=[_beside(row, "score") for row in rows.to_dict("records")],
    )
    table = Table(name, f"{kind_heading(kind)}: groups by {by}", _COLUMNS, shown)
    panels = (Panel("referral_rate", "Referred"), Panel("find_rate", "Found"))
    chart = interval_chart(name, says, rows, "group", panels)
    return Figure(says, worry_of(signals), table, _definition(), chart, signals)


def _definition() -> str:
    return (
        "Movements of the period that the model cannot have learned from. Referred: band high, "
        "which is what the service refers for risk; chance refers all groups alike. Found if "
        "examined: finds among all examined, for whatever reason. Nothing found: among referred "
        "movements with a result (false referrals). Outcome test: whether referrals find as "
        "often as those of all other groups (Fisher's exact test, mid-p). Score test: whether the "
        "finds per find that the scores promise are as many as the others' (exact conditional "
        f"Poisson test, mid-p, from {FEWEST_EXPECTED:g} promised finds on). Of the groups named as "
        "different, no more than "
        f"{percent(FALSE_DISCOVERIES)} are expected to be so by chance (Benjamini and Hochberg "
        "over all groups of the kind). The largest eleven groups are named and the rest stand "
        f"together. Counts from 1 to {FEWEST_SHOWN - 1} are kept back, and so "
        "are others from which they would follow, over all tables of the kind. Intervals are "
        "Wilson's, 95%."
    )


def _says(kind: str, by: str, rows: pd.DataFrame) -> str:
    words = KIND_WORDS[kind]
    tested = rows[rows["outcome_test"].notna()]
    named = tested[tested["outcome_test"] <= FALSE_DISCOVERIES].sort_values("outcome_test")
    if len(tested) < 2:
        said = f"By {by}, too few referrals of {words} have a result to compare what they find"
    elif named.empty:
        said = f"By {by}, referrals of {words} are not shown to find more in one group than others"
    else:
        each = [
            f"{row['group']} ({percent(row['referred_find_rate'])} against "
            f"{percent(row['elsewhere'])} elsewhere)"
            for row in named.head(3).to_dict("records")
        ]
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        said = f"By {by}, referrals of {words} find more or less often for {', '.join(each)}{more}"
    off = rows.loc[rows["score_test"] <= FALSE_DISCOVERIES, "group"]
    if len(off):
        return f"{said}; scores promise too much or too little for {', '.join(off.head(3))}."
    if rows["score_test"].notna().sum() < 2:
        return f"{said}; too few finds to compare what scores promise."
    return f"{said}; scores are not shown to promise one group more than they keep."


def _beside(row: Mapping[Hashable, Any], test: Literal["outcome", "score"]) -> str:
    p_value = row[f"{test}_test"]
    if np.isnan(p_value):
        return "too few"
    if p_value > FALSE_DISCOVERIES:
        return "not told apart"
    if test == "outcome":
        return "more" if row["referred_find_rate"] > row["elsewhere"] else "less"
    return "more" if row["score_higher"] else "less"


def _signal(kind: str, by: str, test: str, p_values: pd.Series, what: str) -> Signal:
    tested = p_values.dropna()
    smallest = float(tested.min()) if len(tested) else np.nan
    return Signal(
        "groups",
        f"groups-{test}-{by.replace(' ', '-')}",
        kind,
        colour_of(smallest),
        smallest,
        len(tested),
        f"{what}, the smallest p-value adjusted for all groups: {RULE}",
        "senior responsible owner",
        "have both tests and the reasons behind the group's scores looked at before any conclusion",
    )
