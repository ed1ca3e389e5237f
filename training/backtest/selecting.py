"""One week at the desk of a policy: candidates in order of arrival, and what was chosen."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.clock import EPOCH, MICROS_PER_DAY
from features.simulate import REASONS, Selection, Week
from models.policies import Candidate, Choice, Desk, day_key, draw
from training.backtest.loop import Scored

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SECRET = bytes(range(32))
"""Of the draws of a simulation, which nobody needs to foresee; fixed, so that runs can be
compared: under every policy a movement has the same draw."""
RECORDED_AS = {"risk": REASONS.index("risk")}
CHANCE = REASONS.index("random")
"""A policy's reason as it is recorded with the examination; what chance drew is random."""
ONE_EXAMINATION = 1.0


class Queue(NamedTuple):
    """The movements of one week in order of arrival, as a desk is asked about them."""

    kinds: list[str]
    sites: list[str]
    days: list[int]
    never_examined: list[bool]
    draws: list[float]
    places: Ints
    """int64[n], in the order of ``Scored``."""
    rows: Ints
    """int64[n], of the border's tables."""

    def candidates(self, scored: Scored) -> Iterator[Candidate]:
        """With the probabilities that ``scored`` has now; None where there is no model."""
        probability = scored.probability[self.places].tolist()
        columns = (self.kinds, self.sites, self.days, probability, self.never_examined, self.draws)
        for kind, site, day, p, never_examined, number in zip(*columns, strict=True):
            yield Candidate(
                kind, site, day, None if p != p else p, ONE_EXAMINATION, never_examined, number
            )


def queue_of(week: Week, scored: Scored, catalogues: Mapping[str, Catalogue]) -> Queue:
    heard = scored.heard
    n = len(heard.movements)
    kinds = np.array([movement.kind for movement in heard.movements], dtype=object)
    sites, arrives_at = np.empty(n, dtype=object), np.empty(n, dtype=np.int64)
    never_examined = np.empty(n, dtype=bool)
    for kind, places in scored.places.items():
        rows = heard.rows[places]
        sites[places] = np.array(week.site[kind].to_pylist(), dtype=object)[rows]
        arrives_at[places] = week.arrives_at[kind][rows]
        never_examined[places] = _never_examined(scored.features[kind], catalogues[kind])
    order = np.argsort(arrives_at, kind="stable")
    days = (arrives_at // MICROS_PER_DAY)[order].tolist()
    movements = [heard.movements[place].movement for place in order.tolist()]
    return Queue(
        kinds[order].tolist(),
        sites[order].tolist(),
        days,
        never_examined[order].tolist(),
        _draws(movements, days),
        order,
        heard.rows[order],
    )


def choose(desk: Desk, queue: Queue, scored: Scored) -> list[Choice]:
    """One choice a movement, in the order of the queue."""
    return [desk.choose(candidate) for candidate in queue.candidates(scored)]


def selection_of(queue: Queue, choices: list[Choice], kind: str) -> Selection:
    """The referred of one kind, as the border takes them."""
    chosen = [
        (row, RECORDED_AS.get(choice.reason, CHANCE))
        for row, of, choice in zip(queue.rows.tolist(), queue.kinds, choices, strict=True)
        if choice.referred and of == kind
    ]
    table = np.array(sorted(chosen), dtype=np.int64).reshape(-1, 2)
    return Selection(table[:, 0], table[:, 1], np.ones(len(table), dtype=bool))


def _never_examined(features: Floats, catalogue: Catalogue) -> NDArray[np.bool_]:
    """bool[m]: no entity that the movement declares was ever examined."""
    names = catalogue.names
    columns = [
        place
        for place, name in enumerate(names)
        if name.endswith(".examinations")
        and not name.startswith("carried.")
        and name.replace(".examinations", ".days_since_last_examination") in names
    ]
    examined = np.asarray((features[:, columns] > 0.0).any(axis=1))
    return ~examined


def _draws(movements: list[str], days: list[int]) -> list[float]:
    keys = {day: day_key(SECRET, (EPOCH + timedelta(days=day)).date()) for day in set(days)}
    return [draw(keys[day], movement) for movement, day in zip(movements, days, strict=True)]
