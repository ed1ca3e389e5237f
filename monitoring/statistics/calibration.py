"""Whether probabilities mean what they say, among the movements that were examined.

References:
    Spiegelhalter, D. J. (1986), "Probabilistic prediction in patient management and clinical
    trials", Statistics in Medicine 5(5), 421-433: the z statistic.
    Cox, D. R. (1958), "Two further applications of a model for binary regression", Biometrika
    45(3/4), 562-565: intercept and slope.
    Naeini, M. P., Cooper, G. F. and Hauskrecht, M. (2015), "Obtaining well calibrated
    probabilities using Bayesian binning", section 3: the calibration error.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.calibration import SimilarExaminations
from models.metrics import calibration_bins, calibration_error
from models.proportions import Z_95, wilson_interval
from monitoring.months import judged
from monitoring.performance import FEWEST_EXAMINATIONS
from monitoring.signals import Colour
from monitoring.statistics.chance import rates_alike

Floats = NDArray[np.float64]

AMBER_RATIO, RED_RATIO = 1.5, 2.0
"""Finds over expected finds, or the other way round: half as many again costs officers' trust, and
twice as many moves a movement across a band."""
SURE_Z = 3.2905
"""Standard normal quantile at 0.9995: a colour needs to be 99.9 % sure, since it is asked each
month, for each kind, and one false alarm a year is the most a board should hear."""
UNSURE = 0.001
"""The same certainty for a test of two counts, two-sided."""
FEWEST_OF_A_CLASS = 5
"""A slope from fewer finds, or fewer clean results, is not worth the line."""
BINS = 5
DRAWS = 400
SEED = 20_260_302


class Calibration(NamedTuple):
    """Of examined movements with a probability each."""

    examined: int
    finds: float
    """NaN below :data:`FEWEST_EXAMINATIONS`, as is everything after it."""
    expected: float
    """Mean probability: the find rate that the scores announce."""
    observed: float
    observed_low: float
    observed_high: float
    """95 %, Wilson."""
    ratio: float
    """Finds over expected finds; 1 is right."""
    ratio_low: float
    ratio_high: float
    z: float
    """Spiegelhalter's: beyond 1.96 either way in one of twenty cases if the scores are right."""
    slope: float
    slope_low: float
    slope_high: float
    """Of log-odds; 1 is right, below 1 the scores are too extreme. NaN with few of a class."""


def calibration(probabilities: Floats, labels: Floats) -> Calibration:
    """
    Args:
        probabilities: float64[n] in (0, 1).
        labels: float64[n], 0.0 or 1.0.
    """
    n = len(labels)
    if n < FEWEST_EXAMINATIONS:
        return Calibration(n, *[math.nan] * 12)
    finds, expected = float(labels.sum()), float(probabilities.mean())
    low, high = wilson_interval(finds, n)
    return Calibration(
        n, finds, expected, finds / n, low, high,
        finds / n / expected, low / expected, high / expected,
        spiegelhalter_z(probabilities, labels), *calibration_slope(probabilities, labels),
    )  # fmt: skip


def spiegelhalter_z(probabilities: Floats, labels: Floats) -> float:
    """Standard normal if every probability is right; NaN when none could be wrong.

    >>> round(spiegelhalter_z(np.array([0.2, 0.2, 0.8]), np.array([1.0, 0.0, 1.0])), 3)
    0.577
    """
    away = 1.0 - 2.0 * probabilities
    variance = float(np.sum(away**2 * probabilities * (1.0 - probabilities)))
    return float(np.sum((labels - probabilities) * away)) / math.sqrt(variance or math.nan)


def calibration_slope(probabilities: Floats, labels: Floats) -> tuple[float, float, float]:
    """Slope of the log-odds of a find on those announced, with its 95 % Wald interval.

    Newton's method on logit(y) = a + b logit(p); NaN with few of a class, or when all scores are
    the same.
    """
    unknown = (math.nan,) * 3
    if min(labels.sum(), len(labels) - labels.sum()) < FEWEST_OF_A_CLASS:
        return unknown
    x = np.column_stack([np.ones(len(labels)), logit(np.clip(probabilities, 1e-6, 1 - 1e-6))])
    beta = np.array([0.0, 1.0])
    for _ in range(25):
        fitted = expit(x @ beta)
        information = (x * (fitted * (1.0 - fitted))[:, None]).T @ x
        if np.linalg.cond(information) > 1e12:
            return unknown
        step = np.linalg.solve(information, x.T @ (labels - fitted))
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    error = math.sqrt(np.linalg.inv(information)[1, 1])
    slope = float(beta[1])
    return slope, slope - Z_95 * error, slope + Z_95 * error


