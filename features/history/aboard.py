"""What the organisations whose goods a vehicle or vessel carries say about it.

The consignments of a movement at ``as_of`` are the shipments that it lists itself, and those whose
standing version says that it carries them. Of those that are known and not cancelled, the
organisations are looked up one by one, each once, and folded by counts, sums of whole numbers,
least and most: nothing in which the order of the organisations could show.
"""

from typing import NamedTuple

import numpy as np

from features.declared import DType
from features.history.kernel import Floats, Ints
from features.history.statistics import NEVER_DAYS
from features.ledger.events import MovementDeclared

ROLE = "carried"
LABEL = "consignments on board"
CARRIERS = frozenset({"vehicle", "vessel"})
"""The kinds that have consignments."""
CARGO = "shipment"
"""The kind that a consignment is of."""
ORGANISATION = "organisation"
"""The space of keys of which consignments are looked up."""

READ: tuple[str, ...] = (
    "examinations",
    "finds",
    "find_rate",
    "finds_180d",
    "days_since_last_find",
    "days_since_last_examination",
)
"""Statistics that are read of each organisation, in the order in which ``fold`` takes them."""


class Number(NamedTuple):
    """One column of ``fold``, and what the catalogue says of it."""

    name: str
    dtype: DType
    unit: str
    direction: int
    description: str


NUMBERS: tuple[Number, ...] = (
    Number("consignments", "integer", "n", 0, "shipments that are known and not cancelled"),
    Number("organisations", "integer", "n", 0, "organisations that they name, each once"),
    Number("never_examined", "integer", "n", 0, "organisations of them that were never examined"),
    Number("examinations", "integer", "n", 0, "examinations of these organisations, added up"),
    Number("finds", "integer", "n", 1, "finds with these organisations, added up"),
    Number("find_rate", "number", "probability", 1, "the highest find rate among them"),
    Number(
        "finds_180d",
        "number",
        "n",
        1,
        "the most finds of one of them, each worth half as much every 180 days",
    ),
    Number(
        "days_since_last_find",
        "number",
        "days",
        -1,
        f"days since the last find with any of them; {NEVER_DAYS:.0f} when there was none",
    ),
    Number(
        "days_since_last_examination",
        "number",
        "days",
        0,
        f"days since the last examination of any of them; {NEVER_DAYS:.0f} when there was none",
    ),
)


NOTHING = (0.0, *[float("nan")] * (len(NUMBERS) - 1))
"""``NUMBERS`` of a movement none of whose consignments is known."""


def listed_by(movement: MovementDeclared) -> tuple[str, ...]:
    """Pseudonyms of the shipments that it says it carries."""
    return movement.references.get("consignments", ())


def fold(known: Ints, of: Ints, numbers: Floats) -> Floats:
    """
    Args:
        known: int64[q], how many consignments of each query are known.
        of: int64[n], rising: the query that each organisation is looked up for.
        numbers: float64[n, 6], what ``READ`` gave of each.

    Returns:
        float64[q, 9], columns as ``NUMBERS``; NaN where nobody was looked up, but for the counts
        of consignments and, where one is known, of organisations.
    """
    folded = np.full((len(known), len(NUMBERS)), np.nan)
    folded[:, 0] = known
    folded[known > 0, 1] = 0.0
    if len(of) == 0:
        return folded
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    examinations, finds, find_rate, recent_finds, since_find, since_examination = numbers.T
    folded[of[starts], 1:] = np.column_stack(
        [
            np.diff(starts, append=len(of)),
            np.add.reduceat((examinations == 0.0).astype(np.float64), starts),
            np.add.reduceat(examinations, starts),
            np.add.reduceat(finds, starts),
            np.maximum.reduceat(find_rate, starts),
            np.maximum.reduceat(recent_finds, starts),
            np.minimum.reduceat(since_find, starts),
            np.minimum.reduceat(since_examination, starts),
        ]
    )
    return folded
