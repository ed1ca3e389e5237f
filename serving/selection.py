"""Whether an assessment leads to a referral: for what is known of the movement, for its band, or by
a draw nobody can foresee.

What is decided here is logged with its propensity for every movement, referred or not, so that a
board can say what the unexamined hold
([ADR 27](../docs/adr/0027-a-service-refers-without-a-desk.md)).
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros, from_micros
from models.bands import Thresholds
from models.policies import AtBands, Choice, day_key, draw, draws
from serving.matching import Match
from serving.vocabulary import ReferralReason
from serving.wire import Selection

Known = Literal["risk", "rule", "intelligence"]
"""Why a movement is referred whatever the draw."""
ORDER: tuple[Known, ...] = ("risk", "rule", "intelligence")
"""The later is said before the earlier."""


class Selected(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A choice as the audit log keeps it: numbers as the shortest text that reads back the same."""

    referred: bool
    reason: ReferralReason
    policy: str
    propensity: str
    """Of a referral over the draw."""
    exploration: str
    """The part of it that is chance whatever the risk."""
    draw_day: str
    """Whose key the draw was made with, as YYYY-MM-DD."""

    @cached_property
    def recorded(self) -> str:
        """As JSON with sorted keys."""
        return encode_selected(self).decode()

    @cached_property
    def shown(self) -> Selection:
        """As clients read it."""
        return Selection(
            referred=self.referred,
            reason=self.reason,
            policy=self.policy,
            propensity=float(self.propensity),
        )


class _Day(NamedTuple):
    key: bytes
    """Of its draws."""
    iso: str


class Referrals:
    """
    Args:
        secret: of the draws, 32 bytes (``features.draw_keys``).
    """

    def __init__(self, secret: bytes, policy: AtBands) -> None:
        self._policy = policy

        def day(number: int) -> _Day:
            found: date = from_micros(number * MICROS_PER_DAY).date()
            return _Day(day_key(secret, found), found.isoformat())

        self._day: Callable[[int], _Day] = lru_cache(64)(day)
        """By the number of days since 1970."""

    def select(
        self,
        movement: str,
        probability: float | None,
        thresholds: Thresholds | None,
        first_seen: Micros,
        matches: Sequence[Match] = (),
        aboard: Known | None = None,
    ) -> Selected:
        """
        Args:
            movement: pseudonym.
            thresholds: of the model that gave the probability; None when none did.
            first_seen: when the first version of the movement was assessed for the agency.
            matches: of which the client may know; one that asks for it refers the movement.
            aboard: why a consignment of it is referred whatever the draw; None when none is.

        What an exploring draw refers is referred by chance, whatever else asks for it, as it is in
        band high: the random slice is one of all movements, or it would say nothing of them.
        """
        day = self._day(first_seen // MICROS_PER_DAY)
        choice = self._policy.choose(probability, thresholds, draw(day.key, movement))
        return _selected(choice, _known(matches, aboard) if matches or aboard else None, day.iso)

    def exploring(self, movements: Sequence[str], first_seen: Micros) -> NDArray[np.bool_]:
        """bool[n]: which of the movements an exploring draw refers.

        Those of which it says the same, and which lie in one band, are selected alike.
        """
        day = self._day(first_seen // MICROS_PER_DAY)
        return draws(day.key, movements) < self._policy.exploration


@lru_cache(256)
def _selected(choice: Choice, known: Known | None, draw_day: str) -> Selected:
    """Kept, with what it is in words: few differ, by a day, a band, referred or not."""
    by_chance = choice.reason == "exploration"
    return Selected(
        referred=known is not None or choice.referred,
        reason=known if known is not None and not by_chance else choice.reason,
        policy=choice.policy_id,
        propensity=repr(choice.propensity if known is None else 1.0),
        exploration=repr(choice.exploration),
        draw_day=draw_day,
    )


def _known(matches: Sequence[Match], aboard: Known | None) -> Known | None:
    reasons = [one for one in (_reason_of(matches), aboard) if one is not None]
    return max(reasons, key=ORDER.index, default=None)


def _reason_of(matches: Sequence[Match]) -> Known | None:
    """The first of intelligence and rule; None when none asks for a referral."""
    asking = {match.by for match in matches if match.action == "refer"}
    if "selector" in asking:
        return "intelligence"
    return "rule" if "rule" in asking else None


encode_selected = msgspec.json.Encoder(order="sorted").encode
decode_selected = msgspec.json.Decoder(Selected).decode
