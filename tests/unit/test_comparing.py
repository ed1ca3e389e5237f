"""Recorded against recomputed, by hand: nothing that differs in a bit passes for the same."""

import math

import numpy as np
from msgspec.structs import replace

from serving.comparing import Difference, answer_differences, row_differences
from serving.wire import AssessmentMessage, Reason, encode

NAMES = ("mass", "haulier.finds", "haulier.movements")
ANSWER = AssessmentMessage(
    score_id="s",
    kind="vehicle",
    movement_ref=None,
    movement_version=1,
    status="scored",
    degraded_reasons=(),
    probability=0.25,
    similar_past_examinations=None,
    band="medium",
    reasons=(Reason(group="haulier", effect="raises", contribution=0.5, sentence="two finds"),),
    model=None,
    as_of="2026-03-01T00:00:00Z",
    ledger_position=7,
    simulated=True,
)


def row(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(values, dtype=np.float64)


def test_missing_is_the_same_as_missing() -> None:
    before = row(math.nan, 1.0, 0.0)
    assert row_differences(NAMES, before, before.copy()) == []


def test_one_bit_is_a_difference_and_so_is_a_sign_of_nothing() -> None:
    before = row(1.0, 2.0, 0.0)
    after = row(math.nextafter(1.0, 2.0), 2.0, -0.0)
    first, second = row_differences(NAMES, before, after)
    assert str(first) == (
        "mass: recorded 1.0 (3ff0000000000000), recomputed 1.0000000000000002 (3ff0000000000001)"
    )
    assert (second.name, math.copysign(1, second.recomputed)) == ("haulier.movements", -1)


def test_a_row_of_another_length_is_told_apart() -> None:
    (only,) = row_differences(NAMES, row(1.0, 2.0), row(1.0, 2.0, 3.0))
    assert only == Difference("number of features", 2, 3)


def test_an_answer_differs_down_to_the_member() -> None:
    (reason,) = ANSWER.reasons
    other = replace(ANSWER, reasons=(replace(reason, contribution=0.75),))
    assert answer_differences(encode(ANSWER), ANSWER) == []
    (only,) = answer_differences(encode(ANSWER), other)
    assert only == Difference("reasons/0/contribution", 0.5, 0.75)
    fewer = answer_differences(encode(ANSWER), replace(ANSWER, reasons=()))
    assert fewer == [Difference("number of reasons", 1, 0)]


def test_what_the_recorded_answer_could_not_say_yet_is_not_compared() -> None:
    older = encode(ANSWER).replace(b'"interval":null,', b"")
    assert len(older) < len(encode(ANSWER))
    later = replace(ANSWER, threats=())
    assert answer_differences(older, later) == []
