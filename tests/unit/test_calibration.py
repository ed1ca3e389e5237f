"""From margins to probabilities, worked out by hand."""

import math
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, logit

from models.calibration import (
    FEWEST_OF_A_CLASS,
    FITTERS,
    LEAST_SLOPE,
    Beta,
    Calibration,
    Isotonic,
    Platt,
    choose_calibration,
    fit_beta,
    fit_isotonic,
    fit_platt,
)
from models.calibration.isotonic import IMAGINED_ROWS

BY_HAND: list[Calibration] = [
    Platt(slope=0.7, intercept=-1.0),
    Beta(a=0.6, b=2.5, c=-0.2),
    Beta(a=LEAST_SLOPE, b=3.0, c=1.0),
    Isotonic(margins=(-2.0, -0.5, 1.25), log_odds=(-3.0, -2.9, 0.4)),
    Isotonic(margins=(0.3,), log_odds=(-1.7,)),
]


def drawn(rows: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Margins, and labels whose log-odds are twice as steep above a margin of 0 as below it."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(-1.0, 1.5, rows)
    true_log_odds = np.where(margins > 0.0, 2.0 * margins, margins) - 0.5
    return margins, (rng.random(rows) < expit(true_log_odds)).astype(np.float64)


def test_platt_by_hand() -> None:
    # 4 finds, 4 none: targets 5/6 and 1/6. One of four finds at margin 0: mean target
    # (5/6 + 3/6) / 4 = 1/3; three of four at margin 1: 2/3. Two margins, two weights: exact.
    margins = np.array([0.0] * 4 + [1.0] * 4)
    labels = np.array([1.0, 0, 0, 0, 1, 1, 1, 0])
    fitted = fit_platt(margins, labels)
    assert fitted.intercept == pytest.approx(-math.log(2), abs=1e-9)
    assert fitted.slope == pytest.approx(2 * math.log(2), abs=1e-9)
    assert fitted.probabilities(np.array([0.0, 1.0])) == pytest.approx([1 / 3, 2 / 3])


def test_a_model_that_ranks_backwards_is_not_turned_round() -> None:
    margins = np.linspace(-3, 3, 40)
    labels = (margins < 0).astype(np.float64)
    fitted = fit_platt(margins, labels)
    assert fitted.slope == LEAST_SLOPE
    assert fitted.probabilities(margins).mean() == pytest.approx(0.5, abs=1e-6)


def test_perfect_ranking_does_not_run_away() -> None:
    margins = np.concatenate([np.full(30, -8.0), np.full(10, 8.0)])
    labels = (margins > 0).astype(np.float64)
    fitted = fit_platt(margins, labels)
    assert fitted.probabilities(margins[-1:])[0] == pytest.approx(11 / 12)  # (10 + 1) / (10 + 2)
    assert fitted.probabilities(margins[:1])[0] == pytest.approx(1 / 32)


def test_the_slope_is_above_zero_by_construction() -> None:
    with pytest.raises(ValueError, match="slope must be above 0"):
        Platt(slope=0.0, intercept=1.0)


@given(
    st.lists(st.floats(-8, 8), min_size=2, max_size=30),
    st.floats(LEAST_SLOPE, 4),
    st.floats(-5, 5),
)
def test_a_higher_margin_is_never_a_lower_probability(
    margins: list[float], slope: float, intercept: float
) -> None:
    ordered = np.sort(np.array(margins))
    probabilities = Platt(slope=slope, intercept=intercept).probabilities(ordered)
    assert (np.diff(probabilities) >= 0).all()
    apart = np.diff(ordered) > 1e-6
    surely = (probabilities[1:] < 0.999) & (probabilities[:-1] > 1e-9)
    assert (np.diff(probabilities)[apart & surely] > 0).all()


@pytest.mark.parametrize("calibration", BY_HAND)
def test_one_row_gives_the_bits_of_many(calibration: Calibration) -> None:
    margins = np.random.default_rng(2).normal(0.0, 3.0, 300)
    together = calibration.probabilities(margins)
    alone = [calibration.probabilities(margins[at : at + 1])[0] for at in range(len(margins))]
    assert together.tolist() == alone


@pytest.mark.parametrize("calibration", BY_HAND)
@given(margins=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20))
def test_every_finite_margin_has_a_probability_and_none_falls(
    calibration: Calibration, margins: list[float]
) -> None:
    with np.errstate(over="ignore"):  # of margins near the end of the doubles
        probabilities = calibration.probabilities(np.sort(np.array(margins)))
    assert ((probabilities >= 0.0) & (probabilities <= 1.0)).all()
    assert (np.diff(probabilities) >= 0.0).all()


