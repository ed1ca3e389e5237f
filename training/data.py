"""From the ledger to numbers: everything that one training run learns from and is tested on."""

import hashlib
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import Catalogue, catalogue_for
from features.clock import Micros
from features.history.offline import fill_history
from features.ledger import ErasedCount, MovementDeclared, open_source
from features.retention import erased_so_far
from features.rows import FillHistory, feature_rows
from features.timeline import Timeline, load_timeline
from models.baselines import Rows
from models.card import SliceFacts
from models.unexamined import LoggedChoices
from training.choices import chosen_of
from training.config import TrainingConfig
from training.evaluate import Tested
from training.labels import LABELS, Labelled, NoLabels, matured_labels
from training.splits import Slices, split_by_time

Floats = NDArray[np.float64]
Progress = Callable[[str], None]
_END_OF_TIME = 1 << 62


class Logged(NamedTuple):
    rows: Rows
    """Examined or not, by the instant they became known."""
    log: LoggedChoices
    """Of the same movements, without probabilities."""


class TrainingData(NamedTuple):
    catalogue: Catalogue
    labelled: Labelled
    slices: Slices
    matrix: Floats
    """float64[n, F] of ``labelled``."""
    window: Floats
    """float64[m, F] of all movements between the two boundaries, examined or not."""
    until: Micros
    erased: tuple[ErasedCount, ...]
    """What retention had erased when this was read, of every kind: nothing here knows it."""
    timeline: Timeline
    logged: Logged | None = None
    """Movements of the test window whose choice was logged; None without a log."""

    def rows(self, chosen: NDArray[np.int64]) -> Rows:
        return Rows([self.labelled.movements[at] for at in chosen.tolist()], self.matrix[chosen])

    @property
    def simulated(self) -> bool:
        return bool(self.labelled.simulated.any())

    @property
    def before_test(self) -> NDArray[np.int64]:
        """Row numbers of the fit and calibrate slices together."""
        return np.concatenate([self.slices.fit, self.slices.calibrate])

    @property
    def ever_before_test(self) -> NDArray[np.int64]:
        """As ``before_test``, with the rows of the gaps: history has heard of those too."""
        return np.flatnonzero(self.labelled.as_of < self.slices.test_from)

    def window_movements(self) -> tuple[list[MovementDeclared], NDArray[np.bool_]]:
        """The movements of ``window``, in its order, and whether each was examined."""
        inside = _window(self.timeline, self.catalogue.kind, self.slices)
        outcomes = self.timeline.outcomes
        concluded = outcomes["movement"][outcomes["outcome"].isin(list(LABELS))]
        examined = inside["movement"].isin(concluded).to_numpy(bool)
        return self.timeline.first_declared(inside), examined

    @property
    def logged_matrix(self) -> Floats:
        """float64[k, F] of ``logged``; no row without a log."""
        return self.matrix[:0] if self.logged is None else self.logged.rows.matrix

    def tested(self) -> Tested:
        chosen = self.slices.test
        labels, as_of = self.labelled.labels[chosen], self.labelled.as_of[chosen]
        return Tested(self.rows(chosen), self.catalogue.names, labels, as_of)

    def slice_facts(self) -> list[SliceFacts]:
        found = []
        for name in ("fit", "calibrate", "test"):
            chosen = getattr(self.slices, name)
            as_of, labels = self.labelled.as_of[chosen], self.labelled.labels[chosen]
            found.append(
                SliceFacts(name, int(as_of[0]), int(as_of[-1]), len(labels), int(labels.sum()))
            )
        return found

    @property
    def sha256(self) -> str:
        """Of rows, labels and instants; pseudonyms are left out, so that it is the same wherever
        the same files were ingested."""
        digest = hashlib.sha256("\n".join(self.catalogue.names).encode())
        arrays = (self.labelled.as_of, self.labelled.known_at, self.labelled.labels, self.matrix)
        for array in (*arrays, self.window):
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def gather(
    url: str,
    kind: str,
    options: TrainingConfig,
    until: Micros | None,
    say: Progress,
    fill: FillHistory = fill_history,
    choices: pd.DataFrame | None = None,
) -> TrainingData:
    """
    Args:
        choices: as ``read_choices`` gives them; None without a log.
        fill: who fills the history columns, as for ``feature_rows``.
    """
    say("reading the ledger")
    with closing(open_source(url)) as ledger:
        before = _END_OF_TIME if until is None else until
        timeline = load_timeline(ledger, available_before=before)
        erased = erased_so_far(ledger)
    horizon = just_after_newest(timeline, kind) if until is None else until
    labelled = matured_labels(
        timeline, kind, until=horizon, maturity_days=options.labels.maturity_days
    )
    slices = split_by_time(labelled, options.split, kind)
    attributes = timeline.attributes(kind)
    catalogue = catalogue_for(kind, attributes, two_steps=options.features.two_steps)
    say("building features")
    inside = _window(timeline, kind, slices)
    chosen = None
    beyond = inside.iloc[:0]
    if choices is not None:
        maturity = options.labels.maturity_days
        chosen = chosen_of(
            timeline, choices, kind, since=slices.test_from, until=horizon, maturity_days=maturity
        )
        beyond = chosen.movements
    logged_movements = timeline.first_declared(beyond)
    rows = feature_rows(  # one pass over history for all
        timeline,
        [*labelled.movements, *timeline.first_declared(inside), *logged_movements],
        np.concatenate([labelled.as_of, *(_known_at(part) for part in (inside, beyond))]),
        catalogue,
        fill=fill,
    )
    first_after = len(labelled.movements) + len(inside)
    matrix, window, of_logged = np.split(rows, [len(labelled.movements), first_after])
    logged = None if chosen is None else Logged(Rows(logged_movements, of_logged), chosen.log)
    return TrainingData(
        catalogue, labelled, slices, matrix, window, horizon, erased, timeline, logged
    )


def _window(timeline: Timeline, kind: str, slices: Slices) -> pd.DataFrame:
    """All movements between the two boundaries, examined or not, as of ``Timeline.movements``."""
    movements = timeline.of_kind(kind)
    known = movements["available_at"]
    return movements[(known >= slices.calibrate_from) & (known < slices.test_from)]


def _known_at(movements: pd.DataFrame) -> NDArray[np.int64]:
    return movements["available_at"].to_numpy(np.int64)


def just_after_newest(timeline: Timeline, kind: str) -> Micros:
    both = (timeline.movements, timeline.outcomes)
    newest = np.concatenate([one.loc[one["kind"] == kind, "available_at"] for one in both])
    if not len(newest):
        raise NoLabels(f"the ledger holds no {kind}; run foreland ingest --kind {kind} first")
    return int(newest.max()) + 1
