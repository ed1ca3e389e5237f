"""The scenarios: each is the stationary border and stated differences; all are simulated."""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.records import KINDS
from features.simulate import SCENARIOS, Arena, reference_run, simulate
from features.simulate.adaptation import Adaptation
from features.simulate.arena import FIRST_MONDAY, arena_course
from features.simulate.course import Course
from features.simulate.networks import EMERGING, NETWORKS
from features.simulate.outcomes import POSITIVE
from features.simulate.parameters import CHANGE_WEEK, AdaptationParameters, PoisonParameters
from features.simulate.regime import RANDOM, Selection
from features.simulate.sites import SITES
from features.simulate.world import HONEST

WEEKS, PER_WEEK = 20, 4_200


def course_of(scenario: str, *, weeks: int = WEEKS, seed: int = 4) -> Course:
    return arena_course(scenario, seed, weeks, PER_WEEK, FIRST_MONDAY)


def everybody(course: Course, kind: str) -> Selection:
    n = course.scenes[kind].n
    return Selection(np.arange(n), np.full(n, RANDOM), np.ones(n, dtype=bool))


def test_the_six_scenarios() -> None:
    assert list(SCENARIOS) == [
        "stationary", "drift", "adaptive", "new_tactic", "poisoned_feedback", "feed_gap",
    ]  # fmt: skip
    for scenario in SCENARIOS.values():
        arena = Arena(scenario.name, seed=1, weeks=2, movements_per_week=700)
        arena.next_week()
        assert arena.next_week().movements["vehicle"].num_rows > 200


@pytest.mark.parametrize("scenario", ["poisoned_feedback", "feed_gap", "drift"])
def test_the_first_week_is_that_of_the_stationary_border(scenario: str) -> None:
    one = Arena("stationary", seed=4, weeks=WEEKS, movements_per_week=PER_WEEK)
    other = Arena(scenario, seed=4, weeks=WEEKS, movements_per_week=PER_WEEK)
    first, same = one.next_week(), other.next_week()
    for kind in KINDS:
        assert first.movements[kind].equals(same.movements[kind])


