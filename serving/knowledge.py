"""What one worker knows: ledger, history in memory, bundles; and what it does not.

Belongs to one event loop: reading it and bringing it up to date happen there and nowhere else.
"""

from collections.abc import Callable
from typing import NamedTuple

from features.clock import Micros, now_micros
from features.history.online import LiveHistory
from features.history.resuming import Lag
from features.ledger import Ledger
from features.movement_columns import MovementColumns
from features.records import KINDS
from models.bundle import Bundle
from serving.clock_watch import ClockWatch
from serving.following import Follower, Heed
from serving.matching import Match, Sighting
from serving.pinned import PinnedBundles
from serving.scorer import history_problem


class Circumstances(NamedTuple):
    """What every answer about one kind rests on at one instant: of a single one or of a batch."""

    as_of: Micros
    ledger_position: int
    bundle: Bundle | None
    """The model that may speak; None when there is none or it is suspended."""
    degraded: tuple[str, ...]
    """What was stale, missing or refused, each as ``code: sentence``."""
    challenger: Bundle | None
    """Scored in the shadow of ``bundle``, never shown; None when there is none or it may not."""


class Knowledge:
    """What an answer is computed from; current after ``follow``."""

    def __init__(
        self,
        ledger: Ledger,
        history: LiveHistory,
        bundles: PinnedBundles,
        clock: Callable[[], Micros] = now_micros,
        rule_failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """
        Args:
            rule_failed: hears the kind of every movement on which a rule failed, once a rule.
        """
        self._rule_failed = rule_failed
        self.history = history
        self.bundles = bundles
        self._clock = clock
        self._clock_watch = ClockWatch(clock)
        self._follower = Follower(ledger, history)
        self.follow = self._follower.follow
        self.follow_now = self._follower.follow_now
        self.committed = self._follower.committed.add
        self.close = self._follower.close

    def tell(self, heed: Heed) -> None:
        """From now on ``heed`` hears what history has applied."""
        self._follower.heed = heed

    def lag(self) -> Lag:
        """How far history is behind the ledger."""
        return self._follower.lag()

    def as_of(self) -> Micros:
        """Now, but after everything that history has applied and the ledger has stamped since the
        start: by a clock that was set back, what it knew a moment ago would be the future."""
        newest = self._newest()
        return self._clock() if newest is None else max(self._clock(), newest + 1)

    def circumstances(self, kind: str, as_of: Micros) -> Circumstances:
        """To be asked right after ``follow``.

        Args:
            as_of: one for all that is assessed together.
        """
        suspended = self.suspended(kind)
        return Circumstances(
            as_of,
            self.history.position,
            None if suspended else self.bundles.of(kind).bundle,
            (*self.general_problems(), *self.problems_of(kind, as_of)),
            None if suspended else self.bundles.challenger(kind),
        )

    def matches_of(self, seen: Sighting) -> tuple[Match, ...]:
        """What the movement meets of all agencies' intelligence, whatever any model says."""
        found = self._follower.matching.of(seen)
        for match in found:
            if match.mode == "failed":
                self._rule_failed(seen.declared.kind)
        return found

    def may_match(self, movements: MovementColumns, as_of: Micros) -> set[int]:
        """Places of all of which ``matches_of`` may find any."""
        return self._follower.matching.may_meet(movements, as_of)

    def suspended(self, kind: str) -> str | None:
        """Why no model may speak about the kind, ``code: sentence``; None when one may."""
        return self._follower.suspensions.problem(kind)

    def general_problems(self) -> tuple[str, ...]:
        """What makes every answer degraded, each ``code: sentence``."""
        found = (self._follower.problem(), self._clock_watch.problem(self._newest()))
        return tuple(filter(None, found))

    def _newest(self) -> Micros | None:
        """Stamp of the newest event that was heard."""
        newest = self._follower.newest_heard
        for kind in KINDS:
            stamp = self.history.newest_available_at(kind)
            if stamp is not None and (newest is None or stamp > newest):
                newest = stamp
        return newest

    def problems_of(self, kind: str, as_of: Micros) -> tuple[str, ...]:
        """What makes an answer for the kind degraded or unassessed, each ``code: sentence``."""
        served, of_model = self.bundles.of(kind), None
        if served.refusal is not None:
            of_model = f"bundle_refused: {served.refusal}"
        elif served.bundle is None:
            of_model = f"no_model: no {kind} model is promoted"
        of_history = history_problem(kind, self.history.newest_outcome_at(kind), as_of)
        return tuple(filter(None, (self.suspended(kind), of_history, of_model)))
