"""What is raised and what is cleared: signals and open alerts in, notes out."""

from collections.abc import Callable, Iterable

from monitoring.alerts.log import Alert
from monitoring.alerts.standing import Signals, StandingSignal
from serving.audit import AlertCleared, AlertRaised, Note


def changes(
    signals: Signals, alerts: Iterable[Alert], account: str, new_id: Callable[[], str]
) -> list[Note]:
    """What follows from the signals for the alerts that are open.

    One alert stands for each key and colour: while both stay, nothing is said again. Another
    colour ends it and raises another. A signal that turned grey changes nothing, for there was too
    little to say; one that is green, or not on the page any more, clears its alert.
    """
    open_ones = {alert.key: alert for alert in alerts if alert.is_open}
    now = {signal.key: signal for signal in signals.signals}
    notes: list[Note] = []
    for key, alert in open_ones.items():
        signal = now.get(key)
        colour = "green" if signal is None else signal.colour
        if colour not in {alert.raised.colour, "grey"}:
            notes.append(AlertCleared(alert=alert.id, account=account))
    for key, signal in now.items():
        standing = open_ones.get(key)
        same = standing is not None and standing.raised.colour == signal.colour
        if not same and (raised := _raised(signals.period, signal, account, new_id)) is not None:
            notes.append(raised)
    return notes


def _raised(
    period: str, signal: StandingSignal, account: str, new_id: Callable[[], str]
) -> AlertRaised | None:
    if signal.colour not in {"amber", "red"}:
        return None
    return AlertRaised(
        alert=new_id(),
        area=signal.area,
        name=signal.name,
        kind=signal.kind,
        colour="red" if signal.colour == "red" else "amber",
        says=signal.says,
        period=period,
        figure=signal.figure,
        value=repr(signal.value),
        n=signal.n,
        rule=signal.rule,
        owner=signal.owner,
        action=signal.action,
        account=account,
    )
