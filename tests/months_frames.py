"""Made-up months with a known truth, and what a report makes of them."""

from typing import Any

import numpy as np
import pandas as pd

from features.clock import MICROS_PER_DAY
from monitoring.months import COLUMNS
from monitoring.over_time import OverTime
from monitoring.periods import Period, parse_period
from monitoring.statistics.calibration import calibration_by_month, reliability
from monitoring.statistics.estimation import estimated_by_month
from monitoring.statistics.lag import kaplan_meier, maturity_by_month
from monitoring.statistics.prior import find_rate_by_month
from monitoring.statistics.referrals import referrals
from tests.scored_frames import scored_frame

MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04", "2026-05")
MAY = parse_period("2026-05")


def world(
    seed: int,
    *,
    truth_of_may: float = 1.0,
    noise_of_may: float = 0.0,
    announced: float = 1.0,
    learned_until: int = 0,
) -> pd.DataFrame:
    """Five months, results after two days. In May finds come ``truth_of_may`` times as often, or
    a share of them has nothing to do with the score; scores announce ``announced`` times the truth.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for number, month in enumerate(MONTHS):
        truth = rng.beta(1, 9, 1_500)
        scores = np.clip(truth * announced, 0.001, 0.999)
        if month == MONTHS[-1]:
            truth = np.minimum(truth * truth_of_may, 1.0)
            lost = rng.random(len(truth)) < noise_of_may
            truth = np.where(lost, truth.mean(), truth)
        labels = (rng.random(len(truth)) < truth).astype(np.float64)
        labels[rng.random(len(truth)) < 0.4] = np.nan  # nobody looked
        start = parse_period(month).start
        frame = scored_frame([("low", p, None) for p in scores], label=labels)
        at = start + rng.integers(0, 28 * MICROS_PER_DAY, len(truth))
        parts.append(
            frame.assign(
                month=month,
                stands_for=1.0,
                available_at=at,
                examined_at=at.astype(np.float64),
                outcome_known_at=at + 2.0 * MICROS_PER_DAY,
                may_have_seen=number < learned_until,
            )[list(COLUMNS)]
        )
    return pd.concat(parts, ignore_index=True)


def over_time_of(months: pd.DataFrame, period: Period = MAY, **replaced: Any) -> OverTime:
    """As ``monitoring.over_time`` makes it, long after the period; no choices and no model."""
    maturity = maturity_by_month(months, period.end + 400 * MICROS_PER_DAY)
    matured = frozenset(maturity["month"][maturity["matured"]])
    made = OverTime(
        maturity=maturity,
        waits=kaplan_meier(np.empty(0), np.empty(0, dtype=bool)),
        referrals=referrals(choices(0, "none"), pd.Series(dtype=np.float64), period),
        calibration=calibration_by_month(months),
        reliability=reliability(months[months["month"].isin(matured)]),
        estimated=estimated_by_month(months),
        prior=find_rate_by_month(months.assign(company=np.arange(len(months))), matured),
        weekly=None,
        moved=None,
        classifier=None,
        latest=None,
    )
    return made._replace(**replaced)


def choices(count: int, reason: str, first: int = 0, period: Period = MAY) -> pd.DataFrame:
    """As ``serving.choices.read_logged_choices`` gives them: one a movement, from the period."""
    return pd.DataFrame(
        {
            "movement": [f"m{first + number}" for number in range(count)],
            "available_at": period.start + np.arange(count, dtype=np.int64),
            "logged": True,
            "referred": reason != "none",
            "reason": reason,
            "exploration": 0.001,
        }
    )
