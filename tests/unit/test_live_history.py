"""Following a ledger: what is heard, what waits, what is refused. Equality is tested elsewhere."""

import msgspec
import numpy as np
import pytest

from features.catalogue import catalogue_for
from features.history import tables
from features.history.errors import FutureRefused
from features.history.online import LiveHistory
from features.ledger import Ledger, MovementDeclared, Payload
from features.ledger.events import Recorded
from features.rows import feature_row, feature_rows
from features.timeline import load_timeline
from tests.example_events import movement_event, outcome_event
from tests.memory_ledger import MemoryLedger

CATALOGUE = catalogue_for("vehicle")
DAY = 86_400_000_000
ASKED = MovementDeclared(
    kind="vehicle",
    movement="asked",
    declared_at=0,
    entities={"haulier_eori": f"organisation:{0:032x}"},
)


def movements_of_haulier(history: LiveHistory, as_of: int) -> float:
    row = feature_row(history, ASKED, as_of, CATALOGUE)
    return float(row[CATALOGUE.names.index("haulier.movements")])


def test_a_real_ledger_is_followed_and_rebuilt(ledger: Ledger) -> None:
    history = LiveHistory()
    assert history.newest_available_at("vehicle") is None
    ledger.backfill([movement_event(7 * i, available_at=(i + 1) * DAY) for i in range(5)])
    history.follow(ledger)
    assert (history.position, history.epoch) == (5, ledger.epoch())
    assert history.newest_available_at("vehicle") == 5 * DAY
    assert history.newest_available_at("vessel") is None
    assert history.newest_outcome_at("vehicle") is None, "movements alone say nothing of outcomes"
    (appended,) = ledger.append([outcome_event(7)])
    history.follow(ledger)
    as_of = appended.available_at + 1
    assert history.position == 6
    live = feature_row(history, ASKED, as_of, CATALOGUE)
    timeline = load_timeline(ledger, available_before=as_of)
    (row,) = feature_rows(timeline, [ASKED], [as_of], CATALOGUE)
    assert live.tobytes() == row.tobytes()
    assert history.newest_outcome_at("vehicle") == appended.available_at
    values = dict(zip(CATALOGUE.names, live.tolist(), strict=True))
    assert (values["haulier.movements"], values["haulier.finds"]) == (5.0, 1.0)


def test_following_without_news_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = MemoryLedger()
    add(ledger, 1, available_at=DAY)
    history = LiveHistory()
    history.follow(ledger)
    assert ledger.rebuilds == 1
    monkeypatch.setattr(history, "_learn_keys", None)  # would be called for anything new
    history.follow(ledger)
    assert ledger.rebuilds == 1


def test_what_is_stamped_ahead_of_the_clock_waits() -> None:
    ledger = MemoryLedger()
    add(ledger, 1, available_at=DAY)
    add(ledger, 2, available_at=50 * DAY)
    history = LiveHistory(clock=lambda: 10 * DAY)
    history.follow(ledger)
    assert history.newest_available_at("vehicle") == DAY
    assert movements_of_haulier(history, 20 * DAY) == 1.0
    add(ledger, 3, available_at=21 * DAY)
    history.follow(ledger)
    assert ledger.rebuilds == 1
    assert movements_of_haulier(history, 22 * DAY) == 2.0
    assert movements_of_haulier(history, 50 * DAY) == 2.0
    assert movements_of_haulier(history, 50 * DAY + 1) == 3.0


def test_an_instant_that_is_past_is_refused() -> None:
    ledger = MemoryLedger()
    add(ledger, 1, available_at=DAY)
    history = LiveHistory()
    history.follow(ledger)
    with pytest.raises(FutureRefused, match="applied already"):
        feature_row(history, ASKED, DAY, CATALOGUE)
    assert movements_of_haulier(history, DAY + 1) == 1.0


