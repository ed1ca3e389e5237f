"""What a policy is asked about a movement, and what it answers."""

from typing import Literal, NamedTuple

Reason = Literal["risk", "exploration", "cold_start", "none"]
"""Why a movement was referred. ``cold_start``: there was nothing to rank it by, so it was drawn at
the rate at which all movements are examined. ``none``: it was not referred."""


class Candidate(NamedTuple):
    """A movement at the instant at which it is decided whether to refer it."""

    kind: str
    site: str
    day: int
    """Of the decision, in whole days from any fixed day; never before the site's last one."""
    probability: float | None
    """Of a find if examined; None or NaN where it was not assessed."""
    cost_hours: float
    """Officer hours that its examination takes, above 0; 1.0 where capacity counts examinations."""
    never_examined: bool
    """No entity of it was ever examined."""
    draw: float
    """In [0, 1), see ``models.policies.draw``; a movement has one, whatever its version."""


class Choice(NamedTuple):
    """The answer, and all of it is logged, for a movement that was not referred too."""

    referred: bool
    """Exactly when ``draw < propensity``."""
    reason: Reason
    propensity: float
    """Probability of a referral over the draw, given all that was decided before; in [0, 1]."""
    exploration: float
    """The part of it that is exploration: with ``draw < exploration`` the reason says so, however
    risky the movement. In [0, ``propensity``]."""
    policy_id: str
    threshold: float | None
    """The probability from which this movement was referred for its risk: may lie above 1, and is
    infinite when nothing was. None in a cold start."""
    overflow_hours: float
    """Officer hours beyond the day's capacity that the pool has spent, this referral included."""
