"""A neighbourhood as a picture: who is asked about in the middle, each step a ring further out.

The same neighbourhood gives the same bytes. Namespaces are told by shape, finds by a filled mark
with a white number, entities that nobody examined by a dashed outline: nothing rests on colour.
Numbers are the rows of the table that stands beside the picture.
"""

import cmath
import math
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from features.neighbourhood.walk import Neighbour, Neighbourhood

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COMMAND = (sys.executable, "-m", "serving.neighbourhood_picture")
PATIENCE_SECONDS = 8.0
HEIGHT = 5.1  # inches; the last 0.7 of them are the key
ROUNDS = 300
"""In which those that cover each other are pushed apart."""
FEW = 24
"""Entities that are drawn large, each on its ring."""
SHAPES: Mapping[str, tuple[int, float]] = {
    "organisation": (0, 0.0),
    "vehicle": (4, math.pi / 4),
    "trailer": (4, math.pi / 4),
    "vessel": (3, 0.0),
    "container": (4, 0.0),
}
"""Corners and turn of each namespace's mark; 0 corners: a circle."""
DASHES = (0, (2.0, 1.2))
ASKED_WIDTH, FOUND_WIDTH = 2.6, 2.4
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '


class Place(NamedTuple):
    """Inches from the middle."""

    x: float
    y: float


