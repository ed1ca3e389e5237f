"""Data quality: fields left out, and check digits that fail."""

from collections.abc import Sequence

import pandas as pd

from monitoring.charts import missing_chart
from monitoring.findings import REFERENCE_DAYS, KindFindings
from monitoring.page import KIND_WORDS, Figure, Part, Section, Worry, kind_heading, worry_of
from monitoring.periods import Period
from monitoring.quality import RISE_TO_LOOK_AT, never_given
from monitoring.sections import feeds
from monitoring.signals import Colour, Signal
from monitoring.tables import Column, Table, percent


def section(
    findings: Sequence[KindFindings], period: Period, refused: pd.DataFrame | None = None
) -> Section:
    """
    Args:
        refused: as ``monitoring.rejected.rejected_rows`` counts them.
    """
    parts = [_part(f, period) for f in findings]
    if refused is not None:
        parts.append(Part(None, (), (feeds.rejected(refused, period),)))
    return Section("quality", "Data quality", tuple(parts))


def _part(found: KindFindings, period: Period) -> Part:
    heading, words = kind_heading(found.kind), KIND_WORDS[found.kind]
    if not found.movements:
        return Part(heading, (f"No {words} became known in {period.title}.",))
    absent = never_given(found.kind, found.missing)
    texts: tuple[str, ...] = ()
    if absent:
        texts = (f"Never given, now or before: {', '.join(absent)}.",)
    if found.checks.empty:
        texts += (f"No check digit failed among {found.movements:,} {words}.",)
    figures = [_missing(found)] if len(found.missing) else []
    if len(found.checks):
        figures.append(_checks(found))
    figures.extend(feeds.figures(found, period))
    return Part(heading, texts, tuple(figures))


def _missing(found: KindFindings) -> Figure:
    says = _missing_in_words(found.missing)
    signal = _fields_missing(found)
    table = Table(
        f"{found.kind}-missing",
        f"{kind_heading(found.kind)}: movements without the field",
        (
            Column("field", "Field"),
            Column("missing", "Missing this period", "rate"),
            Column("missing_before", "Missing before", "rate"),
        ),
        found.missing,
    )
    definition = (
        f"Share of the period's {found.movements:,} movements in which the field was not given, "
        f"beside the {REFERENCE_DAYS} days before the period (or before the end of training, if "
        "that is earlier). Some fields do not apply to every movement. A field is to be looked at "
        f"when {percent(RISE_TO_LOOK_AT)} more of all movements lack it than before, and the "
        "intervals (Wilson's, 95%) do not touch."
    )
    chart = missing_chart(f"{found.kind}-missing", says, found.missing)
    return Figure(says, worry_of((signal,)), table, definition, chart, (signal,))


def _missing_in_words(missing: pd.DataFrame) -> str:
    if missing["missing_before"].isna().all():
        return "There is nothing earlier to compare the missing fields with."
    rose = missing[missing["rose"]]
    if rose.empty:
        return "Fields are left out about as often as before."
    return f"Left out more often than before: {', '.join(rose['field'])}."


def _fields_missing(found: KindFindings) -> Signal:
    rise = (found.missing["missing"] - found.missing["missing_before"]).max()
    colour: Colour = "amber" if found.missing["rose"].any() else "green"
    return Signal(
        "quality",
        "fields-missing",
        found.kind,
        "grey" if pd.isna(rise) else colour,
        float(rise),
        found.movements,
        f"a field is missing more often than before, by {percent(RISE_TO_LOOK_AT)} of movements "
        "or more and beyond chance: amber",
        "data owner",
        "ask whoever sends the field why it stopped, and whether scores can do without it",
    )


def _checks(found: KindFindings) -> Figure:
    words = KIND_WORDS[found.kind]
    worst = found.checks.sort_values("rate", ascending=False).iloc[0]
    says = (
        f"Of {int(worst['of']):,} {words} checked, {int(worst['failed']):,} "
        f"({percent(worst['rate'])}) fail the {worst['check']}."
    )
    worry: Worry = "look" if worst["rate_low"] >= RISE_TO_LOOK_AT else "calm"
    table = Table(
        f"{found.kind}-checks",
        f"{kind_heading(found.kind)}: checks that fail",
        (
            Column("check", "Check"),
            Column("failed", "Failed", "count"),
            Column("of", "Of", "count"),
            Column("rate", "Share", "rate"),
        ),
        found.checks,
    )
    definition = (
        "A failed check digit is a flag on the movement, not a refusal. Of: movements that give "
        f"the field. {percent(RISE_TO_LOOK_AT)} or more failing is a reason to look; intervals "
        "are Wilson's, 95%."
    )
    return Figure(says, worry, table, definition)
