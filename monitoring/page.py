"""What a report is made of: pages of sections of parts of figures, each with its plain sentence."""

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
    """How the numbers are worked out; becomes a note at the end of its page."""
    chart: Markup | None = None
    signals: tuple[Signal, ...] = ()
    """The rules that look at this figure's numbers; they colour the area and make alerts."""

    @property
    def name(self) -> str:
        """Its table's: the figure's anchor on the page and its name on the command line."""
        return self.table.name


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

    @property
    def kind(self) -> str | None:
        """The kind whose page shows it; None: the overview does."""
        kinds = {kind_heading(kind): kind for kind in KIND_WORDS}
        return None if self.heading is None else kinds.get(self.heading)

    @property
    def is_empty(self) -> bool:
        return not (self.texts or self.figures or self.annex or self.links)


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

    def about(self, kind: str | None) -> "Section | None":
        """What of it stands on the page of ``kind``, or on the overview; None when nothing does.

        A section without any part is the overview's.
        """
        parts = tuple(part for part in self.parts if part.kind == kind and not part.is_empty)
        if parts or (kind is None and not self.parts):
            return self._replace(parts=parts)
        return None


class Page(NamedTuple):
    """One file of a report: the overview, or all about one kind."""

    file: str
    heading: str
    """``Overview``, or the kind in the plural."""
    sections: tuple[Section, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """In the order of the page, which numbers them from 1."""
        return tuple(f for s in self.sections for part in s.parts for f in part.figures)

    @property
    def numbers(self) -> dict[str, int]:
        """A figure's name to its number on the page."""
        return {figure.name: number for number, figure in enumerate(self.figures, start=1)}

    @property
    def to_look_into(self) -> tuple[Figure, ...]:
        """Figures that ask for attention."""
        return tuple(figure for figure in self.figures if figure.worry == "look")


class Report(NamedTuple):
    """All that is said of one period."""

    title: str
    lead: str
    sections: tuple[Section, ...]
    simulated: str | None
    """What is simulated; None when nothing is."""
    command: str
    """Makes it again."""
    provenance: str

    @property
    def pages(self) -> tuple[Page, ...]:
        """The overview first, then a page for each kind."""
        overview = Page("index.html", "Overview", self._about(None))
        kinds = (Page(f"{k}.html", kind_heading(k), self._about(k)) for k in KIND_WORDS)
        return (overview, *kinds)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure, page by page."""
        return tuple(figure for page in self.pages for figure in page.figures)

    def _about(self, kind: str | None) -> tuple[Section, ...]:
        found = (section.about(kind) for section in self.sections)
        return tuple(section for section in found if section is not None)


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