@pytest.mark.parametrize("calibration", BY_HAND)
def test_what_lies_apart_is_never_tied(calibration: Calibration) -> None:
    """The highest scores are what a capacity is spent on: they keep their order."""
    probabilities = calibration.probabilities(np.linspace(-8.0, 8.0, 2_001))
    assert (np.diff(probabilities) > 0.0).all()


@pytest.mark.parametrize("name", FITTERS)
def test_numbers_survive_json_bit_for_bit(name: str) -> None:
    margins, labels = drawn(2_000)
    fitted = FITTERS[name](margins, labels, None)
    text = msgspec.json.encode(fitted)
    read: Calibration = msgspec.json.decode(text, type=Calibration)
    assert read == fitted
    assert read.probabilities(margins).tobytes() == fitted.probabilities(margins).tobytes()


@pytest.mark.parametrize("name", FITTERS)
def test_the_mean_probability_is_the_find_rate(name: str) -> None:
    margins, labels = drawn(4_000)
    probabilities = FITTERS[name](margins, labels, None).probabilities(margins)
    assert probabilities.mean() == pytest.approx(labels.mean(), abs=0.003)


@pytest.mark.parametrize(
    "broken",
    [
        '{"type":"beta","a":0,"b":1,"c":0}',
        '{"type":"beta","a":1,"b":-1,"c":0}',
        '{"type":"isotonic","margins":[],"log_odds":[]}',
        '{"type":"isotonic","margins":[1,1],"log_odds":[1,2]}',
        '{"type":"isotonic","margins":[1,2],"log_odds":[2,1]}',
        '{"type":"isotonic","margins":[1,2],"log_odds":[2]}',
        '{"type":"step","margins":[1],"log_odds":[2]}',
    ],
)
def test_what_does_not_rise_is_refused(broken: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(broken, type=Calibration)


def test_beta_with_equal_slopes_is_platt() -> None:
    margins = np.linspace(-20, 20, 101)
    same = Beta(a=0.8, b=0.8, c=-1.3).probabilities(margins)
    assert same == pytest.approx(Platt(slope=0.8, intercept=-1.3).probabilities(margins))


def test_beta_by_hand() -> None:
    # s = 1/4: log s = -log 4, log(1 - s) = log 3/4; with a = 2, b = 1, c = 0 the odds are
    # s^2 / (1 - s) = (1/16) / (3/4) = 1/12
    quarter = np.array([math.log(1 / 3)])
    assert Beta(a=2.0, b=1.0, c=0.0).probabilities(quarter) == pytest.approx([1 / 13])


@pytest.mark.parametrize("seed", range(6))
def test_beta_is_the_most_likely_within_its_bounds(seed: int) -> None:
    """Against a general minimiser that knows nothing of Newton or of held slopes."""
    margins, labels = drawn(300, seed)
    if seed >= 3:
        labels = labels[::-1]  # no skill at all: bounds are reached
    finds = labels.sum()
    targets = np.where(labels == 1.0, (finds + 1) / (finds + 2), 1 / (300 - finds + 2))

    def loss(weights: np.ndarray) -> float:
        s = expit(margins)
        z = weights[0] * np.log(s) - weights[1] * np.log1p(-s) + weights[2]
        return float(np.sum(np.logaddexp(0.0, z) - targets * z))

    best = minimize(loss, [1.0, 1.0, 0.0], bounds=[(LEAST_SLOPE, None)] * 2 + [(None, None)])
    fitted = fit_beta(margins, labels)
    assert loss(np.array([fitted.a, fitted.b, fitted.c])) <= best.fun + 1e-6
    assert min(fitted.a, fitted.b) >= LEAST_SLOPE


def test_isotonic_by_hand() -> None:
    # three steps of 30 at margins 0, 1 and 2 with 0, 9 and 6 finds: the last two are one block.
    # Imagined rows: at what Platt's calibration says of each step's margin.
    margins = np.repeat([0.0, 1.0, 2.0], 30)
    labels = np.concatenate([np.arange(30) < finds for finds in (0, 9, 6)]).astype(np.float64)
    imagined = IMAGINED_ROWS * fit_platt(margins, labels).probabilities(np.array([0.0, 1.0, 2.0]))
    first, second = imagined[0] / 35, (15 + imagined[1] + imagined[2]) / 70
    fitted = fit_isotonic(margins, labels)
    assert fitted.margins == pytest.approx((0.0, 1.5))
    assert fitted.log_odds == pytest.approx((logit(first), logit(second)))
    halfway = fitted.probabilities(np.array([0.75]))
    assert halfway == pytest.approx(expit([(logit(first) + logit(second)) / 2]))
    assert 0.0 < first < 1 / 30, "0 of 30 is not never"


def test_isotonic_stays_level_where_the_slice_says_the_reverse() -> None:
    margins = np.linspace(-3, 3, 300)
    fitted = fit_isotonic(margins, (margins < 0).astype(np.float64))
    assert fitted.probabilities(margins) == pytest.approx(np.full(300, 0.5), abs=0.001)


def test_the_end_of_a_segment_is_not_above_the_next() -> None:
    # np.interp gives 0.6200000000000001 just below 0.87, which is on the log-odds 0.62
    fitted = Isotonic(margins=(-1.28, 0.87), log_odds=(-0.71, 0.62))
    below, at = fitted.probabilities(np.array([math.nextafter(0.87, 0.0), 0.87]))
    assert below <= at


@pytest.mark.parametrize("name", FITTERS)
def test_a_row_that_counts_twice_is_two_rows(name: str) -> None:
    margins, labels = drawn(1_200)
    twice = (labels == 1.0) & (np.arange(1_200) % 3 > 0)
    counts = np.where(twice, 2.0, 1.0)
    once = FITTERS[name](margins, labels, counts).probabilities(margins)
    if name == "isotonic":  # its steps are of equal rows, so that their edges would move
        expected = np.average(labels, weights=counts)
        assert np.average(once, weights=counts) == pytest.approx(expected, abs=0.003)
        assert expected > labels.mean() + 0.05
        return
    both = [np.concatenate([values, values[twice]]) for values in (margins, labels)]
    again = FITTERS[name](both[0], both[1], None).probabilities(margins)
    assert once == pytest.approx(again, abs=1e-9)


def test_isotonic_of_one_margin_is_one_step() -> None:
    fitted = fit_isotonic(np.zeros(90), (np.arange(90) % 3 == 0).astype(np.float64))
    assert fitted.margins == (0.0,)
    assert fitted.probabilities(np.array([0.0])) == pytest.approx([1 / 3], abs=1e-4)


def test_the_choice_is_the_lowest_held_out_loss() -> None:
    margins, labels = drawn(6_000)
    calibration, choice = choose_calibration(margins, labels)
    assert choice.rows == 6_000
    assert choice.finds == labels.sum()
    assert list(choice.log_losses) == ["platt", "beta", "isotonic"]
    assert choice.chosen == min(choice.log_losses, key=choice.log_losses.__getitem__)
    assert calibration == FITTERS[choice.chosen](margins, labels, None), (
        "refitted on the whole slice"
    )
    assert choice.log_losses["beta"] < choice.log_losses["platt"], "it is bent at 0"


def test_each_loss_is_on_rows_that_were_held_out() -> None:
    """Folds by hand: five stretches of time, each predicted from the other four."""
    margins, labels = drawn(1_000)
    total = 0.0
    for fold in range(5):
        held = slice(200 * fold, 200 * (fold + 1))
        rest = np.setdiff1d(np.arange(1_000), np.arange(1_000)[held])
        fitted = fit_platt(margins[rest], labels[rest])
        for margin, label in zip(margins[held], labels[held], strict=True):
            p = 1 / (1 + math.exp(-(fitted.slope * margin + fitted.intercept)))
            total -= math.log(p if label else 1 - p)
    _, choice = choose_calibration(margins, labels)
    assert choice.log_losses["platt"] == pytest.approx(total / 1_000)


def test_few_finds_give_no_choice() -> None:
    margins = np.linspace(-3, 3, 5_000)
    labels = (np.arange(5_000) >= 5_000 - (FEWEST_OF_A_CLASS - 1)).astype(np.float64)
    calibration, choice = choose_calibration(margins, labels)
    assert isinstance(calibration, Platt)
    assert (choice.chosen, choice.log_losses) == ("platt", {})


def test_a_tie_goes_to_the_simplest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["models.calibration.choice"], "_held_out_loss", lambda *_: 0.3)
    margins, labels = drawn(1_000)
    assert choose_calibration(margins, labels)[1].chosen == "platt"


def test_finds_of_one_stretch_of_time_alone_can_be_calibrated() -> None:
    margins, labels = np.linspace(-3, 3, 1_000), np.zeros(1_000)
    labels[-200:-10] = 1.0
    _, choice = choose_calibration(margins, labels)
    assert all(math.isfinite(loss) for loss in choice.log_losses.values())
