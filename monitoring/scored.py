"""The movements of a period with their scores and outcomes: the frame every figure is made from.

A movement that was scored live keeps the answer that was given, the last one before the period
ended. One that never was is *back-scored*: by the bundle that serves now, as first declared, from
what was known when the movement became known (``as_of`` is its ``available_at``). Back-scored
movements from before ``trained_until`` may have been learned from, so they count in no figure of
performance.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import Micros
from features.rows import feature_rows
from features.timeline import Timeline
from models.bands import band_of
from models.bundle import Bundle
from monitoring.periods import Period

LABELS = {"positive": 1.0, "negative": 0.0}


class Scored(NamedTuple):
    """One kind's movements of one period, in order of ``available_at`` then pseudonym.

    ``frame`` has one row per movement: ``movement``, ``available_at``, ``as_of`` (microseconds),
    ``simulated``, ``live`` (bool), ``probability`` (NaN when unassessed), ``band``, ``version``
    (Int64), ``may_have_seen`` (bool), ``outcome`` (missing when none is known), ``label`` (1.0,
    0.0, NaN), ``examined_at`` and ``outcome_known_at`` (microseconds as float, NaN when none).
    """

    kind: str
    frame: pd.DataFrame
    movements: pd.DataFrame
    """The rows of ``timeline.movements`` behind ``frame``, in the same order."""
    rows: NDArray[np.float64] | None
    """Feature rows, float64[n, F]; None without a bundle."""
    earlier_rows: NDArray[np.float64] | None
    """Feature rows of the earlier movements that were asked for, each as of its own time."""

    @property
    def for_performance(self) -> pd.DataFrame:
        """The frame without movements that the model may have learned from."""
        return self.frame[~self.frame["may_have_seen"]]


def movements_between(timeline: Timeline, kind: str, start: int, end: int) -> pd.DataFrame:
    """Movements of a kind with ``start <= available_at < end``, ordered, index from 0."""
    movements = timeline.of_kind(kind)
    known = movements["available_at"].to_numpy(np.int64)
    chosen = movements[(known >= start) & (known < end)]
    return chosen.sort_values(["available_at", "movement"], kind="stable").reset_index(drop=True)


def score_period(
    timeline: Timeline,
    assessments: pd.DataFrame,
    bundle: Bundle | None,
    kind: str,
    period: Period,
    earlier: pd.DataFrame | None = None,
) -> Scored:
    """Every movement of ``kind`` that became known in ``period``; the frame may be empty.

    Args:
        assessments: as ``serving.audit.read_assessments`` gives them.
        bundle: what serves now; None leaves movements that were not scored live unassessed.
        earlier: rows of ``timeline.movements`` to compare the period with.
    """
    movements = movements_between(timeline, kind, period.start, period.end)
    frame = _answered(movements, assessments, kind, period.end)
    rows = earlier_rows = None
    if bundle is not None and len(frame):
        rows, earlier_rows = _rows(timeline, bundle, movements, frame["as_of"].to_numpy(), earlier)
    frame = _judgeable(frame, rows, bundle, _outcomes(timeline, kind))
    return Scored(kind, frame, movements, rows, earlier_rows)


def score_earlier(
    timeline: Timeline,
    assessments: pd.DataFrame,
    bundle: Bundle | None,
    kind: str,
    earlier: pd.DataFrame,
    rows: NDArray[np.float64] | None,
    until: Micros,
) -> pd.DataFrame:
    """The frame of :class:`Scored` for chosen movements, further columns kept.

    Args:
        earlier: rows of ``timeline.movements``.
        rows: float64[n, F], each as of its movement's ``available_at``; None without a bundle.
        until: the last answer recorded before it counts.
    """
    frame = _answered(earlier, assessments, kind, until)
    further = earlier.columns.difference([*frame.columns, *timeline.movements.columns])
    frame[list(further)] = earlier[list(further)].to_numpy()
    frame = frame.astype({name: earlier[name].dtype for name in further})
    return _judgeable(frame, rows, bundle, _outcomes(timeline, kind))


def _answered(
    movements: pd.DataFrame, assessments: pd.DataFrame, kind: str, until: Micros
) -> pd.DataFrame:
    """One row per movement, in the same order, with the last answer before ``until`` if any."""
    frame = movements[["movement", "available_at", "simulated"]].copy()
    frame = frame.merge(last_answers(assessments, kind, until), on="movement", how="left")
    frame["live"] = frame["band"].notna()
    frame["as_of"] = frame["as_of"].fillna(frame["available_at"]).astype(np.int64)
    return frame


def _judgeable(
    frame: pd.DataFrame,
    rows: NDArray[np.float64] | None,
    bundle: Bundle | None,
    outcomes: pd.DataFrame,
) -> pd.DataFrame:
    """With a score wherever there is a model, whether it may have been learned from, outcomes."""
    frame["may_have_seen"] = False
    if bundle is not None and rows is not None:
        _back_score(frame, rows, bundle)
    if bundle is not None:
        frame["may_have_seen"] = ~frame["live"] & (
            frame["available_at"] < bundle.manifest.trained_until
        )
    frame["band"] = frame["band"].fillna("unassessed")
    return _with_outcomes(frame, outcomes)


def _outcomes(timeline: Timeline, kind: str) -> pd.DataFrame:
    return timeline.outcomes[timeline.outcomes["kind"] == kind]


def _rows(
    timeline: Timeline,
    bundle: Bundle,
    movements: pd.DataFrame,
    as_of: NDArray[np.int64],
    earlier: pd.DataFrame | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows of the period and of ``earlier``, in one pass over history."""
    payloads = timeline.first_declared(movements)
    if earlier is not None:
        payloads += timeline.first_declared(earlier)
        as_of = np.concatenate([as_of, earlier["available_at"].to_numpy(np.int64)])
    rows = feature_rows(timeline, payloads, as_of, bundle.catalogue)
    return rows[: len(movements)], rows[len(movements) :]


def last_answers(assessments: pd.DataFrame, kind: str, until: Micros) -> pd.DataFrame:
    """One row per movement: the last answer recorded before ``until``.

    Of a version that was assessed again the first answer counts: what became known afterwards
    would make the model look better than whoever asked it could know.
    """
    chosen = (assessments["kind"] == kind) & (assessments["available_at"] < until)
    answers = assessments[chosen & (assessments["assessment"] == 1)]
    answers = answers.drop_duplicates("movement", keep="last")
    columns = {
        "as_of": "Int64",
        "probability": "float64",
        "band": "object",
        "version": "Int64",
    }
    return answers[["movement", *columns]].astype(columns)


def _back_score(frame: pd.DataFrame, rows: NDArray[np.float64], bundle: Bundle) -> None:
    todo = ~frame["live"].to_numpy(bool)
    if not todo.any():
        return
    probabilities = bundle.probabilities(rows[todo])
    frame.loc[todo, "probability"] = probabilities
    frame.loc[todo, "band"] = [band_of(float(p), bundle.thresholds) for p in probabilities]
    frame.loc[todo, "version"] = bundle.version


def _with_outcomes(frame: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    known = outcomes[["movement", "examined_at", "available_at", "outcome"]].rename(
        columns={"available_at": "outcome_known_at"}
    )
    merged = frame.merge(known, on="movement", how="left", validate="one_to_one")
    merged["label"] = merged["outcome"].map(LABELS).astype(np.float64)
    return merged.astype({"examined_at": np.float64, "outcome_known_at": np.float64})
