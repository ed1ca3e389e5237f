"""Sums of the truth over whole weeks: what a policy is measured by, and nothing of one movement."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from features.simulate.course import Examination, Scene
from features.simulate.outcomes import POSITIVE


class WeekTally(NamedTuple):
    """One kind in one week."""

    week: int
    kind: str
    movements: int
    smuggling: int
    """Movements that carry something."""
    examined: int
    """With a label: somebody looked."""
    finds: int
    """Whether or not they were reported."""
    reported_finds: int
    unexamined: int
    """Movements that nobody looked at, those included that were selected in vain."""
    unexamined_probability: float
    """Sum over them of the true probability of a find, if examined as thoroughly as the random
    examinations are; divide by ``unexamined`` for the mean."""
    unexamined_smuggling: int


class Tally(NamedTuple):
    """All weeks so far, oldest first, three kinds each."""

    by_week: tuple[WeekTally, ...]

    @property
    def reported_finds(self) -> int:
        return sum(of.reported_finds for of in self.by_week)

    @property
    def movements(self) -> int:
        return sum(of.movements for of in self.by_week)

    @property
    def smuggling(self) -> int:
        return sum(of.smuggling for of in self.by_week)

    @property
    def examined(self) -> int:
        return sum(of.examined for of in self.by_week)

    @property
    def finds(self) -> int:
        return sum(of.finds for of in self.by_week)

    def from_week(self, week: int) -> "Tally":
        """Without the weeks before, such as those of a warm-up."""
        return Tally(tuple(of for of in self.by_week if of.week >= week))


class Tallies:
    """Keeps the sums while the weeks go by."""

    def __init__(self) -> None:
        self._of: dict[tuple[int, str], WeekTally] = {}

    def open(self, week: int, kind: str, scene: Scene) -> None:
        """Before anyone is examined, as it stays if nobody is."""
        self._of[week, kind] = _tally(week, kind, scene, ())

    def close(self, week: int, kind: str, scene: Scene, examination: Examination) -> None:
        self._of[week, kind] = _tally(week, kind, scene, (examination,))

    def so_far(self) -> Tally:
        return Tally(tuple(self._of.values()))


def _tally(week: int, kind: str, scene: Scene, done: Iterable[Examination]) -> WeekTally:
    looked_at = np.zeros(scene.n, dtype=bool)
    finds = reported_finds = 0
    for examination in done:
        happened = examination.happened
        looked_at[happened.at[happened.looked]] = True
        finds += int(np.count_nonzero(happened.result == POSITIVE))
        reported_finds += int(np.count_nonzero(examination.reported.result == POSITIVE))
    truth = scene.truth
    return WeekTally(
        week=week,
        kind=kind,
        movements=scene.n,
        smuggling=int(np.count_nonzero(truth.is_smuggling)),
        examined=int(np.count_nonzero(looked_at)),
        finds=finds,
        reported_finds=reported_finds,
        unexamined=int(np.count_nonzero(~looked_at)),
        unexamined_probability=float(truth.probability_at_random_depth[~looked_at].sum()),
        unexamined_smuggling=int(np.count_nonzero(truth.is_smuggling & ~looked_at)),
    )