def calibration_by_month(months: pd.DataFrame) -> pd.DataFrame:
    """One row per month that has a movement: ``month`` and the fields of :class:`Calibration`."""
    usable = judged(months)
    rows = []
    for month in dict.fromkeys(months["month"]):
        of_month = usable[usable["month"] == month]
        p, y = (of_month[key].to_numpy(np.float64) for key in ("probability", "label"))
        rows.append({"month": month, **calibration(p, y)._asdict()})
    return pd.DataFrame(rows, columns=["month", *Calibration._fields])


class Reliability(NamedTuple):
    bins: pd.DataFrame
    """``scores`` (in words), ``examined``, ``finds``, ``expected``, ``observed`` with interval."""
    examined: int
    error: float
    """Mean distance between expected and observed, weighted by examinations; NaN when few."""
    error_by_chance: float
    """95 % of errors lie below it when every probability is right."""


def reliability(months: pd.DataFrame) -> Reliability:
    """Expected beside observed in bins of rising scores, over all months together."""
    usable = judged(months)
    p, y = (usable[key].to_numpy(np.float64) for key in ("probability", "label"))
    columns = ["scores", "examined", "finds", "expected"]
    columns += ["observed", "observed_low", "observed_high"]
    if len(y) < BINS * FEWEST_EXAMINATIONS:
        return Reliability(pd.DataFrame(columns=columns), len(y), math.nan, math.nan)
    words = ("lowest fifth", "second fifth", "middle fifth", "fourth fifth", "highest fifth")
    rows = [
        (
            name,
            b.rows,
            b.finds,
            b.predicted,
            b.observed,
            *wilson_interval(b.observed * b.rows, b.rows),
        )
        for name, b in zip(words, calibration_bins(p, y, BINS), strict=True)
    ]
    rng = np.random.default_rng(SEED)
    by_chance = [
        calibration_error(p, (rng.random(len(p)) < p).astype(np.float64), BINS)
        for _ in range(DRAWS // 4)
    ]
    error = calibration_error(p, y, BINS)
    bins = pd.DataFrame(rows, columns=columns)
    return Reliability(bins, len(y), error, float(np.quantile(by_chance, 0.95)))


class LearnedFrom(NamedTuple):
    """The examinations that a model was calibrated on."""

    finds: int
    expected: float
    """Finds that the calibrated probabilities announce for them."""


def learned_from(similar: SimilarExaminations) -> LearnedFrom:
    """Of what the bundle keeps about its calibration slice."""
    announced = np.dot(similar.probabilities, similar.examined)
    return LearnedFrom(sum(similar.finds), float(announced))


def not_the_calibration(row: Calibration, calibrated: LearnedFrom) -> float:
    """Chance of so much between a month and the calibration slice, were both of one border.

    A model that was calibrated on twenty finds is off by a quarter before anything changes; the
    exact test of two counts against what was announced for each holds the luck of both.
    """
    if math.isnan(row.finds):
        return math.nan
    announced = row.expected * row.examined
    beside = rates_alike(int(row.finds), announced, calibrated.finds, calibrated.expected)
    return float(beside.either)


def ratio_colour(row: Calibration, calibrated: LearnedFrom | None = None) -> Colour:
    """Amber or red when finds and expected finds are that far apart and it is not chance.

    Args:
        calibrated: None takes the probabilities for exact.

    >>> p, y = np.full(400, 0.1), np.repeat([1.0, 0.0], [90, 310])
    >>> ratio_colour(calibration(p, y)), ratio_colour(calibration(p[:5], y[:5]))
    ('red', 'grey')
    >>> ratio_colour(calibration(p, y), LearnedFrom(finds=9, expected=9.0))
    'green'
    """
    if math.isnan(row.ratio):
        return "grey"
    low, high = wilson_interval(row.finds, row.examined, SURE_Z)
    distance = max(row.ratio, 1.0 / row.ratio if row.ratio else math.inf)
    if low <= row.expected <= high or distance < AMBER_RATIO:
        return "green"
    if calibrated is not None and not not_the_calibration(row, calibrated) < UNSURE:
        return "green"
    return "red" if distance >= RED_RATIO else "amber"
