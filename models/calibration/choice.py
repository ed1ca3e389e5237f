"""Which calibration a slice gets: the one with the lowest loss on what it was not fitted on."""

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.calibration.beta import Beta, fit_beta
from models.calibration.isotonic import Isotonic, fit_isotonic
from models.calibration.platt import Platt, fit_platt
from models.calibration.weights import counted

Floats = NDArray[np.float64]
Calibration = Platt | Beta | Isotonic
"""Margins to probabilities, strictly rising: told apart by the tag ``type`` in JSON."""

FITTERS: dict[str, Callable[[Floats, Floats, Floats | None], Calibration]] = {
    "platt": fit_platt,
    "beta": fit_beta,
    "isotonic": fit_isotonic,
}
"""The simplest first: of equal losses the first wins."""
FOLDS = 5
FEWEST_OF_A_CLASS = 40
"""With fewer finds, or fewer examinations without one, there is no choice: Platt's two numbers."""


class CalibrationChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was chosen and why, for ``metrics.json`` and the model card."""

    chosen: str
    rows: int
    finds: int
    log_losses: dict[str, float]
    """Held out, in nats a row, by the name of the calibration; empty when there was no choice."""


def choose_calibration(
    margins: Floats, labels: Floats, counts: Floats | None = None
) -> tuple[Calibration, CalibrationChoice]:
    """The calibration with the lowest held-out log loss, refitted on every row.

    Args:
        margins: float64[n], finite, by time.
        labels: float64[n], 0.0 or 1.0, both present.
        counts: float64[n], above 0: how often each row counts; once each by default.

    Rows are held out in ``FOLDS`` stretches of time, each once: neighbours in time share hauliers
    and finds, and would tell on each other if they were drawn one by one.
    """
    counts = counted(labels, counts)
    finds = int(labels.sum())
    losses: dict[str, float] = {}
    chosen = "platt"
    if min(finds, len(labels) - finds) >= FEWEST_OF_A_CLASS:
        losses = {name: _held_out_loss(name, margins, labels, counts) for name in FITTERS}
        chosen = min(losses, key=losses.__getitem__)
    choice = CalibrationChoice(chosen=chosen, rows=len(labels), finds=finds, log_losses=losses)
    return FITTERS[chosen](margins, labels, counts), choice


def _held_out_loss(name: str, margins: Floats, labels: Floats, counts: Floats) -> float:
    losses = np.full(len(labels), np.nan)
    for held_out in np.array_split(np.arange(len(labels)), FOLDS):
        rest = np.ones(len(labels), dtype=bool)
        rest[held_out] = False
        if labels[rest].min() == labels[rest].max():
            continue
        fitted = FITTERS[name](margins[rest], labels[rest], counts[rest])
        losses[held_out] = log_losses(fitted.probabilities(margins[held_out]), labels[held_out])
    known = ~np.isnan(losses)
    return float(np.average(losses[known], weights=counts[known]))


def log_losses(probabilities: Floats, labels: Floats) -> Floats:
    """float64[n], minus the logarithm of what was given to what happened, in nats."""
    given = np.where(labels == 1.0, probabilities, 1.0 - probabilities)
    return np.asarray(-np.log(np.maximum(given, 1e-15)), dtype=np.float64)
