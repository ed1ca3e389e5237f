"""What a ranking achieved on rows with known outcomes, beside others on the same rows."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.bootstrap import (
    Draws,
    Interval,
    day_block_draws,
    percentile_interval,
    ratio_draws,
)
from models.families import Ablated
from models.groups import GroupResult
from models.metrics import (
    at_capacity,
    at_daily_capacity,
    average_precision,
    brier,
    calibration_error,
    number_at,
    roc_auc,
)
from models.points import PointsRule
from models.proportions import wilson_interval
from models.unexamined import BeyondTheExamined

Floats = NDArray[np.float64]

SHARES = (0.01, 0.02, 0.05, 0.10)
JUDGED_SHARE = 0.05
"""The capacity that intervals and verdicts are about."""
FEWEST_FINDS = 10
"""Below it a slice is shown and not judged."""
MODEL = "model"


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    share: float
    examined: int
    finds: float
    """Expected over random orders of ties."""
    precision: float
    precision_low: float
    precision_high: float
    """Wilson, 95 %."""
    interval: Interval | None
    """Of the precision: day-block bootstrap, 95 %."""
    recall: float | None


class DailyCapacity(msgspec.Struct, frozen=True, kw_only=True):
    """The highest scores of each day, as many a day as the capacity allows."""

    per_day: int
    examined: int
    """Fewer than ``per_day`` times the days where a day had fewer."""
    finds: float
    """Expected over random orders of ties."""
    precision: float
    interval: Interval | None
    """Day-block bootstrap, 95 %."""
    recall: float | None


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """One model or baseline on one set of rows."""

    name: str
    roc_auc: float | None
    roc_auc_interval: Interval | None
    """Day-block bootstrap, 95 %."""
    average_precision: float | None
    average_precision_interval: Interval | None
    precision_interval: Interval | None
    """Day-block bootstrap, 95 %, at ``JUDGED_SHARE``."""
    brier: float | None
    """Of probabilities only; None for a baseline."""
    brier_interval: Interval | None
    calibration_error: float | None
    capacity: tuple[Capacity, ...]
    daily: tuple[DailyCapacity, ...]

    def at(self, share: float) -> Capacity:
        return next(item for item in self.capacity if item.share == share)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Model less baseline, on the same rows and the same resampled days."""

    baseline: str
    roc_auc: Interval | None
    precision: Interval | None


class SliceEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Every ranking on the same rows."""

    rows: int
    finds: int
    days: int
    rankings: tuple[Ranking, ...]
    """The model first; empty when there is no row."""
    differences: tuple[Difference, ...]

    def ranking(self, name: str) -> Ranking:
        return next(item for item in self.rankings if item.name == name)

    def difference(self, baseline: str) -> Difference:
        return next(item for item in self.differences if item.baseline == baseline)

    @property
    def baselines(self) -> tuple[Ranking, ...]:
        return tuple(item for item in self.rankings if item.name != MODEL)

    @property
    def can_be_judged(self) -> bool:
        return min(self.finds, self.rows - self.finds) >= FEWEST_FINDS


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a training run measured on its test slice."""

    all: SliceEvaluation
    unseen: SliceEvaluation
    unseen_by: str
    """What was not seen before the test slice: ``hauliers``, ``ships``, ``goods``."""
    verdict: str
    groups: tuple[GroupResult, ...] = ()
    """Of all tested rows."""
    points: tuple[PointsRule, ...] = ()
    """The rules of the baseline that adds points, as fitted."""
    ablation: tuple[Ablated, ...] = ()
    """Empty where it was not asked for."""
    beyond: BeyondTheExamined | None = None


def evaluate_slice(
    scores: Mapping[str, Floats],
    labels: Floats,
    days: NDArray[np.int64],
    *,
    per_day: Sequence[int] = (),
    seed: int = 1,
) -> SliceEvaluation:
    """
    Args:
        scores: by name, ``MODEL`` first with calibrated probabilities; each float64[n].
        labels: float64[n], 0.0 or 1.0.
        days: int64[n], the day of each row.
        per_day: capacities in examinations a day.
    """
    rankings: list[Ranking] = []
    draws: dict[str, Draws | None] = {}
    if len(labels):
        for name, values in scores.items():
            draws[name] = day_block_draws(
                values, labels, days, share=JUDGED_SHARE, also=SHARES, seed=seed
            )
            daily = tuple(_daily(values, labels, days, number, seed) for number in per_day)
            found = _ranking(name, values, labels, draws[name], daily)
            if name == MODEL:
                error = (values - labels) ** 2
                drawn = ratio_draws(error, np.ones(len(error)), days, seed=seed)
                interval = None if drawn is None else percentile_interval(drawn)
                found = msgspec.structs.replace(found, brier_interval=interval)
            rankings.append(found)
    of_model = draws.get(MODEL)
    return SliceEvaluation(
        rows=len(labels),
        finds=int(labels.sum()),
        days=len(np.unique(days)),
        rankings=tuple(rankings),
        differences=tuple(
            _difference(name, of_model, draws[name]) for name in draws if name != MODEL
        ),
    )


def _ranking(
    name: str,
    scores: Floats,
    labels: Floats,
    draws: Draws | None,
    daily: tuple[DailyCapacity, ...],
) -> Ranking:
    calibrated = name == MODEL
    return Ranking(
        name=name,
        roc_auc=roc_auc(scores, labels),
        roc_auc_interval=percentile_interval(draws.roc_auc) if draws else None,
        average_precision=average_precision(scores, labels),
        average_precision_interval=percentile_interval(draws.average_precision) if draws else None,
        precision_interval=percentile_interval(draws.precision) if draws else None,
        brier=brier(scores, labels) if calibrated else None,
        brier_interval=None,
        calibration_error=calibration_error(scores, labels) if calibrated else None,
        capacity=tuple(
            _capacity(
                scores,
                labels,
                share,
                percentile_interval(draws.precision_also[:, at]) if draws else None,
            )
            for at, share in enumerate(SHARES)
        ),
        daily=daily,
    )


def _capacity(scores: Floats, labels: Floats, share: float, interval: Interval | None) -> Capacity:
    found = at_capacity(scores, labels, number_at(share, len(labels)))
    low, high = wilson_interval(found.finds, found.examined)
    return Capacity(
        share=share,
        examined=found.examined,
        finds=found.finds,
        precision=found.precision,
        precision_low=low,
        precision_high=high,
        interval=interval,
        recall=found.recall,
    )


def _daily(
    scores: Floats, labels: Floats, days: NDArray[np.int64], per_day: int, seed: int
) -> DailyCapacity:
    found = at_daily_capacity(scores, labels, days, per_day)
    drawn = ratio_draws(found.finds, found.examined.astype(np.float64), found.days, seed=seed)
    examined, finds, total = int(found.examined.sum()), float(found.finds.sum()), labels.sum()
    return DailyCapacity(
        per_day=per_day,
        examined=examined,
        finds=finds,
        precision=finds / examined,
        interval=None if drawn is None else percentile_interval(drawn),
        recall=finds / float(total) if total else None,
    )


def _difference(name: str, model: Draws | None, baseline: Draws | None) -> Difference:
    if model is None or baseline is None:
        return Difference(baseline=name, roc_auc=None, precision=None)
    return Difference(
        baseline=name,
        roc_auc=percentile_interval(model.roc_auc - baseline.roc_auc),
        precision=percentile_interval(model.precision - baseline.precision),
    )
