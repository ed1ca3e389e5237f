"""What the model is worth before results arrive, from its scores alone, beside what came true.

A probability that is right says how often it will be right. Scores are recalibrated on the results
that had matured before each month began; the month's expected finds and expected ranking follow,
with an interval that holds the chance of the draw and what the recalibration does not know. When
results come and lie outside, something has changed that the scores do not show.

References:
    Białek, J., Kuberski, W., Perrakis, N. and Bifet, A. (2024), "Estimating model performance under
    covariate shift without labels", arXiv:2401.08348: confidence-based estimation (CBPE).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit
from scipy.stats import rankdata

from features.clock import MICROS_PER_DAY
from models.calibration import fit_isotonic
from models.metrics import roc_auc
from monitoring.months import judged
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.signals import Colour
from monitoring.statistics.calibration import SURE_Z
from monitoring.statistics.capacity import top

Floats = NDArray[np.float64]
Recalibrated = Callable[[Floats], Floats]

TOP = 0.10
"""The riskiest tenth: enough results a month for an interval that says something."""
MATURITY_DAYS = 30
"""A result teaches the recalibration of a month when it was examined so long before."""
FEWEST_RESULTS, FEWEST_FINDS = 200, 30
"""From fewer matured results the model's own probabilities are taken as they are."""
MOST_RESULTS = 5_000
"""The latest ones teach; each of the draws fits them again."""
DRAWS, SEED = 200, 20_260_303
AMBER_RATIO, RED_RATIO = 1.5, 2.0
"""Realised over expected finds in the riskiest tenth, or the other way round."""
AMBER_FALL, RED_FALL = 0.10, 0.20
"""Of the AUC below what was expected."""


class Estimate(NamedTuple):
    """One month. Rates are NaN below 10 results, AUCs with one class only."""

    recalibrated_on: int
    """Matured results behind it; 0 when the model's own probabilities were taken."""
    estimated: float
    """Expected find rate in the riskiest tenth of all movements, were all of it examined."""
    results: int
    """Of that tenth."""
    expected: float
    """Expected find rate among those with a result."""
    expected_low: float
    expected_high: float
    """95 % of what may come true when nothing has changed."""
    realised: float
    realised_z: float
    """How many standard deviations of that the realised rate is away."""
    auc_results: int
    """Examined movements whose order is judged."""
    auc_expected: float
    auc_expected_low: float
    auc_expected_high: float
    auc_realised: float
    auc_z: float


def estimated_by_month(months: pd.DataFrame) -> pd.DataFrame:
    """One row per month with movements the model has not learned from: ``month``, ``live``
    (share of them that was scored live), :class:`Estimate`, and ``parted`` (bool): the realised
    find rate or AUC lies outside."""
    usable = judged(months)
    rows = []
    for month in dict.fromkeys(months["month"]):
        of_month = months[
            (months["month"] == month) & months["probability"].notna() & ~months["may_have_seen"]
        ]
        if len(of_month):
            before = _matured(usable, float(of_month["available_at"].min()))
            live = float(np.average(of_month["live"], weights=of_month["stands_for"]))
            rows.append({"month": month, "live": live, **_estimate(of_month, before)._asdict()})
    table = pd.DataFrame(rows, columns=["month", "live", *Estimate._fields])
    outside = [
        (table[f"{key}realised"] < table[f"{key}expected_low"])
        | (table[f"{key}realised"] > table[f"{key}expected_high"])
        for key in ("", "auc_")
    ]
    return table.assign(parted=outside[0] | outside[1])


def _matured(usable: pd.DataFrame, month_began: float) -> pd.DataFrame:
    # a month from 2026-03-01 -> examined before 2026-01-30 and known before 2026-03-01
    examined_before = month_began - MATURITY_DAYS * MICROS_PER_DAY
    known = usable["outcome_known_at"] < month_began
    matured = usable[known & (usable["examined_at"] < examined_before)]
    return matured.sort_values("outcome_known_at", kind="stable").tail(MOST_RESULTS)


def _estimate(of_month: pd.DataFrame, matured: pd.DataFrame) -> Estimate:
    scores = of_month["probability"].to_numpy(np.float64)
    labels = of_month["label"].to_numpy(np.float64)
    within = top(scores, of_month["stands_for"].to_numpy(np.float64), TOP)
    learned = [matured[key].to_numpy(np.float64) for key in ("probability", "label")]
    enough = len(matured) >= FEWEST_RESULTS and learned[1].sum() >= FEWEST_FINDS
    central = _recalibration(*learned) if enough else _as_they_are
    weights = within * of_month["stands_for"].to_numpy(np.float64)
    expected = central(scores)
    estimated = float(weights @ expected / weights.sum())
    seen = ~np.isnan(labels)
    drawn = _draws(scores[seen], within[seen], learned if enough else None)
    rate = _beside(drawn[0], expected_rate(expected[seen], within[seen]))
    auc = _beside(drawn[1], expected_auc(scores[seen], expected[seen]))
    results = round(within[seen].sum())
    realised = math.nan
    if results >= FEWEST_EXAMINATIONS:
        realised = float(within[seen] @ labels[seen] / within[seen].sum())
    else:
        rate = _beside(drawn[0][:0], math.nan)
    realised_auc = roc_auc(scores[seen], labels[seen]) if seen.any() else None
    auc_realised = math.nan if realised_auc is None else realised_auc
    return Estimate(
        len(matured) if enough else 0, estimated,
        results, rate.value, rate.low, rate.high, realised, rate.away(realised),
        int(seen.sum()), auc.value, auc.low, auc.high, auc_realised, auc.away(auc_realised),
    )  # fmt: skip


