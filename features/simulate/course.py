"""The border as it goes on, a block of days at a time; who is examined is the caller's choice.

Traffic and truth of a block come from streams of random numbers of that block, so they are the
same whoever was examined before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from features.clock import MICROS_PER_DAY
from features.records import KINDS
from features.simulate.border import Border, block_streams, build_border, world_stream
from features.simulate.codes import Floats, Ints
from features.simulate.outcomes import POSITIVE, Examined, Fates, draw_fates, examine
from features.simulate.parameters import Scenario
from features.simulate.regime import Capacity, Memory, Regime, Selection, tip_share
from features.simulate.signs import points_of
from features.simulate.sites import SITES, planned_per_day
from features.simulate.smuggling import Truth, judge
from features.simulate.traffic import Traffic

EPOCH = date(1970, 1, 1)
DAYS_PER_BLOCK = 7


@dataclass(frozen=True)
class Scene:
    """All that is so about the movements of one kind in a block, known or not."""

    traffic: Traffic
    truth: Truth
    fates: Fates
    points: Floats
    """What the regime's rules make of the declaration."""
    tip_share: Floats
    planned_per_day: Floats
    """float64[sites]: movements a day that each site expects."""

    @property
    def n(self) -> int:
        return self.traffic.block.n


class Course:
    """Call ``advance`` for each block in order, and in between ``examine`` once a kind."""

    def __init__(
        self, scenario: Scenario, seed: int, start: date, days: int, movements_per_day: float
    ) -> None:
        self._scenario = scenario
        self._seed = seed
        self._days = days
        self._next_block = 0
        self.first_day = (start - EPOCH).days
        """Days since 1970 of day 0."""
        self.border: Border = build_border(
            world_stream(seed), scenario, start, days, movements_per_day
        )
        self._memory = Memory(self.border.entity_count, scenario.regime)
        """What the agency knows of entities, whoever selects."""
        self._capacity = {kind: Capacity(scenario.regime) for kind in KINDS}
        self._seen = dict.fromkeys(KINDS, 0)
        self._today = range(0)
        self.streams: Mapping[str, np.random.Generator] = {}
        """Of the current block."""
        self.scenes: Mapping[str, Scene] = {}
        self._selected: Mapping[str, Selection] = {}

    @property
    def is_over(self) -> bool:
        return self._today.stop >= self._days

    @property
    def ends_at(self) -> int:
        """Microseconds since 1970, exclusive."""
        return (self.first_day + self._days) * MICROS_PER_DAY

    @property
    def expected_per_day(self) -> Mapping[str, Mapping[str, float]]:
        """Kind, then site: movements a day by the site's plans."""
        return {
            kind: dict(zip(SITES[kind], scene.planned_per_day.tolist(), strict=True))
            for kind, scene in self.scenes.items()
        }

    def event_prefix(self, kind: str) -> str:
        """Of the ids of outcomes, so that two simulations never share one."""
        return f"{kind}-{self.border.stamp:06d}"

    def advance(self) -> range:
        """The next block; the days it covers, counted from the start."""
        for day in self._today:
            self._memory.wake(day)
        first = self._today.stop
        self._today = range(first, min(first + DAYS_PER_BLOCK, self._days))
        self.streams = block_streams(self._seed, self._next_block)
        self._next_block += 1
        self._selected = {}
        self.scenes = {kind: self._scene(kind) for kind in KINDS}
        return self._today

    def _scene(self, kind: str) -> Scene:
        traffic = self.border.traffic(
            self.streams[kind], kind, self._today, first_reference=self._seen[kind]
        )
        lanes = self.border.lanes(kind)
        self._seen[kind] += traffic.block.n
        truth = judge(self.streams["smuggling"], lanes, traffic, self._scenario.smuggling)
        return Scene(
            traffic=traffic,
            truth=truth,
            fates=draw_fates(self.streams["fates"], self._scenario.regime, traffic.block.n),
            points=points_of(kind, traffic.facts),
            tip_share=tip_share(truth, self._scenario.regime),
            planned_per_day=planned_per_day(
                kind, lanes, self._today.start, self.border.movements_per_day[kind]
            ),
        )

    def regime_selection(self) -> Mapping[str, Selection]:
        """What the historical regime selects in this block, on what is known by then.

        Day after day over all kinds: what one kind taught yesterday serves the others today.
        Asking twice gives the same answer, and asking changes nothing but the sites' saved hours.
        """
        if self._selected:
            return self._selected
        memory = self._memory.copy()
        regimes = {
            kind: Regime(kind, self._scenario.regime, memory, self._capacity[kind])
            for kind in KINDS
        }
        chosen: dict[str, list[Selection]] = {kind: [] for kind in KINDS}
        starts: dict[str, list[int]] = {kind: [] for kind in KINDS}
        for day in self._today:
            memory.wake(day)
            for kind, scene in self.scenes.items():
                first, selection = self._one_day(day, scene, regimes[kind])
                chosen[kind].append(selection)
                starts[kind].append(first)
        self._selected = {kind: Selection.joined(chosen[kind], starts[kind]) for kind in KINDS}
        return self._selected

    def _one_day(self, day: int, scene: Scene, regime: Regime) -> tuple[int, Selection]:
        """The day's first row in its block, and the selection counted from there."""
        counts = scene.traffic.block.counts
        at = day - self._today.start
        first = int(counts[:at].sum())
        today = slice(first, first + int(counts[at]))
        selection = regime.select(
            self.streams["regime"],
            points=scene.points[today],
            tip_share=scene.tip_share[today],
            entities=scene.traffic.entities[today],
            site=scene.traffic.site[today],
            expected_per_site=scene.planned_per_day,
        )
        in_block = Selection.joined([selection], [first])
        self._learn(scene, self._result(scene, in_block), regime.memory)
        return first, selection

    def examine(self, kind: str, selection: Selection) -> Examined:
        """What comes of it; the agency remembers each result from the day after it is known."""
        examined = self._result(self.scenes[kind], selection)
        self._learn(self.scenes[kind], examined, self._memory)
        return examined

    def _result(self, scene: Scene, selection: Selection) -> Examined:
        traffic = scene.traffic
        return examine(
            self._scenario.regime,
            traffic.kind,
            selection,
            scene.truth,
            traffic.arrives_at,
            scene.fates,
        )

    def _learn(self, scene: Scene, examined: Examined, memory: Memory) -> None:
        looked = examined.looked
        rows: Ints = examined.at[looked]
        known_day = examined.known_at[looked] // MICROS_PER_DAY - self.first_day
        arrival_day = scene.traffic.block.day[rows]
        memory.expect(
            np.maximum(known_day, arrival_day),
            scene.traffic.entities[rows],
            examined.result[looked] == POSITIVE,
        )
