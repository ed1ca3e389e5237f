"""What history has applied of late, for assessing again: so that it is not read once more."""

from collections.abc import Sequence
from typing import NamedTuple

from features.history.aboard import CARRIERS, listed_by
from features.ledger import MovementDeclared, Recorded
from serving.reassessing.triggers import trigger_of

MOST_KEPT = 5_000
"""Events; with more, all are dropped, and are read from the ledger."""


class Stretch(NamedTuple):
    """Events by position, with none left out between them that matters, and where they end."""

    events: list[Recorded]
    up_to: int


class Overheard:
    """Those of the events since some position that call for something, or list consignments."""

    def __init__(self) -> None:
        self._since = self._up_to = 0
        self._events: list[Recorded] = []

    def hear(self, after_position: int, events: Sequence[Recorded]) -> None:
        """
        Args:
            after_position: up to which history had applied all before; another one than it ended
                with begins anew: history was rebuilt.
            events: all that follow, by position, at least one.
        """
        if after_position != self._up_to or len(self._events) > MOST_KEPT:
            self._since, self._events = after_position, []
        self._events += filter(_matters, events)
        self._up_to = events[-1].position

    def take(self, after_position: int, up_to: int, most: int) -> Stretch | None:
        """The next ``most`` of those that matter, which are forgotten; None when not all of them
        were heard: then they have to be read."""
        if not self._since <= after_position or self._up_to < up_to:
            return None
        events = [one for one in self._events if after_position < one.position <= up_to][:most]
        end = events[-1].position if len(events) == most else up_to
        self.forget(end)
        return Stretch(events, end)

    def forget(self, up_to: int) -> None:
        """Nobody will ask for events up to this position."""
        self._events = [one for one in self._events if one.position > up_to]
        self._since = max(self._since, up_to)


def _matters(event: Recorded) -> bool:
    said = event.payload
    if isinstance(said, MovementDeclared) and said.kind in CARRIERS:
        return bool(listed_by(said))
    return trigger_of(event) is not None
