"""Where finds stopped being reported, as they do when feedback is poisoned.

Who lets a network pass and reports that nothing was found leaves this behind: movements that were
likely to hold something, by all that was known before, are examined as ever at one place or through
one feed, and hardly one is found to. Networks that end or move away leave nothing of the kind,
because then nobody comes who is likely to be found out. So from several days on, trees that were
fitted on earlier labels alone say how many finds to expect among the likely, place by place.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from models.booster import TreeModel
from models.calibration import fit_platt
from training.config import Trees
from training.fit import fit_trees

Floats = NDArray[np.float64]
Days = NDArray[np.int64]
Flags = NDArray[np.bool_]

STARTS = (0.25, 0.45, 0.65)
"""Of the labels by time: where the days begin that are looked at."""
LIKELY = 2.0
"""Times the find rate of before. Below, probabilities are too small to miss a find by."""
FEWEST_EXPECTED = 4.0
FEWEST_TO_LEARN_FROM = 20
"""Finds, and clean ones, in each of the two parts of what was known before a start."""
SPREAD = 0.15
"""By which share finds differ from what was expected at honest places, chance apart: networks come,
go and change. Measured on simulated borders (docs/promotion.md)."""
_TREES = Trees()


class LabelledRows(NamedTuple):
    """Every labelled movement, by rising day."""

    rows: Floats
    """float64[n, F]"""
    labels: Floats
    days: Days
    """int64[n]: when the movement became known."""
    known_on: Days
    """int64[n]: when its outcome became known."""
    at: Mapping[str, Flags]
    """Place or feed, in words, to bool[n]; a movement can be at several."""


class Missing(NamedTuple):
    """Of the likely movements at one place, on some days."""

    place: str
    since: int
    """Day, counted from 1970."""
    examined: int
    finds: int
    expected: float
    deviations: float
    """Standard deviations above what was expected; negative where finds are missing."""


def missing_finds(labelled: LabelledRows, catalogue: Catalogue) -> list[Missing]:
    """Every place and stretch of days with ``FEWEST_EXPECTED`` finds to expect; may be empty."""
    found: list[Missing] = []
    for start, ends in _stretches(labelled.days):
        expected = _expected(labelled, start, catalogue)
        if expected is None:
            continue
        for end in ends:
            inside = (labelled.days >= start) & (labelled.days < end)
            found += _by_place(labelled, expected, inside, start)
    return found


def _stretches(days: Days) -> Iterator[tuple[int, tuple[int, ...]]]:
    """A first day, and the days before which a stretch from there ends: the next start, the end."""
    if not len(days):
        return
    starts = [int(day) for day in np.quantile(days, STARTS)]
    after_all = int(days.max()) + 1
    for start, following in zip(starts, [*starts[1:], after_all], strict=True):
        yield start, tuple(sorted({following, after_all}))


def _expected(labelled: LabelledRows, start: int, catalogue: Catalogue) -> Floats | None:
    """float64[n]: by what was known before ``start``; 0 where a movement was not likely.

    None when too little was known. The earlier part fits the trees, the later calibrates them.
    """
    before = np.flatnonzero((labelled.days < start) & (labelled.known_on < start))
    fitted, calibrated = np.split(before, [int(0.65 * len(before))])
    for part in (labelled.labels[fitted], labelled.labels[calibrated]):
        if min(part.sum(), len(part) - part.sum()) < FEWEST_TO_LEARN_FROM:
            return None
    text = fit_trees(labelled.rows[fitted], labelled.labels[fitted], catalogue, _TREES)
    margins = TreeModel(text).margins(labelled.rows)
    platt = fit_platt(margins[calibrated], labelled.labels[calibrated])
    probabilities = platt.probabilities(margins)
    likely = probabilities >= LIKELY * labelled.labels[before].mean()
    return np.where(likely, probabilities, 0.0)


def _by_place(
    labelled: LabelledRows, expected: Floats, inside: Flags, start: int
) -> Iterator[Missing]:
    likely = inside & (expected > 0.0)
    for place, there in labelled.at.items():
        here, elsewhere = likely & there, likely & ~there
        expected_elsewhere = float(expected[elsewhere].sum())
        if min(expected[here].sum(), expected_elsewhere) < FEWEST_EXPECTED:
            continue  # by one place alone nobody can tell the place from the times
        # what fell everywhere is no place's doing
        fell = min(1.0, float(labelled.labels[elsewhere].sum()) / expected_elsewhere)
        probabilities = expected[here] * fell
        total = float(probabilities.sum())
        finds = int(labelled.labels[here].sum())
        variance = float((probabilities * (1.0 - probabilities)).sum()) + (SPREAD * total) ** 2
        if total >= FEWEST_EXPECTED:
            yield Missing(
                place=place,
                since=start,
                examined=int(here.sum()),
                finds=finds,
                expected=total,
                deviations=(finds - total) / variance**0.5,
            )
