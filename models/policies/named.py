"""Policies: what share of the capacity goes to chance, and whose chance is larger.

A new one is a class with the three members of ``Policy`` and a line in ``_MAKERS``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from features.errors import InputError

EPSILON = 0.05
"""Share of the capacity that is spent on random referrals unless another is given."""


class UnknownPolicy(InputError):
    """No policy has that name."""


class Policy(Protocol):
    @property
    def policy_id(self) -> str:
        """Name and parameters: logged with every choice."""

    def epsilon(self, drift: float, /) -> float:
        """Share of the capacity for exploration, in [0, 1].

        Args:
            drift: of the pool's scores, see ``models.policies.trailing.drift_of``; 0 when none.
        """

    def weight(self, never_examined: bool, never_examined_share: float, /) -> float:
        """Of one movement's chance to be explored: above 0, and about 1 on average.

        Args:
            never_examined_share: in [0, 1], of the pool's trailing demand.
        """


class Greedy:
    """The riskiest only. Nothing can be said about what it leaves out."""

    policy_id = "greedy"

    def epsilon(self, _drift: float, /) -> float:
        return 0.0

    def weight(self, _never_examined: bool, _never_examined_share: float, /) -> float:
        return 1.0


@dataclass(frozen=True)
class EpsilonRandom:
    """A fixed share for exploration, the same chance for every movement."""

    share: float = EPSILON

    @property
    def policy_id(self) -> str:
        return f"epsilon-random({self.share:g})"

    def epsilon(self, _drift: float, /) -> float:
        return self.share

    def weight(self, _never_examined: bool, _never_examined_share: float, /) -> float:
        return 1.0


@dataclass(frozen=True)
class EpsilonStratified:
    """A fixed share; never-examined entities take half of what the others would have had.

    >>> policy = EpsilonStratified()
    >>> policy.weight(True, 0.2), policy.weight(False, 0.2)  # 0.2 * 3 + 0.8 * 0.5 = 1
    (3.0, 0.5)
    """

    share: float = EPSILON

    RAREST: ClassVar[float] = 0.02
    """Where never-examined ones are rarer, the few have no more than 25.5 times the chance."""

    @property
    def policy_id(self) -> str:
        return f"epsilon-stratified({self.share:g})"

    def epsilon(self, _drift: float, /) -> float:
        return self.share

    def weight(self, never_examined: bool, never_examined_share: float, /) -> float:
        share = max(never_examined_share, self.RAREST)
        of_never_examined = 1.0 + 0.5 * (1.0 - share) / share
        if never_examined:
            return of_never_examined
        if never_examined_share >= self.RAREST:
            return 0.5
        # Where the few are held back, the others have what is left of a mean weight of 1.
        return (1.0 - never_examined_share * of_never_examined) / (1.0 - never_examined_share)


@dataclass(frozen=True)
class Adaptive:
    """More exploration while scores drift: from ``floor`` to ``ceiling`` between two PSI values.

    >>> [round(Adaptive(0.05, 0.2).epsilon(drift), 3) for drift in (0.0, 0.175, 3.0)]
    [0.05, 0.125, 0.2]
    """

    floor: float = EPSILON
    ceiling: float = 4 * EPSILON

    FROM_DRIFT: ClassVar[float] = 0.1
    TO_DRIFT: ClassVar[float] = 0.25
    """Of PSI: "some" and "large" in the rule of thumb of credit scoring."""

    @property
    def policy_id(self) -> str:
        return f"adaptive({self.floor:g}-{self.ceiling:g})"

    def epsilon(self, drift: float, /) -> float:
        part = (drift - self.FROM_DRIFT) / (self.TO_DRIFT - self.FROM_DRIFT)
        return self.floor + (self.ceiling - self.floor) * min(1.0, max(0.0, part))

    def weight(self, _never_examined: bool, _never_examined_share: float, /) -> float:
        return 1.0


_MAKERS: dict[str, Callable[[float], Policy]] = {
    "greedy": lambda _: Greedy(),
    "epsilon-random": EpsilonRandom,
    "epsilon-stratified": EpsilonStratified,
    "adaptive": lambda epsilon: Adaptive(epsilon, min(1.0, 4 * epsilon)),
}
POLICY_NAMES = tuple(_MAKERS)


def policy_named(name: str, epsilon: float = EPSILON) -> Policy:
    """
    Args:
        epsilon: in [0, 1], of the capacity, for exploration; ``adaptive`` goes up to four times as
            much, ``greedy`` takes no notice of it.

    Raises:
        UnknownPolicy: listing the names there are.
        InputError: for an epsilon outside [0, 1].

    >>> policy_named("epsilon-random").policy_id
    'epsilon-random(0.05)'
    """
    if name not in _MAKERS:
        raise UnknownPolicy(f"no policy is named {name!r}; use one of {', '.join(POLICY_NAMES)}")
    if not 0.0 <= epsilon <= 1.0:
        raise InputError(f"an exploration share of {epsilon:g}; give a number from 0 to 1")
    return _MAKERS[name](epsilon)
