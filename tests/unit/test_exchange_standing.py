"""What stands of what a partner said, by hand."""

from typing import Any

from features.clock import from_micros
from serving.exchange.messages import (
    AlertTold,
    AlertWithdrawn,
    AssessmentTold,
    CancellationTold,
    MovementTold,
    OutcomeTold,
)
from serving.exchange.standing import Subject, Told, standing_of
from tests.exchanges import NOW

AT = from_micros(NOW)


def stands(*messages: Any) -> Subject:
    """In the order of the partner's sequence."""
    numbered = [Told(f"{at:016d}", f"{at}", message) for at, message in enumerate(messages)]
    assert standing_of(reversed(numbered)) == standing_of(numbered)
    return standing_of(numbered)


def version(number: int, **entities: str) -> MovementTold:
    return MovementTold(
        kind="vehicle", version=number, declared_at=AT, entities=entities, fields={}
    )


def outcome(message: str, result: Any, corrects: str | None = None, **entities: str) -> OutcomeTold:
    return OutcomeTold(
        kind="vehicle",
        message=message,
        corrects=corrects,
        examined_at=AT,
        outcome=result,
        thoroughness="full",
        entities=entities,
    )


def assessment(number: int, band: Any, later: int = 0) -> AssessmentTold:
    return AssessmentTold(
        kind="vehicle",
        version=number,
        as_of=from_micros(NOW + later),
        band=band,
        status="scored",
        entities={},
    )


def test_the_highest_version_stands_unless_it_is_cancelled() -> None:
    cancelled = CancellationTold(kind="vehicle", cancelled_at=AT, up_to_version=2)
    assert stands(version(2), version(1)).movement == version(2)
    assert stands(version(2), cancelled).movement is None
    assert stands(version(2), cancelled, version(3)).movement == version(3)


def test_an_outcome_that_is_corrected_is_dead_whichever_came_first() -> None:
    wrong, right = outcome("m1", "positive"), outcome("m2", "negative", corrects="m1")
    assert stands(wrong, right).outcome == right
    assert stands(right, wrong).outcome == right
    taken_back = outcome("m3", "withdrawn", corrects="m1")
    assert stands(wrong, taken_back).outcome == taken_back


def test_an_outcome_stands_without_its_movement() -> None:
    assert stands(outcome("m1", "positive")).outcome is not None
    cancelled = CancellationTold(kind="vehicle", cancelled_at=AT, up_to_version=9)
    assert stands(outcome("m1", "positive"), cancelled).outcome is not None


def test_of_one_outcome_by_two_ways_the_first_of_the_sequence_stands() -> None:
    one = outcome("m1", "positive", haulier_eori="a1" * 16)
    same = outcome("m1", "positive", haulier_eori="a2" * 16)
    assert stands(one, same).outcome == one


def test_the_last_assessment_of_the_highest_version_stands() -> None:
    found = stands(assessment(1, "high"), assessment(2, "low"), assessment(1, "medium", later=5))
    assert found.assessment == assessment(2, "low")
    again = stands(assessment(1, "high"), assessment(1, "low", later=5))
    assert again.assessment == assessment(1, "low", later=5)


def test_an_alert_that_is_withdrawn_does_not_come_back() -> None:
    alert = AlertTold(entities={}, reason="seen", starts=AT, expires=AT)
    ended = AlertWithdrawn(withdrawn_at=AT)
    assert stands(alert).alert == alert
    assert stands(alert, ended).alert is None
    assert stands(ended, alert).alert is None
