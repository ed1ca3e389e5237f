"""Which outcomes may be learned from: the edges of every rule."""

import pytest

from features.ledger import MovementDeclared, OutcomeRecorded, Payload, Recorded
from features.timeline import Timeline, timeline_of
from training.labels import NoLabels, matured_labels

DAY = 86_400_000_000
UNTIL = 100 * DAY


def timeline(*events: tuple[int, Payload], simulated: bool = False) -> Timeline:
    """Of (available_at, payload)."""
    recorded = [
        Recorded(
            position=at,
            source="simulation" if simulated else "file",
            event_id=str(at),
            occurred_at=0,
            available_at=available_at,
            backfill=True,
            payload=payload,
        )
        for at, (available_at, payload) in enumerate(events, start=1)
    ]
    return timeline_of(sorted(recorded, key=lambda e: (e.available_at, e.position)), UNTIL)


def lorry(name: str, version: int = 1, mass: float = 1.0) -> MovementDeclared:
    fields: dict[str, bool | int | float | str] = {"gross_mass_kg": mass}
    return MovementDeclared(
        kind="vehicle", movement=name, version=version, declared_at=0, fields=fields
    )


def outcome(name: str, result: str, examined_at: int = 50 * DAY) -> OutcomeRecorded:
    return OutcomeRecorded(kind="vehicle", movement=name, examined_at=examined_at, outcome=result)


def names(found: Timeline, maturity_days: int = 30) -> list[str]:
    labelled = matured_labels(found, "vehicle", until=UNTIL, maturity_days=maturity_days)
    return [movement.movement for movement in labelled.movements]


def test_only_positive_and_negative_are_labels() -> None:
    results = ["positive", "negative", "no_show", "missed", "insufficient_resources", "withdrawn"]
    events = [(DAY, lorry(result)) for result in [*results, "unexamined"]]
    outcomes = [(60 * DAY, outcome(result, result)) for result in results]
    labelled = matured_labels(
        timeline(*events, *outcomes), "vehicle", until=UNTIL, maturity_days=30
    )
    assert [movement.movement for movement in labelled.movements] == ["positive", "negative"]
    assert labelled.labels.tolist() == [1.0, 0.0]
    assert labelled.known_at.tolist() == [60 * DAY] * 2


def test_maturity_ends_just_before_its_edge() -> None:
    # until day 100, maturity 30 days -> examined before day 70
    found = timeline(
        (DAY, lorry("before")),
        (DAY, lorry("at")),
        (71 * DAY, outcome("before", "negative", 70 * DAY - 1)),
        (71 * DAY, outcome("at", "negative", 70 * DAY)),
    )
    assert names(found) == ["before"]
    assert names(found, maturity_days=29) == ["before", "at"]


def test_an_outcome_that_was_corrected_counts_as_it_stands() -> None:
    found = timeline(
        (DAY, lorry("a")),
        (DAY, lorry("b")),
        (51 * DAY, outcome("a", "positive")),
        (51 * DAY, outcome("b", "negative")),
        (60 * DAY, outcome("a", "withdrawn", 51 * DAY)),
    )
    assert names(found) == ["b"]


def test_a_row_is_the_movement_as_first_declared() -> None:
    found = timeline(
        (2 * DAY, lorry("a", version=1, mass=1.0)),
        (70 * DAY, lorry("a", version=2, mass=9.0)),
        (60 * DAY, outcome("a", "positive")),
    )
    labelled = matured_labels(found, "vehicle", until=UNTIL, maturity_days=30)
    assert labelled.as_of.tolist() == [2 * DAY]
    assert labelled.movements[0].fields == {"gross_mass_kg": 1.0}


def test_rows_are_in_order_of_time_whatever_the_order_of_outcomes() -> None:
    found = timeline(
        (3 * DAY, lorry("late")),
        (2 * DAY, lorry("early")),
        (60 * DAY, outcome("late", "positive")),
        (61 * DAY, outcome("early", "negative")),
    )
    assert names(found) == ["early", "late"]


@pytest.mark.parametrize("simulated", [False, True])
def test_simulated_rows_are_known_to_be(simulated: bool) -> None:
    found = timeline((DAY, lorry("a")), (60 * DAY, outcome("a", "positive")), simulated=simulated)
    labelled = matured_labels(found, "vehicle", until=UNTIL, maturity_days=30)
    assert labelled.simulated.tolist() == [simulated]


def test_no_movement_and_no_label_are_said_with_the_next_step() -> None:
    with pytest.raises(NoLabels, match=r"holds no vehicle movement .* foreland ingest"):
        names(timeline())
    with pytest.raises(NoLabels, match="of 0 outcomes"):
        names(timeline((DAY, lorry("a"))))
    missed = timeline((DAY, lorry("a")), (60 * DAY, outcome("a", "missed", 80 * DAY)))
    with pytest.raises(NoLabels, match="of 1 outcomes, 1 are not labels and 1 were examined"):
        names(missed)
