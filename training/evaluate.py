"""Model and baselines on the same test rows, all of them and the unseen ones, with a verdict."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY
from models.baselines import MEMORIES, Baseline, Rows, baselines_for, unseen
from models.bootstrap import Interval
from models.evaluation import (
    JUDGED_SHARE,
    MODEL,
    Evaluation,
    Ranking,
    SliceEvaluation,
    evaluate_slice,
)
from models.families import Ablated
from models.groups import evaluate_groups
from models.points import PointsRule, RulesAsPoints
from models.unexamined import BeyondTheExamined

Floats = NDArray[np.float64]


class Comparison(NamedTuple):
    """The model and what it is compared with, on the tested rows."""

    baselines: tuple[Baseline, ...]
    """Fitted."""
    scores: dict[str, Floats]
    """By name, the model's probabilities first; float64[n] each, of the tested rows."""

    @property
    def points(self) -> tuple[PointsRule, ...]:
        tables = (b.table for b in self.baselines if isinstance(b, RulesAsPoints))
        return next(tables, ())


def compare_with_baselines(
    kind: str,
    columns: Sequence[str],
    learned: Rows,
    learned_labels: Floats,
    tested: Rows,
    probabilities: Floats,
) -> Comparison:
    """
    Args:
        columns: names of the columns of the rows.
        learned: what the baselines are fitted on: every labelled row before the test slice, those
            of the calibration slice too, since a memory needs no calibration.
        probabilities: the model's, of ``tested``.
    """
    baselines = (*baselines_for(kind), RulesAsPoints(kind, columns))
    scores = {MODEL: probabilities}
    for baseline in baselines:
        baseline.fit(learned, learned_labels)
        scores[baseline.name] = baseline.scores(tested)
    return Comparison(baselines, scores)


class Tested(NamedTuple):
    """Rows that were not learned from, with what became of them."""

    rows: Rows
    """By rising ``as_of``."""
    columns: Sequence[str]
    labels: Floats
    as_of: NDArray[np.int64]

    @property
    def days(self) -> NDArray[np.int64]:
        days: NDArray[np.int64] = self.as_of // MICROS_PER_DAY
        return days


def evaluate(
    kind: str,
    comparison: Comparison,
    tested: Tested,
    *,
    earlier: Rows,
    simulated: bool,
    seed: int,
    per_day: Sequence[int] = (),
    ablation: tuple[Ablated, ...] = (),
    beyond: BeyondTheExamined | None = None,
) -> Evaluation:
    """Every figure on all tested rows, and on those whose key nobody had seen before.

    Args:
        earlier: every labelled row before the tested ones, learned from or not.
        per_day: capacities in examinations a day.
        ablation: measured on the same rows.
        beyond: what is known of movements that nobody examined.
    """
    scores, labels, days = comparison.scores, tested.labels, tested.days
    new = unseen(kind, earlier.movements, tested.rows.movements)
    everything = evaluate_slice(scores, labels, days, per_day=per_day, seed=seed)
    on_new = evaluate_slice(
        {name: values[new] for name, values in scores.items()},
        labels[new],
        days[new],
        per_day=per_day,
        seed=seed,
    )
    unseen_by = MEMORIES[kind].unseen_name
    verdict = verdict_of(everything, on_new, unseen_by)
    if simulated:
        verdict = f"Simulated data. {verdict}"
    groups = evaluate_groups(
        kind,
        tested.rows,
        tested.columns,
        scores[MODEL],
        labels,
        days,
        share=JUDGED_SHARE,
        seed=seed,
    )
    return Evaluation(
        all=everything,
        unseen=on_new,
        unseen_by=unseen_by,
        verdict=verdict,
        groups=groups,
        points=comparison.points,
        ablation=ablation,
        beyond=beyond,
    )


def verdict_of(everything: SliceEvaluation, on_new: SliceEvaluation, unseen_by: str) -> str:
    """Two plain sentences: at capacity on all rows, and in ranking what was never seen before."""
    return f"{_at_capacity(everything)} {_on_unseen(on_new, unseen_by)}"


def _at_capacity(found: SliceEvaluation) -> str:
    model = found.ranking(MODEL)
    best = max(found.baselines, key=lambda item: item.at(JUDGED_SHARE).precision)
    ours, theirs = model.at(JUDGED_SHARE), best.at(JUDGED_SHARE)
    says = (
        f"Examining the top {JUDGED_SHARE:.0%} ({ours.examined:,} of {found.rows:,} past "
        f"examinations) would have found something in {ours.precision:.0%} of them"
        f"{_within(model.precision_interval, percent=True)}; all of them did in "
        f"{found.finds / found.rows:.0%}, the {best.name} baseline's top {JUDGED_SHARE:.0%} in "
        f"{theirs.precision:.0%}"
    )
    if not found.can_be_judged:
        return f"{says}: too few finds ({found.finds}) to judge."
    compared = _compared(found.difference(best.name).precision)
    return f"{says}: the model is {compared} the {best.name}."


def _on_unseen(found: SliceEvaluation, unseen_by: str) -> str:
    where = f"On {unseen_by} not seen before ({found.rows:,} rows, {found.finds:,} finds)"
    if not found.can_be_judged:
        return f"{where} there is too little to judge."
    model, best = found.ranking(MODEL), _best_by_auc(found.baselines)
    compared = _compared(found.difference(best.name).roc_auc)
    return (
        f"{where} its ROC AUC is {model.roc_auc:.2f}{_within(model.roc_auc_interval)} where 0.5 is "
        f"chance: {compared} the {best.name} ({best.roc_auc:.2f})."
    )


def _best_by_auc(rankings: Sequence[Ranking]) -> Ranking:
    return max(rankings, key=lambda item: item.roc_auc or 0.0)


def _compared(difference: Interval | None) -> str:
    """Of the interval of model less baseline, paired by resampled days."""
    if difference is None:
        return "on too few days to be compared with"
    low, high = difference
    if low > 0.0:
        return "better than"
    return "worse than" if high < 0.0 else "not shown to be better than"


def _within(interval: Interval | None, *, percent: bool = False) -> str:
    if interval is None:
        return ""
    low, high = interval
    return f" ({low:.0%} to {high:.0%})" if percent else f" ({low:.2f} to {high:.2f})"
