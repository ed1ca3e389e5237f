"""How one kind's model does over the months: everything that ``monitoring.months`` leads to."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.timeline import Timeline
from models.bundle import Bundle
from monitoring import months as of_months
from monitoring.companies import classes_of, companies_of
from monitoring.periods import Period
from monitoring.scored import Scored, score_earlier
from monitoring.statistics.calibration import (
    LearnedFrom,
    Reliability,
    calibration_by_month,
    learned_from,
    reliability,
)
from monitoring.statistics.classifier import DomainClassifier, tell_apart
from monitoring.statistics.estimation import estimated_by_month
from monitoring.statistics.gradual import gradual_changes
from monitoring.statistics.lag import maturity_by_month, referral_waits
from monitoring.statistics.prior import find_rate_by_month
from monitoring.statistics.referrals import Referrals, referrals
from monitoring.statistics.weekly import (
    Moved,
    ordinary_spread,
    recent_scores,
    scores_by_week,
    scores_moved,
)


class OverTime(NamedTuple):
    """Frames as the functions of ``monitoring.statistics`` return them."""

    maturity: pd.DataFrame
    waits: pd.DataFrame
    referrals: Referrals
    calibration: pd.DataFrame
    reliability: Reliability
    estimated: pd.DataFrame
    prior: pd.DataFrame
    weekly: pd.DataFrame | None
    """None without a model."""
    moved: Moved | None
    """None without a model, or without earlier months that it has not learned from."""
    classifier: DomainClassifier | None
    """None without a model."""
    latest: "LatestResults | None"
    """None before a month has matured that the model has not learned from."""
    gradual: pd.DataFrame | None = None
    """What is declared, week by week, the months before included; None without a model."""
    calibrated: LearnedFrom | None = None
    """What the model was calibrated on; None without a model."""

    @property
    def matured(self) -> frozenset[str]:
        """Months of which nearly all results are in."""
        return frozenset(self.maturity["month"][self.maturity["matured"]])


class LatestResults(NamedTuple):
    """Examined movements of the latest matured month."""

    month: str
    matrix: NDArray[np.float64]
    """float64[n, 2]: probability and label."""


class Earlier(NamedTuple):
    """What the period is compared with."""

    months: pd.DataFrame
    """As ``monitoring.months.movements_of_earlier_months`` gives them."""
    rows: NDArray[np.float64] | None
    """Their feature rows; None without a model."""
    reference: NDArray[np.float64] | None
    """Feature rows of a sample from before the period, or before the end of training."""


def over_time(
    timeline: Timeline,
    assessments: pd.DataFrame,
    choices: pd.DataFrame,
    bundle: Bundle | None,
    scored: Scored,
    earlier: Earlier,
    period: Period,
) -> OverTime:
    """
    Args:
        assessments: as ``serving.audit.read_assessments`` gives them.
        choices: as ``serving.choices.read_logged_choices`` gives them, earlier ones too.
    """
    kind, as_of = scored.kind, timeline.available_before
    before = score_earlier(
        timeline, assessments, bundle, kind, earlier.months, earlier.rows, period.start
    )
    months = of_months.with_the_period(before, scored.frame, period)
    declared = timeline.of_kind(kind).set_index("movement")["payload"]
    months = months.assign(company=companies_of(list(declared.reindex(months["movement"])), kind))
    maturity = maturity_by_month(months, as_of)
    mine = choices[choices["kind"] == kind]
    by_movement = scored.frame.set_index("movement")
    weekly = moved = classifier = gradual = None
    if bundle is not None and scored.rows is not None and earlier.reference is not None:
        recent = recent_scores(months, period.name)
        weekly = scores_by_week(recent or bundle.reference.score, scored.frame)
        if recent:
            moved = scores_moved(recent, scored.frame, ordinary_spread(months, period.name))
        classifier = tell_apart(bundle, earlier.reference, scored.rows)
        gradual = _gradual(bundle, declared, before, earlier.rows, scored)
    matured = frozenset(maturity["month"][maturity["matured"]])
    return OverTime(
        maturity=maturity,
        waits=referral_waits(mine, _known_at(timeline, kind), as_of),
        referrals=referrals(mine, by_movement["label"], period),
        calibration=calibration_by_month(months),
        reliability=reliability(months[months["month"].isin(matured)]),
        estimated=estimated_by_month(months),
        prior=find_rate_by_month(months, matured),
        weekly=weekly,
        moved=moved,
        classifier=classifier,
        latest=_latest(months[months["month"].isin(matured)]),
        gradual=gradual,
        calibrated=learned_from(bundle.calibrated_on) if bundle is not None else None,
    )


def _gradual(
    bundle: Bundle,
    declared: pd.Series,
    before: pd.DataFrame,
    rows: NDArray[np.float64] | None,
    scored: Scored,
) -> pd.DataFrame | None:
    if rows is None or scored.rows is None:
        return None
    both = pd.concat([before, scored.frame.assign(stands_for=1.0)])
    return gradual_changes(
        bundle.catalogue,
        np.vstack([rows, scored.rows]),
        both["available_at"].to_numpy(np.int64),
        both["stands_for"].to_numpy(np.float64),
        classes_of(list(declared.reindex(both["movement"])), scored.kind),
    )


def _latest(months: pd.DataFrame) -> LatestResults | None:
    usable = of_months.judged(months)
    if usable.empty:
        return None
    month = str(usable["month"].iloc[-1])
    latest = usable[usable["month"] == month]
    return LatestResults(month, latest[["probability", "label"]].to_numpy(np.float64))


def _known_at(timeline: Timeline, kind: str) -> "pd.Series[int]":
    mine = timeline.outcomes[timeline.outcomes["kind"] == kind]
    return mine.set_index("movement")["available_at"]
