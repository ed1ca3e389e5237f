"""The checks behind the alarms: arithmetic on columns, scores and labels, with stated limits."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from models.alarms import Alarm
from models.metrics import average_precision, roc_auc
from models.proportions import Z_95

Floats = NDArray[np.float64]

FEWEST = 10
"""Rows of each class that a check needs; with fewer it says that it cannot tell."""
HIGHEST_AUC = 0.95
"""Of a single column, at the lower end of its 95 % interval. Where offenders come back, an honest
history has up to 0.93 on the simulated border; what an examination wrote has nearly 1."""
HIGHEST_GAIN = 0.50
"""Of the average precision of a single column that is no history of the kind's own entities: the
share of the way from chance to perfect. It sees what is written into half of the finds only, which
an AUC does not."""
CLOSEST_TO_DELAY = 0.80
"""Absolute rank correlation of a column with how long the outcome was still to come."""
HIGHEST_AUC_OF_EXAMINED = 0.95
"""Of an attribute, at telling which movements were examined."""
WIDEST_GAP = 0.15
"""Between ROC AUCs, at the end of the 95 % interval that is nearer to 0."""


class Fit(NamedTuple):
    """Scores and labels of the same rows, float64[n] each; any increasing scale."""

    scores: Floats
    labels: Floats

    @property
    def can_be_judged(self) -> bool:
        finds = int(self.labels.sum())
        return min(finds, len(self.labels) - finds) >= FEWEST

    @property
    def auc(self) -> float:
        return roc_auc(self.scores, self.labels) or 0.5

    @property
    def variance_of_auc(self) -> float:
        finds = float(self.labels.sum())
        return auc_variance(self.auc, finds, len(self.labels) - finds)


def auc_variance(a: float, finds: float, clean: float) -> float:
    """Of a ROC AUC ``a`` from so many rows of each class.

    References:
        Hanley, J. A. and McNeil, B. J. (1982), "The meaning and use of the area under a ROC
        curve", Radiology 143(1), equation 1, Q1 and Q2 by the exponential model.
    """
    q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
    spread = a * (1 - a) + (finds - 1) * (q1 - a**2) + (clean - 1) * (q2 - a**2)
    return spread / (finds * clean)


def feature_too_good(
    names: Sequence[str], memories: Sequence[bool], rows: Floats, labels: Floats
) -> Alarm:
    """No single column ranks finds as only knowledge of the result could.

    Args:
        names: of the columns.
        memories: of each column, whether it is the history of an entity that may come back; one
            find in the past may tell the next, so that only its ROC AUC is judged.
        rows: float64[n, F], later than what was fitted on; NaN is missing.
        labels: float64[n], 0.0 or 1.0.
    """
    name = "feature_too_good"
    if not Fit(labels, labels).can_be_judged:
        return _cannot_tell(name, f"{int(labels.sum())} finds in {len(labels):,} rows")
    found = [_alone(column, rows[:, at], labels) for at, column in enumerate(names)]
    telling = [it for it, memory in zip(found, memories, strict=True) if not memory]
    guilty = [it.name for it in found if it.lowest_auc >= HIGHEST_AUC]
    guilty += [it.name for it in telling if it.gain >= HIGHEST_GAIN and it.name not in guilty]
    by_auc, by_gain = max(found, key=lambda it: it.auc), max(telling, key=lambda it: it.gain)
    said = (
        f"alone on {len(labels):,} later rows, {by_auc.name} has the highest ROC AUC, "
        f"{by_auc.auc:.2f} (at least {by_auc.lowest_auc:.2f}; limit {HIGHEST_AUC:.2f}), and "
        f"{by_gain.name}, of what is no memory, goes furthest from chance to a perfect average "
        f"precision, {by_gain.gain:.0%} (limit {HIGHEST_GAIN:.0%})"
    )
    if guilty:
        said += f"; too good: {_few(guilty)}. Was it written after the examination?"
    return Alarm(name=name, failed=bool(guilty), sentence=said)


class _Alone(NamedTuple):
    name: str
    auc: float
    lowest_auc: float
    """The lower end of its 95 % interval."""
    gain: float
    """Of the average precision: 0 is chance, 1 perfect."""


def _alone(name: str, values: Floats, labels: Floats) -> _Alone:
    """A column by itself, in whichever order it ranks best."""
    orders, chance, finds = _orders(values), float(labels.mean()), float(labels.sum())
    auc = max((roc_auc(order, labels) or 0.0 for order in orders), default=0.5)
    precision = max((average_precision(it, labels) or 0.0 for it in orders), default=chance)
    half = Z_95 * float(np.sqrt(auc_variance(auc, finds, len(labels) - finds)))
    return _Alone(name, auc, auc - half, (precision - chance) / (1.0 - chance))


def known_too_late(
    differing: Sequence[str],
    compared: int,
    delays: Mapping[str, float],
) -> Alarm:
    """Nothing in a row was known only later.

    Args:
        differing: columns that change when all that became known later is cut off.
        compared: rows that were made again without it.
        delays: column to its correlation with the delay of the outcome, as ``of_delay`` gives it.
    """
    timed = {column: rho for column, rho in delays.items() if abs(rho) >= CLOSEST_TO_DELAY}
    said = f"{compared:,} rows made again without what became known later"
    said += f" differ in {_few(differing)}" if differing else " are the same"
    nearest = max(delays, key=lambda column: abs(delays[column]), default=None)
    if nearest is not None:
        said += (
            f"; the attribute nearest to the delay of the outcome is {nearest} with rank "
            f"correlation {delays[nearest]:.2f} (limit {CLOSEST_TO_DELAY:.2f})"
        )
    if timed:
        said += f"; it moves with when the outcome came: {_few(sorted(timed))}"
    failed = bool(differing) or bool(timed)
    return Alarm(name="known_too_late", failed=failed, sentence=said)


def of_delay(values: Floats, delay: Floats) -> float | None:
    """Rank correlation of a column with the time from ``as_of`` to the outcome, where both vary.

    Args:
        values: float64[n]; NaN is left out.
    """
    given = ~np.isnan(values)
    if given.sum() < 2 * FEWEST or np.ptp(values[given]) == 0 or np.ptp(delay[given]) == 0:
        return None
    return float(spearmanr(values[given], delay[given]).statistic)


def targeting_field(
    attributes: Sequence[str], named: Sequence[str], examined: Mapping[str, float]
) -> Alarm:
    """No attribute is a result of targeting.

    Args:
        named: those whose names say so.
        examined: attribute to its ROC AUC at telling the examined from the others, from
            ``of_examined``; empty where all or none were examined.
    """
    if not attributes:
        return Alarm(name="targeting_field", failed=False, sentence="there are no attributes")
    guilty = {name: auc for name, auc in examined.items() if auc >= HIGHEST_AUC_OF_EXAMINED}
    said = f"by name: {_few(sorted(named))}" if named else "no attribute's name says targeting"
    if not examined:
        said += "; whether one gives away who was examined cannot be told: all or none were"
    else:
        nearest = max(examined, key=lambda name: examined[name])
        said += (
            f"; the one that tells best who was examined is {nearest} with ROC AUC "
            f"{examined[nearest]:.2f} (limit {HIGHEST_AUC_OF_EXAMINED:.2f})"
        )
    if named or guilty:
        said += f"; leave out of the mapping: {_few(sorted({*named, *guilty}))}"
    return Alarm(name="targeting_field", failed=bool(named or guilty), sentence=said)


def of_examined(values: Sequence[float | str | None], examined: NDArray[np.bool_]) -> float | None:
    """ROC AUC of one attribute at telling the examined from the others; None for too few of either.

    A value's rate of examination is learned on every other row and tried on the rest, so that a
    code that never comes back tells nothing. A number is tried in both orders too.
    """
    labels = examined.astype(np.float64)
    if not Fit(labels, labels).can_be_judged:
        return None
    places = np.unique([repr(value) for value in values], return_inverse=True)[1]
    learned = np.arange(len(labels)) % 2 == 0
    seen = np.bincount(places[learned], minlength=places.max() + 1)
    met = np.bincount(places[learned], labels[learned], minlength=places.max() + 1)
    rates = (met + labels.mean()) / (seen + 1.0)  # the mean where a value never came
    orders = [rates[places][~learned]]
    numbers = [np.nan if value is None or isinstance(value, str) else value for value in values]
    orders += _orders(np.array(numbers, dtype=np.float64)[~learned])
    return max(roc_auc(order, labels[~learned]) or 0.5 for order in orders)


def train_test_gap(fitted: Fit, tested: Fit) -> Alarm:
    """The model ranks what it was fitted on hardly better than later rows."""
    return _gap(
        "train_test_gap",
        fitted,
        tested,
        "the model's ROC AUC is {0:.2f} on rows it was fitted on and {1:.2f} on the test rows",
        ". It learned rows by heart, or what holds no longer: try smaller trees, or look for it",
    )


def memorised_goods(seen: Fit, unseen: Fit, unseen_by: str) -> Alarm:
    """The model ranks what it has not met before hardly worse than what it has.

    Args:
        unseen_by: what was not met, in the plural: ``hauliers``.
    """
    return _gap(
        "memorised_goods",
        seen,
        unseen,
        f"the model's ROC AUC is {{0:.2f}} on {unseen_by} seen before and {{1:.2f}} on those not",
        ". What it is worth is what it is worth on the unseen",
    )


def _gap(name: str, higher: Fit, lower: Fit, said: str, advice: str) -> Alarm:
    if not (higher.can_be_judged and lower.can_be_judged):
        counted = " and ".join(
            f"{int(fit.labels.sum())} finds in {len(fit.labels):,} rows" for fit in (higher, lower)
        )
        return _cannot_tell(name, counted)
    gap = higher.auc - lower.auc
    half = Z_95 * float(np.sqrt(higher.variance_of_auc + lower.variance_of_auc))
    failed = gap - half > WIDEST_GAP
    sentence = said.format(higher.auc, lower.auc) + (
        f": a gap of {gap:.2f} ({gap - half:.2f} to {gap + half:.2f}; limit {WIDEST_GAP:.2f})"
    )
    return Alarm(name=name, failed=failed, sentence=sentence + advice if failed else sentence)


def _cannot_tell(name: str, counted: str) -> Alarm:
    sentence = f"cannot be told from {counted}; {FEWEST} of each class are needed"
    return Alarm(name=name, failed=False, sentence=sentence)


def _orders(values: Floats) -> list[Floats]:
    """A column as scores, in both orders and with what is missing at either end.

    None for a column that says nothing: all missing, or the same throughout.
    """
    missing = np.isnan(values)
    if missing.all():
        return []
    low, high = np.nanmin(values), np.nanmax(values)
    if low == high and not missing.any():
        return []
    ends = (low - 1.0, high + 1.0) if missing.any() else (low,)
    filled = [np.where(missing, end, values) for end in ends]
    return [sign * column for column in filled for sign in (1.0, -1.0)]


def _few(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
