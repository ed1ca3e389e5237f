"""One code made of several cells of a row: these very goods, a customs procedure of two columns."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from features.files.conversions import CellRefused, Convert, Notation, number_reader

LARGEST_NUMBER = 1e15
"""As for an attribute that is a number: beyond it neighbours are no longer told apart."""


def joined(parts: Sequence[str | None]) -> str | None:
    """One text for one combination of texts, and another for every other combination.

    None when a part is missing: a combination of which something is not given is not that one.

    >>> joined(["010129", "1.5"]), joined(["a|b", "c"]), joined(["a", "b|c"]), joined(["a", None])
    ('010129|1.5', 'a\\\\|b|c', 'a|b\\\\|c', None)
    """
    given = [part for part in parts if part is not None]
    return "|".join(map(_escaped, given)) if len(given) == len(parts) else None


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("|", "\\|")


def written_alike(notation: Notation) -> Convert:
    """Reads a number and writes it in one way, so that ``1.0``, ``1`` and ``1e0`` join alike."""
    read: Callable[[Any], float] = number_reader(notation, Fraction(1))

    def convert(cell: Any) -> str:
        number = read(cell)
        if not abs(number) <= LARGEST_NUMBER:  # NaN too
            raise CellRefused(f"no number up to {LARGEST_NUMBER:g} in size; correct it")
        return repr(number + 0.0).removesuffix(".0")  # + 0.0: no negative zero

    return convert
