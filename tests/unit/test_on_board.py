"""Which consignments are on board, worked by hand, live and from a timeline alike."""

import pytest

from features.history.carriage import NOTHING_ON_BOARD, OnBoard
from features.history.on_board import live_on_board, on_board
from features.history.online import LiveHistory
from features.ledger.events import MovementDeclared, Payload
from features.timeline import load_timeline
from tests.memory_ledger import MemoryLedger
from tests.unit.test_aboard import DAY, NOW, called_off, lorry, outcome, shipment


def found(asked: MovementDeclared, *happened: tuple[int, Payload]) -> OnBoard:
    """At NOW; days and payloads of what was heard."""
    ledger, history = MemoryLedger(), LiveHistory(clock=lambda: NOW)
    for day, payload in happened:
        ledger.hear(payload, day * DAY)
    history.follow(ledger)
    live = live_on_board(history, asked, NOW)
    assert live == on_board(load_timeline(ledger, available_before=NOW), asked, NOW)
    return live


def of(declared: str = "", announced: str = "") -> OnBoard:
    return OnBoard(frozenset(declared.split()), frozenset(announced.split()))


def test_both_ways_are_joined_and_each_consignment_is_there_once() -> None:
    told = [(1, shipment("a", carrier="lorry")), (1, shipment("b")), (1, shipment("c"))]
    assert found(lorry("a", "b", "z"), *told) == of("a b", "z")


def test_what_is_cancelled_or_went_to_another_carrier_is_not_on_board() -> None:
    told: list[tuple[int, Payload]] = [
        (1, shipment("a", carrier="lorry")),
        (1, shipment("b", carrier="lorry")),
        (1, shipment("c")),
        (2, called_off("a")),
        (2, shipment("b", carrier="another", version=2)),
        (2, called_off("c")),
    ]
    assert found(lorry("c"), *told) == NOTHING_ON_BOARD


def test_an_outcome_alone_declares_nothing() -> None:
    assert found(lorry("a"), (1, outcome("a", "positive"))) == of("", "a")


def test_what_became_known_at_the_instant_itself_is_not_seen() -> None:
    assert found(lorry(), (100, shipment("a", carrier="lorry"))) == NOTHING_ON_BOARD


@pytest.mark.parametrize("kind", ["shipment", "vehicle"])
def test_nothing_is_carried_by_a_shipment_nor_is_a_carrier_on_board(kind: str) -> None:
    """So carriage has no loop, whatever a record says of itself."""
    strange = MovementDeclared(
        kind=kind,
        movement="a",
        declared_at=0,
        references={"carried_by": ("lorry",), "consignments": ("lorry",)},
    )
    told = [(1, strange), (1, lorry("a"))]
    on_it = found(strange, *told)
    assert on_it == (of("", "lorry") if kind == "vehicle" else NOTHING_ON_BOARD)
    assert found(lorry(), *told) == (of("a") if kind == "shipment" else NOTHING_ON_BOARD)