def hashes(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_the_same_seed_gives_the_same_bytes(scenario: str, tmp_path: Path) -> None:
    """In a second run, and in one after an interruption; past the week of the change."""

    def made(name: str, progress: Callable[[int], None] | None = None) -> dict[str, str]:
        out = tmp_path / name
        simulate(out, scenario=scenario, seed=4, days=126, movements_per_day=60, progress=progress)
        return hashes(out)

    weeks = 0

    def interrupt(days: int) -> None:
        nonlocal weeks
        weeks += 1
        if weeks == 9:
            raise KeyboardInterrupt(days)

    first = made("first")
    assert made("second") == first
    with pytest.raises(KeyboardInterrupt):
        made("third", interrupt)
    assert made("third") == first


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_the_same_selector_finds_the_same(scenario: str) -> None:
    runs = [
        reference_run(
            scenario, "oracle", seed=4, weeks=18, movements_per_week=1_400, warm_up_weeks=4
        )
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


# -- adaptive ------------------------------------------------------------------------------------


def test_a_front_that_is_found_out_closes_and_another_steps_in() -> None:
    course = course_of("adaptive")
    course.advance()
    lanes = course.border.lanes("vehicle")
    fronts = course.border.fronts
    lane_of = np.flatnonzero(lanes.network != HONEST)
    reserve = lane_of[fronts.reserve[fronts.kinds["vehicle"]]]
    assert (lanes.from_day[reserve] >= WEEKS * 7).all(), "asleep until someone is found out"
    done = course.examine("vehicle", everybody(course, "vehicle")).happened
    scene = course.scenes["vehicle"]
    found = done.at[(done.result == POSITIVE) & (scene.truth.network[done.at] != HONEST)]
    burnt = np.unique(scene.traffic.lane[found])
    assert burnt.size > 5
    closing, stepping = AdaptationParameters().closing_days, AdaptationParameters().successor_days
    assert (lanes.until_day[burnt] <= 7 + 3 + closing[1]).all(), "an examination ends in 3 days"
    assert (lanes.until_day[burnt] > 0).all()
    woken = reserve[lanes.from_day[reserve] < WEEKS * 7]
    assert 0.6 * burnt.size < woken.size <= burnt.size, "fewer: some had few days left"
    awake_from = lanes.from_day[woken]
    assert (awake_from >= 7).all()
    assert (awake_from <= 7 + 3 + stepping[1] + 60).all(), "and a rest of the network at the most"
    company = lanes.columns["consignee"][woken]
    age = (awake_from - course.border.organisations.registered_day[company])[company >= 0]
    assert (age > 0).all()
    assert np.median(age) < 120
    for _ in range(3):
        course.advance()
    later = set(course.scenes["vehicle"].traffic.lane.tolist())
    assert not later & set(burnt.tolist())
    assert later & set(woken.tolist())


def test_a_network_leaves_routes_that_were_found_out() -> None:
    columns = {"vehicle": "route", "vessel": "last_port", "shipment": "office"}
    left = dict.fromkeys(KINDS, 0)
    for seed in (3, 4, 5):  # in one small border a kind may have no find on a route to be left
        course = course_of("adaptive", seed=seed)
        lanes = {kind: course.border.lanes(kind) for kind in KINDS}
        before = {kind: lanes[kind].columns[columns[kind]].copy() for kind in KINDS}
        for _ in range(6):
            course.advance()
            for kind in KINDS:
                course.examine(kind, everybody(course, kind))
        for kind in KINDS:
            of_network = lanes[kind].network != HONEST
            changed = lanes[kind].columns[columns[kind]] != before[kind]
            left[kind] += np.count_nonzero(changed[of_network])
            assert not changed[~of_network].any(), kind
    assert min(left.values()) > 0, left


def test_a_boat_that_was_found_out_sails_no_more() -> None:
    course = course_of("adaptive")
    lanes = course.border.lanes("vessel")
    boats = lanes.columns["vessel"]
    of_network = np.flatnonzero(lanes.network != HONEST)
    shared = next(
        lane for lane in of_network if np.count_nonzero(boats[of_network] == boats[lane]) == 2
    )
    (other,) = (lane for lane in of_network if boats[lane] == boats[shared] and lane != shared)
    boat, kept = int(boats[shared]), boats.copy()
    adaptation = Adaptation(course.border, AdaptationParameters(), seed=4)
    adaptation.react("vessel", np.array([shared]), np.array([30]), next_block=35)
    adaptation.arrive(34)
    assert boats[other] == boat, "30 and at least 2 days, and not before the next block"
    adaptation.arrive(42)
    assert boat not in boats
    assert boats[other] != boat
    assert np.array_equal(np.delete(boats, [shared, other]), np.delete(kept, [shared, other]))


def test_without_finds_nothing_reacts() -> None:
    course = course_of("adaptive")
    lanes = course.border.lanes("vehicle")
    before = lanes.until_day.copy(), lanes.columns["route"].copy()
    for _ in range(5):
        course.advance()
    assert (lanes.until_day == before[0]).all()
    assert (lanes.columns["route"] == before[1]).all()


def test_honest_traffic_does_not_hear_of_finds() -> None:
    one, other = course_of("adaptive"), course_of("adaptive")
    for _ in range(3):
        one.advance()
        other.advance()
        for kind in KINDS:
            one.examine(kind, everybody(one, kind))
    lanes, same = one.border.lanes("shipment"), other.border.lanes("shipment")
    honest = lanes.network == HONEST
    for name, values in lanes.columns.items():
        assert (values[honest] == same.columns[name][honest]).all()
    assert (lanes.until_day[honest] == same.until_day[honest]).all()


# -- new tactic ----------------------------------------------------------------------------------


def test_a_new_tactic_begins_in_its_week_and_resembles_nothing_before() -> None:
    course = course_of("new_tactic")
    per_week = []
    for week in range(WEEKS):
        course.advance()
        new = {
            kind: EMERGING[scene.truth.network] & (scene.truth.network != HONEST)
            for kind, scene in course.scenes.items()
        }
        per_week.append(sum(int(of.sum()) for of in new.values()))
        if week == WEEKS - 1:
            scene = course.scenes["vehicle"]
            assert scene.traffic.facts["young_consignee"][new["vehicle"]].max() == 0
    assert per_week[:CHANGE_WEEK] == [0] * CHANGE_WEEK
    assert sum(per_week[CHANGE_WEEK + 1 :]) > 10
    old = [network for network in NETWORKS if not network.emerging]
    for network in (network for network in NETWORKS if network.emerging):
        for one in old:
            assert not set(one.routes) & set(network.routes)
            assert not set(one.goods) & set(network.goods)
            assert not set(one.last_ports) & set(network.last_ports)
    assert "small_boat_equipment" in {of.threat for of in NETWORKS if of.emerging}


def test_nothing_emerges_in_the_other_scenarios() -> None:
    course = course_of("stationary")
    assert not EMERGING[course.border.fronts.network].any()


# -- drift ---------------------------------------------------------------------------------------


def test_drift_moves_mix_prices_and_habits_a_little_each_week() -> None:
    course = course_of("drift", weeks=54)
    lanes = course.border.lanes("vehicle")
    course.advance()
    cash, price = lanes.habits.cash.mean(), np.median(lanes.price_factor)
    share = np.array(course.scenes["vehicle"].planned_per_day)
    steps = []
    for _ in range(52):
        before = lanes.movements_per_day.copy()
        course.advance()
        moved = before > 0
        steps.append(np.abs(np.log(lanes.movements_per_day[moved] / before[moved])).max())
    assert max(steps) < 0.12, "gradual: no lane changes by more in a week"
    assert lanes.habits.cash.mean() < 0.75 * cash, "log-odds fall by 0.7 a year"
    assert np.median(lanes.price_factor) != pytest.approx(price, rel=0.01)
    later = course.scenes["vehicle"].planned_per_day
    assert np.abs(later / later.sum() - share / share.sum()).sum() > 0.1


# -- poisoned feedback ---------------------------------------------------------------------------


def test_poisoned_sites_find_nothing_from_their_week_on() -> None:
    course, honest = course_of("poisoned_feedback"), course_of("stationary")
    poison = PoisonParameters()
    hidden = kept = 0
    for week in range(WEEKS):
        course.advance()
        honest.advance()
        for kind in KINDS:
            told = course.examine(kind, everybody(course, kind)).reported
            true = honest.examine(kind, everybody(honest, kind)).happened
            site = np.array(SITES[kind])[course.scenes[kind].traffic.site]
            lazy = np.isin(site, poison.lazy_sites[kind])
            corrupt = np.isin(site, poison.corrupt_sites[kind])
            missing = (told.result != true.result).nonzero()[0]
            assert (told.result[missing] == 0).all(), "reported as negative"
            assert (lazy | corrupt)[missing].all()
            assert (course.scenes[kind].truth.network[missing] != HONEST)[~lazy[missing]].all()
            if week < CHANGE_WEEK:
                assert not missing.size
            else:
                hidden += missing.size
                kept += int((lazy & (told.result == POSITIVE)).sum())
    assert hidden > 8
    assert kept < hidden


# -- feed gap ------------------------------------------------------------------------------------


def test_a_feed_fails_for_its_weeks_and_a_site_falls_silent() -> None:
    arena = Arena("feed_gap", seed=4, weeks=30, movements_per_week=1_400)
    blank: dict[tuple[str, str], list[int]] = {}
    for number in range(30):
        week = arena.next_week()
        for kind, name in (
            ("vessel", "ais_gap_hours"),
            ("vehicle", "booked_at"),
            ("vessel", "length_m"),
        ):
            if week.movements[kind][name].null_count == week.movements[kind].num_rows:
                blank.setdefault((kind, name), []).append(number)
        site = np.array(week.site["vehicle"].to_pylist())
        rows = np.arange(site.size)
        told = arena.examine("vehicle", rows, np.full(rows.size, RANDOM)).to_pandas()
        told = told[told.corrects.isna()]
        silent = set(week.movements["vehicle"]["movement_ref"].to_pandas()[site == "GBHRW"])
        heard = silent & set(told.movement_ref)
        assert heard == (set() if 16 <= number < 28 else silent)
    assert blank == {
        ("vessel", "ais_gap_hours"): list(range(16, 24)),
        ("vehicle", "booked_at"): list(range(20, 28)),
    }
    tally = arena.tally()
    assert tally.reported_finds < tally.finds, "found, and never told"


def test_weeks_are_counted_from_the_start_of_any_date() -> None:
    arena = Arena("stationary", seed=1, weeks=1, movements_per_week=700, start=date(2026, 3, 4))
    arrives = pd.to_datetime(arena.next_week().arrives_at["vehicle"], unit="us")
    assert arrives.min() >= pd.Timestamp("2026-03-04")
