"""The desk at which movements arrive one by one, and each is referred or let go at once.

Every pool of capacity keeps, in officer hours, what it owes: capacity that was not used, or less
than nothing when more was. Of today's hours and the demand still to come follows the share that
can be examined; the riskiest share of the last 28 days gives the threshold for it. Exploration
does not end when the day's hours are spent: what goes beyond them is logged and paid back
([ADR 15](../../docs/adr/0015-thresholds-with-a-debt.md)).
"""

import math
from collections.abc import Iterable

from models.bands import Thresholds
from models.policies.capacity import Capacity, Pool
from models.policies.choices import Candidate, Choice
from models.policies.named import Policy
from models.policies.pool import PoolState


class Desk:
    """Refers movements under a policy and a capacity; holds all the state there is.

    The same candidates in the same order give the same choices: a desk is restored by showing it
    what it saw. Different pools do not know of each other.
    """

    def __init__(self, policy: Policy, capacity: Capacity) -> None:
        self._policy = policy
        self._capacity = capacity
        self._pools: dict[Pool, PoolState] = {}

    def choose(self, candidate: Candidate) -> Choice:
        """Refer the candidate or let it go, and say with what probability.

        Raises:
            ValueError: for a cost that is not above 0, a draw outside [0, 1), a probability
                outside [0, 1], or a day before one that its pool has already seen.
        """
        _check(candidate)
        return self._pool(candidate.kind, candidate.site).choose(candidate)

    def plan(self, capacity: Capacity) -> None:
        """Work under another capacity: each pool from its next day on.

        Raises:
            ValueError: for a capacity that is shared in another way.
        """
        if capacity.pooling != self._capacity.pooling:
            raise ValueError(
                f"this desk shares capacity by {self._capacity.pooling}, not {capacity.pooling}; "
                "make a new desk"
            )
        self._capacity = capacity
        for pool, state in self._pools.items():
            state.plan(capacity.hours(pool), capacity.demand(pool))

    def rescore(self, scored: Iterable[Candidate]) -> None:
        """Rank from now on by a new model: replace the scores of past days.

        Args:
            scored: movements of the last 28 days, each with the new model's probability; of a day
                that is given, all that count. Forgotten days are not used.

        Without it, thresholds come from the old model's scores until these are forgotten.
        """
        by_pool: dict[Pool, dict[int, list[Candidate]]] = {}
        for item in scored:
            pool = self._capacity.pool(item.kind, item.site)
            by_pool.setdefault(pool, {}).setdefault(item.day, []).append(item)
        for pool, days in by_pool.items():
            if pool in self._pools:
                self._pools[pool].rescore(days)

    def owed_hours(self, kind: str, site: str) -> float:
        """Capacity of past days not used yet; below 0 when too much was."""
        return self._pool(kind, site).owed

    def bands(self, kind: str, site: str, cost_hours: float = 1.0) -> Thresholds | None:
        """Thresholds under which band ``high`` is what the pool's capacity can examine.

        ``medium`` goes on to as many times more as by default (``models.bands``). None before
        there are scores to rank by.
        """
        return self._pool(kind, site).bands(cost_hours)

    def _pool(self, kind: str, site: str) -> PoolState:
        pool = self._capacity.pool(kind, site)
        found = self._pools.get(pool)
        if found is None:
            hours, demand = self._capacity.hours(pool), self._capacity.demand(pool)
            found = self._pools[pool] = PoolState(self._policy, hours, demand)
        return found


def _check(candidate: Candidate) -> None:
    if not 0.0 < candidate.cost_hours < math.inf:
        raise ValueError(f"an examination of {candidate.cost_hours:g} hours; give more than 0")
    if not 0.0 <= candidate.draw < 1.0:
        raise ValueError(f"a draw of {candidate.draw:g}; it lies in [0, 1), see models.policies")
    if candidate.probability is not None and not (
        0.0 <= candidate.probability <= 1.0 or math.isnan(candidate.probability)
    ):
        raise ValueError(f"a probability of {candidate.probability:g}; it lies in [0, 1]")
