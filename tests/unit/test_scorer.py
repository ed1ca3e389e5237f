"""What an assessment says, and above all what it never says."""

import math
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

import serving.scorer
from features.clock import MICROS_PER_DAY
from models.bands import Thresholds
from models.bundle import Bundle
from models.proportions import wilson_interval
from serving.scorer import assess, history_problem
from serving.vocabulary import HISTORY_MAX_AGE_DAYS, Explain

ROW = np.array([1.0, math.nan])
SHARES = np.array([0.05, 0.05, 0.2, 0.05, 0.4, 0.05, 0.05, 0.05, 0.05, 0.05])


def bundle_saying(probability: float) -> Bundle:
    """Stands for a bundle: one probability for every row, thresholds at 0.5 and 0.2."""
    fake: Any = SimpleNamespace(
        thresholds=Thresholds(high=0.5, medium=0.2),
        probabilities=lambda rows: np.full(len(rows), probability),
        similar=lambda _: (34, 112),
        threats=lambda rows: np.tile(SHARES, (len(rows), 1)),
    )
    return cast(Bundle, fake)


@pytest.fixture(autouse=True)
def one_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def reasons_for(bundle: Bundle, row: Any, *, limit: int) -> list[str]:  # noqa: ARG001
        return ["a reason"]

    monkeypatch.setattr(serving.scorer, "reasons_for", reasons_for)


@pytest.mark.parametrize(
    ("probability", "band"),
    [(0.9, "high"), (0.5, "high"), (0.3, "medium"), (0.1, "low"), (0.0, "low")],
)
def test_a_whole_answer(probability: float, band: str) -> None:
    assessment = assess(bundle_saying(probability), ROW)
    assert assessment.status == "scored"
    assert assessment.probability == probability
    assert assessment.band == band
    assert assessment.similar == (34, 112)
    low, high = wilson_interval(34, 112)
    assert assessment.interval == (min(low, probability), max(high, probability))


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.1999, 0.2, 0.5, 1.0])
def test_degraded_is_never_low(probability: float) -> None:
    why = ("history_stale: newest vehicle outcome is from long ago",)
    assessment = assess(bundle_saying(probability), ROW, degraded=why)
    assert assessment.status == "degraded"
    assert assessment.degraded == why
    assert assessment.band == ("high" if probability >= 0.5 else "medium")


def test_without_a_model_nothing_is_assessed() -> None:
    why = ("no_model: no vessel model is promoted",)
    assessment = assess(None, None, degraded=why, explain="always")
    assert assessment == ("unassessed", why, None, None, None, "unassessed", (), ())


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_model_that_gives_no_number_is_not_believed(broken: float) -> None:
    assessment = assess(bundle_saying(broken), ROW)
    assert (assessment.status, assessment.band) == ("unassessed", "unassessed")
    assert assessment.probability is None
    assert assessment.degraded[0].startswith("model_failed: ")


@pytest.mark.parametrize(
    ("explain", "probability", "explained"),
    [
        ("referred", 0.9, True),
        ("referred", 0.3, True),
        ("referred", 0.1, False),
        ("always", 0.1, True),
        ("never", 0.9, False),
    ],
)
def test_reasons_are_given_as_asked(explain: Explain, probability: float, explained: bool) -> None:
    assessment = assess(bundle_saying(probability), ROW, explain=explain)
    assert bool(assessment.reasons) is explained
    assert bool(assessment.threats) is explained


def test_the_likeliest_threats_come_first_and_are_three() -> None:
    found = assess(bundle_saying(0.9), ROW).threats
    assert found == (("cash", 0.4), ("tobacco_alcohol", 0.2), ("class_a_drugs", 0.05))


def test_what_degraded_made_medium_is_explained_too() -> None:
    assert assess(bundle_saying(0.1), ROW, degraded=("x: y",)).reasons


def test_history_is_stale_after_its_last_allowed_day() -> None:
    newest = 7 * MICROS_PER_DAY
    limit = newest + HISTORY_MAX_AGE_DAYS * MICROS_PER_DAY
    assert history_problem("vehicle", newest, limit) is None
    said = history_problem("vehicle", newest, limit + 1)
    assert said is not None
    assert said.startswith("history_stale: newest vehicle outcome is from 1970-01-08T00:00:00Z")
    missing = history_problem("vehicle", None, limit)
    assert missing is not None
    assert missing.startswith("history_missing: ")
