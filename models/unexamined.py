"""What an evaluation can say beyond the examined movements, given the log of who was chosen.

Whether an examination was random is read from our own log of choices, never from the
``selection_reason`` that came with an outcome.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.left_out import Sample
from models.metrics import number_at
from models.selective import (
    Estimate,
    find_rate,
    find_rate_unexamined,
    precision_at,
    recall_at,
)

Floats = NDArray[np.float64]

NO_LOG = (
    "not assessable: no propensity was logged, so nobody knows how the examined were chosen; "
    "log every choice of a policy (docs/selective-labels.md)"
)


class LoggedChoices(NamedTuple):
    """Of all movements of a test window, examined or not."""

    sample: Sample
    explored: NDArray[np.bool_]
    """Referred for exploration: the logged reason says so."""
    exploration: Floats
    """float64[n], the part of the propensity that was exploration, as logged."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One measure by every estimator, ``naive`` first."""

    name: str
    """``find rate among the unexamined``, ``model: precision at 5%``, ..."""
    estimates: tuple[Estimate, ...]


class BeyondTheExamined(msgspec.Struct, frozen=True, kw_only=True):
    measures: tuple[Measured, ...]
    """Empty without a log."""
    reason: str | None = None
    """Why there is none."""


def beyond_the_examined(
    log: LoggedChoices | None, scores: Mapping[str, Floats], share: float
) -> BeyondTheExamined:
    """Rows for an evaluation: naive and weighted side by side, the random slice by itself.

    Args:
        log: None where the labels came without one.
        scores: by name, float64[n] each, of the same movements; higher is examined sooner.
        share: capacity, as a share of all movements.

    Raises:
        ValueError: for a log that cannot be (``Sample.checked``).
    """
    if log is None:
        return BeyondTheExamined(measures=(), reason=NO_LOG)
    sample = log.sample
    capacity = number_at(share, len(sample.referred))
    measures = [
        Measured(name="find rate among the unexamined", estimates=find_rate_unexamined(sample)),
        Measured(name="find rate among all", estimates=find_rate(sample)),
        Measured(
            name="find rate among all, from the random slice",
            estimates=find_rate(random_slice(log)),
        ),
    ]
    for name, values in scores.items():
        for what, measure in (("precision", precision_at), ("recall", recall_at)):
            at_capacity = measure(sample, values, capacity)
            measures.append(
                Measured(name=f"{name}: {what} at {100 * share:.3g}%", estimates=at_capacity)
            )
    return BeyondTheExamined(measures=tuple(measures))


def beyond_in_words(found: BeyondTheExamined | None) -> str:
    """One clause for a model card: the find rate among the unexamined, or why there is none."""
    if found is None or not found.measures:
        return NO_LOG if found is None or found.reason is None else found.reason
    measure = found.measures[0]
    best = next((item for item in reversed(measure.estimates) if item.value is not None), None)
    if best is None or best.value is None or best.interval is None:
        return f"{measure.name} not assessable: {measure.estimates[-1].reason}"
    low, high = best.interval
    return (
        f"an estimated {best.value:.1%} ({low:.1%} to {high:.1%}) of them would have been a find, "
        f"from logged propensities ({best.estimator}, effective sample size "
        f"{best.effective_sample_size:,.0f})"
    )


def random_slice(log: LoggedChoices) -> Sample:
    """Exploration alone: the movements that chance chose, and the chance that it gave everybody."""
    return Sample(
        referred=log.explored,
        found=np.where(log.explored, log.sample.found, np.nan),
        propensity=log.exploration,
        probability=log.sample.probability,
    )
