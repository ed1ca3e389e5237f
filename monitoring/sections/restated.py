"""What became of earlier reports: figures that corrected and late outcomes have changed."""

import pandas as pd

from monitoring.page import Figure, Part, Section, kind_heading
from monitoring.publishing import Issue
from monitoring.restating import Restated
from monitoring.signals import Signal
from monitoring.tables import Column, Table, counted


def section(restated: Restated) -> Section:
    title = "What became of earlier reports"
    if not restated.periods:
        return Section("restated", title, (), ("No report before this one is published here.",))
    texts = [
        f"Beside those, {counted(number, 'outcome')} changed of movements that were scored "
        "afterwards: what that does to the figures is seen when their month is issued again."
        for number in [restated.not_live]
        if number
    ]
    return Section("restated", title, (Part(None, (), (_figure(restated),)),), tuple(texts))


def _figure(restated: Restated) -> Figure:
    rates = restated.rates
    whole = rates[rates["band"] == "all"] if len(rates) else rates
    corrected, late = (
        int(whole[name].sum()) if len(whole) else 0 for name in ("corrected", "late")
    )
    compared = counted(len(restated.periods), "earlier report")
    if corrected:
        months = ", ".join(dict.fromkeys(whole["period"][whole["corrected"] > 0]))
        says = (
            f"Since {compared}, {counted(corrected, 'outcome')} counted there changed, and "
            f"{late:,} came late. Figures of {months} are not what was published: decide whether "
            "to issue them again."
        )
    elif late:
        says = f"No outcome counted in {compared} changed since; {late:,} came late, as they do."
    else:
        says = f"No outcome has changed a figure of {compared} since."
    table = Table(
        "restated-find-rates",
        "Find rates as published and as they are now",
        (
            Column("period", "Report"),
            Column("kind", "Kind"),
            Column("band", "Band"),
            Column("corrected", "Corrected", "count"),
            Column("late", "Late", "count"),
            Column("examined_was", "Examined, as published", "count"),
            Column("examined", "Examined, now", "count"),
            Column("find_rate_was", "Find rate, as published", "rate", missing="too few"),
            Column("find_rate", "Find rate, now", "rate", missing="too few"),
        ),
        rates.assign(kind=rates["kind"].map(kind_heading)) if len(rates) else _NOTHING,
    )
    definition = (
        "Movements of the published period that were scored live, by the band of the last answer "
        "in it. Corrected: a result that was known when the report was made and was changed, "
        "revoked or cancelled since, an appeal among them. Late: a result that came since. "
        "Intervals are Wilson's, 95%; rates from fewer than 10 examinations are not shown. A month "
        "is issued again with foreland report --period YYYY-MM --reissue REASON."
    )
    signal = Signal(
        "incidents",
        "restated-figures",
        None,
        "amber" if corrected else "green",
        float(corrected),
        int(whole["examined_was"].sum()) if len(whole) else 0,
        "amber from 1 corrected outcome that a published report counted",
        "senior responsible owner",
        "decide whether the months it concerns are issued again",
    )
    return Figure(says, "look" if corrected else "calm", table, definition, signals=(signal,))


MOST_ROWS = 300
"""Of changed figures that the page lists; all of them follow from the two issues' downloads."""


def changes(changed: pd.DataFrame, issue: Issue) -> Part:
    """What this issue shows otherwise than the one before.

    Args:
        changed: as ``statistics.corrections.changed_figures`` gives them.
    """
    before = f"issue {issue.number - 1}"
    if changed.empty:
        says = f"No figure differs from {before}, which this one replaces: {issue.reason}"
    else:
        tables = changed["table"].nunique()
        says = (
            f"{counted(len(changed), 'cell')} of {counted(tables, 'table')} differ from "
            f"{before}, which this one replaces: {issue.reason}"
        )
    table = Table(
        "changed-since-issue",
        f"What differs from {before}",
        (
            Column("table", "Table"),
            Column("row", "Row"),
            Column("column", "Column"),
            Column("published", f"In {before}", missing="nothing"),
            Column("now", "Now", missing="nothing"),
        ),
        changed.head(MOST_ROWS),
    )
    definition = (
        f"Every cell of every table of this report beside the same cell of {before}, which is kept "
        f"under issue-{issue.number - 1}/. At most {MOST_ROWS} are listed. Results that came late "
        "change figures too, not corrections alone."
    )
    return Part(None, (), (Figure(says, "look" if len(changed) else "calm", table, definition),))


_NOTHING = pd.DataFrame(
    columns=["period", "kind", "band", "corrected", "late", "examined_was", "examined"]
    + [f"find_rate{when}{end}" for when in ("_was", "") for end in ("", "_low", "_high")]
)
