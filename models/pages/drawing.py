"""Drawings in line, as SVG: the same numbers give the same bytes, on any machine.

Text stays text (the page's own font, selectable, scalable); shapes differ by hatch, dashes or
marker, so that nothing rests on colour alone.
"""

import io
import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:  # seconds and memory that a page without drawings need not pay for
    from matplotlib.figure import Figure

INK, BLUE, PALE, GREY, RED = "#0b0c0c", "#1d70b8", "#d2e2f1", "#505a5f", "#942514"
WIDTH = 4.4  # inches, 317 units of the drawing: a phone shows it near its own size
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "foreland",
    "font.family": "DejaVu Sans",  # shipped with matplotlib: the layout is the same everywhere
    "font.size": 12,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.8,
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}

_IDENTIFIER = re.compile(r'( id="|href="#|url\(#)')
_NAMESPACE = re.compile(r' xmlns(:xlink)?="[^"]*"')


def inline_svg(figure: "Figure", name: str, label: str) -> Markup:
    """The figure as one ``<svg role="img">``, identifiers prefixed so that they stay unique."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg ") :]
    drawing = _NAMESPACE.sub("", _IDENTIFIER.sub(rf"\g<1>{name}-", drawing), count=2)
    named = f'<svg role="img" aria-label="{escape(label)}" '
    return Markup(drawing.replace("<svg ", named, 1))  # noqa: S704 - drawn above, label escaped
