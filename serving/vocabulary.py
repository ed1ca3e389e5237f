"""The words of an answer that scorer and wire share; imports nothing heavy."""

from collections.abc import Mapping
from typing import Literal

Kind = Literal["vehicle", "vessel", "shipment"]
Band = Literal["high", "medium", "low", "unassessed"]
Explain = Literal["referred", "always", "never"]
"""For which bands to give reasons: high and medium, all, none."""
Status = Literal["scored", "degraded", "unassessed"]

Because = Literal["consignment", "cancellation", "outcome", "selector", "rule", "partner"]
"""What became known when a movement is assessed again."""
REASSESSED: Mapping[Because, str] = {
    "consignment": "a consignment on board became known, or went to another carrier",
    "cancellation": "a consignment that was on board is cancelled",
    "outcome": "an examination of something that shares an entity with it ended",
    "selector": "a selector that it meets became live",
    "rule": "a rule that it meets became live",
    "partner": "a partner agency raised an alert for something that it names",
}
"""The same, as an officer reads it."""

HISTORY_MAX_AGE_DAYS = 35
"""A kind whose newest outcome is older than this has stale history: a monthly feed has failed."""

ReferralReason = Literal["intelligence", "rule", "risk", "exploration", "cold_start", "none"]
"""``exploration`` whatever else holds, or else the first that holds, in this order."""
REFERRALS: Mapping[ReferralReason, str] = {
    "intelligence": "Referred for intelligence: it meets a selector.",
    "rule": "Referred by a rule that it meets.",
    "risk": "Referred for its risk.",
    "exploration": "Referred by chance, whatever its band: it shows what nobody looks for.",
    "cold_start": "Referred by chance: no model spoke.",
    "none": "Not referred.",
}
"""Reason of a selection to what an officer reads."""
LONGEST_REFERENCE = 70
"""Characters of a ``movement_ref``, as the records have it."""
