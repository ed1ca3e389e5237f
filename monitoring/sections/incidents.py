"""Incidents: stops, answers that were not whole, corrected outcomes, verification, reviews."""

import pandas as pd
from markupsafe import Markup

from features.clock import MICROS_PER_DAY, iso
from monitoring.findings import OfTheService
from monitoring.page import Figure, Part, Section, Worry, kind_heading
from monitoring.periods import Period
from monitoring.reviews import DUE_SOON_DAYS, EXPECTED
from monitoring.sections.open_actions import open_actions
from monitoring.signals import Colour, Signal, rising, worst
from monitoring.statistics.incidents import FEWEST_FINDS, Stop, share_taken_back
from monitoring.tables import Column, Table, percent
from monitoring.time_charts import days_chart

AREA = "incidents"
NOT_WHOLE_AMBER, NOT_WHOLE_RED = 0.01, 0.05
"""Of answers. Red as the alert in docs/operating.md; one in a hundred is more than a restart."""
TAKEN_BACK_AMBER, TAKEN_BACK_RED = 0.05, 0.10
"""Of finds: labels that the model learned from were wrong that often."""
VERIFIED_WITHIN_DAYS = 35
"""Once a month, and some days of grace."""


def section(service: OfTheService, period: Period) -> Section:
    parts = (
        Part("Stops", *_stops(service, period)),
        Part("Degraded time", *_not_whole(service, period)),
        Part("Appeals and corrections", *_corrections(service, period)),
        Part("The audit log", (), (_verified(service, period),)),
        Part("Reviews", (), (_reviews(service),)),
        Part("Open actions", *open_actions(service, period)),
    )
    return Section(AREA, "Incidents, corrections and reviews", parts)


Said = tuple[tuple[str, ...], tuple[Figure, ...]]


def _stops(service: OfTheService, period: Period) -> Said:
    its = [s for s in service.stops if s.hours_within(period.start, period.end) > 0]
    if not its:
        return (f"Nobody suspended the service in {period.title}.",), ()
    going_on = [stop for stop in its if stop.ended_at is None or stop.ended_at >= period.end]
    hours = sum(stop.hours_within(period.start, period.end) for stop in its)
    lasted = "less than a tenth of an hour" if hours < 0.1 else f"{hours:,.1f} hours"
    counted = "once" if len(its) == 1 else f"{len(its):,} times, each kind by itself"
    says = f"People stopped the models {counted}, for {lasted} in all"
    says += (
        f"; {len(going_on)} still stood when the period ended."
        if going_on
        else "; none stands at the end of the period."
    )
    table = Table(
        "stops",
        f"When no model might speak in {period.title}",
        (
            Column("kind", "Kind"),
            Column("from", "From (UTC)"),
            Column("until", "Until", missing="goes on"),
            Column("hours", "Hours in the period", "days"),
            Column("by", "Stopped by"),
            Column("reason", "Why"),
            Column("ended_by", "Let go on by", missing="nobody yet"),
            Column("why_ended", "Why", missing="nobody yet"),
        ),
        pd.DataFrame([_stop_row(stop, period) for stop in its]),
    )
    definition = (
        "From the ledger: a suspension makes every answer of the kind unassessed until somebody "
        "resumes it. Names are attributed, not authenticated. Each kind counts by itself."
    )
    signal = Signal(
        area=AREA,
        name="suspended",
        kind=None,
        colour="red" if going_on else "amber",
        value=hours,
        n=len(its),
        rule="amber when the service was suspended in the period, red when it still was at its end",
        owner="senior responsible owner",
        action="read the reason; decide whether it may go on, and what must not happen again",
    )
    return (), (Figure(says, "look", table, definition, signals=(signal,)),)


def _stop_row(stop: Stop, period: Period) -> dict[str, object]:
    return {
        "kind": kind_heading(stop.kind),
        "from": _moment(stop.began_at),
        "until": None if stop.ended_at is None else _moment(stop.ended_at),
        "hours": stop.hours_within(period.start, period.end),
        "by": stop.by,
        "reason": stop.reason,
        "ended_by": stop.ended_by,
        "why_ended": stop.why_ended,
    }


