"""The weekly loop on small simulated borders: what is known when, and the same rows as training."""

from datetime import UTC, datetime

import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.clock import MICROS_PER_DAY, to_micros
from features.errors import InputError
from features.ledger.events import OutcomeRecorded
from features.records import KINDS
from features.rows import feature_rows
from features.simulate import CAPACITY_SHARE, Arena
from features.timeline import timeline_of
from training.backtest.heard import Heard, hear, outcomes_of, pseudonyms_of_simulation
from training.backtest.learner import Experience
from training.backtest.loop import Loop
from training.backtest.run import Plan, PolicyRun, Ran, run_backtest
from training.config import Trees

FEW_TREES = Trees(rounds=20)


def plan(**changes: object) -> Plan:
    given = {"scenario": "stationary", "policy": "epsilon-random", "weeks": 2, "seed": 3}
    small = {"movements_per_week": 700, "warm_up_weeks": 2, "trees": FEW_TREES}
    return Plan(**{**given, **small, **changes})  # type: ignore[arg-type]


def test_rows_are_those_that_training_sees_for_the_same_as_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Heard, "let_go", lambda _: None)
    arena = Arena("stationary", seed=3, weeks=4, movements_per_week=500)
    loop = Loop(arena, FEW_TREES)
    weeks = []
    for _ in range(4):
        _, scored = loop.next_week()
        weeks.append(scored)
        selected = arena.regime_selection()
        for kind in KINDS:
            loop.examine(scored, kind, selected[kind])
    events = list(loop._ledger.read())
    assert any(isinstance(event.payload, OutcomeRecorded) for event in events)
    timeline = timeline_of(events, max(event.available_at for event in events) + 1)
    for scored in weeks:
        for kind, places in scored.places.items():
            movements = [scored.heard.movements[place] for place in places.tolist()]
            as_of = scored.heard.as_of[places]
            offline = feature_rows(timeline, movements, as_of, catalogue_for(kind))
            assert offline.tobytes() == scored.features[kind].tobytes()


def test_a_week_is_heard_within_itself() -> None:
    week = Arena("stationary", seed=3, weeks=1, movements_per_week=500).next_week()
    start, end = (day * MICROS_PER_DAY for day in (week.from_day, week.until_day))
    heard = hear(week.movements, start, end, pseudonyms_of_simulation())
    assert len(heard.movements) == sum(table.num_rows for table in week.movements.values())
    assert (np.diff(heard.as_of) >= 0).all()
    assert start < heard.as_of[0]
    assert heard.as_of[-1] < end
    declared = np.array([movement.declared_at for movement in heard.movements])
    inside = (declared > start) & (declared < end)
    assert np.array_equal(heard.as_of[inside], declared[inside])
    assert inside.any()
    assert not inside.all()


def test_nobody_learns_of_an_outcome_before_it_is_known() -> None:
    arena = Arena("stationary", seed=3, weeks=8, movements_per_week=700)
    loop, late = Loop(arena, FEW_TREES), 0
    known_at: dict[str, int] = {}
    for _ in range(8):
        week, scored = loop.next_week()
        start = week.from_day * MICROS_PER_DAY
        heard_of = {
            movement: label
            for experience in loop.experience.values()
            for movement, label in experience.labels().items()
            if not np.isnan(label)
        }
        assert all(known_at[movement] < start for movement in heard_of)
        late += sum(at >= start for at in known_at.values())
        selected = arena.regime_selection()
        for kind in KINDS:
            loop._keep(kind, scored, selected[kind].at)
            table = arena.examine(kind, selected[kind].at, selected[kind].reason)
            for at, outcome in outcomes_of(kind, table, pseudonyms_of_simulation()):
                first = known_at.get(outcome.movement, at)
                known_at[outcome.movement] = min(at, first)
                loop._due.append((at, next(loop._number), outcome))
        loop._due.sort()
    assert late > 0, "else nothing was hidden from it"


def outcome(movement: str, result: str, message: str, corrects: str | None = None):  # type: ignore[no-untyped-def]
    return OutcomeRecorded(
        kind="vehicle",
        movement=movement,
        examined_at=to_micros(datetime(2025, 1, 1, tzinfo=UTC)),
        outcome=result,
        message=message,
        corrects=corrects,
    )


