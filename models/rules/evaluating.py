"""All live rules of a kind, evaluated for one movement at a time: the same online and offline."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.ledger.events import MovementDeclared
from models.rules.errors import RuleFailed, RuleRefused
from models.rules.expression import Expression, context_of
from models.rules.reading import Reader
from models.rules.standing import LiveRule

Floats = NDArray[np.float64]


_compiled = lru_cache(maxsize=4096)(Expression)
"""0.15 ms each, and a word about one rule makes new sets of all; they never change."""


class Evaluated(NamedTuple):
    """What the rules said of one movement."""

    met: tuple[LiveRule, ...]
    failed: tuple[tuple[LiveRule, str], ...]
    """Rules that gave no answer although nothing was missing, and why: these count as not met."""


class RuleSet:
    """Rules that are evaluated together; whatever is wrong with one, the others are."""

    def __init__(self, kind: str, rules: Iterable[LiveRule]) -> None:
        self.kind = kind
        self._rules: list[tuple[LiveRule, Expression]] = []
        self._unreadable: list[tuple[LiveRule, str]] = []
        for live in rules:
            try:
                self._rules.append((live, _compiled(kind, live.rule.when)))
            except RuleRefused as exc:  # it was proposed to another version of this code
                self._unreadable.append((live, str(exc)))
        names = [name for _, expression in self._rules for name in expression.names]
        self._reader = Reader(kind, names)

    @property
    def catalogue(self) -> Catalogue:
        """The features that the rules read: what a row for ``evaluate`` consists of."""
        return self._reader.catalogue

    def evaluate(self, declared: MovementDeclared, row: Floats) -> Evaluated:
        """
        Args:
            row: float64[F] of ``catalogue``, as of the instant that the answer stands for.
        """
        context = context_of(self._reader.read(declared, row))
        met, failed = [], list(self._unreadable)
        for live, expression in self._rules:
            try:
                if expression.matches(context):
                    met.append(live)
            except RuleFailed as exc:
                failed.append((live, str(exc)))
        return Evaluated(tuple(met), tuple(failed))
