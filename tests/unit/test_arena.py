"""The arena: what a policy may see, that it cannot shift the world, and what it is measured by."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.errors import ForelandError, InputError
from features.records import KINDS
from features.simulate import (
    CAPACITY_SHARE,
    Arena,
    NoMoreWeeks,
    SteadyRoom,
    Tally,
    reference_run,
    simulate,
)
from features.simulate.arena import arena_course
from features.simulate.reference import _best_of_each_site
from features.simulate.regime import REASONS, RISK
from features.simulate.sites import SITES
from features.simulate.writing import OUTCOME_SCHEMA

START, WEEKS, PER_WEEK = date(2025, 1, 6), 8, 2_100
NOBODY: np.ndarray = np.array([], dtype=np.int64)


def arena(seed: int = 3) -> Arena:
    return Arena("stationary", seed=seed, weeks=WEEKS, movements_per_week=PER_WEEK, start=START)


def by_the_regime(of: Arena) -> dict[str, pa.Table]:
    """The outcomes of one week in which the regime selects."""
    outcomes = {}
    for kind, selection in of.regime_selection().items():
        outcomes[kind] = of.examine(
            kind, selection.at, selection.reason, turned_away=~selection.examined
        )
    return outcomes


def test_the_regime_in_the_arena_is_the_regime_of_the_files(tmp_path: Path) -> None:
    files = simulate(
        tmp_path / "files", seed=3, days=7 * WEEKS, movements_per_day=PER_WEEK // 7, start=START
    )
    of = arena()
    weeks, outcomes = [], []
    for _ in range(WEEKS):
        weeks.append(of.next_week())
        outcomes.append(by_the_regime(of))
    ends = pd.Timestamp(START, tz="UTC") + pd.Timedelta(days=7 * WEEKS)
    for kind in KINDS:
        wanted = pd.read_parquet(files.movements[kind])
        wanted = wanted[wanted.version == 1].set_index("movement_ref").sort_index()
        made = pd.concat([week.movements[kind].to_pandas() for week in weeks])
        made = made.set_index("movement_ref").sort_index()
        pd.testing.assert_frame_equal(made[wanted.columns], wanted, check_dtype=False)
        told = pd.read_parquet(files.outcomes[kind]).drop(columns="event_id")
        seen = pd.concat([of_week[kind].to_pandas() for of_week in outcomes])
        seen = seen[seen.known_at < ends].drop(columns="event_id").reset_index(drop=True)
        pd.testing.assert_frame_equal(seen, told)
    assert of.tally().finds >= sum(counts.finds for counts in files.counts.values())


def test_who_is_examined_does_not_shift_the_world() -> None:
    idle, busy = arena(), arena()
    for _ in range(3):
        one, other = idle.next_week(), busy.next_week()
        for kind in KINDS:
            assert one.movements[kind].equals(other.movements[kind])
            n = other.movements[kind].num_rows
            busy.examine(kind, np.arange(0, n, 3), np.full(len(range(0, n, 3)), RISK))
            assert one.expected_per_day[kind] == other.expected_per_day[kind]


def test_the_same_movement_gives_the_same_result_to_every_policy() -> None:
    one, other = arena(), arena()
    n = one.next_week().movements["vehicle"].num_rows
    other.next_week()
    all_of_it = one.examine("vehicle", np.arange(n), ["random"] * n).to_pandas()
    rows = np.array([40, 7, 300])
    some = other.examine("vehicle", rows, ["random"] * 3).to_pandas()
    same = all_of_it.set_index("movement_ref").loc[some.movement_ref].reset_index()
    pd.testing.assert_frame_equal(
        some.drop(columns="event_id"), same[some.columns].drop(columns="event_id")
    )
    assert set(all_of_it.thoroughness) == {"partial", "full", "unknown"}
    with pytest.raises(InputError, match="examined in week 0 already"):
        other.examine("vehicle", rows, ["risk"] * 3)


def test_a_week_is_what_an_agency_sees() -> None:
    of = arena()
    week = of.next_week()
    assert (week.number, week.until_day - week.from_day) == (0, 7)
    assert week.from_day == (START - date(1970, 1, 1)).days
    for kind in KINDS:
        table, arrives = week.movements[kind], week.arrives_at[kind]
        assert table.num_rows == arrives.size == len(week.site[kind])
        assert set(table["version"].to_pylist()) == {1}
        assert not {"is_smuggling", "network", "probability_of_find"} & set(table.column_names)
        assert (arrives // 86_400_000_000 >= week.from_day).all()
        assert (arrives // 86_400_000_000 < week.until_day).all()
        assert set(week.site[kind].to_pylist()) <= set(week.expected_per_day[kind])
        total = sum(week.expected_per_day[kind].values())
        assert total == pytest.approx(table.num_rows / 7, rel=0.2)
        assert of.examine(kind, NOBODY, []).schema.equals(OUTCOME_SCHEMA)


def test_the_tally_is_sums_of_the_truth(tmp_path: Path) -> None:
    files = simulate(
        tmp_path / "files", seed=3, days=7 * WEEKS, movements_per_day=PER_WEEK // 7, start=START
    )
    of = arena()
    examined: list[str] = []
    found = 0
    for _ in range(WEEKS):
        week = of.next_week()
        rows = np.arange(0, week.movements["shipment"].num_rows, 5)
        done = of.examine("shipment", rows, np.full(rows.size, RISK)).to_pandas()
        done = done[done.outcome.isin(["positive", "negative"])]
        examined += done.movement_ref.tolist()
        found += int((done.outcome == "positive").sum())
    tally = of.tally()
    truth = pd.read_parquet(files.out / "truth" / "shipment-truth.parquet")
    truth = truth.set_index("movement_ref")
    mine = Tally(tuple(one for one in tally.by_week if one.kind == "shipment"))
    assert len(mine.by_week) == WEEKS
    assert (mine.movements, mine.smuggling) == (len(truth), int(truth.is_smuggling.sum()))
    assert (mine.examined, mine.finds) == (len(examined), found)
    rest = truth.drop(examined)
    assert sum(one.unexamined for one in mine.by_week) == len(rest)
    assert sum(one.unexamined_smuggling for one in mine.by_week) == rest.is_smuggling.sum()
    # Three in ten partial, seven in ten full: 0.3 x 0.60 + 0.7 x 0.92 = 0.824 at the least, for
    # hidden goods, 0.884 for people; probability_of_find is at 0.92.
    probability = sum(one.unexamined_probability for one in mine.by_week)
    full = rest.probability_of_find.sum()
    assert 0.824 / 0.92 * full < probability < 0.884 / 0.92 * full
    lorries = [one for one in tally.by_week if one.kind == "vehicle"]
    assert all(one.examined == 0 and one.unexamined == one.movements for one in lorries)
    assert len(tally.from_week(6).by_week) == 2 * len(KINDS)


def test_bad_calls_say_what_is_wrong() -> None:
    of = arena()
    with pytest.raises(InputError, match="call next_week first"):
        of.examine("vehicle", NOBODY, [])
    n = of.next_week().movements["vessel"].num_rows
    for rows, reason, said in (
        ([0, 0], ["risk", "risk"], "must not repeat"),
        ([n], ["risk"], f"0 to {n - 1}"),
        ([-1], ["risk"], f"0 to {n - 1}"),
        ([0], ["hunch"], "reason must be one of: random, intelligence, rule, risk; not 'hunch'"),
        ([0], [4], "reason must be one of"),
        ([0, 1], ["risk"], "equally long"),
    ):
        with pytest.raises(InputError, match=said):
            of.examine("vessel", np.array(rows), reason)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="kind must be one of"):
        of.examine("train", NOBODY, [])
    for _ in range(WEEKS - 1):
        of.next_week()
    with pytest.raises(NoMoreWeeks, match="made for 8 weeks") as over:
        of.next_week()
    assert isinstance(over.value, ForelandError)
    with pytest.raises(InputError, match="scenario must be one of"):
        Arena("calm", seed=1, weeks=1, movements_per_week=100)
    with pytest.raises(InputError, match="weeks must be 1 to"):
        Arena("stationary", seed=1, weeks=0, movements_per_week=100)


def test_room_carries_its_fractions_over() -> None:
    room = SteadyRoom(0.05)
    planned = {"vessel": {"GBDVR": 2.0, "GBFAL": 20.0}}
    # 2 a day: 0.7 a week, so 0, 1, 1, 0 (0.7, 1.4, 1.1, 0.8); 20 a day: 7 a week
    weekly = [room.of_week(planned)["vessel"] for _ in range(4)]
    assert [of["GBDVR"] for of in weekly] == [0, 1, 1, 0]
    assert [of["GBFAL"] for of in weekly] == [7, 7, 7, 7]
    with pytest.raises(InputError, match="capacity_share must be 0 to 1"):
        SteadyRoom(1.5)


def test_the_best_of_each_site_against_a_plain_loop() -> None:
    course = arena_course("stationary", 3, WEEKS, PER_WEEK, START)
    course.advance()
    scene = course.scenes["shipment"]
    room = np.arange(len(SITES["shipment"])) % 4
    merit = scene.truth.probability_of_find
    wanted: list[int] = []
    for site, most in enumerate(room):
        of_site = [at for at in range(scene.n) if scene.traffic.site[at] == site]
        wanted += sorted(of_site, key=lambda at: -merit[at])[:most]
    assert _best_of_each_site(scene, merit, room).at.tolist() == sorted(wanted)


def test_an_oracle_finds_more_than_the_regime_and_the_regime_more_than_chance() -> None:
    runs = {
        selector: reference_run(
            "stationary", selector, seed=2, weeks=26, movements_per_week=7_000, warm_up_weeks=6
        )
        for selector in ("oracle", "regime", "random")
    }
    warm_up = {of.by_week[: 6 * len(KINDS)] for of in runs.values()}
    assert len(warm_up) == 1, "the regime selects for all alike"
    after = {selector: of.from_week(6) for selector, of in runs.items()}
    assert len({(of.movements, of.smuggling) for of in after.values()}) == 1
    assert after["oracle"].finds > after["regime"].finds > 3 * after["random"].finds
    # equal but for the few selections that end without a label
    assert after["oracle"].examined == pytest.approx(after["random"].examined, rel=0.02)
    asked = CAPACITY_SHARE * (1 - 0.037) * after["oracle"].movements  # 3.7 % end without a label
    assert after["oracle"].examined == pytest.approx(asked, rel=0.06)


def test_the_reasons_are_those_of_an_outcome() -> None:
    assert set(REASONS) <= {"risk", "random", "rule", "intelligence", "unknown"}
