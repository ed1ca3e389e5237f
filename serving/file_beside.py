"""What the movements of a file meet beside their scores, each at its own declared time.

The same matchers and the same selection as of the service: a row says of intelligence what an
answer would have said at that instant. What is on board is not looked at: a file has no answers
about consignments.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue, places_in
from features.clock import Micros
from features.ledger import EventSource, MovementDeclared
from features.rows import Floats, feature_rows
from features.timeline import Timeline, load_timeline
from models.bundle import Bundle
from serving.answers import shown_matches
from serving.intelligence import read_matching
from serving.matching import Matching, Sighting, may_see
from serving.selection import Referrals
from serving.vocabulary import ReferralReason
from serving.wire import encode


class Movements:
    """Movements of a file, each at the instant at which it was declared."""

    def __init__(self, ledger: EventSource, declared: Sequence[MovementDeclared]) -> None:
        self._ledger = ledger
        self.declared = declared
        self.as_of = np.array([one.declared_at for one in declared], dtype=np.int64)
        """int64[n], microseconds: nothing that was available at or after it is seen."""
        self._made: dict[tuple[str, ...], Floats] = {}

    def __len__(self) -> int:
        return len(self.declared)

    @cached_property
    def _timeline(self) -> Timeline:
        return load_timeline(self._ledger, available_before=int(self.as_of.max()))

    def features(self, catalogue: Catalogue) -> Floats:
        """float64[n, F] in the catalogue's order, made once."""
        names = tuple(catalogue.names)
        if names not in self._made:
            self._made[names] = feature_rows(self._timeline, self.declared, self.as_of, catalogue)
        return self._made[names]

    def newest_outcomes(self, kind: str) -> NDArray[np.int64]:
        """int64[n]: when the kind's newest outcome before each instant was known; -1 for none."""
        outcomes = self._timeline.outcomes
        known = outcomes.loc[outcomes["kind"] == kind, "available_at"].to_numpy(dtype=np.int64)
        known = np.sort(known)
        before = np.searchsorted(known, self.as_of, side="left")
        return np.where(before > 0, np.append(known, 0)[before - 1], -1)


class KnownBeside(NamedTuple):
    """What a client of the agency would have been told of one movement, beside its score."""

    reason: ReferralReason
    """Of the selection; ``none``: not referred."""
    matches: str
    """JSON, as the member ``matches`` of an answer."""


class Beside:
    """
    Args:
        agency: whose client reads the file: it is told what one of that agency may know.
    """

    def __init__(self, ledger: EventSource, referrals: Referrals, agency: str) -> None:
        self._ledger = ledger
        self._referrals = referrals
        self._agency = agency

    @cached_property
    def _matching(self) -> Matching:
        return read_matching(self._ledger)

    def of(
        self, movements: Movements, at: int, bundle: Bundle, probability: float | None
    ) -> KnownBeside:
        """
        Args:
            at: which of the movements.
            probability: the model's; None where it may not speak.
        """
        declared, as_of = movements.declared[at], int(movements.as_of[at])

        def row_of(catalogue: Catalogue) -> Floats:
            places = places_in(bundle.catalogue, catalogue)
            if places is None:
                own: Floats = movements.features(catalogue)[at]
            else:  # the model's row has them all
                own = movements.features(bundle.catalogue)[at][list(places)]
            return own

        met = self._matching.of(Sighting(declared, as_of, row_of))
        thresholds = None if probability is None else bundle.thresholds
        # No version of it was assessed before, so its draw is that of its own day.
        first_seen: Micros = as_of
        selected = self._referrals.select(
            declared.movement, probability, thresholds, first_seen, may_see(met, self._agency)
        )
        return KnownBeside(selected.reason, encode(shown_matches(met, self._agency)).decode())
