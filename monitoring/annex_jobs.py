"""What the report and the annex's process tell each other: a job per kind, and what came of it."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.clock import Micros

SAMPLE_ROWS = 5_000
"""Rows of the reference and of the period that Evidently sees, at most."""
SAMPLE_SEED = 20_260_301
DRIFT_FROM = 0.1
"""PSI on the sample from which a column counts as drifted, Evidently's own threshold for PSI."""
FEWEST_RESULTS = 100
"""A classification page about fewer results would be read for more than it says."""


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Examined movements of one matured month; the matrix is a ``.npy`` file, float64[n, 2]."""

    month: str
    matrix: str
    """Probability and label (1.0, 0.0)."""
    page: str
    threshold: float
    """Band high begins here: from it on Evidently counts a movement as called."""


class AnnexJob(msgspec.Struct, frozen=True, kw_only=True):
    """What the child needs for one kind's pages; matrices are ``.npy`` files, float64[n, C]."""

    kind: str
    period: str
    period_end: Micros
    """The series in the workspace is in the order of these."""
    columns: tuple[str, ...]
    switches: tuple[str, ...]
    """Those columns that are yes or no by the catalogue; the others are numbers."""
    reference: str
    current: str
    results: Results | None
    page: str
    workspace: str
    """Folder of the Evidently workspace; made when it is not there."""
    banner: str | None


class AnnexResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one job."""

    compared: int = 0
    drifted: tuple[str, ...] = ()
    steady: tuple[str, ...] = ()
    """Compared, and not drifted."""
    left_out: tuple[str, ...] = ()
    """Columns without any value in the reference or in the period."""
    tests: int = 0
    """Evidently's own, over drift and data summary."""
    failed_tests: int = 0
    classified: str | None = None
    """Month of the classification page; None when there is none."""
    no_series: str | None = None
    """Why the snapshot is not in the workspace; None when it is."""
    problem: str | None = None
    """Why there is no page; None when there is one."""


def sample(rows: int, limit: int = SAMPLE_ROWS) -> NDArray[np.int64]:
    """Row numbers of the fixed-seed sample, rising; all of them when there are at most ``limit``.

    >>> sample(3)
    array([0, 1, 2])
    """
    if rows <= limit:
        return np.arange(rows)
    return np.sort(np.random.default_rng(SAMPLE_SEED).choice(rows, limit, replace=False))
