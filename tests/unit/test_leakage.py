"""Each check of leakage, on columns that leak and columns that do not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.alarms import NAMES, Alarm, acknowledged, alarms_in, listed
from models.leakage import (
    HIGHEST_AUC,
    Fit,
    feature_too_good,
    known_too_late,
    memorised_goods,
    of_delay,
    of_examined,
    targeting_field,
    train_test_gap,
)
from models.metrics import roc_auc

Floats = NDArray[np.float64]

ROWS = 1_000
RNG = np.random.default_rng(5)
LABELS: Floats = (RNG.random(ROWS) < 0.1).astype(np.float64)
HONEST: Floats = LABELS + RNG.normal(0.0, 1.0, ROWS)
"""Of ROC AUC 0.76."""
FINDS = LABELS == 1.0


def judged(column: Floats, *, memory: bool = False) -> Alarm:
    rows = np.column_stack([HONEST, column])
    return feature_too_good(("honest", "suspect"), (False, memory), rows, LABELS)


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(LABELS, id="the label"),
        pytest.param(1.0 - LABELS + RNG.normal(0.0, 0.1, ROWS), id="the label upside down"),
        pytest.param(np.where(FINDS, 3.0, np.nan), id="given for finds only"),
        pytest.param(np.where(FINDS, np.nan, RNG.random(ROWS)), id="blank for finds only"),
        pytest.param(
            (FINDS & (RNG.random(ROWS) < 0.7)).astype(np.float64), id="set on most of the finds"
        ),
    ],
)
def test_what_only_the_result_could_have_written_is_too_good(column: Floats) -> None:
    alarm = judged(column)
    assert alarm.failed
    assert "too good: suspect." in alarm.sentence


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(np.full(ROWS, np.nan), id="empty"),
        pytest.param(np.ones(ROWS), id="constant"),
        pytest.param(RNG.random(ROWS), id="chance"),
        pytest.param(HONEST + 0.5 * LABELS, id="honest and strong"),
    ],
)
def test_honest_columns_raise_no_alarm(column: Floats) -> None:
    alarm = judged(column)
    assert not alarm.failed, alarm.sentence


def test_what_a_memory_tells_of_half_of_the_finds_is_no_leak() -> None:
    """A ship once caught is caught again: its history may be that good, a declared field not."""
    half = (FINDS & (RNG.random(ROWS) < 0.7)).astype(np.float64)
    assert judged(half).failed
    assert not judged(half, memory=True).failed
    assert judged(LABELS, memory=True).failed


def test_too_few_finds_are_said_and_not_judged() -> None:
    few = np.zeros(ROWS)
    few[:9] = 1.0
    alarm = feature_too_good(("label",), (False,), few[:, None], few)
    assert not alarm.failed
    assert alarm.sentence == (
        "cannot be told from 9 finds in 1,000 rows; 10 of each class are needed"
    )


def test_chance_stays_far_below_the_limit() -> None:
    """140 columns of noise on ten finds: the luckiest of them is far from a leak."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        labels = np.zeros(150)
        labels[rng.choice(150, 10, replace=False)] = 1.0
        names = [f"noise {n}" for n in range(140)]
        alarm = feature_too_good(names, [False] * 140, rng.random((150, 140)), labels)
        assert not alarm.failed, (seed, alarm.sentence)


def test_the_variance_of_an_auc_is_that_of_resampled_scores() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([1.0, 0.0], [60, 600])
    drawn = [roc_auc(rng.normal(labels, 1.0), labels) for _ in range(400)]
    expected = float(np.std(np.array(drawn, dtype=np.float64)))
    assert np.sqrt(Fit(rng.normal(labels, 1.0), labels).variance_of_auc) == pytest.approx(
        expected, rel=0.2
    )
    assert Fit(labels, labels).variance_of_auc == 0.0


def test_rows_that_change_without_the_future_are_known_too_late() -> None:
    assert not known_too_late([], 600, {}).failed
    alarm = known_too_late(["haulier.finds"], 600, {})
    assert alarm.failed
    assert alarm.sentence == (
        "600 rows made again without what became known later differ in haulier.finds"
    )


