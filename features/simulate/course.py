"""The border as it goes on, a block of days at a time; who is examined is the caller's choice.

Traffic and truth of a block come from streams of random numbers of that block, so they are the
same whoever was examined before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np

from features.clock import MICROS_PER_DAY
from features.records import KINDS
from features.simulate.adaptation import Adaptation
from features.simulate.border import (
    Border,
    block_streams,
    build_border,
    drift_stream,
    staff_stream,
)
from features.simulate.carriage import one_truth
from features.simulate.codes import Floats, Ints
from features.simulate.drift import (
    LaneDrift,
    drifted_log_odds,
    drifted_volume,
    season_delay_days,
)
from features.simulate.feedback import blank_failed_feeds, poisoned, reported
from features.simulate.outcomes import POSITIVE, Examined, Fates, draw_fates, examine
from features.simulate.parameters import Scenario
from features.simulate.regime import Capacity, Memory, Regime, Selection, tip_share
from features.simulate.signs import points_of, usual_log_odds
from features.simulate.sites import SITES, planned_per_day
from features.simulate.smuggling import Truth, judge
from features.simulate.staff import hire
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


class Examination(NamedTuple):
    happened: Examined
    reported: Examined
    """What reaches the agency; all of it unless a feed fails."""


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
        self.border: Border = build_border(seed, scenario, start, days, movements_per_day)
        self._memory = Memory(self.border.entity_count, scenario.regime)
        """What the agency knows of entities, whoever selects."""
        self._adaptation = scenario.adaptation and Adaptation(
            self.border, scenario.adaptation, seed
        )
        drifting = drift_stream(seed)
        self._lane_drift = scenario.drift and [
            LaneDrift(drifting, kind, self.border.lanes(kind), scenario.drift) for kind in KINDS
        ]
        self._staff = hire(staff_stream(seed), scenario.regime)
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
        self._change(self._today.start)
        volumes = {kind: self._volume(kind) for kind in KINDS}
        drawn = {kind: self._traffic(kind, volume) for kind, volume in volumes.items()}
        traffic, cargo = self.border.loaded(self.streams["carriage"], drawn)
        truth = {kind: self._judged(of) for kind, of in traffic.items()}
        truth["vehicle"], truth["shipment"] = one_truth(
            self.streams["carriage"], cargo, truth["vehicle"], truth["shipment"]
        )
        self.scenes = {
            kind: self._scene(of, truth[kind], volumes[kind]) for kind, of in traffic.items()
        }
        return self._today

    def _change(self, day: int) -> None:
        """What has become different by that day, the first of a block."""
        if self._adaptation:
            self._adaptation.arrive(day)
        for drift in self._lane_drift or ():
            drift.arrive(day)

    def _volume(self, kind: str) -> float:
        """Movements a day."""
        drift, volume = self._scenario.drift, self.border.movements_per_day[kind]
        return volume * (drifted_volume(drift, kind, self._today.start) if drift else 1.0)

    def _traffic(self, kind: str, volume: float) -> Traffic:
        drift = self._scenario.drift
        traffic = self.border.traffic(
            self.streams[kind],
            kind,
            self._today,
            self._seen[kind],
            movements_per_day=volume,
            season_delay_days=season_delay_days(drift, self._today.start) if drift else 0,
        )
        self._seen[kind] += traffic.block.n
        return traffic

    def _judged(self, traffic: Traffic) -> Truth:
        of, kind = self._scenario, traffic.kind
        log_odds = drifted_log_odds(kind, self._today.start) if of.drift else usual_log_odds(kind)
        lanes = self.border.lanes(kind)
        judged = judge(self.streams["smuggling"], lanes, traffic, of.smuggling, log_odds)
        method = self.border.methods.of_movements(
            self.streams["concealment"], kind, judged.network, judged.threat
        )
        return replace(judged, concealment=method)

    def _scene(self, traffic: Traffic, truth: Truth, volume: float) -> Scene:
        of, kind, day = self._scenario, traffic.kind, self._today.start
        if of.feed_gap:
            blank_failed_feeds(traffic, of.feed_gap, day)
        depth = self._staff[kind].depth_exponent
        return Scene(
            traffic=traffic,
            truth=truth,
            fates=draw_fates(
                self.streams["fates"],
                of.regime,
                depth[traffic.site],
                for_concealment=self.streams["concealment"],
            ),
            points=points_of(kind, traffic.facts),
            tip_share=tip_share(truth, of.regime),
            planned_per_day=planned_per_day(
                kind, self.border.lanes(kind), day, volume, self.border.lanes("vehicle")
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
            kind: Regime(
                kind, self._scenario.regime, memory, self._capacity[kind], self._staff[kind]
            )
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
            officer=regime.staff.on_duty(scene.traffic.arrives_at[today]),
            planned_per_day=scene.planned_per_day,
        )
        in_block = Selection.joined([selection], [first])
        told = self._reported(scene, self._result(scene, in_block))
        self._learn(scene, told, regime.memory)
        return first, selection

    def examine(self, kind: str, selection: Selection) -> Examination:
        """What comes of it; the agency remembers each result from the day after it is known."""
        scene = self.scenes[kind]
        happened = self._result(scene, selection)
        told = self._reported(scene, happened)
        self._learn(scene, told, self._memory)
        if self._adaptation:
            found = happened.result == POSITIVE
            day = self._day_of(happened.examined_at[found])
            lane = scene.traffic.lane[happened.at[found]]
            self._adaptation.react(kind, lane, day, self._today.stop)
        return Examination(happened, told)

    def _result(self, scene: Scene, selection: Selection) -> Examined:
        traffic = scene.traffic
        examined = examine(
            self._scenario.regime,
            traffic.kind,
            selection,
            scene.truth,
            traffic.arrives_at,
            scene.fates,
        )
        if self._scenario.poison is None:
            return examined
        return poisoned(
            examined,
            self._scenario.poison,
            kind=traffic.kind,
            site=traffic.site,
            day=traffic.block.day,
            network=scene.truth.network,
            honesty=scene.fates.honesty,
        )

    def _reported(self, scene: Scene, happened: Examined) -> Examined:
        gaps, traffic = self._scenario.feed_gap, scene.traffic
        if gaps is None:
            return happened
        day = traffic.block.day
        return reported(happened, gaps, kind=traffic.kind, site=traffic.site, day=day)

    def _learn(self, scene: Scene, examined: Examined, memory: Memory) -> None:
        looked = examined.only(examined.looked)
        known_day = np.maximum(self._day_of(looked.known_at), scene.traffic.block.day[looked.at])
        entities = scene.traffic.entities[looked.at]
        memory.expect(known_day, entities, looked.result == POSITIVE)
        back = looked.reversed
        memory.expect_reversals(
            known_day[back], self._day_of(looked.reversed_at[back]), entities[back]
        )

    def _day_of(self, instants: Ints) -> Ints:
        """Microseconds since 1970 to days since the start."""
        return instants // MICROS_PER_DAY - self.first_day
