"""How long results take, and how many of those to come are in already.

Two questions, two kinds of incomplete data. Of *referrals* we know who waits: those without a
result yet are censored, and the product-limit curve counts them for as long as they have waited.
Of *examinations* we hear only with their result: late ones are missing altogether (truncated), so
the share that is known by now comes from how late earlier results were.

References:
    Kaplan, E. L. and Meier, P. (1958), "Nonparametric estimation from incomplete observations",
    JASA 53(282), 457-481.
    Kalbfleisch, J. D. and Prentice, R. L. (2002), "The statistical analysis of failure time data",
    second edition, section 1.4: Greenwood's variance on the scale of log(-log).
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros
from models.proportions import Z_95, wilson_interval
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.signals import Colour
from training.delays import share_known

Floats = NDArray[np.float64]

MATURE_FROM = 0.9
"""A month is judged once so large a share of its results, and of its finds, is expected to be in:
finds take longer than clean results, so an early look sees too few of them."""
AMBER_BELOW, RED_BELOW = 0.5, 0.25
"""Of the results of the month before the period's: below half, a report is about too little."""
LEAST_SHARE = 0.05
"""One early result never stands for more than twenty."""


def kaplan_meier(days: Floats, ended: NDArray[np.bool_]) -> pd.DataFrame:
    """The share still waiting after each number of days on which a wait ended.

    Args:
        days: float64[n], at least 0: until the result, or until now for those who wait.
        ended: bool[n], False for those who wait still (censored).

    Returns:
        Columns ``days`` (rising), ``at_risk``, ``ended``, ``waiting``, ``waiting_low``,
        ``waiting_high`` (95 %, log(-log)). The first row is day 0, when all wait.
    """
    times, ends = np.unique(days[ended], return_counts=True)
    at_risk = len(days) - np.searchsorted(np.sort(days), times, side="left")
    waiting = np.cumprod(1.0 - ends / at_risk)
    left = at_risk - ends
    variance = np.cumsum(ends / (at_risk * np.where(left, left, np.nan)))  # Greenwood
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z_95 * np.sqrt(variance) / np.log(waiting)
        low, high = waiting ** np.exp(-half), waiting ** np.exp(half)
    begin = {"days": 0.0, "at_risk": len(days), "ended": 0, "waiting": 1.0}
    curve = pd.DataFrame(
        {
            "days": times,
            "at_risk": at_risk,
            "ended": ends,
            "waiting": waiting,
            "waiting_low": np.where(left, low, np.nan),
            "waiting_high": np.where(left, high, np.nan),
        }
    )
    start = pd.DataFrame([begin | {"waiting_low": 1.0, "waiting_high": 1.0}])
    return pd.concat([start, curve], ignore_index=True) if len(curve) else start


def days_until(curve: pd.DataFrame, share: float) -> float:
    """Days after which at least ``share`` have ended; NaN while fewer have."""
    reached = curve["days"][curve["waiting"] <= 1.0 - share + 1e-12]
    return float(reached.iloc[0]) if len(reached) else math.nan


def referral_waits(
    choices: pd.DataFrame, outcome_known_at: pd.Series, as_of: Micros
) -> pd.DataFrame:
    """The curve from a movement's first referral to its outcome; who has none yet waits.

    Args:
        choices: one kind's rows of ``serving.choices.read_logged_choices``.
        outcome_known_at: microseconds by movement.
    """
    referred = choices[choices["referred"]].drop_duplicates("movement")
    since = referred["available_at"].to_numpy(np.float64)
    known = referred["movement"].map(outcome_known_at).to_numpy(np.float64)
    ended = known < as_of
    until = np.where(ended, known, float(as_of))
    return kaplan_meier(np.maximum(until - since, 0.0) / MICROS_PER_DAY, ended)


def maturity_by_month(months: pd.DataFrame, as_of: Micros) -> pd.DataFrame:
    """How many of each month's results are in.

    Returns:
        One row per month: ``month``, ``known`` (results that are in), ``expected`` (in the end),
        ``share`` with its 95 % interval (Wilson, of ``expected``), ``share_of_finds``, ``matured``
        (bool). The shares are NaN below :data:`FEWEST_EXAMINATIONS` results.
    """
    known = months[months["label"].notna() & (months["outcome_known_at"] < as_of)]
    stand_for = _stand_for(known, as_of)
    rows = []
    for month in dict.fromkeys(months["month"]):
        of_month = (known["month"] == month).to_numpy()
        found = of_month & (known["label"] == 1.0).to_numpy()
        rows.append((month, *_share(stand_for[of_month]), _share(stand_for[found])[2]))
    columns = ["month", "known", "expected", "share", "share_low", "share_high", "share_of_finds"]
    table = pd.DataFrame(rows, columns=columns)
    finds = table["share_of_finds"].fillna(1.0)  # too few finds to tell
    return table.assign(matured=(table["share"] >= MATURE_FROM) & (finds >= MATURE_FROM))


def _stand_for(known: pd.DataFrame, as_of: Micros) -> Floats:
    """float64[n], at least 1: the results, known or not, that each known one stands for."""
    examined, at, label = (
        known[key].to_numpy(np.float64) for key in ("examined_at", "outcome_known_at", "label")
    )
    delay = np.maximum(at - examined, 0.0).astype(np.int64)
    age = np.maximum(float(as_of) - examined, delay).astype(np.int64)
    weights = np.ones(len(known))
    for kept in (label == 0.0, label == 1.0):
        if kept.any():
            weights[kept] = 1.0 / np.maximum(share_known(delay[kept], age[kept]), LEAST_SHARE)
    return weights


def _share(stand_for: Floats) -> tuple[int, float, float, float, float]:
    n = len(stand_for)
    if n < FEWEST_EXAMINATIONS:
        return n, math.nan, math.nan, math.nan, math.nan
    expected = float(stand_for.sum())
    low, high = wilson_interval(n, round(expected))
    return n, expected, n / expected, low, high


def maturity_colour(share: float) -> Colour:
    """Of the month before the period.

    >>> maturity_colour(0.97), maturity_colour(0.4), maturity_colour(float("nan"))
    ('green', 'amber', 'grey')
    """
    if math.isnan(share):
        return "grey"
    return "red" if share < RED_BELOW else "amber" if share < AMBER_BELOW else "green"
