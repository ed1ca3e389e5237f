"""Paired measures of two models, against rows that are repeated by hand."""

import numpy as np
import pytest

from models.metrics import calibration_error
from models.paired import (
    DayDraws,
    Paired,
    calibration_interval,
    corrected_interval,
    draw_days,
    log_losses,
    paired_measures,
)

RNG = np.random.default_rng(3)
N = 600
DAYS = np.sort(RNG.integers(0, 40, N))
TRUE = RNG.uniform(0.02, 0.6, N)
LABELS = (RNG.random(N) < TRUE).astype(np.float64)
BLURRED = np.clip(TRUE + RNG.normal(0, 0.3, N), 0.01, 0.99)


def test_a_day_that_is_drawn_twice_counts_its_rows_twice() -> None:
    days = np.array([7, 7, 9])
    draws = DayDraws(np.unique(days, return_inverse=True)[1], np.array([[2.0, 0.0], [1.0, 1.0]]))
    values = np.array([1.0, 2.0, 30.0])
    assert draws.sums(values).tolist() == [6.0, 33.0]
    assert draws.means(values).tolist() == [1.5, 11.0]


def test_drawing_every_day_once_gives_the_calibration_error_itself() -> None:
    day_of_row = np.unique(DAYS, return_inverse=True)[1]
    once = DayDraws(day_of_row, np.ones((1, day_of_row.max() + 1)))
    (found,) = once.calibration_errors(TRUE, LABELS)
    assert found == pytest.approx(calibration_error(TRUE, LABELS), abs=1e-12)


def test_each_draw_holds_as_many_days_as_there_are() -> None:
    draws = draw_days(DAYS, resamples=50)
    assert draws is not None
    assert (draws.times.sum(axis=1) == len(np.unique(DAYS))).all()
    assert draw_days(np.arange(9)) is None, "too few days"


def test_the_true_probabilities_are_better_than_blurred_ones() -> None:
    precision, auc, loss, error = paired_measures(BLURRED, TRUE, LABELS, DAYS, share=0.05)
    assert [one.measure for one in (precision, auc, loss, error)] == [
        "precision at 5%",
        "ROC AUC",
        "log loss",
        "calibration error",
    ]
    assert (auc.says, loss.says, error.says) == ("better", "better", "better")
    back = paired_measures(TRUE, BLURRED, LABELS, DAYS, share=0.05)
    assert [one.says for one in back[1:]] == ["worse", "worse", "worse"]
    assert loss.difference == pytest.approx(
        float((log_losses(TRUE, LABELS) - log_losses(BLURRED, LABELS)).mean())
    )


def test_a_model_is_not_told_apart_from_itself() -> None:
    for one in paired_measures(TRUE, TRUE, LABELS, DAYS, share=0.05):
        assert (one.difference, one.interval, one.says) == (0.0, (0.0, 0.0), "not told apart")


def test_few_days_or_one_class_give_no_interval() -> None:
    for one in paired_measures(TRUE, BLURRED, LABELS, DAYS % 5, share=0.05):
        assert one.interval is None
        assert one.says == "not told apart"
    assert paired_measures(TRUE, BLURRED, np.zeros(N), DAYS, share=0.05)[1].difference is None


@pytest.mark.parametrize(
    ("better", "interval", "says"),
    [
        ("higher", (0.01, 0.2), "better"),
        ("higher", (-0.2, -0.01), "worse"),
        ("lower", (0.01, 0.2), "worse"),
        ("lower", (-0.2, -0.01), "better"),
        ("lower", (-0.2, 0.01), "not told apart"),
    ],
)
def test_what_is_said_follows_the_interval(
    better: str, interval: tuple[float, float], says: str
) -> None:
    paired = Paired(
        measure="m",
        better="lower" if better == "lower" else "higher",
        first=0.0,
        second=0.0,
        difference=0.0,
        interval=interval,
    )
    assert paired.says == says


def test_what_chance_adds_to_a_calibration_error_is_taken_back() -> None:
    assert corrected_interval(0.10, np.linspace(0.10, 0.16, 400)) == pytest.approx(
        (0.0415, 0.0985), abs=1e-3
    )
    honest = calibration_interval(TRUE, LABELS, DAYS)
    shifted = calibration_interval(np.clip(TRUE + 0.2, 0, 1), LABELS, DAYS)
    assert honest is not None
    assert shifted is not None
    assert honest[0] < 0.05
    assert shifted[0] > 0.1
