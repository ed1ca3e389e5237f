"""From a feature row and a bundle to an assessment: pure, no clock, no file, no socket.

The one rule that is not arithmetic: **never a silent low**. When anything was stale or missing,
what would be ``low`` is ``medium``, and the reasons for it travel with the answer.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros, iso
from models.bands import Band, band_of
from models.bundle import Bundle
from models.calibration import interval_around
from models.reasons import Reason, reasons_for
from models.threats import THREATS
from serving.vocabulary import HISTORY_MAX_AGE_DAYS, Explain, Status

REFERRED: frozenset[Band] = frozenset({"high", "medium"})
MOST_REASONS = 5
MOST_THREATS = 3


class Assessment(NamedTuple):
    """What the model and its circumstances say about one movement."""

    status: Status
    degraded: tuple[str, ...]
    """What was stale, missing or refused, each as ``code: sentence``."""
    probability: float | None
    """Probability of a find if examined; None when unassessed."""
    similar: tuple[int, int] | None
    """Finds and examinations of the calibration period at a like probability."""
    interval: tuple[float, float] | None
    """In which the find rate of those lies, 95 %."""
    band: Band
    reasons: tuple[Reason, ...]
    threats: tuple[tuple[str, float], ...] = ()
    """The likeliest, with their probability given a find; where there are reasons."""


def assess(
    bundle: Bundle | None,
    row: NDArray[np.float64] | None,
    *,
    degraded: Sequence[str] = (),
    explain: Explain = "referred",
    probability: float | None = None,
) -> Assessment:
    """
    Args:
        bundle: the model of the movement's kind; None when none is served.
        row: float64[F] in the catalogue's order; None when it could not be computed.
        degraded: what was stale or missing when ``row`` was computed.
        explain: reasons for bands high and medium, for every band, or none.
        probability: ``bundle.probabilities(row)`` when a batch has computed it already.

    >>> assess(None, None, degraded=("no_model: none is promoted",)).band
    'unassessed'
    """
    reasons_why = tuple(degraded)
    if bundle is None or row is None:
        return Assessment("unassessed", reasons_why, None, None, None, "unassessed", ())
    if probability is None:
        probability = float(bundle.probabilities(row[np.newaxis, :])[0])
    if not math.isfinite(probability):
        broken = "model_failed: the model gave no number for this row"
        return Assessment("unassessed", (*reasons_why, broken), None, None, None, "unassessed", ())
    band = band_of(probability, bundle.thresholds)
    if reasons_why and band == "low":  # never a silent low
        band = "medium"
    explained = explain == "always" or (explain == "referred" and band in REFERRED)
    finds, examined = bundle.similar(probability)
    return Assessment(
        status="degraded" if reasons_why else "scored",
        degraded=reasons_why,
        probability=probability,
        similar=(finds, examined),
        interval=interval_around(probability, finds, examined),
        band=band,
        reasons=tuple(reasons_for(bundle, row, limit=MOST_REASONS)) if explained else (),
        threats=_likeliest_threats(bundle, row) if explained else (),
    )


def _likeliest_threats(bundle: Bundle, row: NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
    (shares,) = bundle.threats(row[np.newaxis, :]).tolist()
    ranked = sorted(zip(THREATS, shares, strict=True), key=lambda item: -item[1])
    return tuple(ranked[:MOST_THREATS])


def history_problem(kind: str, newest: Micros | None, as_of: Micros) -> str | None:
    """Why history cannot be trusted at ``as_of``; None when it can.

    ``newest`` is when the kind's newest outcome was known. Movements do not count: the one that is
    being scored would make any history look fresh to the next.

    >>> history_problem("vessel", None, 0)
    'history_missing: the ledger holds no vessel outcome that was known by then'
    """
    if newest is None:
        return f"history_missing: the ledger holds no {kind} outcome that was known by then"
    # as_of day 40, newest day 4 -> 36 days without an outcome, one too many
    if as_of - newest > HISTORY_MAX_AGE_DAYS * MICROS_PER_DAY:
        return (
            f"history_stale: newest {kind} outcome is from {iso(newest)}, "
            f"more than {HISTORY_MAX_AGE_DAYS} days before"
        )
    return None
