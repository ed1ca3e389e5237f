"""A policy without a desk: for a service of many workers that share a model and a secret, no state.

A desk spends the capacity of a site; it has to see every movement of the site, in order. A service
of several workers and replicas has no such place, so it refers by the model's own threshold for
``high``, which was set at a share of all movements, and draws the rest with a fixed chance. The
numbers of referrals then follow the traffic: a site that must keep to its officers' hours runs
``models.policies.Desk`` behind the service, on the same draws.
"""

from dataclasses import dataclass
from functools import cached_property

from models.bands import HIGH_SHARE, Thresholds
from models.policies.choices import Choice, Reason
from models.policies.named import EPSILON


@dataclass(frozen=True)
class AtBands:
    """Band high is referred; of all movements a small share is referred by chance.

    Args:
        share: of the referrals for risk, in [0, 1], so many more are referred by chance.
        high_share: of all movements, in (0, 1], what band high was set at.
    """

    share: float = EPSILON
    high_share: float = HIGH_SHARE

    @cached_property
    def policy_id(self) -> str:
        """Name and parameters: logged with every choice."""
        return f"at-bands({self.share:g} of {self.high_share:g})"

    @cached_property
    def exploration(self) -> float:
        """Share of all movements that is referred by chance, whatever the risk."""
        return self.share * self.high_share

    def choose(
        self, probability: float | None, thresholds: Thresholds | None, draw: float
    ) -> Choice:
        """
        Args:
            probability: of a find if examined; None where the movement was not assessed.
            thresholds: of the model that gave it; None when none did.
            draw: in [0, 1), see ``models.policies.draw``; one for all versions of a movement.

        Raises:
            ValueError: for a draw outside [0, 1).
        """
        if not 0.0 <= draw < 1.0:
            raise ValueError(f"a draw of {draw:g}; it lies in [0, 1), see models.policies.draws")
        exploration = self.exploration
        reason: Reason
        if probability is None or thresholds is None:  # nothing to rank by: as often as all are
            propensity, reason = max(self.high_share, exploration), "cold_start"
        elif probability >= thresholds.high:
            propensity, reason = 1.0, "risk"
        else:
            propensity, reason = exploration, "exploration"
        if draw < exploration:
            reason = "exploration"
        referred = draw < propensity
        return Choice(  # by position, which takes half of the time
            referred,
            reason if referred else "none",
            propensity,
            exploration,
            self.policy_id,
            None if thresholds is None else thresholds.high,
            0.0,  # no capacity, so none of it is exceeded
        )
