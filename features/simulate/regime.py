"""The historical examination regime: who is selected, by tips, chance, rules and judgement.

Its tips come from a signal that no declared field and no history carries, so no model can learn
them; what it remembers of earlier examinations is what had become known by the day.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features.simulate.codes import Bools, Floats, Ints
from features.simulate.parameters import RegimeParameters
from features.simulate.smuggling import Truth
from features.simulate.staff import Staff
from features.simulate.world import HONEST, NOBODY

REASONS = ("random", "intelligence", "rule", "risk")
"""In order of priority for a site's capacity; the first two are examined in overtime if need be."""
RANDOM, INTELLIGENCE, RULE, RISK = range(4)


class _Lesson(NamedTuple):
    entities: Ints
    """int64[n, k]"""
    examinations: Floats
    finds: Floats


class Memory:
    """Examinations and finds of every entity, decayed by the day, known results only."""

    def __init__(self, entity_count: int, parameters: RegimeParameters) -> None:
        self._examinations = np.zeros(entity_count)
        self._finds = np.zeros(entity_count)
        self._parameters = parameters
        self._decay = 0.5 ** (1.0 / parameters.history_half_life_days)
        self._due: dict[int, list[_Lesson]] = defaultdict(list)

    def copy(self) -> "Memory":
        """One that learns on its own from here on."""
        other = Memory(0, self._parameters)
        other._examinations = self._examinations.copy()
        other._finds = self._finds.copy()
        other._due.update((day, list(results)) for day, results in self._due.items())
        return other

    def expect(self, known_day: Ints, entities: Ints, found: Bools) -> None:
        """Results (int64[n]; int64[n, k]; bool[n]) that become known on a later day."""
        for day in np.unique(known_day):
            where = known_day == day
            finds = found[where].astype(np.float64)
            self._due[int(day)].append(_Lesson(entities[where], np.ones(finds.size), finds))

    def expect_reversals(self, known_day: Ints, reversed_day: Ints, entities: Ints) -> None:
        """Finds that count no more from the day after ``reversed_day``; the examination does."""
        for day in np.unique(reversed_day):
            where = reversed_day == day
            left = self._decay ** (reversed_day[where] - known_day[where])
            self._due[int(day)].append(_Lesson(entities[where], np.zeros(left.size), -left))

    def wake(self, day: int) -> None:
        """Call once a day, in order: forget a little, learn what became known the day before."""
        self._examinations *= self._decay
        self._finds *= self._decay
        for entities, examinations, finds in self._due.pop(day - 1, []):
            known = entities != NOBODY
            who, row = entities[known], np.nonzero(known)[0]
            np.add.at(self._examinations, who, examinations[row])
            np.add.at(self._finds, who, finds[row])

    def points(self, kind: str, entities: Ints) -> Floats:
        """float64[n]: of the entity whose record, by its role, weighs most; 0 if none is known."""
        of = self._parameters
        prior = of.history_prior_examinations
        rate = (self._finds + prior * of.history_prior_rate) / (self._examinations + prior)
        record = np.log(rate / of.history_prior_rate)[entities] * of.history_role_weights[kind]
        worst: Floats = np.where(entities == NOBODY, -np.inf, record).max(axis=1)
        return of.history_points * np.where(np.isfinite(worst), worst, 0.0)


class Capacity:
    """How many examinations each site of one kind can still make."""

    def __init__(self, parameters: RegimeParameters) -> None:
        self._parameters = parameters
        self._banked = np.zeros(0)

    def copy(self) -> "Capacity":
        other = Capacity(self._parameters)
        other._banked = self._banked.copy()
        return other

    def of_day(self, rng: np.random.Generator, expected_per_site: Floats) -> Floats:
        """float64[sites], after a new day's hours were added."""
        sites = expected_per_site.size
        if self._banked.size < sites:
            self._banked = np.concatenate([self._banked, np.zeros(sites - self._banked.size)])
        self._banked = np.minimum(self._banked, self._parameters.banked_most)
        gained = rng.poisson(expected_per_site * self._parameters.capacity_share)
        self._banked[:sites] += gained
        return self._banked[:sites].copy()

    def spend(self, sites: Ints) -> None:
        """Overtime takes a site below zero, to be made good on later days."""
        self._banked -= np.bincount(sites, minlength=self._banked.size)


@dataclass(frozen=True)
class Selection:
    """Positions within the movements of a day or block, why, and whether the site had room."""

    at: Ints
    reason: Ints
    """Number in ``REASONS``."""
    examined: Bools

    @classmethod
    def joined(cls, parts: Sequence["Selection"], starts: Sequence[int]) -> "Selection":
        """Selections of several days as one of their block; ``starts`` is each day's first row."""
        return cls(
            at=np.concatenate([of.at + start for of, start in zip(parts, starts, strict=True)]),
            reason=np.concatenate([of.reason for of in parts]),
            examined=np.concatenate([of.examined for of in parts]),
        )


@dataclass(frozen=True)
class Regime:
    """What the regime of one kind knows and can do."""

    kind: str
    parameters: RegimeParameters
    memory: Memory
    """Shared by the three kinds."""
    capacity: Capacity
    staff: Staff

    def select(
        self,
        rng: np.random.Generator,
        *,
        points: Floats,
        tip_share: Floats,
        entities: Ints,
        site: Ints,
        officer: Ints,
        planned_per_day: Floats,
    ) -> Selection:
        """One day; arrays have one value a movement of it, ``planned_per_day`` one a site."""
        of, n = self.parameters, site.size
        score = points + self.memory.points(self.kind, entities)
        judged = score + self.staff.strictness_points[site, officer]
        judged += rng.normal(0.0, 1.0, n) * self.staff.noise_points[site, officer]
        by_rule = (score >= of.rule_points[self.kind]) & (rng.random(n) < of.rule_follow_share)
        reason = np.where(by_rule, RULE, RISK)
        reason[rng.random(n) < tip_share] = INTELLIGENCE
        # Last, and never turned away: so that these are an even sample of all movements.
        reason[rng.random(n) < of.random_share] = RANDOM
        wanted = (reason != RISK) | (judged >= of.risk_points[self.kind])
        room = self.capacity.of_day(rng, planned_per_day * self.staff.capacity_factor)
        order = np.lexsort((-judged, reason, ~wanted, site))
        has_room = np.empty(n, dtype=bool)
        has_room[order] = rank_within(site[order]) + 1 <= room[site[order]]
        has_room |= reason <= INTELLIGENCE
        has_room &= wanted
        self.capacity.spend(site[has_room])
        put_off = (reason == RULE) & ~has_room & (rng.random(n) < of.overflow_recorded_share)
        at = np.flatnonzero(has_room | put_off)
        return Selection(at, reason[at], has_room[at])


def tip_share(truth: Truth, parameters: RegimeParameters) -> Floats:
    """float64[n]: the probability that someone tells; all that the regime has of the truth."""
    of_network = truth.network != HONEST
    shares: Floats = np.select(
        [of_network & truth.is_smuggling, truth.is_smuggling, of_network],
        [
            parameters.tip_share_network_run,
            parameters.tip_share_other_run,
            parameters.tip_share_network_clean,
        ],
        parameters.tip_share_honest,
    )
    return shares


def rank_within(groups: Ints) -> Ints:
    """0, 1, 2, ... within each run of equal values."""
    n = groups.size
    place = np.arange(n, dtype=np.int64)
    starts = np.empty(n, dtype=bool)
    starts[:1] = True
    starts[1:] = groups[1:] != groups[:-1]
    return place - np.maximum.accumulate(np.where(starts, place, 0))
