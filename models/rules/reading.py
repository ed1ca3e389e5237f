"""From a movement and its feature row to what expressions read."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import from_micros
from features.ledger.events import MovementDeclared
from models.rules.expression import Variables
from models.rules.grammar import SOURCES
from models.rules.names import Name, Sort, catalogue_of

Floats = NDArray[np.float64]

_CONVERT: dict[Sort, Callable[[Any], Any]] = {
    "number": float,
    "switch": bool,
    "text": str,
    "instant": from_micros,
    "number or text": lambda value: value if isinstance(value, str) else float(value),
}


class _Leaf(NamedTuple):
    """Where a value goes: ``finds`` in the branch ``("history", "haulier")``."""

    branch: tuple[str, ...]
    name: str
    convert: Callable[[Any], Any]


class Reader:
    """Reads the same names of one movement after another.

    Args:
        names: of one kind; each is read once.
    """

    def __init__(self, kind: str, names: Iterable[Name]) -> None:
        leaves = {name: _leaf(name) for name in names}
        self.catalogue = catalogue_of(kind, leaves)
        """Of the features among the names: a row for ``read`` has its columns."""
        places = {name: place for place, name in enumerate(self.catalogue.names)}
        self._given = [
            (name.kept_in, name.key, leaf) for name, leaf in leaves.items() if name.kept_in != "row"
        ]
        self._columns = [
            (places[name.key], leaf) for name, leaf in leaves.items() if name.kept_in == "row"
        ]
        self._branches = sorted({leaf.branch for leaf in leaves.values()})

    def read(self, declared: MovementDeclared, row: Floats) -> Variables:
        """
        Args:
            row: float64[F] in the order of ``catalogue.names``; NaN is missing.
        """
        values: dict[str, dict[str, Any]] = {source: {} for source in SOURCES}
        within = {branch: _grown(values, branch) for branch in self._branches}
        for kept_in, key, leaf in self._given:
            value = getattr(declared, kept_in).get(key)
            if value is not None:
                within[leaf.branch][leaf.name] = leaf.convert(value)
        numbers = row.tolist()
        for place, leaf in self._columns:
            value = numbers[place]
            if not math.isnan(value):
                within[leaf.branch][leaf.name] = leaf.convert(value)
        return values


def _leaf(name: Name) -> _Leaf:
    """
    >>> from models.rules.names import names_of
    >>> _leaf(names_of("vehicle")["history.haulier.finds"])[:2]
    (('history', 'haulier'), 'finds')
    """
    *branch, leaf = name.path.split(".")
    return _Leaf(tuple(branch), leaf, _CONVERT[name.sort])


def _grown(values: dict[str, Any], branch: tuple[str, ...]) -> dict[str, Any]:
    """The dictionary at the end of the branch, there even when nothing in it is known: who asks
    has(history.haulier.finds) asks for the haulier first."""
    for part in branch:
        values = values.setdefault(part, {})
    return values
