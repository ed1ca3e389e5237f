"""Who is examined: probabilities become referrals under a capacity, with a logged propensity.

A ``Desk`` decides one movement at a time, knowing nothing of what is still to come that day. A
``Policy`` says how much of the capacity goes to random referrals, and to whom. Pure: values in,
values out, no clock, no file; ``docs/selective-labels.md`` says what it is good for.
"""

from models.policies.at_bands import AtBands
from models.policies.capacity import Capacity, Pooling
from models.policies.choices import Candidate, Choice, Reason
from models.policies.desk import Desk
from models.policies.draws import day_key, draw, draws
from models.policies.named import (
    POLICY_NAMES,
    Adaptive,
    EpsilonRandom,
    EpsilonStratified,
    Greedy,
    Policy,
    UnknownPolicy,
    policy_named,
)

__all__ = [
    "POLICY_NAMES",
    "Adaptive",
    "AtBands",
    "Candidate",
    "Capacity",
    "Choice",
    "Desk",
    "EpsilonRandom",
    "EpsilonStratified",
    "Greedy",
    "Policy",
    "Pooling",
    "Reason",
    "UnknownPolicy",
    "day_key",
    "draw",
    "draws",
    "policy_named",
]