def _as_they_are(scores: Floats) -> Floats:
    return scores


def _recalibration(scores: Floats, labels: Floats) -> Recalibrated:
    steps = fit_isotonic(_margins(scores), labels)
    return lambda others: steps.probabilities(_margins(others))


def _margins(scores: Floats) -> Floats:
    margins: Floats = logit(np.clip(scores, 1e-9, 1.0 - 1e-9))
    return margins


def expected_rate(probabilities: Floats, within: Floats) -> float:
    """Expected find rate among the rows ``within`` the top; NaN when none is."""
    total = float(within.sum())
    return float(within @ probabilities) / total if total else math.nan


def expected_auc(scores: Floats, probabilities: Floats) -> float:
    """Expected concordant pairs over expected pairs, when each row is a find with its probability.

    Σ p_i (1 - p_j) [s_i > s_j, a tie half] / Σ p_i (1 - p_j) over i ≠ j; NaN without a pair. The
    expectation of the ratio is a little higher (0.002 with 300 rows).
    """
    _, group = np.unique(scores, return_inverse=True)
    p = np.bincount(group, weights=probabilities)
    q = np.bincount(group, weights=1.0 - probabilities)
    alone = np.bincount(group, weights=probabilities * (1.0 - probabilities))
    below = np.cumsum(q) - q
    tied = p * q - alone
    pairs = float(p.sum() * q.sum() - alone.sum()) if len(p) else 0.0
    return float((p * below + 0.5 * tied).sum()) / pairs if pairs > 0 else math.nan


class _Beside(NamedTuple):
    value: float
    low: float
    high: float
    deviation: float

    def away(self, realised: float) -> float:
        """Standard deviations from what was expected; NaN when one of them is not known."""
        return (realised - self.value) / self.deviation if self.deviation else math.nan


def _beside(drawn: Floats, value: float) -> _Beside:
    drawn = drawn[~np.isnan(drawn)]
    if len(drawn) < DRAWS / 2 or math.isnan(value):
        return _Beside(value, math.nan, math.nan, math.nan)
    deviation = float(drawn.std())
    low, high = np.quantile(drawn, [0.025, 0.975])
    return _Beside(value, float(low), float(high), deviation)


def _draws(scores: Floats, within: Floats, learned: list[Floats] | None) -> tuple[Floats, Floats]:
    """Find rates and AUCs that may come true: each time other matured results, then other luck."""
    rng = np.random.default_rng(SEED)
    rates, aucs = np.full(DRAWS, np.nan), np.full(DRAWS, np.nan)
    ranks = rankdata(scores)
    total = within.sum()
    for number in range(DRAWS if len(scores) else 0):
        probabilities = scores
        if learned is not None:
            again = rng.integers(0, len(learned[1]), len(learned[1]))
            if 0 < learned[1][again].sum() < len(again):
                probabilities = _recalibration(learned[0][again], learned[1][again])(scores)
        labels = rng.random(len(scores)) < probabilities
        rates[number] = within @ labels / total if total else np.nan
        finds = int(labels.sum())
        if 0 < finds < len(labels):
            above = ranks[labels].sum() - finds * (finds + 1) / 2
            aucs[number] = above / (finds * (len(labels) - finds))
    return rates, aucs


def rate_colour(row: Estimate) -> Colour:
    """Of one matured month's find rate in the riskiest tenth; grey until it is recalibrated: the
    interval knows nothing of how sure the model's own calibration was."""
    if math.isnan(row.realised_z) or not row.recalibrated_on:
        return "grey"
    ratio = row.realised / row.expected if row.expected else 1.0
    distance = max(ratio, 1.0 / ratio if ratio else math.inf)
    if abs(row.realised_z) < SURE_Z or distance < AMBER_RATIO:
        return "green"
    return "red" if distance >= RED_RATIO else "amber"


def auc_colour(row: Estimate) -> Colour:
    """Of one matured month's ranking: only a fall is a concern; grey until it is recalibrated."""
    if math.isnan(row.auc_z) or not row.recalibrated_on:
        return "grey"
    fall = row.auc_expected - row.auc_realised
    if row.auc_z > -SURE_Z or fall < AMBER_FALL:
        return "green"
    return "red" if fall >= RED_FALL else "amber"
