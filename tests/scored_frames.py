"""Made-up scored frames and findings, so that figures can be worked out by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY
from monitoring import performance, quality
from monitoring.findings import KindFindings, OfTheService
from monitoring.periods import Period
from monitoring.rankings import MODEL
from monitoring.scored import Scored
from monitoring.statistics import incidents, use
from monitoring.statistics.capacity import precision_at_capacity


def scored_frame(rows: Sequence[tuple[str, float, str | None]], **columns: Any) -> pd.DataFrame:
    """One row per (band, probability, outcome or None); ``columns`` replace whole columns."""
    count = len(rows)
    outcomes = pd.Series([outcome for _, _, outcome in rows], dtype="object")
    examined = np.where(outcomes.notna(), 10.0 * MICROS_PER_DAY, np.nan)
    frame = pd.DataFrame(
        {
            "movement": [f"m{number:05d}" for number in range(count)],
            "available_at": np.arange(count, dtype=np.int64),
            "as_of": np.arange(count, dtype=np.int64),
            "simulated": False,
            "live": False,
            "probability": [probability for _, probability, _ in rows],
            "band": [band for band, _, _ in rows],
            "version": pd.array([1] * count, dtype="Int64"),
            "may_have_seen": False,
            "outcome": outcomes,
            "label": outcomes.map({"positive": 1.0, "negative": 0.0}).astype(np.float64),
            "examined_at": examined,
            "outcome_known_at": examined + 2 * MICROS_PER_DAY,
        }
    )
    return frame.assign(**columns)


def findings(kind: str, frame: pd.DataFrame, period: Period, **replaced: Any) -> KindFindings:
    """Everything that follows from ``frame`` alone; no model, no drift, no declared fields."""
    scored = Scored(kind, frame, pd.DataFrame(), None, None)
    found = KindFindings(
        kind=kind,
        served=None,
        scored=scored,
        volumes=performance.volumes(frame),
        rates=performance.find_rates(scored.for_performance),
        top=_top(scored.for_performance),
        outcomes=performance.outcomes(frame),
        lag=performance.label_lag(frame, period.end),
        drift=None,
        missing=quality.missing_shares(kind, [], []),
        checks=quality.failed_checks(kind, []),
        annex=None,
    )
    return found._replace(**replaced)


def _top(frame: pd.DataFrame) -> pd.DataFrame:
    scores, labels = (frame[key].to_numpy(np.float64) for key in ("probability", "label"))
    return precision_at_capacity({MODEL: scores}, labels, np.ones(len(frame)))


def of_the_service(**replaced: Any) -> OfTheService:
    """Of a service that nobody called and nothing happened to."""
    nothing: dict[str, Any] = {
        "kind": [], "band": [], "selected": [], "decided": [], "answers": []
    }  # fmt: skip
    not_whole = pd.DataFrame({"day": [], "status": [], "reason": [], "answers": [], "first": []})
    return OfTheService(
        changes=(),
        calls=use.calls({}),
        scopes=use.unused({}, {}),
        actions=use.actions(pd.DataFrame(nothing)),
        stops=(),
        days=incidents.by_day({}, not_whole),
        reasons=incidents.by_reason(0, not_whole),
        corrections=incidents.corrections([], [], 0, 0),
        finds_reported=0,
        verified=None,
        reviews=(),
        alerts=(),
    )._replace(**replaced)
