"""The alarms of a training run, on a small border whose clients sent attributes that leak."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from features.clock import MICROS_PER_DAY, Micros
from features.ledger import Event, MovementDeclared, OutcomeRecorded, open_ledger
from features.rows import feature_rows
from features.timeline import Timeline
from models.alarms import NAMES, Alarm
from training.alarms import alarms_of
from training.config import ConfigError, TrainingConfig, Trees, read_config
from training.data import TrainingData, gather
from training.learning import Learned, learn

START = 20_000 * MICROS_PER_DAY
MOVEMENTS = 1_500


class Truth(NamedTuple):
    """Of one movement, what no honest attribute of it may know; and dice for those that do not."""

    examined: bool
    found: bool
    delay: Micros
    """From its declaration until its outcome was known."""
    rng: np.random.Generator


Attributes = Callable[[Truth], dict[str, float | str]]

FEW_TREES = TrainingConfig(trees=Trees(rounds=20))


def border(directory: Path, attributes: Attributes, *, memory: bool = False) -> TrainingData:
    """Half of the movements are examined; heavy loads are risky.

    Args:
        memory: a haulier is either always found out or never; in the last fifth of the time every
            other movement is of a haulier that nobody had seen, and has a find by chance.
    """
    rng, events = np.random.default_rng(7), []
    for number in range(MOVEMENTS):
        moment = START + number * 200 * MICROS_PER_DAY // MOVEMENTS
        later = number > MOVEMENTS * 0.8 and number % 2
        haulier = number if later else int(rng.integers(0, 60))
        mass = float(rng.normal(20_000, 3_000))
        risky = haulier % 5 == 0 if memory else mass > 22_000
        examined = bool(rng.random() < 0.5)
        certain, hardly = (1.0, 0.0) if memory else (0.7, 0.1)
        chance = 0.3 if memory and later else certain if risky else hardly
        found = bool(rng.random() < chance)
        delay = int(rng.exponential(3.0) * MICROS_PER_DAY) + 1
        declared = MovementDeclared(
            kind="vehicle",
            movement=f"{number:032d}",
            declared_at=moment,
            entities={"haulier_eori": f"organisation:{haulier}"},
            fields={"gross_mass_kg": mass, "route_id": "A-B"},
            attributes=attributes(Truth(examined, found, delay, rng)),
        )
        events.append(event(f"m{number}", moment, declared))
        if examined:
            outcome = OutcomeRecorded(
                kind="vehicle",
                movement=declared.movement,
                examined_at=moment,
                outcome="positive" if found else "negative",
            )
            events.append(event(f"o{number}", moment + delay, outcome))
    url = f"sqlite:///{directory / 'ledger.db'}"
    with closing(open_ledger(url)) as ledger:
        ledger.backfill(events)
    return gather(url, "vehicle", FEW_TREES, None, lambda _: None)


def event(name: str, known: Micros, payload: MovementDeclared | OutcomeRecorded) -> Event:
    return Event(
        source="simulation",
        event_id=name,
        occurred_at=known,
        available_at=known,
        payload=payload,
    )


def harmless(truth: Truth) -> dict[str, float | str]:
    return {"axles": float(truth.rng.integers(2, 6)), "load": str(truth.rng.choice(["A", "B"]))}


def raised(data: TrainingData, learned: Learned | None = None) -> dict[str, Alarm]:
    """The alarms that failed."""
    alarms = alarms_of("vehicle", data, learned or learn(data, FEW_TREES), {})
    assert tuple(alarm.name for alarm in alarms) == NAMES
    return {alarm.name: alarm for alarm in alarms if alarm.failed}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingData]:
    yield border(tmp_path_factory.mktemp("honest"), harmless)


def test_an_honest_border_raises_none(honest: TrainingData) -> None:
    assert raised(honest) == {}


def test_an_attribute_written_after_the_result(tmp_path: Path) -> None:
    data = border(tmp_path, lambda truth: {"seal_state": "cut" if truth.found else "whole"})
    assert "attribute.seal_state.find_rate" in raised(data)["feature_too_good"].sentence


def test_an_attribute_that_is_only_given_for_finds(tmp_path: Path) -> None:
    data = border(
        tmp_path,
        lambda truth: {"weight_again": truth.rng.random()} if truth.found else {},
    )
    assert "attribute.weight_again" in raised(data)["feature_too_good"].sentence


def test_an_attribute_that_knows_how_long_the_outcome_will_take(tmp_path: Path) -> None:
    data = border(tmp_path, lambda truth: {"days_open": truth.delay / 1e9})
    alarm = raised(data)["known_too_late"]
    assert "moves with when the outcome came: attribute.days_open" in alarm.sentence


def test_rows_made_with_what_came_later(honest: TrainingData) -> None:
    """As a feature would be that reads the outcomes without asking when they were known."""
    matrix = honest.matrix.copy()
    column = honest.catalogue.names.index("haulier.finds")
    matrix[50:80, column] += 1.0
    alarm = raised(honest._replace(matrix=matrix), learn(honest, FEW_TREES))["known_too_late"]
    assert "differ in haulier.finds" in alarm.sentence


def test_a_feature_that_reads_the_ledger_as_it_is_today(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def peeking(timeline: Timeline, *rest: Any, **more: Any) -> NDArray[np.float64]:
        rows = feature_rows(timeline, *rest, **more)
        rows[:, 0] = len(timeline.outcomes)
        return rows

    for module in ("training.data", "training.alarms"):
        monkeypatch.setattr(f"{module}.feature_rows", peeking)
    data = border(tmp_path, harmless)
    alarm = raised(data)["known_too_late"]
    assert f"differ in {data.catalogue.names[0]}" in alarm.sentence


def test_a_movement_read_in_a_version_that_came_later(honest: TrainingData) -> None:
    first = honest.labelled.movements[100]
    assert first.fields["gross_mass_kg"] != 1.0
    matrix = honest.matrix.copy()
    matrix[100, honest.catalogue.names.index("gross_mass_kg")] = 1.0
    alarm = raised(honest._replace(matrix=matrix), learn(honest, FEW_TREES))["known_too_late"]
    assert "differ in gross_mass_kg" in alarm.sentence


@pytest.mark.parametrize("name", ["inspection_required", "report_to_locations", "customs_route"])
def test_an_attribute_that_says_targeting(tmp_path: Path, name: str) -> None:
    data = border(tmp_path, lambda truth: {name: str(truth.rng.integers(0, 3))})
    assert f"by name: {name}" in raised(data)["targeting_field"].sentence


def test_an_attribute_that_only_the_examined_have(tmp_path: Path) -> None:
    data = border(
        tmp_path,
        lambda truth: {"bay": str(truth.rng.integers(1, 5))} if truth.examined else {},
    )
    assert "leave out of the mapping: bay" in raised(data)["targeting_field"].sentence


def test_trees_that_learned_rows_by_heart(honest: TrainingData) -> None:
    """Labels drawn at random: there is nothing to learn but the rows themselves."""
    labels = (np.random.default_rng(1).random(len(honest.labelled.labels)) < 0.3).astype(float)
    data = honest._replace(labelled=honest.labelled._replace(labels=labels))
    options = TrainingConfig(trees=Trees(rounds=200, leaves=31, learning_rate=0.1))
    assert "train_test_gap" in raised(data, learn(data, options))


def test_a_model_that_knows_hauliers_and_nothing_else(tmp_path: Path) -> None:
    alarm = raised(border(tmp_path, harmless, memory=True))["memorised_goods"]
    assert "on hauliers seen before" in alarm.sentence


def test_a_configuration_acknowledges_by_name_and_with_a_reason(
    honest: TrainingData, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[acknowledge]\nmemorised_goods = "one haulier only"\n')
    reasons = read_config(path, "vehicle").acknowledge
    alarms = alarms_of("vehicle", honest, learn(honest, FEW_TREES), reasons)
    assert {alarm.name: alarm.acknowledged for alarm in alarms if alarm.acknowledged} == reasons
    for text, said in (
        ('memorized_goods = "x y"', r"acknowledge\.memorized_goods is no alarm; did you mean mem"),
        ('leaks = "x y"', r"acknowledge\.leaks is no alarm; there are \['feature_too_good'"),
        ('train_test_gap = " "', "acknowledge"),
        ("train_test_gap = true", "Expected `str`"),
    ):
        path.write_text(f"[acknowledge]\n{text}\n")
        with pytest.raises(ConfigError, match=said):
            read_config(path, "vehicle")


def test_the_customs_configuration_acknowledges_memory_and_no_more() -> None:
    assert set(read_config("customs-declarations", "shipment").acknowledge) == {"memorised_goods"}
