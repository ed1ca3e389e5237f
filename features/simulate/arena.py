"""A border on which an examination policy is tried out, week by week, against a known truth.

The caller sees what an agency would see: declarations, and the outcomes of what it had examined.
The truth is told in sums only (``Arena.tally``), never of one movement.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from features.errors import ForelandError, InputError
from features.records import KINDS
from features.simulate.codes import Bools, Column, Ints
from features.simulate.course import DAYS_PER_BLOCK, Course
from features.simulate.parameters import scenario_named
from features.simulate.regime import REASONS, Selection
from features.simulate.run import check_range
from features.simulate.sites import SITES
from features.simulate.tally import Tallies, Tally
from features.simulate.traffic import taken
from features.simulate.writing import first_versions, outcome_table

MOST_WEEKS = 520
MOST_MOVEMENTS_PER_WEEK = 140_000
FIRST_MONDAY = date(2025, 1, 6)


class NoMoreWeeks(ForelandError):
    """The arena was made for fewer weeks than were asked of it."""


def arena_course(
    scenario: str, seed: int, weeks: int, movements_per_week: int, start: date
) -> Course:
    """The border of an arena with these arguments.

    Raises:
        InputError: unknown scenario, or a number out of range.
    """
    chosen = scenario_named(scenario)
    check_range("seed", seed, 0, 2**63 - 1)
    check_range("weeks", weeks, 1, MOST_WEEKS)
    check_range("movements_per_week", movements_per_week, 7, MOST_MOVEMENTS_PER_WEEK)
    days = weeks * DAYS_PER_BLOCK
    return Course(chosen, seed, start, days, movements_per_week / DAYS_PER_BLOCK)


class Week(NamedTuple):
    """What arrives in one week, as declared; everything is simulated."""

    number: int
    """From 0."""
    from_day: int
    """Days since 1970."""
    until_day: int
    """Exclusive."""
    movements: Mapping[str, pa.Table]
    """Of each kind: one row per movement that arrives in the week, as first declared, in order of
    the day of arrival; columns as in ``KIND-movements.parquet``."""
    arrives_at: Mapping[str, Ints]
    """Microseconds since 1970, of each row; not blank where the declaration is."""
    site: Mapping[str, Column]
    """UN/LOCODE of where each row would be examined."""
    expected_per_day: Mapping[str, Mapping[str, float]]
    """Kind, then site: movements a day by the site's plans, not those of this week."""


