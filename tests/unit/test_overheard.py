"""What matters for assessing again is passed on as it was applied, or not at all."""

import pytest
from msgspec.structs import replace

from features.ledger import MovementDeclared, Recorded
from serving.reassessing import overheard
from serving.reassessing.overheard import Overheard, Stretch
from tests.example_events import movement_event, outcome_event


def heard(position: int, *, outcome: bool = False, lists: bool = False) -> Recorded:
    event = outcome_event(position) if outcome else movement_event(position)
    payload = event.payload
    if lists and isinstance(payload, MovementDeclared):
        payload = replace(payload, references={"consignments": ("a",)})
    return Recorded(
        position=position,
        source="api",
        event_id=event.event_id,
        occurred_at=1,
        available_at=position,
        backfill=False,
        payload=payload,
    )


def test_only_what_calls_for_something_or_lists_consignments_is_kept() -> None:
    listening = Overheard()
    events = [heard(1), heard(2, outcome=True), heard(3, lists=True), heard(4)]
    listening.hear(0, events)
    assert listening.take(0, 4, 10) == Stretch(events[1:3], 4)
    assert listening.take(4, 4, 10) == Stretch([], 4)


def test_many_come_in_parts_and_each_once() -> None:
    listening = Overheard()
    events = [heard(position, outcome=True) for position in range(1, 6)]
    listening.hear(0, events)
    assert listening.take(0, 4, 3) == Stretch(events[:3], 3)
    assert listening.take(3, 4, 3) == Stretch(events[3:4], 4)
    assert listening.take(4, 5, 3) == Stretch(events[4:], 5)
    assert listening.take(0, 5, 3) is None  # begun again: they have to be read


def test_what_was_not_heard_has_to_be_read() -> None:
    listening = Overheard()
    listening.hear(7, [heard(8, outcome=True)])
    assert listening.take(6, 8, 10) is None
    assert listening.take(7, 9, 10) is None
    listening.hear(10, [heard(11)])  # history was rebuilt meanwhile
    assert listening.take(7, 11, 10) is None
    assert listening.take(10, 11, 10) == Stretch([], 11)


def test_more_than_it_keeps_has_to_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overheard, "MOST_KEPT", 2)
    listening = Overheard()
    listening.hear(0, [heard(position, outcome=True) for position in (1, 2, 3)])
    listening.hear(3, [heard(4, outcome=True)])
    assert listening.take(0, 4, 10) is None
    assert listening.take(3, 4, 10) == Stretch([heard(4, outcome=True)], 4)


def test_a_worker_without_the_turn_keeps_nothing() -> None:
    listening = Overheard()
    listening.hear(0, [heard(1, outcome=True)])
    listening.forget(1)
    assert listening.take(0, 1, 10) is None
    listening.hear(1, [heard(2, outcome=True)])
    assert listening.take(1, 2, 10) == Stretch([heard(2, outcome=True)], 2)
