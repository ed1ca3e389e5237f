"""Whether an assessment leads to a referral: for its band, or by a draw nobody can foresee.

What is decided here is logged with its propensity for every movement, referred or not, so that a
board can say what the unexamined hold
([ADR 27](../docs/adr/0027-a-service-refers-without-a-desk.md)).
"""

import datetime
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import msgspec

from features.clock import Micros, from_micros
from models.bands import Thresholds
from models.policies import AtBands, day_key, draw


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """A choice as the audit log keeps it: numbers as the shortest text that reads back the same."""

    referred: bool
    reason: Literal["risk", "exploration", "cold_start", "none"]
    policy: str
    propensity: str
    """Of a referral over the draw."""
    exploration: str
    """The part of it that is chance whatever the risk."""
    draw_day: str
    """Whose key the draw was made with, as YYYY-MM-DD."""


class Selector:
    """
    Args:
        secret: of the draws, 32 bytes (``features.draw_keys``).
    """

    def __init__(self, secret: bytes, policy: AtBands) -> None:
        self._policy = policy
        self._key_of: Callable[[datetime.date], bytes] = lru_cache(64)(
            lambda day: day_key(secret, day)
        )

    def select(
        self,
        movement: str,
        probability: float | None,
        thresholds: Thresholds | None,
        first_seen: Micros,
    ) -> Selected:
        """
        Args:
            movement: pseudonym.
            thresholds: of the model that gave the probability; None when none did.
            first_seen: when the first version of the movement was assessed for the agency.
        """
        day = from_micros(first_seen).date()
        choice = self._policy.choose(probability, thresholds, draw(self._key_of(day), movement))
        return Selected(
            referred=choice.referred,
            reason=choice.reason,
            policy=choice.policy_id,
            propensity=repr(choice.propensity),
            exploration=repr(choice.exploration),
            draw_day=day.isoformat(),
        )


encode_selected = msgspec.json.Encoder(order="sorted").encode
decode_selected = msgspec.json.Decoder(Selected).decode
