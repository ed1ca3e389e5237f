"""Alerts that were told and that nobody has taken on: the last part of the section on incidents."""

import pandas as pd

from features.clock import MICROS_PER_DAY, iso
from monitoring.alerts.log import Alert
from monitoring.findings import OfTheService
from monitoring.page import Figure, Worry, kind_heading
from monitoring.periods import Period
from monitoring.signals import AREAS, Signal, rising
from monitoring.tables import Column, Table

NAME = "open-actions"
LATE_DAYS, TOO_LATE_DAYS = 14, 31
"""Two weeks hold a holiday; after a month the board meets again and nothing was done."""


def open_actions(
    service: OfTheService, period: Period
) -> tuple[tuple[str, ...], tuple[Figure, ...]]:
    """Of the alerts raised before the period ended; what is open about this rule is left out."""
    raised = [alert for alert in service.alerts if alert.raised_at < period.end]
    waiting = [alert for alert in raised if alert.waits and alert.raised.name != NAME]
    if not waiting:
        counted = f"{len(raised):,} alerts were raised until then" if raised else "None was raised"
        return (f"No alert waits for anybody to take it on. {counted}.",), ()
    oldest = min(alert.raised_at for alert in waiting)
    days = (period.end - oldest) / MICROS_PER_DAY
    colour = rising(days, amber=LATE_DAYS, red=TOO_LATE_DAYS)
    worry: Worry = "calm" if colour == "green" else "look"
    says = (
        f"{len(waiting):,} {'alert waits' if len(waiting) == 1 else 'alerts wait'} for somebody "
        f"to take it on, the oldest since {iso(oldest)[:10]}."
    )
    table = Table(
        NAME,
        "Alerts that nobody has acknowledged",
        (
            Column("colour", "Colour"),
            Column("area", "Area"),
            Column("kind", "Kind"),
            Column("since", "Since"),
            Column("owner", "Owner"),
            Column("action", "Action"),
        ),
        pd.DataFrame([_row(alert) for alert in waiting]),
    )
    rule = (
        f"amber when an alert has waited {LATE_DAYS} days at the end of the period, red from "
        f"{TOO_LATE_DAYS}"
    )
    definition = (
        "From the audit log: foreland alerts raises one for each signal that turns amber or red, "
        "and foreland alerts ack takes it on, with a name and a reason. "
        f"{rule[0].upper()}{rule[1:]}."
    )
    signal = Signal(
        area="incidents",
        name=NAME,
        kind=None,
        colour=colour,
        value=days,
        n=len(waiting),
        rule=rule,
        owner="senior responsible owner",
        action="ask the owner of each what is done, and have it acknowledged",
    )
    return (), (Figure(says, worry, table, definition, signals=(signal,)),)


def _row(alert: Alert) -> dict[str, str]:
    said = alert.raised
    return {
        "colour": said.colour,
        "area": AREAS.get(said.area, said.area),
        "kind": "All kinds" if said.kind is None else kind_heading(said.kind),
        "since": iso(alert.raised_at)[:10],
        "owner": said.owner,
        "action": said.action,
    }
