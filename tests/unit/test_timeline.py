"""The current view as columns, from a real ledger."""

import numpy as np
import pytest
from msgspec.structs import replace

from features.ledger import Event, Ledger, MovementDeclared, OutcomeRecorded, Payload
from features.timeline import load_timeline

DAY = 86_400_000_000


def event(name: str, day: int, payload: Payload, source: str = "file") -> Event:
    return Event(
        source=source, event_id=name, occurred_at=0, available_at=day * DAY, payload=payload
    )


def version(number: int, mass: float, kind: str = "vehicle") -> MovementDeclared:
    return MovementDeclared(
        kind=kind,
        movement="m",
        version=number,
        declared_at=number,
        fields={"gross_mass_kg": mass},
        attributes={"mixed": 1.0 if number == 1 else "A", "plain": 2.0},
    )


def outcome(examined_day: int, result: str, movement: str = "m") -> OutcomeRecorded:
    return OutcomeRecorded(
        kind="vehicle", movement=movement, examined_at=examined_day * DAY, outcome=result
    )


def test_the_highest_version_and_the_latest_examination_stand(ledger: Ledger) -> None:
    ledger.backfill(
        [
            event("a", 3, version(2, 20.0)),
            event("b", 5, version(1, 10.0)),  # arrives late: version 2 stands all the same
            event("c", 9, outcome(8, "positive")),
            event("d", 12, outcome(7, "negative")),  # known later, examined earlier
            event("e", 4, outcome(4, "negative", movement="unknown")),
        ]
    )
    timeline = load_timeline(ledger, available_before=20 * DAY)
    (movement,) = timeline.movements.to_dict("records")
    assert movement["payload"] == version(2, 20.0)
    assert (movement["version"], movement["available_at"], movement["position"]) == (2, 3 * DAY, 1)
    assert movement["simulated"] is False
    (stands,) = timeline.outcomes.to_dict("records")
    assert (stands["outcome"], stands["available_at"], stands["position"]) == (
        "positive",
        9 * DAY,
        3,
    )


def test_what_a_find_does_not_say_is_missing(ledger: Ledger) -> None:
    said = replace(outcome(8, "positive"), threat="cash", concealment="tank")
    ledger.backfill(
        [
            event("a", 1, version(1, 10.0)),
            event("b", 1, replace(version(1, 10.0), movement="n")),
            event("c", 9, said),
            event("d", 10, outcome(8, "positive", movement="n")),
        ]
    )
    outcomes = load_timeline(ledger, available_before=20 * DAY).outcomes
    assert outcomes["threat"].tolist() == ["cash", None]
    assert outcomes["concealment"].tolist() == ["tank", None]


def test_what_is_available_at_the_limit_is_not_seen(ledger: Ledger) -> None:
    ledger.backfill([event("a", 3, version(1, 10.0)), event("b", 5, version(2, 20.0))])
    timeline = load_timeline(ledger, available_before=5 * DAY)
    assert timeline.movements["version"].tolist() == [1]
    assert load_timeline(ledger, available_before=3 * DAY).movements.empty


def test_an_earlier_timeline_is_what_the_ledger_would_have_given_then(ledger: Ledger) -> None:
    ledger.backfill(
        [
            event("a", 3, version(1, 10.0)),
            event("b", 5, version(2, 20.0)),
            event("c", 9, outcome(8, "positive")),
            event("d", 12, outcome(9, "negative")),
        ]
    )
    whole = load_timeline(ledger, available_before=20 * DAY)
    for day in (3, 4, 5, 6, 9, 10, 12, 13, 20):
        then, expected = whole.before(day * DAY), load_timeline(ledger, available_before=day * DAY)
        assert then.available_before == day * DAY
        assert then.movements.equals(expected.movements)
        assert then.outcomes.equals(expected.outcomes)
        for one, other in zip(then.entries, expected.entries, strict=True):
            assert np.array_equal(one, other)
    with pytest.raises(ValueError, match="is later than"):
        whole.before(21 * DAY)


def test_kinds_attributes_and_sources(ledger: Ledger) -> None:
    ledger.backfill(
        [
            event("a", 1, version(1, 10.0), source="simulation"),
            event("b", 2, version(2, 10.0), source="simulation"),
            event("c", 3, version(1, 10.0, kind="shipment")),
        ]
    )
    timeline = load_timeline(ledger, available_before=9 * DAY)
    assert timeline.of_kind("vehicle")["simulated"].tolist() == [True]
    assert timeline.of_kind("shipment")["simulated"].tolist() == [False]
    assert timeline.of_kind("vessel").empty
    assert timeline.attributes("vehicle") == {"mixed": "code", "plain": "number"}
    assert timeline.attributes("shipment") == {"mixed": "number", "plain": "number"}


def test_an_empty_ledger_has_all_columns(ledger: Ledger) -> None:
    timeline = load_timeline(ledger, available_before=DAY)
    assert {"movement", "kind", "payload", "simulated"} <= set(timeline.movements.columns)
    assert {"movement", "outcome", "threat", "concealment", "position"} <= set(
        timeline.outcomes.columns
    )
    assert timeline.attributes("vehicle") == {}


def test_versions_are_found_by_their_kind_and_some_of_them(ledger: Ledger) -> None:
    ledger.backfill(
        [
            event("a", 1, version(1, 10.0)),
            event("b", 2, version(1, 20.0, kind="shipment")),
            event("c", 3, version(2, 30.0)),
        ]
    )
    by_kind = load_timeline(ledger, available_before=4 * DAY).versions_by_kind
    assert {kind: its.at.tolist() for kind, its in by_kind.items()} == {
        "vehicle": [0, 2],
        "vessel": [],
        "shipment": [1],
    }
    second = by_kind["vehicle"].only(np.array([False, True, True]))
    assert second.at.tolist() == [2]
    assert second.payloads == [version(2, 30.0)]
