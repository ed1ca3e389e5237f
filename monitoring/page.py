"""What a board page is made of: sections of parts of figures, each with its one plain sentence."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from markupsafe import Markup

from monitoring.signals import Signal, worst
from monitoring.tables import Table

Worry = Literal["calm", "look", "unknown"]
WORRIES: dict[Worry, str] = {
    "calm": "No concern",
    "look": "Look into this",
    "unknown": "Cannot say yet",
}

KIND_WORDS = {"vehicle": "vehicles", "vessel": "vessels", "shipment": "shipments"}


class Figure(NamedTuple):
    """One finding: the sentence first, then the chart if there is one, then the numbers."""

    says: str
    """One plain sentence: what it shows and whether to worry."""
    worry: Worry
    table: Table
    definition: str
    """How the numbers are worked out; becomes a note at the end of the page."""
    chart: Markup | None = None
    signals: tuple[Signal, ...] = ()
    """The rules that look at this figure's numbers; they colour the area and make alerts."""


class Link(NamedTuple):
    """To a file beside the page."""

    says: str
    address: str
    """Relative to this page."""


class Part(NamedTuple):
    """What a section says about one kind, or about all of them when ``heading`` is None."""

    heading: str | None
    texts: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    annex: "Annex | None" = None
    links: tuple[Link, ...] = ()


class Annex(NamedTuple):
    """What is said about the kind's interactive page, and where it is."""

    says: str
    address: str | None
    """Relative to this page; None when there is no annex."""
    classification: str | None = None
    """Address of the page on scores and results; None when there is none."""


class Section(NamedTuple):
    slug: str
    title: str
    parts: tuple[Part, ...]
    texts: tuple[str, ...] = ()


class Note(NamedTuple):
    caption: str
    definition: str


class Page(NamedTuple):
    """The page of one period."""

    title: str
    lead: str
    sections: tuple[Section, ...]
    simulated: str | None
    """What is simulated; None when nothing is."""
    notes: str
    command: str
    provenance: str

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure in the order of the page."""
        return tuple(f for s in self.sections for part in s.parts for f in part.figures)

    @property
    def to_look_into(self) -> tuple[tuple[int, Figure], ...]:
        """Figures that ask for attention, with their number on the page."""
        numbered = enumerate(self.figures, start=1)
        return tuple((number, figure) for number, figure in numbered if figure.worry == "look")

    @property
    def definitions(self) -> tuple[Note, ...]:
        return tuple(Note(figure.table.caption, figure.definition) for figure in self.figures)


def worry_of(signals: Iterable[Signal]) -> Worry:
    """What a figure's rules come to: amber and red ask for a look, grey cannot say."""
    match worst(signal.colour for signal in signals):
        case "red" | "amber":
            return "look"
        case "green":
            return "calm"
        case "grey":
            return "unknown"


def kind_heading(kind: str) -> str:
    """
    >>> kind_heading("vessel")
    'Vessels'
    """
    return KIND_WORDS[kind].capitalize()
