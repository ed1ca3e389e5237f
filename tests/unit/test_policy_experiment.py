"""The tables of the policy experiment: what is compared was run on the same borders."""

import pytest

from tests.benchmarks.policy_experiment import _against
from training.backtest.results import BacktestResult, WeekResult


def result(seed: int, examined: int, finds: int) -> BacktestResult:
    week = WeekResult(
        week=1, movements=1_000, examined=examined, finds=finds, referred=examined,
        explored=0, cold_start=0, exploration_finds=0, capacity=100.0,
    )  # fmt: skip
    return BacktestResult(
        scenario="stationary", policy="greedy", policy_id="greedy", epsilon=0.0, seed=seed,
        warm_up_weeks=0, movements_per_week=1_000, capacity_share=0.1, weeks=(week,),
        references={}, unexamined=(),
    )  # fmt: skip


def test_a_policy_is_compared_with_greedy_on_its_own_seeds_alone() -> None:
    greedy = [result(1, 100, 10), result(2, 100, 90), result(3, 100, 10)]
    # 16 of 200 against 20 of 200, in both seeds alike; seed 2 is nobody's business
    assert _against([result(1, 100, 8), result(3, 100, 8)], greedy) == "0.80 (0.80 to 0.80)"


def test_a_seed_that_greedy_lacks_is_no_comparison() -> None:
    with pytest.raises(KeyError):
        _against([result(4, 100, 8)], [result(1, 100, 10)])
