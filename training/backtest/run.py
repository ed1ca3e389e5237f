"""One policy on one simulated border, beside an oracle, chance and the historical regime."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from features.ledger.events import OutcomeRecorded
from features.records import KINDS
from features.simulate import (
    CAPACITY_SHARE,
    Arena,
    Selection,
    SteadyRoom,
    Tally,
    Week,
    reference_run,
)
from models.evaluation import MODEL
from models.policies import Capacity, Choice, Desk, policy_named
from models.unexamined import beyond_the_examined
from training.backtest.log import ChoiceLog
from training.backtest.loop import Loop, Scored
from training.backtest.results import REFERENCES, BacktestResult, KindEstimates, WeekResult
from training.backtest.selecting import Queue, choose, queue_of, selection_of
from training.config import Trees

Floats = NDArray[np.float64]

WARM_UP_WEEKS = 13
"""In which the historical regime selects: what there is to learn from on the first day."""
REMEMBERED_WEEKS = 4
"""Whose scores the desk ranks by: they are made anew by every new model."""
THREADS = 2
Advance = Callable[[int], None]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    scenario: str
    policy: str
    weeks: int
    """After the warm-up."""
    seed: int = 1
    epsilon: float = 0.05
    movements_per_week: int = 20_000
    """Mean over the three kinds together."""
    warm_up_weeks: int = WARM_UP_WEEKS
    """0: a cold start, in which the policy has nothing to rank by until it found something."""
    capacity_share: float = CAPACITY_SHARE
    """Examinations that a site can make, of the movements it plans for."""
    trees: Trees = Trees()


class Ran(NamedTuple):
    result: BacktestResult
    log: ChoiceLog


class _Past(NamedTuple):
    """A week that the desk still ranks by."""

    queue: Queue
    scored: Scored


def run_backtest(plan: Plan, advance: Advance = lambda _: None) -> Ran:
    """
    Args:
        advance: is told of each week that is over, 1 at a time.

    Raises:
        InputError: an unknown scenario or policy, or a number out of range.
    """
    _check(plan)
    processes = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    with processes, ThreadPoolExecutor(THREADS) as threads:
        others = {name: processes.submit(finds_of, name, plan) for name in REFERENCES}
        policy = PolicyRun(plan, threads.map)
        for _ in range(plan.warm_up_weeks):
            policy.warm_up()
            advance(1)
        for _ in range(plan.weeks):
            policy.select_week()
            advance(1)
        found = {name: tuple(future.result()) for name, future in others.items()}
        return Ran(policy.result(found), policy.log)


class PolicyRun:
    """One border: the weeks of the warm-up, then those in which the policy selects."""

    def __init__(self, plan: Plan, map_kinds: Callable[..., object] = map) -> None:
        """
        Args:
            map_kinds: as ``map``, perhaps of a pool of threads: LightGBM lets others run.
        """
        self._plan, self._map = plan, map_kinds
        self._arena = Arena(
            plan.scenario,
            seed=plan.seed,
            weeks=plan.warm_up_weeks + plan.weeks,
            movements_per_week=plan.movements_per_week,
        )
        self._loop = Loop(self._arena, plan.trees)
        self._desk: Desk | None = None
        self._past: deque[_Past] = deque(maxlen=REMEMBERED_WEEKS)
        self._weeks: list[WeekResult] = []
        self.log = ChoiceLog()

    def warm_up(self) -> None:
        """One week in which the historical regime selects, whatever the policy."""
        week, scored = self._loop.next_week()
        selected = self._arena.regime_selection()
        for kind in KINDS:
            self._loop.examine(scored, kind, selected[kind])
        self._past.append(_Past(queue_of(week, scored, self._loop.catalogues), scored))

    def follow(self, policy: str, epsilon: float) -> None:
        """From now on; before the first week that it selects."""
        self._plan = msgspec.structs.replace(self._plan, policy=policy, epsilon=epsilon)

    def select_week(self) -> None:
        """Retrain on what is known, then select."""
        week, scored = self._loop.next_week()
        desk = self._desk_of(week)
        self._loop.retrain(self._map)
        scored = self._loop.scored_again(scored)
        self._rescore(desk)
        queue = queue_of(week, scored, self._loop.catalogues)
        choices = choose(desk, queue, scored)
        selected = {kind: selection_of(queue, choices, kind) for kind in KINDS}
        outcomes = [
            outcome
            for kind in KINDS
            for outcome in self._loop.examine(scored, kind, selected[kind])
        ]
        self._past.append(_Past(queue, scored))
        self.log.add(len(self._weeks) + 1, queue, scored, choices)
        self._weeks.append(self._week_result(week, choices, selected, outcomes))

    def result(self, others: dict[str, tuple[tuple[int, int], ...]]) -> BacktestResult:
        """Once every outcome is known.

        Args:
            others: as ``finds_of`` gives them.
        """
        self._loop.wait_for_all()
        self.log.conclude(self._loop.experience)
        plan = self._plan
        return BacktestResult(
            scenario=plan.scenario,
            policy=plan.policy,
            policy_id=policy_named(plan.policy, plan.epsilon).policy_id,
            epsilon=plan.epsilon,
            seed=plan.seed,
            warm_up_weeks=plan.warm_up_weeks,
            movements_per_week=plan.movements_per_week,
            capacity_share=plan.capacity_share,
            weeks=tuple(self._weeks),
            references=others,
            unexamined=tuple(self._unexamined(kind) for kind in KINDS),
        )

    def _desk_of(self, week: Week) -> Desk:
        """With the capacity of the week; it begins with having seen the last weeks of the warm-up,
        and decided nothing there."""
        capacity = _capacity(week, self._plan.capacity_share)
        if self._desk is None:
            policy = policy_named(self._plan.policy, self._plan.epsilon)
            self._desk = Desk(policy, capacity)
            for past in self._past:
                choose(self._desk, past.queue, past.scored)
        self._desk.plan(capacity)
        return self._desk

    def _rescore(self, desk: Desk) -> None:
        again = [past._replace(scored=self._loop.scored_again(past.scored)) for past in self._past]
        self._past.clear()
        self._past.extend(again)
        desk.rescore(one for past in again for one in past.queue.candidates(past.scored))

    def _week_result(
        self,
        week: Week,
        choices: Sequence[Choice],
        selected: dict[str, Selection],
        outcomes: Sequence[OutcomeRecorded],
    ) -> WeekResult:
        first = [outcome for outcome in outcomes if outcome.corrects is None]
        finds = [outcome for outcome in first if outcome.outcome == "positive"]
        referred = [choice for choice in choices if choice.referred]
        return WeekResult(
            week=len(self._weeks) + 1,
            movements=len(choices),
            examined=len(finds) + sum(outcome.outcome == "negative" for outcome in first),
            finds=len(finds),
            referred=sum(selection.at.size for selection in selected.values()),
            explored=sum(choice.reason != "risk" for choice in referred),
            cold_start=sum(choice.reason == "cold_start" for choice in referred),
            exploration_finds=sum(outcome.selection_reason == "random" for outcome in finds),
            capacity=7 * self._plan.capacity_share * _planned(week),
        )

    def _unexamined(self, kind: str) -> KindEstimates:
        log = self.log.choices(kind)
        since = self._arena.tally().from_week(self._plan.warm_up_weeks)
        of_kind = [week for week in since.by_week if week.kind == kind]
        unexamined = sum(week.unexamined for week in of_kind)
        scores = {MODEL: log.sample.probability} if log.sample.probability is not None else {}
        share = max(self._plan.capacity_share, 1.0 / max(len(log.explored), 1))
        return KindEstimates(
            kind=kind,
            movements=len(log.explored),
            measures=beyond_the_examined(log, scores, share).measures,
            truth=sum(week.unexamined_probability for week in of_kind) / max(unexamined, 1),
        )


def _capacity(week: Week, share: float) -> Capacity:
    """Of each kind at each site, in examinations."""
    planned: dict[tuple[str, ...], float] = {
        (kind, site): per_day
        for kind, sites in week.expected_per_day.items()
        for site, per_day in sites.items()
    }
    return Capacity(
        hours_per_day=0.0,
        of_pool={pool: share * per_day for pool, per_day in planned.items()},
        demand_of_pool=planned,
    )


def _planned(week: Week) -> float:
    return sum(sum(sites.values()) for sites in week.expected_per_day.values())


def finds_of(name: str, plan: Plan) -> Sequence[tuple[int, int]]:
    """Examinations and finds of each week after the warm-up."""
    room = SteadyRoom(plan.capacity_share)
    tally: Tally = reference_run(
        plan.scenario,
        name,  # type: ignore[arg-type]
        seed=plan.seed,
        weeks=plan.warm_up_weeks + plan.weeks,
        movements_per_week=plan.movements_per_week,
        warm_up_weeks=plan.warm_up_weeks,
        room_of_week=lambda _, expected_per_day: room.of_week(expected_per_day),
    )
    found = []
    for number in range(plan.warm_up_weeks, plan.warm_up_weeks + plan.weeks):
        its = [week for week in tally.by_week if week.week == number]
        found.append((sum(week.examined for week in its), sum(week.reported_finds for week in its)))
    return found


def _check(plan: Plan) -> None:
    policy_named(plan.policy, plan.epsilon)
    if plan.weeks < 1:
        raise InputError(f"weeks must be 1 or more, not {plan.weeks}; give another --weeks")
    if plan.warm_up_weeks < 0:
        raise InputError(
            f"warm-up weeks must be 0 or more, not {plan.warm_up_weeks}; give another number"
        )
    if not 0.0 <= plan.capacity_share <= 1.0:
        raise InputError(
            f"a capacity of {plan.capacity_share:g} of the movements; give a share from 0 to 1"
        )
