"""What a backtest found, week by week, beside what others would have found in the same world."""

from collections.abc import Mapping
from typing import Any

import msgspec

from models.selective import Estimate
from models.unexamined import Measured

REFERENCES: tuple[str, ...] = ("oracle", "regime", "random")
"""Who else selects, under the same capacity: by the truth, as before, by chance."""


class WeekResult(msgspec.Struct, frozen=True, kw_only=True):
    week: int
    """From 1, after the warm-up."""
    movements: int
    examined: int
    """Examinations that ended with a label."""
    finds: int
    referred: int
    explored: int
    """Of the referred: drawn by chance, those of a cold start included."""
    cold_start: int
    """Of the referred: there was nothing to rank them by."""
    exploration_finds: int
    capacity: float
    """Examinations that the sites could make."""


class KindEstimates(msgspec.Struct, frozen=True, kw_only=True):
    """What is estimated of the movements of one kind that nobody referred, and the truth."""

    kind: str
    movements: int
    measures: tuple[Measured, ...]
    """Once every outcome is known: the find rate among the unexamined first, then those among all,
    and the precision and recall of the model at capacity; of each the naive estimate first."""
    truth: float
    """Known because the border is simulated: the mean true probability of a find among those that
    nobody examined, if examined as thoroughly as random ones are."""

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Of the find rate among the unexamined."""
        return self.measures[0].estimates


class BacktestResult(msgspec.Struct, frozen=True, kw_only=True):
    scenario: str
    policy: str
    policy_id: str
    """Name and parameters, as logged with every choice."""
    epsilon: float
    """As asked for; what it means to a policy its id says."""
    seed: int
    warm_up_weeks: int
    movements_per_week: int
    capacity_share: float
    weeks: tuple[WeekResult, ...]
    references: dict[str, tuple[tuple[int, int], ...]]
    """Who selected to examinations and finds of each week."""
    unexamined: tuple[KindEstimates, ...]

    @property
    def examined(self) -> int:
        return sum(week.examined for week in self.weeks)

    @property
    def finds(self) -> int:
        return sum(week.finds for week in self.weeks)

    def examined_of(self, reference: str) -> int:
        return sum(examined for examined, _ in self.references[reference])

    def finds_of(self, reference: str) -> int:
        return sum(finds for _, finds in self.references[reference])

    def in_words(self) -> list[str]:
        """Plain sentences for who ran it; all of it simulated."""
        per_hundred = 100.0 * self.finds / max(self.examined, 1)
        first = (
            f"simulated: in {len(self.weeks)} weeks {self.policy_id} found {self.finds:,} in "
            f"{self.examined:,} examinations ({per_hundred:.1f} in a hundred)"
        )
        others = ", ".join(
            f"{name} {self.finds_of(name):,} in {self.examined_of(name):,}" for name in REFERENCES
        )
        cold = sum(week.cold_start for week in self.weeks)
        warning = [
            f"simulated: {cold:,} referrals were drawn at random, with no model to rank them by yet"
        ]
        return [
            first,
            f"simulated: {others}",
            *(warning if cold else []),
            *map(_unexamined_in_words, self.unexamined),
        ]

    def summary(self) -> Mapping[str, Any]:
        """One line of JSON on standard output."""
        return {
            "simulated": True,
            "scenario": self.scenario,
            "policy": self.policy,
            "epsilon": self.epsilon,
            "seed": self.seed,
            "weeks": len(self.weeks),
            "examined": self.examined,
            "finds": self.finds,
            **{f"finds_{name}": self.finds_of(name) for name in REFERENCES},
            **{f"examined_{name}": self.examined_of(name) for name in REFERENCES},
        }


def _unexamined_in_words(of: KindEstimates) -> str:
    told = []
    for estimate in of.estimates:
        if estimate.value is None or estimate.interval is None:
            told.append(f"{estimate.estimator} not assessable ({estimate.reason})")
        else:
            low, high = estimate.interval
            told.append(f"{estimate.estimator} {estimate.value:.2%} ({low:.2%} to {high:.2%})")
    return (
        f"simulated: find rate of {of.kind} movements that nobody looked at: {', '.join(told)}; "
        f"in truth {of.truth:.2%}"
    )
