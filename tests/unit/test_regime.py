"""The historical regime: what it remembers, officers and sites that differ, finds taken back."""

import numpy as np
import pandas as pd
import pytest

from features.simulate import Arena
from features.simulate.codes import Floats
from features.simulate.outcomes import NEVER, POSITIVE, Fates, draw_fates, examine
from features.simulate.parameters import RegimeParameters
from features.simulate.regime import RANDOM, RISK, Memory, Selection
from features.simulate.smuggling import Truth
from features.simulate.staff import hire
from features.simulate.world import HONEST, NOBODY


def test_the_regime_learns_a_result_the_day_after_it_is_known() -> None:
    parameters = RegimeParameters()
    memory = Memory(3, parameters)
    someone = np.array([[1, -1]])
    memory.wake(0)
    memory.expect(np.array([1]), someone, np.array([True]))
    memory.wake(1)
    assert memory.points("vessel", someone).tolist() == [0.0]
    memory.wake(2)
    # (1 + 4 * 0.07) / (1 + 4) / 0.07 = 3.657; its logarithm 1.297 times 2.2 points
    assert memory.points("vessel", someone)[0] == pytest.approx(2.2 * np.log(1.28 / 5 / 0.07))
    assert memory.points("vessel", np.array([[2, -1]])).tolist() == [0.0]
    memory.wake(3)
    assert memory.points("vessel", someone)[0] < 2.2 * np.log(1.28 / 5 / 0.07), "it forgets"


def test_a_find_taken_back_leaves_an_examination_without_one() -> None:
    parameters = RegimeParameters()
    memory = Memory(1, parameters)
    someone = np.array([[0]])
    memory.expect(np.array([0]), someone, np.array([True]))
    memory.expect_reversals(np.array([0]), np.array([40]), someone)
    for day in range(41):
        memory.wake(day)
    assert memory.points("vessel", someone)[0] > 0
    memory.wake(41)
    # one examination 40 days ago, forgotten in part, and no find: (0 + 0.28) / (e + 4) / 0.07
    examinations = 0.5 ** (40 / parameters.history_half_life_days)
    expected = 2.2 * np.log(0.28 / (examinations + 4) / 0.07)
    assert memory.points("vessel", someone)[0] == pytest.approx(expected)


def test_a_copy_of_the_memory_learns_on_its_own() -> None:
    memory = Memory(1, RegimeParameters())
    memory.expect(np.array([0]), np.array([[0]]), np.array([True]))
    other = memory.copy()
    other.wake(1)
    assert other.points("vessel", np.array([[0]]))[0] > 0
    assert memory.points("vessel", np.array([[0]])).tolist() == [0.0]


def test_officers_and_sites_differ_and_sites_keep_their_mean() -> None:
    parameters = RegimeParameters()
    staff = hire(np.random.default_rng(1), parameters)["vehicle"]
    assert staff.strictness_points.shape == staff.noise_points.shape
    assert staff.strictness_points.shape[1] == parameters.officers_per_site == 5
    assert np.unique(staff.strictness_points).size == staff.strictness_points.size
    assert staff.capacity_factor.mean() == pytest.approx(1.0)
    assert staff.capacity_factor.std() > 0.1
    hour = 3_600_000_000
    # 00:00 and 07:59 of 1970-01-01 are the first shift, 08:00 the second, the sixth is the first's
    shifts = np.array([0, 8 * hour - 1, 8 * hour, 40 * hour])
    assert staff.on_duty(shifts).tolist() == [0, 0, 1, 0]


def a_truth(n: int, *, smuggles: bool) -> Truth:
    return Truth(
        probability_of_find=np.full(n, 0.5),
        probability_at_random_depth=np.full(n, 0.5),
        is_smuggling=np.full(n, smuggles),
        network=np.full(n, HONEST),
        threat=np.full(n, 0 if smuggles else -1),
        concealment=np.full(n, 1 if smuggles else -1),
    )


def fates_of(parameters: RegimeParameters, depth_exponent: Floats) -> Fates:
    streams = np.random.default_rng(2), np.random.default_rng(3)
    return draw_fates(streams[0], parameters, depth_exponent, for_concealment=streams[1])


def test_a_site_that_leans_deep_looks_deeper_but_not_at_random() -> None:
    n, parameters = 4_000, RegimeParameters()
    rows, arrives = np.arange(n), np.zeros(n, dtype=np.int64)
    depth = {}
    for exponent in (0.5, 1.0, 2.0):
        fates = fates_of(parameters, np.full(n, exponent))
        for reason in (RISK, RANDOM):
            selection = Selection(rows, np.full(n, reason), np.ones(n, dtype=bool))
            done = examine(
                parameters, "vehicle", selection, a_truth(n, smuggles=False), arrives, fates
            )
            depth[exponent, reason] = done.thoroughness[done.looked].mean()
    assert depth[0.5, RISK] > depth[1.0, RISK] > depth[2.0, RISK]
    assert depth[0.5, RANDOM] == depth[1.0, RANDOM] == depth[2.0, RANDOM]


def test_results_take_hours_to_ninety_days_and_some_finds_are_taken_back() -> None:
    n, parameters = 20_000, RegimeParameters()
    fates = fates_of(parameters, np.ones(n))
    selection = Selection(np.arange(n), np.full(n, RISK), np.ones(n, dtype=bool))
    arrives = np.zeros(n, dtype=np.int64)
    done = examine(parameters, "vehicle", selection, a_truth(n, smuggles=True), arrives, fates)
    days = (done.known_at - done.examined_at) / 86_400_000_000
    assert days.min() < 0.1
    assert 60 < days.max() <= 90
    found = done.result == POSITIVE
    assert (done.reversed_at[~found] == NEVER).all()
    assert done.reversed[found].mean() == pytest.approx(parameters.appeal_share, abs=0.006)
    told = done.concealment[found]
    assert set(told) == {1, NOBODY}
    assert (told == NOBODY).mean() == pytest.approx(parameters.concealment_unstated_share, abs=0.01)
    assert (done.concealment[~found] == NOBODY).all()
    back = done.only(done.reversed)
    assert (back.reversed_at > back.known_at).all()
    later = np.median(back.reversed_at - back.known_at) / 86_400_000_000
    assert later == pytest.approx(parameters.appeal_median_days, rel=0.2)
    before = done.known_before(int(np.median(back.reversed_at)))
    assert 0 < np.count_nonzero(before.reversed) < np.count_nonzero(done.reversed)


def test_an_appeal_is_a_later_message_that_corrects_the_find() -> None:
    arena = Arena("stationary", seed=6, weeks=6, movements_per_week=7_000)
    told = []
    for _ in range(6):
        week = arena.next_week()
        for kind, table in week.movements.items():
            n = table.num_rows
            told.append(arena.examine(kind, np.arange(n), ["random"] * n).to_pandas())
    outcomes = pd.concat(told).set_index("event_id")
    assert outcomes.index.is_unique
    appeals = outcomes[outcomes.corrects.notna()]
    assert len(appeals) > 2
    corrected = outcomes.loc[appeals.corrects]
    assert set(corrected.outcome) == {"positive"}
    assert set(appeals.outcome) == {"negative"}
    assert appeals.threat.isna().all()
    for same in ("movement_ref", "examined_at", "thoroughness", "selection_reason"):
        assert appeals[same].tolist() == corrected[same].tolist()
    assert (appeals.known_at.to_numpy() > corrected.known_at.to_numpy()).all()