def test_an_attribute_that_moves_with_the_delay_of_the_outcome_is_known_too_late() -> None:
    rng = np.random.default_rng(3)
    delay = rng.exponential(5.0, ROWS)
    blank = np.where(rng.random(ROWS) < 0.5, np.nan, delay)
    for column, failed in ((delay**2, True), (-blank, True), (rng.random(ROWS), False)):
        rho = of_delay(column, delay)
        assert rho is not None
        assert known_too_late([], 600, {"attribute.days": rho}).failed is failed
    assert of_delay(np.ones(ROWS), delay) is None
    assert of_delay(delay, np.full(ROWS, 14.0)) is None  # always two weeks: nothing to move with


def test_an_attribute_that_says_targeting_by_its_name_or_by_who_was_examined() -> None:
    rng = np.random.default_rng(4)
    examined = rng.random(ROWS) < 0.05
    lane = ["red" if it else "green" for it in examined]
    number = np.where(examined, 9.0, rng.random(ROWS)).tolist()
    filled = [f"note {at}" if it else None for at, it in enumerate(examined)]
    tax = rng.choice(["A", "B", "C"], ROWS).tolist()
    unique = [f"unique {at}" for at in range(ROWS)]
    found = {
        name: of_examined(values, examined)
        for name, values in (("lane", lane), ("n", number), ("tax", tax), ("unique", unique))
    }
    assert found["lane"] == found["n"] == 1.0
    assert 0.3 < (found["tax"] or 0.0) < 0.7
    assert found["unique"] == 0.5
    # given for the examined only: new every time, but never blank
    assert (of_examined(filled, examined) or 0.0) > 0.95
    assert of_examined(lane, np.ones(ROWS, dtype=bool)) is None
    told = {name: auc for name, auc in found.items() if auc is not None}
    assert targeting_field(list(told), [], told).sentence.endswith("the mapping: lane, n")
    assert not targeting_field(["tax"], [], {"tax": told["tax"]}).failed
    assert targeting_field(["inspection"], ["inspection"], {}).failed
    assert not targeting_field([], [], {}).failed


def fit(auc_shift: float, finds: int, rows: int, seed: int) -> Fit:
    labels = np.zeros(rows)
    labels[:finds] = 1.0
    return Fit(np.random.default_rng(seed).normal(auc_shift * labels, 1.0), labels)


def test_a_gap_must_be_beyond_chance_and_beyond_the_limit() -> None:
    wide = train_test_gap(fit(4.0, 200, 2_000, 1), fit(0.3, 60, 700, 2))
    assert wide.failed
    assert "on rows it was fitted on" in wide.sentence
    assert not train_test_gap(fit(1.5, 200, 2_000, 1), fit(1.2, 60, 700, 2)).failed
    # as wide, on eleven finds: it may be chance
    assert not memorised_goods(fit(1.5, 200, 2_000, 1), fit(0.8, 11, 90, 2), "goods").failed
    assert memorised_goods(fit(4.0, 200, 2_000, 1), fit(0.3, 60, 700, 2), "goods").failed
    assert not memorised_goods(fit(4.0, 200, 2_000, 1), fit(0.3, 9, 700, 2), "goods").failed


def test_acknowledgements_are_kept_beside_what_they_acknowledge() -> None:
    alarms = (judged(LABELS), train_test_gap(fit(1.0, 50, 500, 1), fit(1.0, 50, 500, 2)))
    reasons = {"feature_too_good": "a test", "train_test_gap": "not needed"}
    known = alarms_in(listed(acknowledged(alarms, reasons)))
    assert [alarm.blocks for alarm in known] == [False, False]
    assert [alarm.blocks for alarm in acknowledged(alarms, {})] == [True, False]
    assert known[0].in_words.startswith("feature_too_good: FAILED, acknowledged (a test): ")
    assert known[1].in_words.startswith(
        "train_test_gap: did not fail, although acknowledged (not needed): "
    )
    assert {alarm.name for alarm in known} <= set(NAMES)
    assert HIGHEST_AUC < 1.0
    with pytest.raises(KeyError):
        alarms_in({})
