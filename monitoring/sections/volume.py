"""Volumes by kind and band, how they were scored, referrals, and how late results are."""

from collections.abc import Sequence

import pandas as pd

from monitoring.charts import volume_chart
from monitoring.findings import KindFindings
from monitoring.page import KIND_WORDS, Figure, Part, Section, Worry, kind_heading
from monitoring.periods import Period
from monitoring.sections import lag
from monitoring.tables import Column, Table, percent


def section(findings: Sequence[KindFindings], period: Period) -> Section:
    absent = [KIND_WORDS[f.kind] for f in findings if not f.movements]
    texts = tuple(f"No {words} became known in {period.title}." for words in absent)
    present = [f for f in findings if f.movements]
    figures = (_bands(present, period), _how_scored(present)) if present else ()
    by_kind = tuple(
        Part(kind_heading(f.kind), lag.texts(f), lag.figures(f, period)) for f in present
    )
    return Section("volumes", "Volumes and capacity", (Part(None, texts, figures), *by_kind))


def _bands(present: Sequence[KindFindings], period: Period) -> Figure:
    counts = ", ".join(f"{f.movements:,} {KIND_WORDS[f.kind]}" for f in present)
    total = sum(f.movements for f in present)
    high = sum(f.in_band("high") for f in present)
    without = sum(f.in_band("unassessed") for f in present)
    worry: Worry = "look" if without else "calm"
    tail = f"{without:,} went unassessed" if without else "none went unassessed"
    says = (
        f"{total:,} movements became known in {period.title} ({counts}); "
        f"{high:,} ({percent(high / total)}) were rated high, and {tail}."
    )
    table = Table(
        "volumes",
        "Movements by kind and band",
        (
            Column("kind", "Kind"),
            Column("band", "Band"),
            Column("movements", "Movements", "count"),
            Column("share", "Share of the kind", "share"),
        ),
        pd.concat([f.volumes.assign(kind=kind_heading(f.kind)) for f in present])[
            ["kind", "band", "movements", "share", "live", "back_scored"]
        ],
    )
    definition = (
        "A movement belongs to the period in which this system first knew of it, whatever the "
        "number of its versions. These are counts of all movements, so they have no interval. "
        "Bands are cut at the probabilities that the model's bundle states."
    )
    by_kind = {f"{kind_heading(f.kind)} (n = {f.movements:,})": f.volumes for f in present}
    return Figure(says, worry, table, definition, volume_chart("volumes", says, by_kind))


def _how_scored(present: Sequence[KindFindings]) -> Figure:
    frame = pd.DataFrame([_counts(f) for f in present])
    live, back, seen = (int(frame[key].sum()) for key in ("live", "back_scored", "may_have_seen"))
    says = (
        f"{live:,} movements were scored live; {back:,} never were and are scored now, each as "
        "of its own time, by the model that serves."
    )
    worry: Worry = "calm"
    if seen:
        says += (
            f" The model may have learned from {seen:,} of those: they are left out of every "
            "figure of performance."
        )
        worry = "look"
    table = Table(
        "scored-how",
        "Scored live and scored afterwards",
        (
            Column("kind", "Kind"),
            Column("movements", "Movements", "count"),
            Column("live", "Scored live", "count"),
            Column("back_scored", "Scored afterwards", "count"),
            Column("may_have_seen", "Left out of performance", "count"),
            Column("not_scored", "Without a score", "count"),
        ),
        frame,
    )
    definition = (
        "Live scores come from the audit log: the last answer recorded before the period ended. "
        "Scored afterwards means by the pinned champion, from what was known at the moment the "
        "movement became known. Left out: scored afterwards, and known before the instant until "
        "which the model learned."
    )
    return Figure(says, worry, table, definition)


def _counts(found: KindFindings) -> dict[str, object]:
    frame = found.scored.frame
    scored = frame["probability"].notna()
    return {
        "kind": kind_heading(found.kind),
        "movements": len(frame),
        "live": int(frame["live"].sum()),
        "back_scored": int((~frame["live"] & scored).sum()),
        "may_have_seen": int(frame["may_have_seen"].sum()),
        "not_scored": int((~scored).sum()),
    }
