"""Signals and alerts for Prometheus: a text file that the node exporter's textfile collector reads.

A gauge on the service's own ``/metrics`` would have to come from the worker that answers scores;
what is worked out once a day by a command of its own is told by that command.
"""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from features.clock import Micros
from monitoring.alerts.log import Alert
from monitoring.alerts.standing import Signals
from monitoring.signals import Colour

LEVELS: dict[Colour, int] = {"grey": -1, "green": 0, "amber": 1, "red": 2}
"""So that ``foreland_signal > 0`` asks for attention."""


def write_metrics(path: Path, signals: Signals, alerts: Iterable[Alert], now: Micros) -> None:
    """The whole file or the one before: it is renamed into place."""
    registry = CollectorRegistry()
    signal_gauge = Gauge(
        "foreland_signal",
        "Colour of a signal of the board report: -1 grey, 0 green, 1 amber, 2 red",
        ["area", "name", "kind"],
        registry=registry,
    )
    for signal in signals.signals:
        level = LEVELS[signal.colour]
        signal_gauge.labels(signal.area, signal.name, signal.kind or "all").set(level)
    open_gauge = Gauge(
        "foreland_alerts_open",
        "Alerts that have not cleared",
        ["colour", "acknowledged"],
        registry=registry,
    )
    standing = [alert for alert in alerts if alert.is_open]
    for colour in ("amber", "red"):
        for acknowledged in (False, True):
            count = sum(
                alert.raised.colour == colour and (alert.acknowledged is not None) == acknowledged
                for alert in standing
            )
            open_gauge.labels(colour, str(acknowledged).lower()).set(count)
    looked_at = Gauge(
        "foreland_alerts_checked_timestamp_seconds",
        "When foreland alerts last ran to its end",
        registry=registry,
    )
    looked_at.set(now / 1_000_000)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(path), registry)
