"""A signal: one rule applied to one number, and what it asks for when it is not green.

Every colour of the report and every alert is one. A section makes its signals where it has the
number (:attr:`monitoring.page.Figure.signals`), so that a colour always leads to the figure that
shows why. An area of the report is as good as its worst signal.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Colour = Literal["red", "amber", "green", "grey"]
COLOURS: tuple[Colour, ...] = ("red", "amber", "green", "grey")
"""Worst first. Grey: there is too little to say anything, which is not the same as green."""

AREAS = {
    "served": "What served",
    "volumes": "Volumes and capacity",
    "find_rate": "Find rate and calibration",
    "performance": "Performance before results arrive",
    "drift": "Drift",
    "quality": "Data quality",
    "decisions": "Human decisions",
    "groups": "Groups",
    "exploration": "Exploration and the unexamined",
    "trends": "Routes, methods and tactics",
    "league": "Selectors and rules",
    "incidents": "Incidents, appeals and reviews",
}
"""The report's areas, in its order, by the slug of the section."""


class Signal(NamedTuple):
    """One rule applied to one number."""

    area: str
    """One of :data:`AREAS`."""
    name: str
    """Stable name of the rule, such as ``calibration-slope``: alerts are told apart by it."""
    kind: str | None
    """None when it is about all kinds together."""
    colour: Colour
    value: float
    """What the rule looked at; NaN when there was too little."""
    n: int
    """From how many cases."""
    rule: str
    """The rule in words, with its thresholds: ``red from 0.25, amber from 0.10``."""
    owner: str
    """Who acts: ``model owner``, ``data owner``, ``operations``, ``senior responsible owner``."""
    action: str
    """What the owner does when it is amber or red."""


def worst(colours: Iterable[Colour]) -> Colour:
    """The colour of an area; grey counts only when there is nothing else.

    >>> worst(["green", "grey", "amber"]), worst(["grey", "green"]), worst([])
    ('amber', 'green', 'grey')
    """
    present = set(colours)
    return next((colour for colour in COLOURS if colour in present), "grey")


def rising(value: float, *, amber: float, red: float) -> Colour:
    """The colour of a number that is worse the higher it is; grey when it is NaN.

    >>> rising(0.3, amber=0.1, red=0.2), rising(0.1, amber=0.1, red=0.2), rising(0, amber=1, red=2)
    ('red', 'amber', 'green')
    """
    if value != value:
        return "grey"
    return "red" if value >= red else "amber" if value >= amber else "green"
