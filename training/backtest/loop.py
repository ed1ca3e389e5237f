"""The weekly loop: hear, score, select, examine, learn what became known, retrain."""

import heapq
from collections.abc import Callable, Mapping
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue, catalogue_for
from features.clock import MICROS_PER_DAY, Micros
from features.history.online import LiveHistory
from features.ledger.events import MovementDeclared, OutcomeRecorded
from features.records import KINDS
from features.rows import rows_in_time
from features.simulate import Arena, Selection, Week
from training.backtest.heard import Heard, WeekHeard, hear, outcomes_of, pseudonyms_of_simulation
from training.backtest.learner import Experience, Learned
from training.config import Trees

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Scored(NamedTuple):
    """One week as heard and scored."""

    heard: WeekHeard
    places: Mapping[str, Ints]
    """Kind to the places of its movements in ``heard``, in their order."""
    features: Mapping[str, Floats]
    """Kind to float64[m, F], in that order."""
    probability: Floats
    """float64[n], in the order of ``heard``; NaN where no model has been learned yet."""


class Loop:
    """What the system knows while a border goes on."""

    def __init__(self, arena: Arena, trees: Trees) -> None:
        self._arena, self._trees = arena, trees
        self.catalogues: Mapping[str, Catalogue] = {kind: catalogue_for(kind) for kind in KINDS}
        self._pseudonyms = pseudonyms_of_simulation()
        self._ledger, self._history = Heard(), LiveHistory(clock=lambda: 0)
        self._due: list[tuple[Micros, int, OutcomeRecorded]] = []
        self._number = count()
        self.experience = {kind: Experience(of) for kind, of in self.catalogues.items()}
        self.models: dict[str, Learned | None] = dict.fromkeys(KINDS)

    def next_week(self) -> tuple[Week, Scored]:
        """The next week, after what became known before it, scored by the models as they are."""
        week = self._arena.next_week()
        week_from, week_until = (day * MICROS_PER_DAY for day in (week.from_day, week.until_day))
        self._learn_of(week_from)
        heard = hear(week.movements, week_from, week_until, self._pseudonyms)
        for movement, at in zip(heard.movements, heard.as_of.tolist(), strict=True):
            self._ledger.add(movement, at)
        self._history.follow(self._ledger)
        self._ledger.let_go()
        features = rows_in_time(self._history, heard.movements, heard.as_of, self.catalogues)
        kinds = np.array([movement.kind for movement in heard.movements])
        places = {kind: np.flatnonzero(kinds == kind) for kind in KINDS}
        scored = Scored(heard, places, features, np.full(len(kinds), np.nan))
        return week, self.scored_again(scored)

    def scored_again(self, scored: Scored) -> Scored:
        """By the models as they are now."""
        probability = scored.probability.copy()
        for kind, model in self.models.items():
            if model is not None and len(scored.places[kind]):
                probability[scored.places[kind]] = model.probabilities(scored.features[kind])
        return scored._replace(probability=probability)

    def examine(self, scored: Scored, kind: str, selected: Selection) -> list[OutcomeRecorded]:
        """Send officers; the loop learns of each outcome when it becomes known.

        Returns:
            All outcomes, also those that nobody knows yet: to be counted, not to be used.
        """
        self._keep(kind, scored, selected.at)
        table = self._arena.examine(
            kind, selected.at, selected.reason, turned_away=~selected.examined
        )
        found = []
        for known_at, outcome in outcomes_of(kind, table, self._pseudonyms):
            heapq.heappush(self._due, (known_at, next(self._number), outcome))
            found.append(outcome)
        return found

    def retrain(self, map_kinds: Callable[..., object]) -> None:
        """Fit every kind anew on what is known.

        Args:
            map_kinds: as ``map``, perhaps of a pool of threads: LightGBM lets others run.
        """
        kinds = list(self.experience)
        learned = map_kinds(lambda kind: self.experience[kind].learn(self._trees), kinds)
        self.models = dict(zip(kinds, learned, strict=True))  # type: ignore[call-overload]

    def wait_for_all(self) -> None:
        """Learn of every outcome, however late: for estimates made when the dust has settled."""
        self._learn_of(1 << 62)

    def _learn_of(self, instant: Micros) -> None:
        """What was known before ``instant`` is heard at it."""
        while self._due and self._due[0][0] < instant:
            known_at, _, outcome = heapq.heappop(self._due)
            self._ledger.add(outcome, instant)
            self.experience[outcome.kind].concluded(outcome, known_at)

    def _keep(self, kind: str, scored: Scored, rows: Ints) -> None:
        """The feature rows of the selected, by time."""
        places = scored.places[kind]
        chosen = np.flatnonzero(np.isin(scored.heard.rows[places], rows))
        movements: list[MovementDeclared] = [
            scored.heard.movements[place] for place in places[chosen].tolist()
        ]
        self.experience[kind].selected(
            [movement.movement for movement in movements], scored.features[kind][chosen]
        )