def drawn_elsewhere(around: Neighbourhood) -> str | None:
    """``picture`` by a process of its own, so that no score waits while it is drawn; None when
    that fails: the table says the same."""
    try:
        done = subprocess.run(
            COMMAND,
            input=msgspec.json.encode(around),
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode()


def as_file(around: Neighbourhood) -> str:
    """``picture`` as an SVG file of its own."""
    return picture(around).replace("<svg ", SVG, 1)


def picture(around: Neighbourhood) -> str:
    """One ``<svg role="img">``, to stand in line in a page."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from models.pages.drawing import STYLE, WIDTH, inline_svg

    places = placed(around, WIDTH / 2 - 0.2)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set_xlim(-WIDTH / 2, WIDTH / 2)
        axes.set_ylim(-WIDTH / 2 - (HEIGHT - WIDTH), WIDTH / 2)
        size = _size(len(places))
        _draw_links(axes, around, places)
        for number, one in enumerate(around.neighbours, start=1):
            _draw_mark(axes, one, str(number), places[one.key], size)
        _draw_key(axes, -WIDTH / 2)
        return str(inline_svg(figure, "links", label(around)))


def label(around: Neighbourhood) -> str:
    """What the picture shows, for whoever does not see it."""
    caught = sum(one.examined.finds > 0 for one in around.neighbours)
    return (
        f"Neighbourhood of {len(around.neighbours)} entities and {len(around.links)} links; "
        f"{caught} with finds. The table after it says the same."
    )


def placed(around: Neighbourhood, radius: float) -> dict[str, Place]:
    """Where each entity stands: on the ring of its distance in links, in the sector of what leads
    to it, which is as wide as it has ends. Of many, those that lead nowhere stand outermost.

    Args:
        radius: of the outermost ring, in inches.
    """
    children, rings = _tree(around)
    roots = [one.key for one in around.neighbours if one.step == 0]
    crowded = len(rings) > FEW
    outermost = max(rings.values(), default=0)
    first = 0 if len(roots) == 1 else 1  # several share the innermost ring
    widths: dict[str, int] = {}

    def width(key: str) -> int:
        if key not in widths:
            widths[key] = sum(map(width, children[key])) or 1
        return widths[key]

    places: dict[str, Place] = {}

    def put(keys: Iterable[str], start: float, per_end: float) -> None:
        for key in keys:
            sector = width(key) * per_end
            away = outermost if crowded and rings[key] and not children[key] else rings[key]
            ring = (away + first) / max(outermost + first, 1)
            angle = start + sector / 2
            places[key] = Place(radius * ring * math.sin(angle), radius * ring * math.cos(angle))
            put(children[key], start, per_end)
            start += sector

    put(roots, 0.0, 2 * math.pi / max(sum(map(width, roots)), 1))
    return _apart(places, 2.3 * _size(len(rings)), radius)


def _size(entities: int) -> float:
    """Of a mark, from its middle, in inches."""
    return 0.17 if entities <= FEW else 0.12


def _apart(places: Mapping[str, Place], least: float, radius: float) -> dict[str, Place]:
    """Push those that would cover each other apart, pair by pair, until none is nearer than
    ``least``; nobody leaves the circle."""
    at = [complex(*place) for place in places.values()]
    for _ in range(ROUNDS):
        crowded = False
        for one, other in combinations(range(len(at)), 2):
            way = at[other] - at[one]
            near = abs(way)
            if near >= least - 1e-9:
                continue
            crowded = True
            along = way / near if near > 1e-9 else cmath.rect(1.0, other)
            push = along * (least - near) / 2
            at[one], at[other] = _within(at[one] - push, radius), _within(at[other] + push, radius)
        if not crowded:
            break
    return {key: Place(one.real, one.imag) for key, one in zip(places, at, strict=True)}


def _within(at: complex, radius: float) -> complex:
    return at if abs(at) <= radius else at / abs(at) * radius


def _tree(around: Neighbourhood) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Whom each entity leads to first, and how many links each is away."""
    order = {one.key: place for place, one in enumerate(around.neighbours)}
    linked: dict[str, list[str]] = {key: [] for key in order}
    for link in around.links:
        linked[link.organisation].append(link.connector)
        linked[link.connector].append(link.organisation)
    children: dict[str, list[str]] = {key: [] for key in order}
    rings = {one.key: 0 for one in around.neighbours if one.step == 0}
    row = list(rings)
    while row:
        following: list[str] = []
        for key in row:
            for other in sorted(linked[key], key=order.__getitem__):
                if other not in rings:
                    rings[other] = rings[key] + 1
                    children[key].append(other)
                    following.append(other)
        row = following
    for key in order:  # none without a link, unless links were left out
        if key not in rings:
            rings[key] = 1
            children[around.neighbours[0].key].append(key)
    return children, rings


def _draw_links(axes: "Axes", around: Neighbourhood, places: Mapping[str, Place]) -> None:
    from models.pages.drawing import GREY, INK

    for link in around.links:
        one, other = places[link.organisation], places[link.connector]
        found = link.seen.finds > 0
        axes.plot(
            [one.x, other.x],
            [one.y, other.y],
            color=INK if found else GREY,
            linewidth=FOUND_WIDTH if found else 0.9,
            zorder=1,
        )


def _draw_mark(axes: "Axes", one: Neighbour, number: str, at: Place, size: float) -> None:
    from models.pages.drawing import INK

    caught, examined = one.examined.finds > 0, one.examined.examinations > 0
    namespace = one.key.partition(":")[0]
    mark = _mark(
        namespace,
        at,
        size,
        facecolor=INK if caught else "white",
        edgecolor=INK,
        linewidth=ASKED_WIDTH if one.step == 0 else 1.2,
        linestyle="-" if examined else DASHES,
        zorder=2,
    )
    axes.add_patch(mark)
    axes.annotate(
        number,
        at,
        ha="center",
        va="center_baseline",
        fontsize=10 if size > 0.15 else 8,
        fontweight="bold" if caught else "normal",
        color="white" if caught else INK,
        zorder=3,
    )


def _mark(namespace: str, at: Place, size: float, **style: Any) -> Any:
    from matplotlib.patches import Circle, RegularPolygon

    corners, turn = SHAPES.get(namespace, (0, 0.0))
    if corners == 0:
        return Circle(at, size, **style)
    return RegularPolygon(at, corners, radius=size * 1.3, orientation=turn, **style)


def _draw_key(axes: "Axes", top: float) -> None:
    """Three lines: shapes, how they are filled, and lines."""
    from models.pages.drawing import INK

    plain = {"facecolor": "white", "edgecolor": INK, "linewidth": 1.2}
    rows: Sequence[Sequence[tuple[str, str, dict[str, Any]]]] = (
        [(name, name, plain) for name in ("organisation", "vehicle", "vessel", "container")],
        [
            ("organisation", "a find", {**plain, "facecolor": INK}),
            ("organisation", "examined, no find", plain),
            ("organisation", "never examined", {**plain, "linestyle": DASHES}),
        ],
        [
            ("organisation", "asked about", {**plain, "linewidth": ASKED_WIDTH}),
            ("line", "found something with both", {}),
        ],
    )
    columns = ((-2.1, -0.92, -0.12, 0.68), (-2.1, -1.25, 0.45), (-2.1, -0.92))
    for line, (row, starts) in enumerate(zip(rows, columns, strict=True)):
        for (namespace, text, style), x in zip(row, starts, strict=True):
            at = Place(x, top - 0.12 - 0.22 * line)
            if namespace == "line":
                axes.plot([x - 0.06, x + 0.08], [at.y, at.y], color=INK, linewidth=FOUND_WIDTH)
            else:
                axes.add_patch(_mark(namespace, at, 0.065, **style))
            axes.annotate(text, (x + 0.13, at.y), va="center_baseline", fontsize=9)


def main() -> None:
    around = msgspec.json.decode(sys.stdin.buffer.read(), type=Neighbourhood)
    sys.stdout.write(picture(around))


if __name__ == "__main__":
    main()
