"""A movement that is assessed again is no history of its own, and being asked leaves no trace."""

import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.history.online import LiveHistory
from features.ledger.events import MovementDeclared
from features.rows import feature_row
from tests.memory_ledger import MemoryLedger

DAY = 86_400_000_000
START = 20_000 * DAY
CATALOGUE = catalogue_for("vehicle")
PLACE = {name: at for at, name in enumerate(CATALOGUE.names)}


def lorry(movement: str, plate: str = "vehicle:a") -> MovementDeclared:
    entities = {"haulier_eori": "organisation:a", "vehicle_reg": plate}
    return MovementDeclared(
        kind="vehicle",
        movement=movement,
        declared_at=0,
        entities=entities,
        fields={"route_id": "DOVCAL"},
    )


def history_of(*happened: tuple[int, MovementDeclared]) -> LiveHistory:
    ledger, history = MemoryLedger(), LiveHistory(clock=lambda: START + 400 * DAY)
    for at, movement in happened:
        ledger.hear(movement, at)
    history.follow(ledger)
    return history


def test_a_first_movement_is_as_new_as_when_it_was_assessed_first() -> None:
    as_of = START + DAY
    history = history_of((START, lorry("1")))
    alone = feature_row(history_of(), lorry("1"), as_of, CATALOGUE)
    counted = feature_row(history, lorry("1"), as_of, CATALOGUE)
    with history.apart("vehicle", "1", as_of):
        apart = feature_row(history, lorry("1"), as_of, CATALOGUE)
    assert counted[PLACE["haulier.movements"]] == 1.0
    assert apart[PLACE["haulier.movements"]] == 0.0
    assert apart.tobytes() == alone.tobytes()


def test_who_was_asked_about_apart_leaves_every_bit_as_it_was() -> None:
    rng = np.random.default_rng(3)
    instants = START + np.sort(rng.integers(0, 300 * DAY, 300))
    happened = [(int(at), lorry(str(n), f"vehicle:{n % 7}")) for n, at in enumerate(instants)]
    history, untouched = history_of(*happened), history_of(*happened)
    as_of = START + 401 * DAY
    for number in range(300):
        with history.apart("vehicle", str(number), as_of):
            pass
    for _, movement in happened[:7]:
        found, expected = (
            feature_row(one, movement, as_of, CATALOGUE) for one in (history, untouched)
        )
        assert found.tobytes() == expected.tobytes()


def test_an_error_meanwhile_leaves_it_in_history() -> None:
    as_of = START + DAY
    history = history_of((START, lorry("1")))
    with pytest.raises(ZeroDivisionError), history.apart("vehicle", "1", as_of):
        _ = 1 / 0
    row = feature_row(history, lorry("1"), as_of, CATALOGUE)
    assert row[PLACE["haulier.movements"]] == 1.0


def test_nothing_is_taken_from_a_history_that_does_not_know_it() -> None:
    as_of = START + DAY
    history = history_of((START, lorry("1")))
    with history.apart("vehicle", "2", as_of):
        row = feature_row(history, lorry("2"), as_of, CATALOGUE)
    assert row[PLACE["haulier.movements"]] == 1.0
