"""What an all-knowing, a blind and the historical selector find on the same border.

A policy is measured between them. All are simulated.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal

import numpy as np

from features.errors import InputError
from features.records import KINDS
from features.simulate.arena import FIRST_MONDAY, arena_course
from features.simulate.codes import Floats, Ints
from features.simulate.course import DAYS_PER_BLOCK, Course, Scene
from features.simulate.parameters import RegimeParameters
from features.simulate.regime import RISK, Selection, rank_within
from features.simulate.sites import SITES
from features.simulate.tally import Tallies, Tally

CAPACITY_SHARE = RegimeParameters().capacity_share
"""Examinations a site can make, of the movements it plans for; the regime's own mean."""
Selector = Literal["oracle", "random", "regime"]
SELECTORS: tuple[Selector, ...] = ("oracle", "random", "regime")
Room = Mapping[str, Mapping[str, int]]
"""Kind, then site: examinations that can be made in the week; a site left out can make none."""


class SteadyRoom:
    """The same share of what each site plans for, in whole examinations; fractions carry over."""

    def __init__(self, capacity_share: float = CAPACITY_SHARE) -> None:
        if not 0.0 <= capacity_share <= 1.0:
            raise InputError(f"capacity_share must be 0 to 1, not {capacity_share}")
        self._share = capacity_share
        self._owed: dict[tuple[str, str], float] = {}

    def of_week(self, expected_per_day: Mapping[str, Mapping[str, float]]) -> Room:
        """Call once a week, with ``Week.expected_per_day``."""
        return {
            kind: {site: self._whole(kind, site, per_day) for site, per_day in sites.items()}
            for kind, sites in expected_per_day.items()
        }

    def _whole(self, kind: str, site: str, per_day: float) -> int:
        owed = self._owed.get((kind, site), 0.0) + per_day * DAYS_PER_BLOCK * self._share
        self._owed[kind, site] = owed - int(owed)
        return int(owed)


def reference_run(
    scenario: str,
    selector: Selector,
    *,
    seed: int,
    weeks: int,
    movements_per_week: int,
    warm_up_weeks: int,
    room_of_week: Callable[[int, Mapping[str, Mapping[str, float]]], Room] | None = None,
    start: date = FIRST_MONDAY,
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """The finds of a selector that needs no model, on the border of the ``Arena`` so named.

    In the warm-up the regime selects, whatever the selector. After it

    * ``oracle`` takes the movements with the highest true probability of a find,
    * ``random`` takes any,
    * ``regime`` goes on as before, with its own capacity,

    the first two up to the room of each kind and site; they examine as thoroughly as officers do
    for the reason ``risk``.

    Args:
        weeks: all of them, the warm-up included; as the arena's.
        room_of_week: the examinations of a week, from its number and ``Week.expected_per_day``;
            by default a ``SteadyRoom``. Give those that a policy made to compare at equal effort.
        progress: called with 1 after each week.

    Raises:
        InputError: an unknown scenario or selector, or a number out of range.
    """
    if selector not in SELECTORS:
        raise InputError(f"selector must be one of: {', '.join(SELECTORS)}; not {selector!r}")
    course = arena_course(scenario, seed, weeks, movements_per_week, start)
    steady = SteadyRoom()
    room_of = room_of_week or (lambda _, expected_per_day: steady.of_week(expected_per_day))
    tallies = Tallies()
    for week in range(weeks):
        course.advance()
        if week < warm_up_weeks or selector == "regime":
            chosen = course.regime_selection()
        else:
            chosen = _chosen(course, selector, room_of(week, course.expected_per_day))
        for kind, selection in chosen.items():
            examination = course.examine(kind, selection)
            tallies.close(week, kind, course.scenes[kind], examination)
        if progress is not None:
            progress(1)
    return tallies.so_far()


def _chosen(course: Course, selector: Selector, room: Room) -> Mapping[str, Selection]:
    chance = course.streams["chance"]
    chosen = {}
    for kind in KINDS:
        scene = course.scenes[kind]
        drawn = chance.random(scene.n)  # drawn for both, so that ties of the oracle fall alike
        merit = scene.truth.probability_of_find if selector == "oracle" else drawn
        per_site = np.array([room.get(kind, {}).get(site, 0) for site in SITES[kind]])
        chosen[kind] = _best_of_each_site(scene, merit, per_site)
    return chosen


def _best_of_each_site(scene: Scene, merit: Floats, room: Ints) -> Selection:
    site = scene.traffic.site
    order = np.lexsort((-merit, site))
    taken = rank_within(site[order]) < room[site[order]]
    at = np.sort(order[taken])
    return Selection(at, np.full(at.size, RISK), np.ones(at.size, dtype=bool))