def test_a_late_event_is_put_in_its_place() -> None:
    ledger = MemoryLedger()
    add(ledger, 1, available_at=9 * DAY)
    history = LiveHistory()
    history.follow(ledger)
    add(ledger, 2, available_at=3 * DAY)
    history.follow(ledger)
    assert ledger.rebuilds == 2
    assert movements_of_haulier(history, 9 * DAY + 1) == 2.0
    add(ledger, 3, available_at=9 * DAY)  # its instant is applied already: all of it once more
    history.follow(ledger)
    assert ledger.rebuilds == 3
    assert movements_of_haulier(history, 9 * DAY + 1) == 3.0


def test_an_offline_instant_beyond_the_timeline_is_refused(ledger: Ledger) -> None:
    timeline = load_timeline(ledger, available_before=DAY)
    with pytest.raises(FutureRefused, match="later than the timeline"):
        feature_rows(timeline, [ASKED], [DAY + 1], CATALOGUE)
    assert feature_rows(timeline, [], [], CATALOGUE).shape == (0, len(CATALOGUE.names))


@pytest.mark.parametrize("reserved", [tables.RESERVED, 4])
def test_tables_grow_without_losing_a_key(monkeypatch: pytest.MonkeyPatch, reserved: int) -> None:
    """Keys of every grade, and movements without some of them; with little memory set aside, the
    tables are copied many times.
    """
    monkeypatch.setattr(tables, "RESERVED", reserved)
    monkeypatch.setattr(tables, "RESERVED_NODES", reserved)
    ledger, history = MemoryLedger(), LiveHistory()
    asked = []
    for number in range(300):
        entities = {"haulier_eori": f"organisation:{number}", "vehicle_reg": f"vehicle:{number}"}
        if number % 3:
            entities["trailer_reg"] = f"trailer:{number}"
        movement = MovementDeclared(
            kind="vehicle",
            movement=str(number),
            declared_at=0,
            entities=entities,
            fields={"route_id": f"R{number}"},
        )
        asked.append(movement)
        ledger.add(recorded(number + 1, movement, available_at=number))
        history.follow(ledger)
    (timeline, as_of) = load_timeline(ledger, available_before=DAY), [DAY] * len(asked)
    rows = feature_rows(timeline, asked, as_of, CATALOGUE)
    for movement, row in zip(asked, rows, strict=True):
        assert feature_row(history, movement, DAY, CATALOGUE).tobytes() == row.tobytes()
    assert rows[:, CATALOGUE.names.index("haulier_with_route.movements")].tolist() == [1.0] * 300


def test_movements_of_another_kind_are_refused() -> None:
    vessel = MovementDeclared(kind="vessel", movement="m", declared_at=0)
    with pytest.raises(ValueError, match="a vessel cannot be read"):
        feature_row(LiveHistory(), vessel, DAY, CATALOGUE)


def test_an_organisation_is_one_whatever_kind_names_it() -> None:
    """A find on a shipment informs the lorry of the same haulier."""
    ledger = MemoryLedger()
    shipment = MovementDeclared(
        kind="shipment",
        movement="s",
        declared_at=0,
        entities=dict.fromkeys(("consignee_eori", "declarant_eori"), f"organisation:{0:032x}"),
    )
    find = msgspec.structs.replace(outcome_event(0).payload, kind="shipment", movement="s")
    payloads: tuple[Payload, ...] = (shipment, find)
    for position, payload in enumerate(payloads, start=1):
        ledger.add(recorded(position, payload, available_at=position * DAY))
    history = LiveHistory()
    history.follow(ledger)
    row = feature_row(history, ASKED, 3 * DAY, CATALOGUE)
    values = dict(zip(CATALOGUE.names, row.tolist(), strict=True))
    assert values["haulier.movements"] == 1.0  # once, although two fields name it
    assert values["haulier.finds"] == 1.0
    assert values["haulier.days_since_last_find"] == 1.0
    assert np.isnan(values["consignor.finds"])


def add(ledger: MemoryLedger, number: int, available_at: int) -> None:
    payload = movement_event(7 * number).payload
    ledger.add(recorded(ledger.last_position() + 1, payload, available_at))


def recorded(position: int, payload: Payload, available_at: int) -> Recorded:
    """A live event, of whatever time."""
    return Recorded(
        position=position,
        source="api",
        event_id=str(position),
        occurred_at=0,
        available_at=available_at,
        backfill=False,
        payload=payload,
    )