def test_what_is_no_label_teaches_nothing_and_an_appeal_takes_a_find_back() -> None:
    experience = Experience(catalogue_for("vehicle"))
    experience.selected(["a", "b", "c", "d"], np.zeros((4, 3)))
    experience.concluded(outcome("a", "positive", "1"), 1)
    experience.concluded(outcome("b", "no_show", "2"), 1)
    experience.concluded(outcome("c", "negative", "3"), 1)
    assert experience.labelled()[1].tolist() == [1.0, 0.0]
    experience.concluded(outcome("a", "negative", "4", corrects="1"), 2)
    assert experience.labelled()[1].tolist() == [0.0, 0.0]


def test_too_few_finds_teach_nothing() -> None:
    experience = Experience(catalogue_for("vehicle"))
    rows = np.zeros((40, len(catalogue_for("vehicle").names)))
    experience.selected([str(number) for number in range(40)], rows)
    for number in range(40):
        result = "positive" if number < 4 else "negative"
        experience.concluded(outcome(str(number), result, str(number)), 1)
    assert experience.learn(FEW_TREES) is None
    assert Experience(catalogue_for("vehicle")).learn(FEW_TREES) is None


@pytest.fixture(scope="module")
def ran() -> Ran:
    return run_backtest(plan())


def test_the_same_arguments_give_the_same_backtest(ran: Ran) -> None:
    again = run_backtest(plan())
    assert again.result == ran.result
    assert again.log.table().equals(ran.log.table())


def test_every_movement_is_logged_and_referred_exactly_when_its_draw_says_so(ran: Ran) -> None:
    table = ran.log.table()
    assert len(table) == sum(week.movements for week in ran.result.weeks)
    assert table["movement"].is_unique
    assert ((table["draw"] < table["propensity"]) == table["referred"]).all()
    assert (table["propensity"] > 0.0).all()
    assert table.loc[~table["referred"], "found"].isna().all()
    assert sum(week.referred for week in ran.result.weeks) == table["referred"].sum()


def test_the_references_select_on_the_same_border(ran: Ran) -> None:
    assert set(ran.result.references) == {"oracle", "regime", "random"}
    for weeks in ran.result.references.values():
        assert len(weeks) == 2
        assert all(finds <= examined for examined, finds in weeks)


def alone(**changes: object) -> Ran:
    """Without anyone to be compared with."""
    given = plan(**changes)
    border = PolicyRun(given)
    for _ in range(given.warm_up_weeks):
        border.warm_up()
    for _ in range(given.weeks):
        border.select_week()
    return Ran(border.result({"oracle": (), "regime": (), "random": ()}), border.log)


def test_a_cold_start_draws_at_random_and_says_so() -> None:
    cold = alone(warm_up_weeks=0, weeks=1)
    (week,) = cold.result.weeks
    assert week.referred == week.cold_start > 0
    assert any("no model to rank them by" in line for line in cold.result.in_words())
    assert (cold.log.table()["reason"].isin(["cold_start", "none"])).all()


@pytest.mark.parametrize(
    ("changes", "referred"),
    [
        ({"capacity_share": 0.0}, lambda share: share == 0.0),
        ({"capacity_share": 1.0}, lambda share: share > 0.8),
        ({"policy": "greedy"}, lambda share: 0.0 < share < 2 * CAPACITY_SHARE),
        ({"epsilon": 1.0}, lambda share: 0.0 < share < 2 * CAPACITY_SHARE),
        ({"scenario": "feed_gap"}, lambda share: 0.0 < share < 2 * CAPACITY_SHARE),
    ],
)
def test_capacity_and_exploration_at_their_ends(changes: dict[str, object], referred) -> None:  # type: ignore[no-untyped-def]
    found = alone(**changes).result.weeks
    share = sum(week.referred for week in found) / sum(week.movements for week in found)
    assert referred(share), share


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"weeks": 0}, "weeks must be 1 or more"),
        ({"warm_up_weeks": -1}, "warm-up weeks must be 0 or more"),
        ({"capacity_share": 1.5}, "a share from 0 to 1"),
        ({"policy": "magic"}, "no policy is named 'magic'"),
        ({"scenario": "quiet"}, "scenario must be one of"),
        ({"epsilon": 2.0}, "from 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, object], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        run_backtest(plan(**changes))
