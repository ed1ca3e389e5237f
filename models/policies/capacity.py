"""How much can be examined a day, and who shares it."""

import math
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

Pooling = Literal["kind_and_site", "site", "all"]
"""What shares one capacity: a kind at a site, all kinds of a site, or everything."""

Pool = tuple[str, ...]

ASSUMED_DEMAND = 20.0
"""Until a day has been seen: the demand is this many times the capacity."""


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """Officer hours a day of each pool.

    With ``cost_hours`` of 1 for every candidate, hours count examinations. Under one budget for
    several kinds, movements are ranked by probability per officer hour.

    Raises:
        ValueError: for a negative or infinite number of hours or an unknown pooling.

    >>> capacity = Capacity(hours_per_day=40.0, pooling="site", of_pool={("DOVER",): 120.0})
    >>> capacity.pool("vehicle", "DOVER"), capacity.hours(("DOVER",)), capacity.hours(("HULL",))
    (('DOVER',), 120.0, 40.0)
    """

    hours_per_day: float
    """Of every pool that ``of_pool`` does not name, one that nobody has heard of yet included."""
    pooling: Pooling = "kind_and_site"
    of_pool: Mapping[Pool, float] = {}
    """By (kind, site), (site,) or (), as the pooling says."""
    demand_of_pool: Mapping[Pool, float] = {}
    """Hours it would take to examine all movements of an ordinary day, where that is known before
    the first day; else ``ASSUMED_DEMAND`` times the capacity."""

    def __post_init__(self) -> None:
        if self.pooling not in get_args(Pooling):
            known = ", ".join(get_args(Pooling))
            raise ValueError(f"pooling {self.pooling!r} is unknown; use one of {known}")
        for hours in (self.hours_per_day, *self.of_pool.values(), *self.demand_of_pool.values()):
            if not 0.0 <= hours < math.inf:
                raise ValueError(f"a capacity of {hours:g} hours a day; give a number from 0 on")

    def pool(self, kind: str, site: str) -> Pool:
        if self.pooling == "kind_and_site":
            return (kind, site)
        return (site,) if self.pooling == "site" else ()

    def hours(self, pool: Pool) -> float:
        return self.of_pool.get(pool, self.hours_per_day)

    def demand(self, pool: Pool) -> float:
        return self.demand_of_pool.get(pool, ASSUMED_DEMAND * self.hours(pool))
