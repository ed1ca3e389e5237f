"""Alarms: named checks of a training run, each of which can fail and then blocks promotion.

``metrics.json`` of a bundle lists them all under ``KEY``, those that did not fail too. A failed
alarm blocks promotion unless the run's configuration acknowledged it by name, with a reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

KEY = "alarms"
"""Where ``metrics.json`` lists them."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one check said of one training run."""

    name: str
    failed: bool
    sentence: str
    """What was measured and where the limit lies, for people."""
    acknowledged: str | None = None
    """The configuration's reason why it need not block; None where it gives none."""

    @property
    def blocks(self) -> bool:
        """
        >>> Alarm(name="train_test_gap", failed=True, sentence="…", acknowledged="few rows").blocks
        False
        """
        return self.failed and self.acknowledged is None


def listed(alarms: Sequence[Alarm]) -> dict[str, Any]:
    """As ``metrics.json`` holds them: one entry, to be merged with the others."""
    return {KEY: msgspec.to_builtins(alarms)}


def alarms_in(metrics: Mapping[str, Any]) -> tuple[Alarm, ...]:
    """The alarms that ``metrics.json`` of a bundle lists.

    Raises:
        KeyError: it lists none at all: nothing was checked, which is not the same as no failure.
        msgspec.ValidationError: something else stands there.

    >>> alarms_in(listed([Alarm(name="train_test_gap", failed=False, sentence="small")]))[0].failed
    False
    """
    return msgspec.convert(metrics[KEY], tuple[Alarm, ...])
