"""One pool of capacity: today's hours, what is owed, and the days before."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from models.bands import HIGH_SHARE, MEDIUM_SHARE, Thresholds, thresholds_at_capacity
from models.policies.choices import Candidate, Choice, Reason
from models.policies.named import Policy
from models.policies.trailing import TRAILING_DAYS, Day, Ranking, Trailing

EXAMINATIONS_AHEAD = 6.0
"""A pool looks ahead to so many examinations: today, where a day has more, else some days. One
that can make an examination every other day would else take whatever comes when it is due."""
MOST_DAYS_AHEAD = 14
MOST_OWED = 1.0
"""Of the capacity of the days looked ahead to, what unused hours can add up to: one day of them
is 3.6 % of 28 days."""
MOST_OF_CAPACITY = 1.5
"""Of the capacity of the days looked ahead to, spent for risk when hours are owed to them."""
LEAST_OF_CAPACITY = 0.25
"""Of a day's capacity, of which exploration takes its share however large the debt."""
URGENCY = 16.0
"""With all that can be owed, the threshold is set as if this many times less were still to come."""
HORIZON_SHARE = 0.1
"""Of the day's expected demand, always taken to be still to come: days end unannounced."""


class PoolState:
    """Hours are officer hours; ``owed`` is capacity of past days not used yet, below 0 a debt."""

    def __init__(self, policy: Policy, capacity_hours: float, usual_demand_hours: float) -> None:
        self._policy, self._policy_id = policy, policy.policy_id
        self.plan(capacity_hours, usual_demand_hours)
        self._trailing = Trailing()
        self._day: int | None = None
        self._values: list[float] = []
        self._costs: list[float] = []
        self.owed = 0.0

    def plan(self, capacity_hours: float, usual_demand_hours: float) -> None:
        """From the next day on that begins; what today has left stays what it was."""
        self._planned = (capacity_hours, usual_demand_hours)

    def choose(self, candidate: Candidate) -> Choice:
        if candidate.day != self._day:
            self._begin(candidate.day)
        share = self._share_to_refer()
        everywhere = self._exploration_everywhere(candidate.cost_hours)
        explored = min(1.0, everywhere * self._weights[candidate.never_examined])
        value = self._arrive(candidate)
        reason_of_rank: Reason = "cold_start"
        threshold, by_rank = None, share
        if value is not None and self._ranking is not None:
            reason_of_rank = "risk"
            for_risk = self._share_for_risk(share, everywhere)
            value_from, by_rank = _by_risk(value, for_risk, self._ranking)
            threshold = value_from * candidate.cost_hours
        propensity = max(explored, by_rank)
        reason: Reason = "none"
        if candidate.draw < propensity:
            self._spent += candidate.cost_hours
            reason = "exploration" if candidate.draw < explored else reason_of_rank
        overflow = max(0.0, self._spent - self._capacity)
        referred = reason != "none"
        return Choice(referred, reason, propensity, explored, self._policy_id, threshold, overflow)

    def rescore(self, days: Mapping[int, Sequence[Candidate]]) -> None:
        """Candidates by day, with their new probabilities, in place of those of these days."""
        for day, candidates in days.items():
            ranked = [(_value(item), item.cost_hours) for item in candidates]
            scored = [(value, cost) for value, cost in ranked if value is not None]
            values, costs = np.array(scored).reshape(-1, 2).T
            if day == self._day:  # not over until the first movement of the next day
                self._values, self._costs = values.tolist(), costs.tolist()
            self._trailing.replace_scores(day, values, costs)
        self._ranking = self._trailing.ranking()

    def bands(self, cost_hours: float) -> Thresholds | None:
        """For examinations that take ``cost_hours``; None before there is a ranking."""
        if self._day is None or self._ranking is None:
            return None
        if self._capacity == 0.0:
            return Thresholds(high=math.inf, medium=math.inf)
        probabilities = self._trailing.values() * cost_hours
        high = min(1.0, self._capacity / self._expected)
        medium = min(1.0, high * MEDIUM_SHARE / HIGH_SHARE)
        return thresholds_at_capacity(probabilities, high, medium)

    def _begin(self, day: int) -> None:
        if self._day is not None:
            if day < self._day:
                raise ValueError(f"day {day} comes after day {self._day}; give days in order")
            self._end(self._day, idle_days=day - self._day - 1)
        self._day = day
        self._capacity, self._usual_demand = self._planned
        trailing = self._trailing
        trailing.forget_before(day - TRAILING_DAYS)
        self._ranking = trailing.ranking()
        self._forecast = trailing.weekday_hours(day)
        known = self._forecast > 0.0  # false for NaN
        self._expected = self._forecast * trailing.level() if known else self._usual_demand
        self._days_ahead = _days_ahead(self._capacity, trailing.mean_cost_hours())
        # owed a quarter of it -> 1.25 times the budget, and 16 ** 0.25 = 2 times less to come
        ahead = self._days_ahead * self._capacity
        self._budget = min(MOST_OF_CAPACITY * ahead, max(0.0, ahead + self.owed))
        share_owed = self.owed / ahead if ahead else 0.0
        demand = self._expected * self._days_ahead
        self._to_come = demand * URGENCY ** -min(1.0, max(-1.0, share_owed))
        self._epsilon = self._policy.epsilon(trailing.drift(day))
        never = trailing.never_examined_share()
        weigh = self._policy.weight
        self._weights = (1.0, 1.0) if never is None else (weigh(False, never), weigh(True, never))
        self._spent = self._arrived = self._never_examined = 0.0
        self._values, self._costs = [], []

    def _end(self, day: int, idle_days: int) -> None:
        self._trailing.add(
            Day(
                day=day,
                values=np.array(self._values),
                costs=np.array(self._costs),
                demand_hours=self._arrived,
                never_examined_hours=self._never_examined,
                forecast_hours=self._forecast,
            )
        )
        most_owed = MOST_OWED * self._days_ahead * self._capacity
        self.owed = min(most_owed, self.owed + self._capacity - self._spent)
        self.owed = min(most_owed, self.owed + idle_days * self._capacity)

    def _arrive(self, candidate: Candidate) -> float | None:
        cost = candidate.cost_hours
        self._arrived += cost
        if candidate.never_examined:
            self._never_examined += cost
        value = _value(candidate)
        if value is not None:
            self._values.append(value)
            self._costs.append(cost)
        return value

    def _share_to_refer(self) -> float:
        """Of what is still to come, what the rest of the hours looked ahead to is enough for."""
        left = self._budget - self._spent
        if left <= 0.0:
            return 0.0
        still_to_come = max(self._to_come - self._arrived, HORIZON_SHARE * self._to_come)
        return 1.0 if left >= still_to_come else left / still_to_come

    def _exploration_everywhere(self, cost_hours: float) -> float:
        """Chance of a movement of weight 1, in [0, 1]; above 0 with any capacity and epsilon.

        Over a day with a demand of D where E was expected, exploration takes at most
        ``1 + ln(D / E)`` times its hours.
        """
        today = self._budget / self._days_ahead
        hours = self._epsilon * max(today, LEAST_OF_CAPACITY * self._capacity)
        return min(1.0, hours / max(self._expected, self._arrived + cost_hours))

    def _share_for_risk(self, share: float, everywhere: float) -> float:
        """The riskiest s of movements, so that s + (1 - s) * everywhere = share."""
        if self._epsilon >= 1.0 or share <= everywhere:
            return 0.0
        return (share - everywhere) / (1.0 - everywhere)


def _days_ahead(capacity_hours: float, cost_hours: float) -> int:
    """
    >>> [_days_ahead(hours, 1.0) for hours in (40.0, 2.0, 0.1, 0.0)]
    [1, 3, 14, 14]
    """
    if capacity_hours * MOST_DAYS_AHEAD <= EXAMINATIONS_AHEAD * cost_hours:
        return MOST_DAYS_AHEAD
    return max(1, math.ceil(EXAMINATIONS_AHEAD * cost_hours / capacity_hours))


def _by_risk(value: float, share: float, ranking: Ranking) -> tuple[float, float]:
    """Threshold for the riskiest ``share``, and the chance of one with ``value`` to be in it."""
    if share <= 0.0:
        return math.inf, 0.0
    if share >= 1.0:
        return 0.0, 1.0
    threshold, part_of_tie = ranking.threshold(share)
    if value == threshold:
        return threshold, part_of_tie
    return threshold, 1.0 if value > threshold else 0.0


def _value(candidate: Candidate) -> float | None:
    """Probability of a find per officer hour; None where the movement was not assessed."""
    probability = candidate.probability
    if probability is None or math.isnan(probability):
        return None
    return probability / candidate.cost_hours
