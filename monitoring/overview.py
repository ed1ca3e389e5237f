"""The overview: what the signals of all figures come to, area by area, and what the board decides.

Nothing is worked out here. A colour is that of the worst signal of an area, and each signal leads
to the figure that shows its number.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from monitoring.page import Report, kind_heading, worry_of
from monitoring.signals import AREAS, COLOURS, Colour, Signal, worst
from monitoring.tables import Column, Table, counted

DECIDES = "senior responsible owner"
"""The owner on whose signals the board is asked to decide."""


class Shown(NamedTuple):
    """A signal and the figure that shows it."""

    signal: Signal
    says: str
    """The figure's one sentence."""
    caption: str
    address: str
    """Relative to the overview."""

    @property
    def about(self) -> str:
        kind = self.signal.kind
        return "All kinds" if kind is None else kind_heading(kind)

    @property
    def value(self) -> str:
        """In four digits, which tell any two of our thresholds apart."""
        value = self.signal.value
        return "too little to say" if pd.isna(value) else f"{value:,.4g}"


class Asking(NamedTuple):
    """A figure that asks for a look by its sentence alone."""

    about: str
    caption: str
    address: str
    """Relative to the overview."""


class Area(NamedTuple):
    """One area with its colour, and all its signals, the worst first."""

    slug: str
    title: str
    colour: Colour
    signals: tuple[Shown, ...]
    asking: tuple[Asking, ...] = ()
    """Figures that ask for a look although no rule of theirs is amber or red."""

    @property
    def set_by(self) -> tuple[Shown, ...]:
        """The signals that have the area's colour."""
        return tuple(shown for shown in self.signals if shown.signal.colour == self.colour)

    @property
    def counts(self) -> str:
        """How many rules have which colour, in words."""
        if not self.signals:
            return "No rule had anything to look at."
        colours = [shown.signal.colour for shown in self.signals]
        each = (f"{colours.count(c)} {c}" for c in COLOURS if c in colours)
        return f"{counted(len(colours), 'rule')}: {', '.join(each)}."


def signals_shown(report: Report) -> tuple[Shown, ...]:
    """In the order of the pages."""
    return tuple(
        Shown(signal, figure.says, figure.table.caption, f"{page.file}#{figure.name}")
        for page in report.pages
        for figure in page.figures
        for signal in figure.signals
    )


def asking(report: Report) -> dict[str, list[Asking]]:
    """By area, in the order of the pages: nobody takes a green area for one without questions."""
    found: dict[str, list[Asking]] = {}
    for page in report.pages:
        about = "All kinds" if page == report.pages[0] else page.heading
        for section in page.sections:
            for figure in (figure for part in section.parts for figure in part.figures):
                if figure.worry == "look" and worry_of(figure.signals) != "look":
                    address = f"{page.file}#{figure.name}"
                    one = Asking(about, figure.table.caption, address)
                    found.setdefault(section.slug, []).append(one)
    return found


def areas(
    shown: Sequence[Shown], asking: Mapping[str, Sequence[Asking]] | None = None
) -> tuple[Area, ...]:
    """All of :data:`AREAS` in their order; one without a signal is grey."""
    found = []
    for slug, title in AREAS.items():
        mine = [one for one in shown if one.signal.area == slug]
        mine.sort(key=lambda one: COLOURS.index(one.signal.colour))
        colour = worst(one.signal.colour for one in mine)
        found.append(Area(slug, title, colour, tuple(mine), tuple((asking or {}).get(slug, ()))))
    return tuple(found)


def decisions_sought(shown: Sequence[Shown]) -> dict[str, list[Shown]]:
    """What the board is asked to do, to the signals that ask for it; red ones first."""
    asking = [one for one in shown if one.signal.colour in {"red", "amber"}]
    asking.sort(key=lambda one: COLOURS.index(one.signal.colour))
    found: dict[str, list[Shown]] = {}
    for one in asking:
        if one.signal.owner == DECIDES:
            found.setdefault(one.signal.action, []).append(one)
    return found


def rules_table(shown: Sequence[Shown]) -> Table:
    """Every rule with its number and colour, as it can be downloaded."""
    keys = ("area", "kind", "name", "colour", "value", "n", "rule", "owner", "action", "figure")
    records = [
        {
            **one.signal._asdict(),
            "area": AREAS.get(one.signal.area, one.signal.area),
            "kind": one.about,
            "figure": one.address,
        }
        for one in shown
    ]
    columns = tuple(Column(key, key.capitalize()) for key in keys)
    frame = pd.DataFrame(records, columns=list(keys))
    return Table("rules", "Every rule, its number and its colour", columns, frame)
