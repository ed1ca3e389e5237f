"""Slices by time: the trees are fitted on the first, calibrated on the next, tested on the last."""

from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros, from_micros, to_micros
from features.errors import ForelandError
from training.config import Split
from training.labels import Labelled

FEWEST_LABELS = 10


class SliceTooSmall(ForelandError):
    """A slice cannot be fitted, calibrated or tested on."""


class Slices(NamedTuple):
    """Row numbers of each slice, int64, rising; rows of a gap are in none."""

    fit: NDArray[np.int64]
    calibrate: NDArray[np.int64]
    test: NDArray[np.int64]
    calibrate_from: Micros
    test_from: Micros
    """Midnights, UTC."""


def split_by_time(labelled: Labelled, split: Split, kind: str) -> Slices:
    """
    A row belongs to a slice when its movement became known in it, not in the gap at its end, and
    its outcome before the next slice began: what is fitted on was known when fitting could be.

    Args:
        labelled: rows by rising ``as_of``.

    Raises:
        SliceTooSmall: fewer than ``FEWEST_LABELS`` labels, or one class only.
    """
    calibrate_from, test_from = _boundaries(labelled.as_of, split)
    # test from 2026-03-01, gap 7 days -> calibrate on what became known before 2026-02-22
    gap = split.gap_days * MICROS_PER_DAY
    as_of, known_at = labelled.as_of, labelled.known_at
    fit = (as_of < calibrate_from - gap) & (known_at < calibrate_from)
    calibrate = (as_of >= calibrate_from) & (as_of < test_from - gap) & (known_at < test_from)
    slices = Slices(
        fit=np.flatnonzero(fit),
        calibrate=np.flatnonzero(calibrate),
        test=np.flatnonzero(as_of >= test_from),
        calibrate_from=calibrate_from,
        test_from=test_from,
    )
    _check(slices, labelled, kind)
    return slices


def _boundaries(as_of: NDArray[np.int64], split: Split) -> tuple[Micros, Micros]:
    if split.calibrate_from is not None and split.test_from is not None:
        return _midnight(split.calibrate_from), _midnight(split.test_from)
    # 100 labels, shares 0.2 and 0.2 -> the days of the 61st and the 81st begin the slices
    fit_share = 1.0 - split.calibrate_share - split.test_share
    first = [
        min(len(as_of) - 1, int(len(as_of) * share))
        for share in (fit_share, fit_share + split.calibrate_share)
    ]
    calibrate_from, test_from = (int(as_of[at]) // MICROS_PER_DAY * MICROS_PER_DAY for at in first)
    return calibrate_from, test_from


def _check(slices: Slices, labelled: Labelled, kind: str) -> None:
    for name in ("fit", "calibrate", "test"):
        labels = labelled.labels[getattr(slices, name)]
        finds = int(labels.sum())
        if len(labels) >= FEWEST_LABELS and 0 < finds < len(labels):
            continue
        raise SliceTooSmall(
            f"{kind}: of {len(labelled.labels)} matured labels the {name} slice holds "
            f"{len(labels)}, {finds} of them finds, but needs {FEWEST_LABELS} and both finds and "
            f"none (calibrate from {from_micros(slices.calibrate_from):%Y-%m-%d}, test from "
            f"{from_micros(slices.test_from):%Y-%m-%d}); ingest more outcomes, or move the slices "
            "by [split] of --config"
        )


def _midnight(day: date) -> Micros:
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=UTC))
