"""What one worker knows: ledger, history in memory, bundles; and what it does not.

Belongs to one event loop: reading it and bringing it up to date happen there and nowhere else.
"""

from features.clock import Micros, now_micros
from features.history.online import LiveHistory
from features.history.resuming import Lag, lag_of
from features.ledger import Ledger, LedgerError
from features.records import KINDS
from serving.pinned import PinnedBundles
from serving.scorer import history_problem


class Knowledge:
    """What an answer is computed from; ``history`` is current after ``follow``."""

    def __init__(self, ledger: Ledger, history: LiveHistory, bundles: PinnedBundles) -> None:
        self.history = history
        self.bundles = bundles
        self._ledger = ledger
        self._followed_at = now_micros()

    def follow(self) -> list[str]:
        """Apply what the ledger holds by now; what keeps history from that, if anything."""
        try:
            self.history.follow(self._ledger)
        except LedgerError as exc:
            return [f"ledger_unreadable: {exc}"]
        self._followed_at = now_micros()
        return []

    def lag(self) -> Lag:
        """How far history is behind the ledger."""
        try:
            return lag_of(self.history, self._ledger)
        except LedgerError:
            position = self.history.position
            return Lag(position, position, (now_micros() - self._followed_at) / 1e6)

    def as_of(self) -> Micros:
        """Now, but after everything that history has applied."""
        newest = [self.history.newest_available_at(kind) for kind in KINDS]
        return max([now_micros(), *(stamp + 1 for stamp in newest if stamp is not None)])

    def problems(self, kind: str, as_of: Micros) -> list[str]:
        """What makes an answer for the kind degraded or unassessed, each ``code: sentence``."""
        served = self.bundles.of(kind)
        stale = history_problem(kind, self.history.newest_outcome_at(kind), as_of)
        problems = [] if stale is None else [stale]
        if served.refusal is not None:
            problems.append(f"bundle_refused: {served.refusal}")
        elif served.bundle is None:
            problems.append(f"no_model: no {kind} model is promoted")
        return problems
