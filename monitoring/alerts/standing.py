"""The signals of one page as data, beside the page: what ``foreland alerts`` looks at."""

import math
from pathlib import Path
from typing import NamedTuple

import msgspec

from features.errors import ForelandError
from monitoring.page import Report
from monitoring.signals import Colour

SIGNALS = "signals.json"


class SignalsUnreadable(ForelandError):
    """The signals of a report are damaged or not there."""


class Key(NamedTuple):
    """What an alert is about; alerts with the same key are about the same thing."""

    kind: str | None
    area: str
    name: str


class StandingSignal(msgspec.Struct, frozen=True, kw_only=True):
    """One signal of a page, and where the page shows it."""

    area: str
    name: str
    kind: str | None
    colour: Colour
    value: float | None
    """None when there was too little."""
    n: int
    rule: str
    owner: str
    action: str
    figure: str
    """Address of the figure in the folder of its report, such as ``vehicle.html#vehicle-drift``."""
    says: str
    """The figure's one sentence."""

    @property
    def key(self) -> Key:
        return Key(self.kind, self.area, self.name)


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """All signals of the page of one period."""

    period: str
    signals: tuple[StandingSignal, ...]


def signals_of(report: Report, period: str) -> Signals:
    """In the order of the pages."""
    return Signals(
        period=period,
        signals=tuple(
            StandingSignal(
                area=signal.area,
                name=signal.name,
                kind=signal.kind,
                colour=signal.colour,
                value=None if math.isnan(signal.value) else float(signal.value),
                n=signal.n,
                rule=signal.rule,
                owner=signal.owner,
                action=signal.action,
                figure=f"{page.file}#{figure.name}",
                says=figure.says,
            )
            for page in report.pages
            for figure in page.figures
            for signal in figure.signals
        ),
    )


def write_signals(signals: Signals, folder: Path) -> None:
    encoded = msgspec.json.format(msgspec.json.encode(signals, order="sorted"), indent=1)
    (folder / SIGNALS).write_bytes(encoded + b"\n")


def read_signals(folder: Path) -> Signals:
    """
    Raises:
        SignalsUnreadable: the folder holds no report, or a damaged one.
    """
    path = folder / SIGNALS
    try:
        return msgspec.json.decode(path.read_bytes(), type=Signals)
    except (OSError, msgspec.MsgspecError) as exc:
        raise SignalsUnreadable(f"{path} cannot be read; make the report again") from exc
