"""Alarms: named checks of a training run, each of which can fail and then blocks promotion.

``metrics.json`` of a bundle lists them all under ``KEY``, those that did not fail too. A failed
alarm blocks promotion unless the run's configuration acknowledged it by name, with a reason. What
each one looks for, and why its limit lies where it does, is in docs/alarms.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

KEY = "alarms"
"""Where ``metrics.json`` lists them."""

NAMES = (
    "feature_too_good",
    "known_too_late",
    "targeting_field",
    "train_test_gap",
    "memorised_goods",
)
"""Every alarm, in the order in which they are listed."""


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

    @property
    def in_words(self) -> str:
        """One line for people: the name, whether it failed, what was measured, the reason.

        >>> Alarm(name="train_test_gap", failed=False, sentence="small", acknowledged="x").in_words
        'train_test_gap: did not fail, although acknowledged (x): small'
        """
        state = "FAILED" if self.failed else "did not fail"
        if self.acknowledged is not None:
            state += f", {'' if self.failed else 'although '}acknowledged ({self.acknowledged})"
        return f"{self.name}: {state}: {self.sentence}"


def acknowledged(alarms: Iterable[Alarm], reasons: Mapping[str, str]) -> tuple[Alarm, ...]:
    """Each alarm with the reason that the configuration gives for it, if any."""
    return tuple(
        msgspec.structs.replace(alarm, acknowledged=reasons.get(alarm.name)) for alarm in alarms
    )


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