def _not_whole(service: OfTheService, period: Period) -> Said:
    days = service.days
    if days.empty:
        return (f"The service answered nobody in {period.title}.",), ()
    total = int(days["answers"].sum())
    degraded, unassessed = int(days["degraded"].sum()), int(days["unassessed"].sum())
    share = (degraded + unassessed) / total
    colour = rising(share, amber=NOT_WHOLE_AMBER, red=NOT_WHOLE_RED)
    worry: Worry = "calm" if colour == "green" else "look"
    says = (
        f"{degraded:,} of {total:,} answers were degraded and {unassessed:,} unassessed "
        f"({percent(share)} together)"
    )
    table = Table(
        "degraded-days",
        "Answers that were degraded or unassessed, by day",
        (
            Column("day", "Day"),
            Column("answers", "Answers", "count"),
            Column("degraded", "Degraded", "count"),
            Column("unassessed", "Unassessed", "count"),
            Column("share", "Share", "share"),
        ),
        days,
    )
    rule = f"amber from {percent(NOT_WHOLE_AMBER)} of answers, red from {percent(NOT_WHOLE_RED)}"
    definition = (
        "From the audit log: degraded means that something was stale or missing, and then the band "
        "is never low; unassessed that no model spoke, as in a suspension. These are all answers "
        f"of the period, so they have no interval. To be looked at: {rule}."
    )
    signal = Signal(
        area=AREA,
        name="degraded-share",
        kind=None,
        colour=colour,
        value=share,
        n=total,
        rule=rule,
        owner="operations",
        action="mend what the reasons name; docs/operating.md says how for each",
    )
    figure = Figure(f"{says}.", worry, table, definition, _chart(days), (signal,))
    return (), (figure, *_reasons(service, worry))


def _chart(days: pd.DataFrame) -> Markup | None:
    """None where a single day, or no answer that was not whole, leaves nothing to draw."""
    if len(days) == 1 or not (days["degraded"] + days["unassessed"]).any():
        return None
    label = "Share of answers that were degraded or unassessed, a bar a day"
    return days_chart("degraded-days", label, days)


def _reasons(service: OfTheService, worry: Worry) -> tuple[Figure, ...]:
    reasons = service.reasons
    if reasons.empty:
        return ()
    most = reasons.iloc[0]
    says = (
        f"The most frequent reason was {most['reason'].replace('_', ' ')}: "
        f"{int(most['answers']):,} answers, on {int(most['days'])} days."
    )
    table = Table(
        "degraded-reasons",
        "Why answers were degraded or unassessed",
        (
            Column("reason", "Reason"),
            Column("status", "Status"),
            Column("answers", "Answers", "count"),
            Column("share", "Share of all answers", "share"),
            Column("days", "On days", "count"),
        ),
        reasons,
    )
    definition = (
        "The codes that clients were given with the answer. An answer with two reasons counts for "
        "both. Erased: retention has destroyed the answer, and its reasons with it."
    )
    return (Figure(says, worry, table, definition),)


def _corrections(service: OfTheService, period: Period) -> Said:
    corrected, finds = service.corrections, service.finds_reported
    if corrected.empty:
        return (f"No outcome was corrected or taken back in {period.title}.",), ()
    count = int(corrected["corrections"].sum())
    share = share_taken_back(corrected, finds)
    colour = rising(share, amber=TAKEN_BACK_AMBER, red=TAKEN_BACK_RED)
    months = sorted(set(corrected["month"].dropna()) - {period.name})
    says = f"{count:,} outcomes were corrected or taken back, as after an appeal"
    says += f"; they change the figures of {', '.join(months)}." if months else "."
    table = Table(
        "corrections",
        f"Outcomes corrected in {period.title}",
        (
            Column("kind", "Kind"),
            Column("was", "Was"),
            Column("became", "Became"),
            Column("month", "First known in", missing="not known here"),
            Column("corrections", "Corrections", "count"),
        ),
        corrected.assign(kind=[kind_heading(kind) for kind in corrected["kind"]]),
    )
    rule = (
        f"amber from {percent(TAKEN_BACK_AMBER)} of the {finds:,} finds reported in the period, "
        f"red from {percent(TAKEN_BACK_RED)}; said of {FEWEST_FINDS} finds or more"
    )
    definition = (
        "From the ledger: messages that correct an earlier outcome, by what it said first. Every "
        f"one is shown, whatever the number: each is an event of its own. Finds taken back: {rule}."
    )
    signal = Signal(
        area=AREA,
        name="finds-taken-back",
        kind=None,
        colour=colour,
        value=share,
        n=finds,
        rule=rule,
        owner="data owner",
        action="look at what was taken back for a common cause, and retrain without it",
    )
    worry: Worry = "look" if colour in {"amber", "red"} else "calm"
    return (), (Figure(says, worry, table, definition, signals=(signal,)),)