class Arena:
    """Call ``next_week``, then ``examine`` at most once for each kind, then ``next_week`` again.

    What is examined does not change what arrives later, unless the scenario says that smugglers
    react. The same arguments and examinations give the same bytes.
    """

    def __init__(
        self,
        scenario: str,
        *,
        seed: int,
        weeks: int,
        movements_per_week: int,
        start: date = FIRST_MONDAY,
    ) -> None:
        """
        Args:
            weeks: all of them, those in which the historical regime selects included; the world is
                made for so many, so another number is another world.
            movements_per_week: mean over the three kinds together.

        Raises:
            InputError: unknown scenario, or a number out of range.
        """
        self._course = arena_course(scenario, seed, weeks, movements_per_week, start)
        self._weeks = weeks
        self._number = -1
        self._examined: set[str] = set()
        self._events = dict.fromkeys(KINDS, 0)
        self._tallies = Tallies()

    def next_week(self) -> Week:
        """
        Raises:
            NoMoreWeeks: after the last one.
        """
        if self._course.is_over:
            raise NoMoreWeeks(
                f"the arena was made for {self._weeks} weeks and all of them are over; "
                "make one with more weeks"
            )
        days = self._course.advance()
        self._number += 1
        self._examined = set()
        scenes = self._course.scenes
        for kind, scene in scenes.items():
            self._tallies.open(self._number, kind, scene)
        return Week(
            number=self._number,
            from_day=self._course.first_day + days.start,
            until_day=self._course.first_day + days.stop,
            movements={kind: first_versions(scene.traffic) for kind, scene in scenes.items()},
            arrives_at={kind: scene.traffic.arrives_at for kind, scene in scenes.items()},
            site={
                kind: taken(pa.array(SITES[kind]), scene.traffic.site)
                for kind, scene in scenes.items()
            },
            expected_per_day=self._course.expected_per_day,
        )

    def regime_selection(self) -> Mapping[str, Selection]:
        """What the historical regime selects this week: tips, chance, rules, judgement.

        It goes by what has become known of all examinations so far, whoever selected them, and
        during the week by what its own would show. ``Selection.examined`` is False where the site
        had no room; pass that on as ``turned_away``. Asking costs the sites their saved hours, so
        ask only in the weeks in which the regime selects.
        """
        return self._course.regime_selection()

    def examine(
        self,
        kind: str,
        rows: Ints,
        reason: Sequence[str] | Ints,
        *,
        turned_away: Bools | None = None,
    ) -> pa.Table:
        """The outcomes of these rows of the current week, in the columns of an outcomes file.

        Thoroughness is drawn by the reason: ``random`` goes deep, ``intelligence`` fairly deep.
        **All** outcomes that ever arrive are returned, also those with a ``known_at`` weeks
        later: the caller must hide what is not yet known.

        Args:
            rows: int64[n], positions in ``Week.movements[kind]``; each at most once.
            reason: one of ``REASONS`` a row, or its number there.
            turned_away: bool[n], selected but without room: ``insufficient_resources``.

        Raises:
            InputError: before the first week, a second time for the kind in one week, a row that
                is none or twice, or an unknown reason.
        """
        self._refuse_twice(kind)
        selection = _selection(rows, reason, turned_away, self._course.scenes[kind].n)
        examination = self._course.examine(kind, selection)
        self._examined.add(kind)
        self._tallies.close(self._number, kind, self._course.scenes[kind], examination)
        first = self._events[kind]
        told = examination.reported
        self._events[kind] += told.at.size
        refs = self._course.scenes[kind].traffic.columns["movement_ref"]
        return outcome_table(self._course.event_prefix(kind), told, refs, first)

    def tally(self) -> Tally:
        """Sums over the weeks so far, the current one included."""
        return self._tallies.so_far()

    def _refuse_twice(self, kind: str) -> None:
        if kind not in KINDS:
            raise InputError(f"kind must be one of: {', '.join(KINDS)}; not {kind!r}")
        if self._number < 0:
            raise InputError("no week has begun; call next_week first")
        if kind in self._examined:
            raise InputError(
                f"{kind} was examined in week {self._number} already; "
                "give all rows of a week in one call"
            )


def _selection(
    rows: Ints, reason: Sequence[str] | Ints, turned_away: Bools | None, n: int
) -> Selection:
    at = np.asarray(rows, dtype=np.int64)
    if at.size and (at.min() < 0 or at.max() >= n):
        raise InputError(f"rows must lie in 0 to {n - 1}, not {at.min()} to {at.max()}")
    if np.unique(at).size != at.size:
        raise InputError("rows must not repeat: a movement is examined once; give each row once")
    numbers = np.array(
        [REASONS.index(of) if of in REASONS else _number(of) for of in reason], dtype=np.int64
    )
    away = np.zeros(at.size, dtype=bool) if turned_away is None else turned_away
    if not at.size == numbers.size == away.size:
        raise InputError(
            f"rows, reason and turned_away must be equally long, not {at.size}, "
            f"{numbers.size} and {away.size}"
        )
    return Selection(at, numbers, ~away)


def _number(reason: object) -> int:
    if isinstance(reason, int | np.integer) and 0 <= reason < len(REASONS):
        return int(reason)
    allowed = ", ".join(REASONS)
    raise InputError(f"reason must be one of: {allowed}; not {reason!r}; choose one of them")