def _verified(service: OfTheService, period: Period) -> Figure:
    verified = service.verified
    says, colour = _verdict(service, period)
    facts: list[tuple[str, str]] = [("Last verified", "never")]
    if verified is not None:
        facts = [
            ("Last verified", _moment(verified.at)),
            ("Records", f"{verified.records:,}"),
            ("Records that no exported head covered yet", f"{verified.pending:,}"),
            ("Findings", f"{verified.findings:,}"),
        ]
    table = Table(
        "audit-verification",
        "Verification of the audit log",
        (Column("what", "What"), Column("value", "Value")),
        pd.DataFrame(facts, columns=["what", "value"]),
    )
    rule = (
        "red when the last verification found anything, amber when none was made in the "
        f"{VERIFIED_WITHIN_DAYS} days before the period ended, or since"
    )
    definition = (
        "foreland audit verify recomputes every link, signature and digest of the audit log and "
        "the ledger; that it ran, and what it found, is recorded in the log itself. "
        f"{rule[0].upper()}{rule[1:]}."
    )
    signal = Signal(
        area=AREA,
        name="audit-chain",
        kind=None,
        colour=colour,
        value=float("nan") if verified is None else float(verified.findings),
        n=0 if verified is None else verified.records,
        rule=rule,
        owner="operations",
        action="run foreland audit verify; keep everything as evidence if it finds anything",
    )
    worry: Worry = "calm" if colour == "green" else "look"
    return Figure(says, worry, table, definition, signals=(signal,))


def _verdict(service: OfTheService, period: Period) -> tuple[str, Colour]:
    verified = service.verified
    if verified is None:
        return "The audit log was never verified, so nothing is known of its integrity.", "amber"
    moment = _moment(verified.at)
    if verified.findings:
        says = f"The audit log is not what was written: {verified.findings:,} findings on {moment}."
        return says, "red"
    whole = f"The audit log was whole when it was last verified, on {moment}"
    if verified.at < period.end - VERIFIED_WITHIN_DAYS * MICROS_PER_DAY:
        return f"{whole}; that is too long ago to rely on.", "amber"
    return f"{whole} ({verified.records:,} records).", "green"


def _reviews(service: OfTheService) -> Figure:
    colours = {review.name: _review_colour(review.days_left) for review in service.reviews}
    missing = [name for name, colour in colours.items() if colour == "amber"]
    overdue = [name for name, colour in colours.items() if colour == "red"]
    asked = [f"Overdue for review: {', '.join(overdue)}."] if overdue else []
    if missing:
        asked.append(f"To be completed, or due within {DUE_SOON_DAYS} days: {', '.join(missing)}.")
    says = " ".join(asked) or "Every review has a day, and none is due soon."
    rows = [
        {
            "name": EXPECTED.get(review.name, review.name),
            "due": None if review.due is None else review.due.isoformat(),
            "left": None if review.days_left is None else float(review.days_left),
        }
        for review in service.reviews
    ]
    table = Table(
        "reviews",
        "Reviews of impact assessments",
        (
            Column("name", "What"),
            Column("due", "Reviewed next by", missing="to be completed"),
            Column("left", "Days left when the period ended", "count", missing="not known"),
        ),
        pd.DataFrame(rows),
    )
    rule = f"red when overdue, amber when no day is set or it is at most {DUE_SOON_DAYS} days away"
    definition = (
        "Days are set by people, in the table reviews of foreland.toml; this system does not know "
        f"whether a review was made. {rule[0].upper()}{rule[1:]}."
    )
    signals = tuple(
        Signal(
            area=AREA,
            name=f"review-{review.name.lower()}",
            kind=None,
            colour=colours[review.name],
            value=float("nan") if review.days_left is None else float(review.days_left),
            n=1,
            rule=rule,
            owner="senior responsible owner",
            action=f"review the {EXPECTED.get(review.name, review.name)}, and set the next day",
        )
        for review in service.reviews
    )
    worry: Worry = "calm" if worst(colours.values()) == "green" else "look"
    return Figure(says, worry, table, definition, signals=signals)


def _review_colour(days_left: int | None) -> Colour:
    if days_left is None:
        return "amber"
    return "red" if days_left < 0 else "amber" if days_left <= DUE_SOON_DAYS else "green"


def _moment(instant: int) -> str:
    return iso(instant)[:16].replace("T", " ")
